/** The review hook before real reviewers: slow, failing, away, denying, and too many comments at once. */
import { afterEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import type { VideoId } from "../core/interaction.ts";
import { listening, Receiver, signedBy } from "./receiver-kit.ts";
import { Review, reviewLimits, verdictIn } from "./review.ts";

const secret = "0123456789abcdef0123456789abcdef";
const deadlineMs = 200;
const receivers: Receiver[] = [];
afterEach(() => Promise.all(receivers.splice(0).map((receiver) => receiver.goAway())));

function bench(answer: ConstructorParameters<typeof Receiver>[0], fallback: "allow" | "deny" = "allow") {
  const reviewer = new Receiver(answer);
  receivers.push(reviewer);
  const clock = new VirtualClock();
  const metrics = createMetrics();
  const { log, lines } = listening();
  const secrets = () => [new TextEncoder().encode(secret)];
  const { url } = reviewer;
  const review = new Review({
    ...{ url, deadlineMs, fallback, node: "n1", metrics, log, fetch, clock, secrets, agent: "ovation/test" },
  });
  const draft = (text: string) => ({ video: "v" as VideoId, text, user: "Ann", key: "k", atMs: 7.5 });
  const begin = (text = "hi", viewer?: string) => review.comment(draft(text), viewer);
  /** The code of a refusal, "ok" for none. */
  const ask = async (text = "hi", viewer?: string) => (await begin(text, viewer))?.rejected ?? "ok";
  /** The same where no answer comes: once the reviewer has been asked, its time passes. */
  const askInVain = async (text = "hi") => {
    const before = reviewer.got.length;
    const asked = ask(text);
    await reviewer.until(({ got }) => got.length > before);
    clock.advance(deadlineMs);
    return asked;
  };
  const outcomes = async () => {
    const text = await metrics.registry.getSingleMetricAsString("ovation_reviews_total");
    return Object.fromEntries(
      [...text.matchAll(/outcome="(\w+)"\} (\d+)/g)].map(([, k, n]) => [k, Number(n)]),
    );
  };
  return { reviewer, clock, begin, ask, askInVain, outcomes, lines };
}

const says = (verdict: object) => () => Response.json(verdict);
const never = () => new Promise<Response>(() => {});

describe("a review", () => {
  test("lets pass, or denies with the reviewer's words, asking by a signed request", async () => {
    const { ask, begin, reviewer, outcomes } = bench((got) =>
      Response.json(
        got.body.includes("bad") ? { verdict: "deny", message: "mind the rules" } : { verdict: "allow" },
      ),
    );
    expect(await ask("good", "ann-1")).toBe("ok");
    expect(await begin("bad")).toEqual({ rejected: "review-denied", message: "mind the rules" });
    const [got] = reviewer.got;
    if (!got) throw new Error("not asked");
    expect(await signedBy(got, secret)).toEqual([true]);
    expect(JSON.parse(got.body)).toEqual({
      ...{
        type: "comment_review",
        node: "n1",
        video: "v",
        user: "Ann",
        viewer: "ann-1",
        text: "good",
        at: 8,
      },
    });
    expect(await outcomes()).toEqual({ allow: 1, deny: 1 });
  });

  const bad: [string, string, () => Response | Promise<Response>][] = [
    ["an error", "failed", () => new Response("{}", { status: 500 })],
    ["a redirect", "failed", () => Response.redirect("http://127.0.0.1:1/", 307)],
    ["a verdict with a wrong status", "failed", () => Response.json({ verdict: "allow" }, { status: 404 })],
    ["no JSON", "malformed", () => new Response("allow")],
    ["no verdict", "malformed", says({ allow: true })],
    ["another verdict", "malformed", says({ verdict: "maybe" })],
    ["a list", "malformed", says(["allow"])],
    ["nothing", "malformed", () => new Response(null, { status: 204 })],
    [
      "more than is read",
      "malformed",
      says({ verdict: "deny", more: "x".repeat(reviewLimits.verdictBytesMax) }),
    ],
    ["nothing in time", "late", never],
    [
      "a body that never ends",
      "late",
      () => new Response(new ReadableStream({ pull: () => new Promise<void>(() => {}) })),
    ],
  ];
  test.each(bad)("with %s is the fallback, counted as %s", async (_, outcome, answer) => {
    for (const [fallback, code] of [
      ["allow", "ok"],
      ["deny", "unavailable"],
    ] as const) {
      const { ask, askInVain, outcomes } = bench(answer, fallback);
      expect(await (outcome === "late" ? askInVain() : ask())).toBe(code);
      expect(await outcomes()).toEqual({ [outcome]: 1 });
    }
  });

  test("of nobody there is the fallback", async () => {
    const { ask, reviewer, outcomes } = bench(never, "deny");
    await reviewer.goAway();
    expect(await ask()).toBe("unavailable");
    expect(await outcomes()).toEqual({ away: 1 });
  });

  test("takes no longer than its deadline", async () => {
    const { begin, clock, reviewer } = bench(never);
    let settled = false;
    const asked = begin().then(() => {
      settled = true;
    });
    await reviewer.until(({ got }) => got.length === 1);
    clock.advance(deadlineMs - 2);
    await clock.run(1);
    expect(settled).toBe(false);
    clock.advance(1);
    await asked;
  });

  test("of too many at once is the fallback for those beyond", async () => {
    const { begin, askInVain, clock, outcomes } = bench(never);
    const held = Array.from({ length: reviewLimits.reviewsMax }, () => begin());
    expect(await begin()).toBeUndefined();
    expect(await outcomes()).toEqual({ busy: 1 });
    clock.advance(deadlineMs);
    await Promise.all(held);
    clock.advance(reviewLimits.breakMs);
    await askInVain();
    expect(await outcomes()).toEqual({ busy: 1, late: reviewLimits.reviewsMax + 1 });
  });
});

describe("the breaker", () => {
  test("opens after some silence in a row, lets one through after a while, and closes by it", async () => {
    const { ask, askInVain, begin, clock, reviewer, outcomes, lines } = bench(never);
    for (let n = 0; n < reviewLimits.breakAfter; n++) await askInVain("words that nobody should log");
    expect(reviewer.got.length).toBe(reviewLimits.breakAfter);
    // Nobody waits any more: no time passes for these.
    for (let n = 0; n < 100; n++) expect(await begin()).toBeUndefined();
    expect(reviewer.got.length).toBe(reviewLimits.breakAfter);
    expect(await outcomes()).toEqual({ late: reviewLimits.breakAfter, open: 100 });

    clock.advance(reviewLimits.breakMs);
    const probe = askInVain();
    expect(await begin()).toBeUndefined();
    await probe;
    expect(await outcomes()).toEqual({ late: reviewLimits.breakAfter + 1, open: 101 });
    expect(await begin()).toBeUndefined();
    expect(await outcomes()).toMatchObject({ open: 102 });

    clock.advance(reviewLimits.breakMs);
    reviewer.answer = says({ verdict: "deny" });
    expect([await ask(), await ask()]).toEqual(["review-denied", "review-denied"]);
    expect(lines.map((line) => JSON.parse(line).event)).toEqual([
      "the reviewer does not answer",
      "the reviewer answers again",
    ]);
    for (const word of ["secret", secret, "nobody should log"]) expect(lines.join("")).not.toContain(word);
  });

  test("stays closed while some answers come, and for bad answers in time", async () => {
    let n = 0;
    const every = reviewLimits.breakAfter;
    const { ask, askInVain, reviewer, outcomes } = bench(() =>
      ++n % every === 0 ? new Response(null, { status: 500 }) : never(),
    );
    for (let asked = 1; asked <= 3 * every; asked++) await (asked % every === 0 ? ask() : askInVain());
    expect(reviewer.got.length).toBe(3 * every);
    reviewer.answer = () => new Response(null, { status: 500 });
    for (let asked = 0; asked < 3 * every; asked++) await ask();
    expect((await outcomes()).open).toBeUndefined();
  });
});

describe("a verdict", () => {
  test("is one of two, and its message one line that can be shown", () => {
    const deny = (message: unknown) => verdictIn(JSON.stringify({ verdict: "deny", message }));
    const ours = { verdict: "deny", message: "this comment is not taken here" } as const;
    expect(deny("mind the rules")).toEqual({ verdict: "deny", message: "mind the rules" });
    for (const bad of [undefined, 7, "", "  ", "a\nb", "\u001b[31m", "x".repeat(201), "\ud800"]) {
      expect(deny(bad)).toEqual(ours);
    }
  });

  test("in anything at all is allow, deny or none, and never a throw", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const verdict = verdictIn(text);
        if (verdict) expect(JSON.parse(text).verdict).toBe(verdict.verdict);
      }),
      { numRuns: 2_000 },
    );
  });
});

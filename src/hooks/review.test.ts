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
  const from = (author: string) => review.comment(draft("hi"), undefined, author);
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
  return { reviewer, clock, begin, from, ask, askInVain, outcomes, lines };
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

  test("of too many at once waits for its turn, and is refused rather than passed unseen", async () => {
    let answer: (() => void)[] = [];
    const { begin, clock, outcomes, reviewer } = bench(
      () => new Promise((resolve) => answer.push(() => resolve(Response.json({ verdict: "allow" })))),
    );
    const { reviewsMax } = reviewLimits;
    const first = Array.from({ length: reviewsMax }, () => begin());
    await reviewer.until(({ got }) => got.length === reviewsMax);
    clock.advance(deadlineMs / 2);
    const second = Array.from({ length: 10 }, () => begin());
    const turns = answer.splice(0, 7);
    for (const one of turns) one();
    await reviewer.until(({ got }) => got.length === reviewsMax + 7);
    answer = answer.splice(-7);
    for (const one of answer.splice(0, 5)) one();
    expect(await Promise.all(first.slice(0, 7))).toEqual(Array(7).fill(undefined));
    expect(await Promise.all(second.slice(0, 5))).toEqual(Array(5).fill(undefined));
    // Of those behind, some were asked about with half of their time, some not at all: none passes.
    await reviewer.until(({ got }) => got.length === reviewsMax + 10);
    clock.advance(deadlineMs);
    expect(await Promise.all(second.slice(5))).toMatchObject(Array(5).fill({ rejected: "busy" }));
    await Promise.all(first);
    expect(await outcomes()).toEqual({ allow: 12, busy: 5, late: reviewsMax - 7 });
  });

  test("that no turn comes for in time is refused, and so is one that has no room to wait", async () => {
    const answer: (() => void)[] = [];
    const { begin, clock, outcomes, reviewer } = bench(
      () => new Promise((resolve) => answer.push(() => resolve(Response.json({ verdict: "allow" })))),
    );
    const { reviewsMax, waitingMax } = reviewLimits;
    const held = Array.from({ length: reviewsMax }, () => begin());
    await reviewer.until(({ got }) => got.length === reviewsMax);
    clock.advance(1);
    const waiting = Array.from({ length: waitingMax }, () => begin());
    expect(await begin()).toMatchObject({ rejected: "busy", retryAfterS: 1 });
    clock.advance(deadlineMs / 2);
    for (const one of answer) one();
    expect(await Promise.all(held)).toEqual(Array(reviewsMax).fill(undefined));
    await reviewer.until(({ got }) => got.length === 2 * reviewsMax);
    clock.advance(deadlineMs / 2);
    const codes = (await Promise.all(waiting)).map((refusal) => refusal?.rejected);
    expect(codes).toEqual(Array(waitingMax).fill("busy"));
    expect(await outcomes()).toEqual({ allow: reviewsMax, busy: waitingMax + 1 });
  });

  test("of one author are four at once, of others as before", async () => {
    const { clock, outcomes, reviewer, from } = bench(never);
    const four = Array.from({ length: reviewLimits.perAuthorMax }, () => from("address 1.2.3.4"));
    expect(await from("address 1.2.3.4")).toMatchObject({ rejected: "comment-rate" });
    const other = from("viewer ann");
    await reviewer.until(({ got }) => got.length === reviewLimits.perAuthorMax + 1);
    clock.advance(deadlineMs);
    await Promise.all([...four, other]);
    reviewer.answer = says({ verdict: "deny" });
    clock.advance(reviewLimits.breakMs);
    expect(await from("address 1.2.3.4")).toMatchObject({ rejected: "review-denied" });
    expect((await outcomes()).busy).toBe(1);
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

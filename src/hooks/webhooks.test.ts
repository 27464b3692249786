/** Webhooks to real servers: one that fails and returns, one that is slow, one that is away. */
import { afterEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import { seededPrng } from "../base/prng.ts";
import { type Happening, type HappeningType, happeningTypes } from "../core/happening.ts";
import type { VideoId } from "../core/interaction.ts";
import { outboxLimits } from "./outbox.ts";
import { listening, Receiver, signedBy } from "./receiver-kit.ts";
import { Webhooks } from "./webhooks.ts";

const secret = "0123456789abcdef0123456789abcdef";
const video = "v" as VideoId;
const receivers: Receiver[] = [];
afterEach(() => Promise.all(receivers.splice(0).map((receiver) => receiver.goAway())));

function receiver(answer?: ConstructorParameters<typeof Receiver>[0]): Receiver {
  const made = new Receiver(answer);
  receivers.push(made);
  return made;
}

function bench(urls: readonly string[], types: readonly HappeningType[] = happeningTypes) {
  const clock = new VirtualClock();
  const metrics = createMetrics();
  const { log, lines } = listening();
  let secrets = [secret];
  const webhooks = new Webhooks({
    ...{ urls, clock, metrics, log, fetch, node: "n1", region: "main", agent: "ovation/test" },
    types: new Set(types),
    milestones: [1000, 100],
    prng: { ...seededPrng(1), next: () => 1 },
    secrets: () => secrets.map((text) => new TextEncoder().encode(text)),
  });
  const say = (n: number) =>
    webhooks.tell({
      ...{ type: "comment_published", id: `comment_published:e-${n}`, video, comment: `e-${n}` },
      ...{ atMs: 1.75, user: "Ann", text: "words that nobody should log" },
    } as Happening);
  /** Moves time until `met`, at most ten times as fast as it is: sockets know only the real one. */
  const until = async (met: () => boolean) => {
    for (; !met(); await Bun.sleep(1)) clock.advance(10);
  };
  const rotate = (...texts: string[]) => {
    secrets = texts;
  };
  return { clock, metrics, webhooks, say, until, lines, rotate };
}

describe("webhooks", () => {
  test("tell each receiver what happened, signed, without what is undefined", async () => {
    const [one, two] = [receiver(), receiver()];
    const { webhooks, until, clock } = bench([one.url, two.url]);
    webhooks.tell({ type: "milestone", id: "m", video, atMs: 5, kind: undefined, mark: 100, total: 101 });
    webhooks.tell({ type: "milestone", id: "n", video, atMs: 5, kind: "heart", mark: 100, total: 101 });
    webhooks.tell({ type: "comment_removed", id: "r", video, atMs: 6, comment: "e-1" });
    await until(() => one.got.length > 0 && two.got.length > 0 && webhooks.waiting === 0);
    for (const { got } of [one, two]) {
      expect(got.length).toBe(1);
      const [first] = got;
      if (!first) throw new Error("nothing");
      expect(await signedBy(first, secret)).toEqual([true]);
      expect(Math.abs(Number(first.timestamp) * 1000 - clock.date())).toBeLessThan(60_000);
      expect(first.headers.get("content-type")).toBe("application/json");
      expect(JSON.parse(first.body)).toEqual({
        node: "n1",
        region: "main",
        events: [
          { id: "m", type: "milestone", video: "v", at: 5, mark: 100, total: 101 },
          { id: "n", type: "milestone", video: "v", at: 5, kind: "heart", mark: 100, total: 101 },
          { id: "r", type: "comment_removed", video: "v", at: 6, comment: "e-1" },
        ],
      });
    }
  });

  test("of other types stay here, and milestones nobody hears of are not even looked for", async () => {
    const one = receiver();
    const { webhooks, say, until } = bench([one.url], ["comment_published"]);
    webhooks.tell({ type: "comment_removed", id: "r", video, atMs: 6, comment: "e-1" });
    say(1);
    await until(() => one.got.length === 1);
    expect(one.events.map(({ type, at }) => [type, at])).toEqual([["comment_published", 2]]);
    expect(webhooks.milestones).toEqual([]);
    expect(bench([]).webhooks.milestones).toEqual([100, 1000]);
  });

  test("reach a receiver that fails and returns: all, in order, each once when it took them", async () => {
    let down = true;
    const one = receiver(() => new Response("no ".repeat(1_000), { status: down ? 500 : 200 }));
    const { say, until, webhooks, metrics, lines } = bench([one.url]);
    for (let n = 1; n <= 60; n++) say(n);
    await until(() => one.got.length >= 3);
    down = false;
    const tries = one.got.length;
    await until(() => webhooks.waiting === 0);
    const taken = one.got.slice(tries).flatMap(({ body }) => JSON.parse(body).events as { id: string }[]);
    expect(taken.map(({ id }) => id)).toEqual(
      Array.from({ length: 60 }, (_, i) => `comment_published:e-${i + 1}`),
    );
    expect(new Set(one.got.slice(0, tries + 1).map(({ id }) => id)).size).toBe(1);
    const text = await metrics.registry.metrics();
    expect(text).toContain("ovation_webhook_events_delivered_total 60");
    expect(text).toContain("ovation_webhook_events_waiting 0");
    const logged = lines.join("");
    for (const word of ["secret", secret, "nobody should log", "Ann"]) expect(logged).not.toContain(word);
    expect(lines.length).toBe(2);
  });

  test("a receiver that is away, or slow, holds up no other", async () => {
    const [away, slow, well] = [receiver(), receiver(() => new Promise(() => {})), receiver()];
    await away.goAway();
    const { say, until, clock, webhooks } = bench([away.url, slow.url, well.url]);
    say(1);
    await until(() => well.got.length === 1 && slow.got.length === 1);
    say(2);
    await until(() => well.got.length === 2);
    expect(slow.got.length).toBe(1);
    slow.answer = () => new Response();
    away.comeBack();
    clock.advance(outboxLimits.attemptMs);
    await until(() => webhooks.waiting === 0);
    for (const { events } of [slow, away]) {
      expect([...new Set(events.map(({ id }) => id))]).toEqual([
        "comment_published:e-1",
        "comment_published:e-2",
      ]);
    }
  });

  test("follow no redirect", async () => {
    const target = receiver();
    const one = receiver(() => Response.redirect(target.url, 307));
    const { say, until, webhooks, metrics } = bench([one.url]);
    say(1);
    await until(() => one.got.length === 1 && webhooks.waiting === 0);
    expect(target.got).toEqual([]);
    expect(await metrics.registry.metrics()).toContain(
      'ovation_webhook_events_dropped_total{reason="refused"} 1',
    );
  });

  test("read nothing of an answer that never ends", async () => {
    let ended = false;
    const endless = () =>
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
        cancel: () => {
          ended = true;
        },
      });
    const one = receiver(() => new Response(endless()));
    const { say, until, webhooks } = bench([one.url]);
    say(1);
    await until(() => one.got.length === 1 && webhooks.waiting === 0 && ended);
  });

  test("are signed with the secrets of now, also a repeat", async () => {
    const next = "fedcba9876543210fedcba9876543210";
    const one = receiver((_, nth) => new Response(null, { status: nth === 1 ? 503 : 200 }));
    const { say, until, rotate, webhooks } = bench([one.url]);
    rotate(secret, next);
    say(1);
    await until(() => one.got.length === 1);
    rotate(next);
    await until(() => webhooks.waiting === 0);
    const signed = await Promise.all(one.got.map((got) => signedBy(got, next)));
    expect(signed).toEqual([[false, true], [true]]);
  });

  test("are brought before the end", async () => {
    const one = receiver();
    const { say, webhooks } = bench([one.url]);
    say(1);
    await webhooks.close();
    expect(one.events.map(({ id }) => id)).toEqual(["comment_published:e-1"]);
  });
});

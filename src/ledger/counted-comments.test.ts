/**
 * Comments in their time over a real nats-server: each that was accepted is counted once on every dispatcher,
 * however short the history is, whoever writes at once, dies, or has lost what.
 */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { systemClock } from "../base/clock.ts";
import { seededPrng } from "../base/prng.ts";
import { callApi, connectBus } from "../bus/nats-kit.ts";
import type { VideoId } from "../core/interaction.ts";
import { encodeEntry } from "../core/wire.ts";
import { draft } from "./contract-bench.ts";
import { saidWhen } from "./contract-counts.ts";
import { closeAll, closers, insist, type Member, member, server } from "./jetstream-kit.ts";
import { LedgerUnavailable } from "./ledger.ts";
import { verifyStreams } from "./streams-verify.ts";

setDefaultTimeout(60_000);
afterEach(closeAll);

const short = { commentHistory: 20 };
const startMs = 1_700_000_000_000;
const at = (video: string, key: string, atS = 0) => ({
  ...draft(video, key, key),
  atMs: startMs + 1000 * atS,
});

/** What every member tells of a video, and one that begins now: all the same. */
async function told(url: string, members: readonly Member[], video: string) {
  const late = await member(url, short);
  const all = await Promise.all([...members, late].map(({ ledger }) => saidWhen(ledger, video)));
  for (const one of all) expect(one).toEqual(all[0] as (typeof all)[number]);
  return all[0] as (typeof all)[number];
}

async function removed({ ledger }: Member, seq: number): Promise<void> {
  for (;;) {
    try {
      await ledger.retract("v" as VideoId, seq);
      return;
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      await Bun.sleep(20);
    }
  }
}

test("many at once of one video by many dispatchers are each counted, far beyond the history", async () => {
  const { url } = await server();
  const members = await Promise.all([1, 2, 3, 4].map(() => member(url, short)));
  const prng = seededPrng(7);
  const accepted: string[] = [];
  const rounds = Array.from({ length: 60 }, async (_, round) => {
    const keys = Array.from({ length: 1 + (round % 12) }, (_, i) => `${round}-${i}`);
    const { placed } = await insist(members, prng, {
      likes: [],
      comments: keys.map((key, i) => at("v", key, i)),
    });
    accepted.push(...keys);
    if (round % 6 === 0) await removed(members[round % 4] as Member, placed[0]?.seq ?? 0);
  });
  await Promise.all(rounds);
  const { sum, fromMs, seconds } = await told(url, members, "v");
  expect([sum, fromMs]).toEqual([accepted.length, undefined]);
  expect(seconds[startMs / 1000]).toBe(60);
});

test("what a dispatcher wrote that died at any moment is counted by those who are left", async () => {
  const { url } = await server();
  const other = await member(url, short);
  let sent = 0;
  const answered = new Set<string>();
  for (let life = 0; life < 5; life++) {
    const dies = await member(url, short);
    const under = Array.from({ length: 25 }, async () => {
      const key = `k${sent++}`;
      await dies.ledger.append({ likes: [], comments: [at("v", key)] });
      answered.add(key);
    });
    // In the middle of them.
    const first = Promise.race(under);
    under.map((one) => one.catch(() => {}));
    await first;
    await dies.end();
    await Promise.allSettled(under);
  }
  for (let i = 0; i < sent; i++)
    await insist([other], seededPrng(1), { likes: [], comments: [at("v", `k${i}`)] });
  expect(answered.size).toBeGreaterThan(5);
  expect(await told(url, [other], "v")).toMatchObject({ sum: sent, fromMs: undefined });
});

test("what nodes of before wrote and let go of is not counted, and since when all are is said", async () => {
  const { url } = await server();
  const one = await member(url, short);
  const bus = await connectBus(url);
  closers.push(() => bus.close());
  const old = async (from: number, count: number): Promise<void> => {
    for (let i = from; i < from + count; i++) {
      const body = { type: "comment", text: "old", user: undefined, atMs: startMs + 1000 * i } as const;
      await bus.streams.append("comments.v", encodeEntry(body), 2_000);
    }
  };
  await old(0, 50);
  // The stream keeps one more than is told.
  expect(await saidWhen(one.ledger, "v")).toMatchObject({ sum: 20, fromMs: undefined });
  for (let i = 50; i < 90; i++) await one.ledger.append({ likes: [], comments: [at("v", `${i}`, i)] });
  expect(await told(url, [one], "v")).toMatchObject({ sum: 60, fromMs: startMs + 30_000 });
  // Some that are still there are counted with the next.
  await old(90, 5);
  await one.ledger.append({ likes: [], comments: [at("v", "95", 95)] });
  expect(await told(url, [one], "v")).toMatchObject({ sum: 66, fromMs: startMs + 30_000 });
});

test("a log that comes back older, or without what was counted, tells what is there, each once", async () => {
  const nats = await server();
  const members = [await member(nats.url, short), await member(nats.url, short)] as [Member, Member];
  const prng = seededPrng(3);
  const say = async (name: string, count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await insist(members, prng, { likes: [], comments: [at("v", `${name}${i}`)] });
    }
  };
  await say("kept", 50);
  await nats.kill();
  nats.copy();
  await nats.start();
  await say("lost", 30);
  await nats.kill();
  nats.putBack();
  await nats.start();
  await say("new", 30);
  expect(await told(nats.url, members, "v")).toMatchObject({ sum: 80, fromMs: undefined });
  await callApi(nats.url, "STREAM.DELETE.ov_counts");
  await say("more", 30);
  const { sum, fromMs } = await told(nats.url, members, "v");
  // Those that were left when somebody wrote next, and those from there on.
  expect([sum >= 40 && sum <= 50, fromMs]).toEqual([true, startMs]);
});

test("what they came to is looked through, and not missed where there is none", async () => {
  const { url } = await server();
  const one = await member(url, short);
  const { streams } = one.bus;
  const wrong = async () => (await verifyStreams({ streams, clock: systemClock() })).wrong;
  for (let i = 0; i < 5; i++) await one.ledger.append({ likes: [], comments: [at("v", `${i}`)] });
  expect(await wrong()).toEqual([]);
  const { seq } = await streams.append("counts.w", new Uint8Array(9), 2_000);
  expect(await wrong()).toEqual([
    `message ${seq} of ${streams.full("counts")}, what the comments of w came to, is damaged`,
  ]);
  // It is counted all the same.
  await one.ledger.append({ likes: [], comments: [at("w", "w")] });
  expect(await told(url, [one], "w")).toMatchObject({ sum: 1, fromMs: undefined });
  await callApi(url, "STREAM.DELETE.ov_counts");
  expect(await wrong()).toEqual([]);
});

test("while they cannot be counted comments are refused before any is let go uncounted", async () => {
  const { url } = await server();
  const one = await member(url, short);
  const { streams } = one.bus;
  await one.ledger.append({ likes: [], comments: [at("v", "first")] });
  const own = streams.appendIfLast.bind(streams);
  streams.appendIfLast = async (subject, ...more) => {
    if (subject.startsWith("counts.")) throw new LedgerUnavailable("full");
    return own(subject, ...more);
  };
  let accepted = 1;
  for (let i = 0; i < 10; i++) {
    await one.ledger.append({ likes: [], comments: [at("v", `${i}`)] }).then(
      () => accepted++,
      (error) => expect(error).toBeInstanceOf(LedgerUnavailable),
    );
  }
  expect(accepted).toBeLessThan(5);
  streams.appendIfLast = own;
  for (let i = 0; i < 30; i++) await one.ledger.append({ likes: [], comments: [at("v", `late ${i}`)] });
  expect(await told(url, [one], "v")).toMatchObject({ sum: accepted + 30, fromMs: undefined });
});

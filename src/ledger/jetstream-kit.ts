/**
 * What tests of the shared ledger share: members on connections of their own, a load that insists as clients
 * do, and what must be true after it.
 */
import { expect } from "bun:test";
import { systemClock } from "../base/clock.ts";
import { type Prng, seededPrng, systemPrng } from "../base/prng.ts";
import type { NatsBus } from "../bus/nats.ts";
import { connectBus, type MemoryLog, memoryLog, until } from "../bus/nats-kit.ts";
import type { Entry } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { likesOf } from "../core/totals.ts";
import { decodeEntry, videoOf } from "../core/wire.ts";
import { type NatsServer, startNats } from "../system/nats.ts";
import { draft, expectInTime, inTime, like, type Opened, record } from "./contract-bench.ts";
import { type JetstreamOptions, openJetstreamLedger } from "./jetstream.ts";
import { type Batch, type Ledger, LedgerUnavailable } from "./ledger.ts";

export const closers: (() => Promise<void>)[] = [];
/** Ends what was opened, the last first. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

export async function server(): Promise<NatsServer> {
  const started = await startNats();
  closers.push(() => started.close());
  return started;
}

export interface Member {
  readonly bus: NatsBus;
  readonly ledger: Ledger;
  readonly log: MemoryLog;
  end(): Promise<void>;
}

/** One dispatcher's ledger, on a connection of its own. */
export async function member(
  url: string,
  options: Partial<JetstreamOptions> = {},
  replicas = 1,
): Promise<Member> {
  const log = memoryLog();
  const bus = await connectBus(url, { replicas, log });
  const ledger = await openJetstreamLedger({
    streams: bus.streams,
    clock: systemClock(),
    prng: systemPrng(),
    log,
    partitions: 4,
    commentHistory: 100,
    ...options,
  });
  const end = async (): Promise<void> => {
    await ledger.close();
    await bus.close();
  };
  closers.push(end);
  return { bus, ledger, log, end };
}

/** What a suite of every ledger is given: one over the streams of `prefix`, which `openOver` opens. */
export async function reopening(
  openOver: (prefix: string) => Promise<{ readonly ledger: Ledger; readonly end: () => Promise<void> }>,
  prefix: string,
  commentHistory: number,
): Promise<Opened> {
  let opened = await openOver(prefix);
  return {
    ledger: opened.ledger,
    commentHistory,
    reopen: async () => {
      await opened.end();
      opened = await openOver(prefix);
      return opened.ledger;
    },
    close: () => opened.end(),
  };
}

export const likesAt = (ledger: Ledger, video: string): number =>
  likesOf(ledger.totals(video as VideoId).counts);
export const one = (video: string, key: string) => ({ likes: [record([like(video, key)])], comments: [] });
export const comment = (video: string, text: string, key: string) => ({
  likes: [],
  comments: [draft(video, text, key)],
});

/** Appends until it is answered, on one member after another, as clients and relays do. */
export async function insist(members: readonly Member[], prng: Prng, batch: Batch) {
  for (let tries = 1; ; tries++) {
    const { ledger } = members[prng.between(0, members.length - 1)] as Member;
    try {
      return { placed: await ledger.append(batch), tries };
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      await Bun.sleep(50);
    }
  }
}

/** A load of likes and comments, some sent twice, everything insisted on, while `during` happens. */
export async function load(members: readonly Member[], during: () => Promise<void>, seed = Date.now() % 1e9) {
  const prng = seededPrng(seed);
  const sent = { keys: 0, comments: 0, appends: 0, retried: 0, twice: 0, slowestMs: 0 };
  const expected = new Map<string, number>();
  const texts = new Map<string, Set<string>>();
  const under: Promise<void>[] = [];
  const loose = { sent: 0, acked: 0 };
  let going = true;
  const append = async (batch: Parameters<typeof insist>[2] | ReturnType<typeof one>): Promise<void> => {
    const startMs = performance.now();
    const { tries } = await insist(members, prng, batch as ReturnType<typeof comment>);
    sent.appends++;
    if (tries > 1) sent.retried++;
    sent.slowestMs = Math.max(sent.slowestMs, performance.now() - startMs);
  };
  /** A like without a key: it must not be sent again, and counts once if it was answered. */
  const appendLoose = async (): Promise<void> => {
    const { ledger } = members[prng.between(0, members.length - 1)] as Member;
    loose.sent++;
    try {
      await ledger.append({ likes: [record([like("loose")])], comments: [] });
      loose.acked++;
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
    }
  };
  const pump = (async () => {
    while (going) {
      for (let i = 0; i < 10; i++) {
        const video = `v${prng.between(0, 9)}`;
        const key = `k${sent.keys++}`;
        expected.set(video, (expected.get(video) ?? 0) + 1);
        under.push(append(one(video, key)));
        if (prng.next() < 0.2) {
          sent.twice++;
          under.push(append(one(video, key)));
        }
      }
      const video = `v${prng.between(0, 2)}`;
      const text = `c${sent.comments++}`;
      const said = texts.get(video) ?? new Set();
      texts.set(video, said.add(text));
      under.push(append(comment(video, text, text)));
      under.push(appendLoose());
      await Bun.sleep(10);
    }
  })();
  await during();
  going = false;
  await pump;
  await Promise.all(under);
  return { seed, sent, loose, expected, texts };
}

/**
 * Every member's totals are the distinct keys that were sent, and each like without one that was answered.
 */
export async function agreeOn(
  members: readonly Member[],
  expected: ReadonlyMap<string, number>,
  loose?: { sent: number; acked: number },
  withinMs?: number,
): Promise<void> {
  for (const { ledger } of members) {
    if (loose) {
      await until(() => likesAt(ledger, "loose") >= loose.acked, withinMs);
      expect(likesAt(ledger, "loose")).toBeLessThanOrEqual(loose.sent);
    }
    await until(() => [...expected].every(([video, likes]) => likesAt(ledger, video) >= likes), withinMs);
    for (const [video, likes] of expected)
      expect(`${video} ${likesAt(ledger, video)}`).toBe(`${video} ${likes}`);
  }
  const [first] = members as [Member];
  for (const { ledger } of members) {
    expectInTime(ledger, expected.keys());
    for (const video of expected.keys()) {
      expect(ledger.totals(video as VideoId)).toEqual(first.ledger.totals(video as VideoId));
      expect(inTime(ledger, video)).toEqual(inTime(first.ledger, video));
    }
  }
}

/** What comes over the bus for a video, and the links of it. */
export function live(bus: NatsBus): Map<string, Entry[]> {
  const heard = new Map<string, Entry[]>();
  bus.subscribe("comment.*", (payload, subject, position) => {
    const video = videoOf(subject);
    const entry = video && position && decodeEntry(payload, video, position.seq, position.previous);
    if (entry) heard.set(entry.video, [...(heard.get(entry.video) ?? []), entry]);
  });
  return heard;
}

export async function pages(ledger: Ledger, video: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let after = 0; ; ) {
    const page = await ledger.entries(video as VideoId, after, 40);
    entries.push(...page.entries);
    if (!page.more) return entries;
    after = page.entries.at(-1)?.seq ?? 0;
  }
}

export const settings = { commentHistory: 2_000 };

/** Comments: each text once, in one order on every node, of a log that nobody took for another one. */
export async function commentsAgree(
  members: readonly Member[],
  texts: ReadonlyMap<string, Set<string>>,
): Promise<void> {
  for (const { ledger } of members) expect(ledger.lineage().branches).toHaveLength(1);
  for (const [video, said] of texts) {
    const told = await Promise.all(members.map(({ ledger }) => pages(ledger, video)));
    for (const entries of told) expect(entries).toEqual(told[0] as Entry[]);
    const seen = (told[0] as Entry[]).map((entry) => (entry.type === "comment" ? entry.text : "-"));
    expect(seen.toSorted()).toEqual([...said].toSorted());
  }
}

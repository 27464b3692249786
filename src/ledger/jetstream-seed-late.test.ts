/**
 * Dispatchers that come back to a log that went back one after another, having folded more or less than
 * others, or having begun on what they found: what was answered stays counted on all of them.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { cpSync, rmSync } from "node:fs";
import { systemClock } from "../base/clock.ts";
import { systemPrng } from "../base/prng.ts";
import { connectBus, memoryLog, until } from "../bus/nats-kit.ts";
import type { VideoId } from "../core/interaction.ts";
import { likesOf } from "../core/totals.ts";
import type { NatsServer } from "../system/nats.ts";
import { type FailingProxy, startProxy } from "../system/proxy.ts";
import { like, record } from "./contract-bench.ts";
import { Fold } from "./fold.ts";
import { openJetstreamLedger } from "./jetstream.ts";
import { closeAll, closers, likesAt, type Member, member, server } from "./jetstream-kit.ts";
import type { Ledger } from "./ledger.ts";
import { encodeFold } from "./snapshot.ts";
import { firstBranch, Snapshots } from "./snapshots.ts";
import type { Stored, Streams } from "./streams.ts";

afterEach(closeAll);

const v = "v" as VideoId;
const options = { partitions: 1, snapshotMs: 3_600_000 };

interface Remote extends Member {
  readonly network: FailingProxy;
}

/** A member behind a network of its own. */
async function remote(nats: NatsServer): Promise<Remote> {
  const network = await startProxy(nats.port);
  closers.push(() => network.close());
  return { ...(await member(network.url, options)), network };
}

async function away({ network, bus }: Remote): Promise<void> {
  network.stall("both");
  await until(() => !bus.connected());
}

async function back({ network, ledger }: Remote): Promise<void> {
  network.resume();
  await until(() => ledger.ready());
}

/** Appends likes without a key, each of which must be answered. */
async function likes(ledger: Ledger, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await ledger.append({ likes: [record([like("v")])], comments: [] });
}

async function emptied(nats: NatsServer): Promise<void> {
  await nats.kill();
  rmSync(`${nats.folder}/jetstream`, { recursive: true });
  await nats.start();
}

const copied = (nats: NatsServer): void =>
  cpSync(`${nats.folder}/jetstream`, `${nats.folder}/copy`, { recursive: true });

async function putBack(nats: NatsServer): Promise<void> {
  await nats.kill();
  rmSync(`${nats.folder}/jetstream`, { recursive: true });
  cpSync(`${nats.folder}/copy`, `${nats.folder}/jetstream`, { recursive: true });
  await nats.start();
}

/**
 * What a ledger announces of the video: its newest likes, and what was lower than before or of no later
 * version.
 */
function heard(ledger: Ledger): { readonly fell: string[]; likes: number } {
  const news = { fell: [] as string[], likes: 0 };
  let version = 0;
  ledger.onChanges((changes) => {
    for (const { totals } of changes) {
      const likes = likesOf(totals.counts);
      if (likes < news.likes || totals.version <= version) news.fell.push(`${news.likes} to ${likes}`);
      news.likes = likes;
      version = totals.version;
    }
  });
  return news;
}

/** All members come to `total`, and to the same version. */
async function allHave(ledgers: readonly Ledger[], total: number): Promise<void> {
  await until(() => ledgers.every((ledger) => ledger.ready() && likesAt(ledger, "v") >= total)).catch(
    () => {},
  );
  expect(ledgers.map((ledger) => likesAt(ledger, "v"))).toEqual(ledgers.map(() => total));
  const [first] = ledgers as [Ledger];
  for (const ledger of ledgers) expect(ledger.totals(v)).toEqual(first.totals(v));
}

describe("a log that is emptied", () => {
  test("and seeded by one who had folded less, is seeded once more by one who had folded more", async () => {
    const nats = await server();
    const [less, more] = [await remote(nats), await remote(nats)];
    await likes(less.ledger, 10);
    await until(() => likesAt(more.ledger, "v") === 10);
    await away(less);
    await likes(more.ledger, 20);
    await away(more);
    await emptied(nats);
    await back(less);
    await likes(less.ledger, 5);
    expect(likesAt(less.ledger, "v")).toBe(15);
    await back(more);
    await allHave([less.ledger, more.ledger], 35);
    await likes(less.ledger, 1);
    await likes(more.ledger, 1);
    await allHave([less.ledger, more.ledger, (await member(nats.url, options)).ledger], 37);
  }, 60_000);

  test("and begun anew by a newcomer, holds what both had answered", async () => {
    const nats = await server();
    const [a, b] = [await remote(nats), await remote(nats)];
    await likes(a.ledger, 10);
    await until(() => likesAt(b.ledger, "v") === 10);
    await away(a);
    await away(b);
    await emptied(nats);
    const late = await member(nats.url, options);
    const news = heard(late.ledger);
    // Fewer, then more than those who come back had: its places are taken for theirs by nobody.
    await likes(late.ledger, 4);
    await back(a);
    await allHave([late.ledger, a.ledger], 14);
    expect(news.likes).toBe(14);
    await likes(late.ledger, 20);
    await back(b);
    await allHave([late.ledger, a.ledger, b.ledger], 34);
    expect(news).toEqual({ fell: [], likes: 34 });
  }, 60_000);

  test("twice, holds what was answered before and between", async () => {
    const nats = await server();
    const [a, b] = [await remote(nats), await remote(nats)];
    for (let round = 1; round <= 3; round++) {
      await likes(a.ledger, 7);
      await likes(b.ledger, 3);
      await allHave([a.ledger, b.ledger], 10 * round);
      await emptied(nats);
      await until(() => a.ledger.ready() && b.ledger.ready());
    }
    await likes(a.ledger, 1);
    await allHave([a.ledger, b.ledger, (await member(nats.url, options)).ledger], 31);
  }, 60_000);
});

describe("a log that is put back from a copy", () => {
  test("and grew past everybody's place before they came back, holds what all had answered", async () => {
    const nats = await server();
    const [a, b] = [await remote(nats), await remote(nats)];
    await likes(a.ledger, 10);
    await until(() => likesAt(b.ledger, "v") === 10);
    await nats.kill();
    copied(nats);
    await nats.start();
    await until(() => a.ledger.ready() && b.ledger.ready());
    await likes(a.ledger, 10);
    await until(() => likesAt(b.ledger, "v") === 20);
    await away(a);
    await likes(b.ledger, 5);
    await away(b);
    await putBack(nats);
    const late = await member(nats.url, options);
    expect(likesAt(late.ledger, "v")).toBe(10);
    const news = heard(late.ledger);
    await likes(late.ledger, 40);
    await back(a);
    await allHave([late.ledger, a.ledger], 60);
    await back(b);
    await allHave([late.ledger, a.ledger, b.ledger], 65);
    expect(news).toEqual({ fell: [], likes: 65 });
  }, 60_000);

  test("to where one had folded up to, but not the other, loses nothing either", async () => {
    const nats = await server();
    const [slow, fast] = [await remote(nats), await remote(nats)];
    await likes(slow.ledger, 5);
    await away(slow);
    await likes(fast.ledger, 5);
    await nats.kill();
    copied(nats);
    await nats.start();
    await until(() => fast.ledger.ready());
    await likes(fast.ledger, 5);
    await away(fast);
    await putBack(nats);
    await back(slow);
    await allHave([slow.ledger], 10);
    await likes(slow.ledger, 9);
    await back(fast);
    await allHave([slow.ledger, fast.ledger], 24);
  }, 60_000);
});

test("snapshots of a branch that the log left are followed back by nobody, and written over", async () => {
  const nats = await server();
  const { ledger, bus } = await member(nats.url, { ...options, snapshotMs: 300 });
  await likes(ledger, 10);
  await emptied(nats);
  await until(() => !ledger.ready());
  await until(() => ledger.ready());
  await likes(ledger, 2);
  // As if the stream of snapshots alone were put back to what it was before the log was lost.
  const snapshots = new Snapshots(bus.streams, systemClock(), 0);
  const old = { upTo: 4, logMs: 1, ...firstBranch, last: undefined };
  const empty = encodeFold(new Fold({ seed: 0.5 }));
  while (!(await snapshots.save({ fold: empty }, old, await snapshots.manifest(), true)));
  await nats.kill();
  await nats.start();
  await until(() => !ledger.ready());
  await until(() => ledger.ready());
  await likes(ledger, 1);
  await allHave([ledger], 13);
  for (let upTo = 4; upTo === 4; upTo = (await snapshots.manifest())?.upTo ?? 4) await Bun.sleep(50);
  await allHave([ledger, (await member(nats.url, options)).ledger], 13);
}, 60_000);

test("versions that were told are never given out again", async () => {
  const nats = await server();
  const [less, more] = [await remote(nats), await remote(nats)];
  await likes(less.ledger, 3);
  await until(() => likesAt(more.ledger, "v") === 3);
  await away(less);
  await likes(more.ledger, 20);
  const told = more.ledger.totals(v).version;
  await away(more);
  await emptied(nats);
  await back(less);
  await likes(less.ledger, 1);
  expect(less.ledger.totals(v).version).toBeGreaterThan(told);
}, 60_000);

describe("what was answered before it was read back", () => {
  /** A member whose reader can be made to hear nothing. */
  async function deaf(nats: NatsServer) {
    const bus = await connectBus(nats.url);
    const ear = { shut: false };
    const streams = new Proxy(bus.streams as Streams, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (name !== "read") return typeof value === "function" ? value.bind(target) : value;
        return (read: Parameters<Streams["read"]>[0]) => {
          const receive = (stored: Stored): void => {
            if (!ear.shut) read.receive(stored);
          };
          return target.read({ ...read, receive });
        };
      },
    });
    const parts = { clock: systemClock(), prng: systemPrng(), log: memoryLog(), commentHistory: 10 };
    const ledger = await openJetstreamLedger({ ...parts, ...options, streams });
    closers.push(async () => {
      await ledger.close();
      await bus.close();
    });
    return { ledger, ear };
  }

  test("and is lost, is written again", async () => {
    const nats = await server();
    const [{ ledger, ear }, other] = [await deaf(nats), await remote(nats)];
    await likes(ledger, 3);
    await until(() => likesAt(other.ledger, "v") === 3);
    await away(other);
    ear.shut = true;
    await likes(ledger, 4);
    expect(likesAt(ledger, "v")).toBe(3);
    await nats.kill();
    ear.shut = false;
    rmSync(`${nats.folder}/jetstream`, { recursive: true });
    await nats.start();
    await until(() => ledger.ready());
    await back(other);
    await allHave([ledger, other.ledger, (await member(nats.url, options)).ledger], 7);
  }, 60_000);

  test("and is held by another, counts once, whoever seeds the log", async () => {
    const nats = await server();
    const [{ ledger, ear }, other] = [await deaf(nats), await remote(nats)];
    await likes(ledger, 3);
    ear.shut = true;
    await likes(ledger, 4);
    await until(() => likesAt(other.ledger, "v") === 7);
    expect(likesAt(ledger, "v")).toBe(3);
    await away(other);
    await nats.kill();
    ear.shut = false;
    rmSync(`${nats.folder}/jetstream`, { recursive: true });
    await nats.start();
    await allHave([ledger], 7);
    // It had folded more: its fold takes the place of the first one's and of what was written again.
    await back(other);
    await likes(other.ledger, 1);
    await allHave([ledger, other.ledger, (await member(nats.url, options)).ledger], 8);
  }, 60_000);

  test("and stands in the log, is not written again", async () => {
    const nats = await server();
    const { ledger, ear } = await deaf(nats);
    ear.shut = true;
    await likes(ledger, 2);
    await nats.kill();
    ear.shut = false;
    await nats.start();
    await allHave([ledger], 2);
    await likes(ledger, 1);
    await allHave([ledger, (await member(nats.url, options)).ledger], 3);
  }, 60_000);
});

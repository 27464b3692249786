/** The ledger of many nodes where each viewer likes once: the suite of every ledger, snapshots, refusals. */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { systemClock } from "../base/clock.ts";
import { seededPrng, systemPrng } from "../base/prng.ts";
import { connectBus, memoryLog, until } from "../bus/nats-kit.ts";
import type { Like, VideoId } from "../core/interaction.ts";
import { type NatsServer, startNats } from "../system/nats.ts";
import { startProxy } from "../system/proxy.ts";
import { once, record } from "./contract-bench.ts";
import { describeOnceLedger, likesMax } from "./contract-once.ts";
import { openJetstreamLedger } from "./jetstream.ts";
import { closeAll, closers, likesAt, member, reopening, server } from "./jetstream-kit.ts";
import { type Ledger, LedgerRefused } from "./ledger.ts";
import { checkMode } from "./shared.ts";

setDefaultTimeout(60_000);

let shared: NatsServer;
let logs = 0;
beforeAll(async () => {
  shared = await startNats();
});
afterAll(() => shared.close());
afterEach(closeAll);

async function openOver(prefix: string): Promise<{ ledger: Ledger; end: () => Promise<void> }> {
  const bus = await connectBus(shared.url, { prefix });
  const parts = { streams: bus.streams, clock: systemClock(), prng: systemPrng(), log: memoryLog() };
  const ledger = await openJetstreamLedger({
    ...parts,
    partitions: 3,
    commentHistory: 12,
    onceMax: likesMax,
  });
  const end = async (): Promise<void> => {
    await ledger.close();
    await bus.close();
  };
  return { ledger, end };
}

describeOnceLedger("ledger in JetStream", () => reopening(openOver, `o${logs++}`, 12), { skip: ["advance"] });

describe("ledgers over one log, one like per viewer", () => {
  test("agree on every viewer, and so does one that starts from a snapshot of chunks", async () => {
    const nats = await server();
    const often = { snapshotMs: 100, keepMs: 300, onceMax: 1_000_000, partitions: 2 };
    const members = [await member(nats.url, often), await member(nats.url, often)];
    const prng = seededPrng(5);
    // 40,000 likes of one video are 320 KB of a snapshot: more than one chunk.
    const crowd = Array.from({ length: 40_000 }, (_, i) => once("crowd", `${i}`));
    const set = new Set<string>();
    const endMs = performance.now() + 2_500;
    for (let n = 0; crowd.length > 0 || performance.now() < endMs; n++) {
      const likes: Like[] = Array.from({ length: 20 }, () => {
        const unlike = prng.next() < 0.4;
        return once(`v${prng.between(0, 6)}`, `viewer ${prng.between(0, 30)}`, { unlike });
      });
      for (const { video, viewer, unlike } of likes) {
        if (unlike) set.delete(`${video} ${viewer}`);
        else set.add(`${video} ${viewer}`);
      }
      // One after the other, on changing nodes: an append that was answered is before the next.
      const { ledger } = members[n % 2] as (typeof members)[0];
      for (const like of likes) await ledger.append({ likes: [record([like])], comments: [] });
      const some = crowd.splice(0, 2_000);
      if (some.length > 0) await ledger.append({ likes: [record(some)], comments: [] });
    }
    const expected = new Map([["crowd", 40_000]]);
    for (const name of set) {
      const [video = ""] = name.split(" ");
      expected.set(video, (expected.get(video) ?? 0) + 1);
    }
    const agree = async (): Promise<void> => {
      for (const { ledger } of members) {
        for (const [video, likes] of expected) await until(() => likesAt(ledger, video) === likes);
      }
      for (const video of expected.keys()) {
        const told = members.map(({ ledger }) => ledger.totals(video as VideoId));
        for (const totals of told) expect(totals).toEqual(told[0] as (typeof told)[0]);
      }
    };
    await agree();
    // Until there is no log left to fold from the beginning.
    const first = () => Promise.all([0, 1].map((p) => members[0]?.bus.streams.state(`log_${p}`)));
    do {
      const on = ["v0", "v1", "v2"].map((video) => once(video, "on"));
      await members[0]?.ledger.append({ likes: [record(on)], comments: [] });
      await Bun.sleep(50);
    } while ((await first()).some((state) => (state?.firstSeq ?? 0) <= 1));
    for (const video of ["v0", "v1", "v2"]) expected.set(video, (expected.get(video) ?? 0) + 1);
    const late = await member(nats.url, often);
    members.push(late);
    await agree();
    // It knows each viewer: nobody of the crowd counts twice, and who takes back counts no more, on all.
    await late.ledger.append({
      likes: [record([once("crowd", "7"), once("crowd", "8", { unlike: true }), once("v0", "on")])],
      comments: [],
    });
    expected.set("crowd", 39_999);
    await agree();
    await late.ledger.append({ likes: [record([once("crowd", "8", { unlike: true })])], comments: [] });
    await agree();
  });

  test("a node of the other mode is refused, with a ledger or without one", async () => {
    const nats = await server();
    const bus = await connectBus(nats.url);
    closers.push(() => bus.close());
    const parts = { streams: bus.streams, clock: systemClock(), prng: systemPrng(), log: memoryLog() };
    const rejection = (work: Promise<unknown>): Promise<Error> =>
      work.then(
        () => new Error("taken"),
        (e) => e,
      );
    // Before there is a log, a node without a ledger cannot know.
    await checkMode(parts, true);
    await member(nats.url, { onceMax: 10 });
    const many = await rejection(member(nats.url));
    expect(many).toBeInstanceOf(LedgerRefused);
    expect(many.message).toBe("the shared log has --like-mode=once, this node wants many");
    expect((await rejection(checkMode(parts, false))).message).toBe(many.message);
    await checkMode(parts, true);
    const other = await server();
    await member(other.url);
    const error = await rejection(member(other.url, { onceMax: 10 }));
    expect(error).toBeInstanceOf(LedgerRefused);
    expect(error.message).toBe("the shared log has --like-mode=many, this node wants once");
  });

  test("a node that was away while the log was forgotten hears how far totals fell", async () => {
    const nats = await server();
    const shape = { onceMax: 10_000, partitions: 1 };
    const a = await member(nats.url, { ...shape, snapshotMs: 100, keepMs: 300 });
    const network = await startProxy(nats.port);
    closers.push(() => network.close());
    const slow = await member(network.url, { ...shape, snapshotMs: 3_600_000 });
    const all = Array.from({ length: 500 }, (_, i) => once("v", `${i}`));
    await a.ledger.append({ likes: [record(all)], comments: [] });
    await until(() => likesAt(slow.ledger, "v") === all.length);
    const told = { added: 0, removed: 0 };
    slow.ledger.onChanges((changes) => {
      for (const { added, removed } of changes) {
        told.added += added;
        told.removed += removed;
      }
    });
    network.stall("both");
    await until(() => !slow.bus.connected());
    const missed = (await a.bus.streams.state("log_0")).lastSeq + 1;
    let left = all.length;
    while ((await a.bus.streams.state("log_0")).firstSeq <= missed) {
      const like = { ...(all[--left] as Like), unlike: true };
      await a.ledger.append({ likes: [record([like])], comments: [] });
      await Bun.sleep(10);
    }
    network.resume();
    await until(() => likesAt(slow.ledger, "v") === left);
    expect(slow.log.lines.some((line) => line.startsWith("warn log was forgotten"))).toBe(true);
    expect(told).toEqual({ added: 0, removed: all.length - left });
    expect(slow.ledger.totals("v" as VideoId)).toEqual(a.ledger.totals("v" as VideoId));
  });
});

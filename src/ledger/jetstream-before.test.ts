/**
 * Logs and snapshots as versions wrote them that knew of no stamps and no branches: they open as they are,
 * are the first branch of their lineage, and nodes of both versions share them while a cluster is upgraded.
 */
import { afterEach, expect, test } from "bun:test";
import type { NatsBus } from "../bus/nats.ts";
import { connectBus, until } from "../bus/nats-kit.ts";
import type { VideoId } from "../core/interaction.ts";
import { decodeRecord, encodeRecord } from "../core/record.ts";
import { encodeJson } from "../core/wire.ts";
import { inTime, like, record } from "./contract-bench.ts";
import { Fold } from "./fold.ts";
import { closeAll, closers, likesAt, member, one, server } from "./jetstream-kit.ts";
import { decodeFold, encodeFold } from "./snapshot.ts";
import { snapshotStream } from "./snapshots.ts";

afterEach(closeAll);

const v = "v" as VideoId;
const options = { partitions: 1, snapshotMs: 3_600_000 };

async function before(url: string): Promise<NatsBus> {
  const bus = await connectBus(url);
  closers.push(() => bus.close());
  await bus.streams.open(snapshotStream);
  await bus.streams.open({ name: "log_0", subject: "log.0" });
  const shared = encodeJson({ epoch: "before00", partitions: 1, history: 100 });
  await bus.streams.append("snapshot.shared", shared, 1_000);
  return bus;
}

/** As a node of before appends: no header at all. */
async function append(bus: NatsBus, key: string): Promise<void> {
  await bus.streams.append("log.0", encodeRecord(record([like("v", key)])), 1_000);
}

/** Folds as a node of before does, by when records arrived, and writes its snapshot and manifest. */
async function snapshot(bus: NatsBus): Promise<void> {
  const fold = new Fold({ seed: 0.5 });
  const { lastSeq } = await bus.streams.state("log_0");
  for (let seq = 1; seq <= lastSeq; seq++) {
    const held = await bus.streams.at("log_0", seq);
    const said = held && decodeRecord(held.payload);
    // What new nodes write for each other is a record to those of before, and counts nothing.
    if (said) fold.apply(said, held.atMs, 0);
  }
  const { seq } = await bus.streams.append("snapshot.0", encodeFold(fold), 1_000);
  const manifest = { upTo: lastSeq, logMs: fold.logMs, chunks: [seq], marks: [] };
  await bus.streams.append("snapshot.m0", encodeJson(manifest), 1_000);
}

test("a log without stamps, and a snapshot without a branch, go on, exactly", async () => {
  const nats = await server();
  const bus = await before(nats.url);
  for (const key of ["a", "b"]) await append(bus, key);
  await snapshot(bus);
  await append(bus, "c");
  const { ledger } = await member(nats.url, options);
  expect(ledger.epoch).toBe("before00");
  expect(likesAt(ledger, "v")).toBe(3);
  // What the snapshot held has no place in time; what stands in the log behind it has.
  expect(inTime(ledger, "v")).toEqual({ before: { heart: 2 }, placed: { heart: 1 }, sum: { heart: 3 } });
  for (const key of ["a", "b", "c", "d"]) await ledger.append(one("v", key));
  expect(likesAt(ledger, "v")).toBe(4);
  expect(inTime(ledger, "v")).toEqual({ before: { heart: 2 }, placed: { heart: 2 }, sum: { heart: 4 } });
});

test("a snapshot of now holds what came when, and nodes of before read the rest of it", async () => {
  const nats = await server();
  const settings = { partitions: 1, snapshotMs: 200 };
  const { ledger, bus, end } = await member(nats.url, settings);
  for (const key of ["a", "b", "c"]) await ledger.append(one("v", key));
  let manifest = { upTo: 0, chunks: [0] };
  for (const ends = (await bus.streams.state("log_0")).lastSeq; manifest.upTo < ends; await Bun.sleep(20)) {
    const last = await bus.streams.last("snapshots", "snapshot.m0");
    if (last) manifest = JSON.parse(new TextDecoder().decode(last.payload));
  }
  const first = await bus.streams.at("snapshots", manifest.chunks[0] as number);
  const read = first && decodeFold(first.payload, { seed: 0.5 });
  expect({ ...read?.totals(v).counts }).toEqual({ heart: 3 });
  await end();
  const { ledger: late } = await member(nats.url, settings);
  expect(inTime(late, "v")).toEqual({ before: {}, placed: { heart: 3 }, sum: { heart: 3 } });
});

test("nodes of before and of now share a log, its keys and its snapshots", async () => {
  const nats = await server();
  const bus = await before(nats.url);
  await append(bus, "a");
  const { ledger, end } = await member(nats.url, options);
  for (const key of ["b", "c"]) await ledger.append(one("v", key));
  for (const key of ["b", "d", "a"]) await append(bus, key);
  await until(() => likesAt(ledger, "v") === 4);
  await snapshot(bus);
  await end();
  const { ledger: late } = await member(nats.url, options);
  expect(late.totals(v).counts).toEqual({ heart: 4 });
  for (const key of ["a", "b", "c", "d"]) await late.append(one("v", key));
  expect(late.totals(v).counts).toEqual({ heart: 4 });
});

test("a log of before that is emptied is seeded as any other", async () => {
  const nats = await server();
  const bus = await before(nats.url);
  for (const key of ["a", "b", "c"]) await append(bus, key);
  await snapshot(bus);
  const { ledger } = await member(nats.url, options);
  await nats.restartEmpty();
  await until(() => !ledger.ready());
  await until(() => ledger.ready());
  for (const key of ["a", "d"]) await ledger.append(one("v", key));
  expect(likesAt(ledger, "v")).toBe(4);
  expect(likesAt((await member(nats.url, options)).ledger, "v")).toBe(4);
}, 30_000);

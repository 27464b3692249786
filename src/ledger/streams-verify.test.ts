/** A cluster's streams are looked through, whole and broken, in a real nats-server. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { systemClock } from "../base/clock.ts";
import type { NatsBus } from "../bus/nats.ts";
import type { StreamAbout } from "../bus/nats-copy.ts";
import { callApi, connectBus, rejection } from "../bus/nats-kit.ts";
import type { VideoId } from "../core/interaction.ts";
import { encodeEntry } from "../core/wire.ts";
import { encodeStowed } from "./away-bytes.ts";
import { draft, expectInTime, like, once, record } from "./contract-bench.ts";
import { type Deletions, deletionTask } from "./deletions.ts";
import { Fold } from "./fold.ts";
import { closeAll, closers, type Member, member, server } from "./jetstream-kit.ts";
import { type AwayVideos, LedgerRefused } from "./ledger.ts";
import { encodeFold } from "./snapshot.ts";
import { firstBranch, Snapshots } from "./snapshots.ts";
import type { Stored } from "./streams.ts";
import { verifyStreams } from "./streams-verify.ts";

const clock = systemClock();
let url = "";
beforeEach(async () => {
  url = (await server()).url;
});
afterEach(closeAll);

const verify = ({ bus }: Member) => verifyStreams({ streams: bus.streams, clock });

/** A ledger with five likes and two comments; its snapshots are written by hand, or every `snapshotMs`. */
async function filled(snapshotMs = 3_600_000): Promise<Member> {
  const one = await member(url, { partitions: 1, snapshotMs });
  await one.ledger.append({ likes: [record([like("v", "k", { count: 3 })])], comments: [draft("v", "a")] });
  await one.ledger.append({ likes: [record([like("v", "k", { count: 3 })])], comments: [] });
  await one.ledger.append({ likes: [record([like("w", "l", { count: 2 })])], comments: [draft("w", "b")] });
  return one;
}

/** Where the log of likes ends. */
const endOf = async ({ bus }: Member): Promise<number> => (await bus.streams.state("log_0")).lastSeq;

/** The place up to which a snapshot holds the log, once there is one. */
async function snapshotAt({ bus }: Member): Promise<number> {
  const snapshots = new Snapshots(bus.streams, clock, 0);
  for (;;) {
    const upTo = (await snapshots.manifest())?.upTo;
    if (upTo) return upTo;
    await Bun.sleep(10);
  }
}

test("what goes on is looked through up to where it ended, with a snapshot and without", async () => {
  const one = await filled();
  const sound = { videos: 2, likes: 5, comments: 2, wrong: [] };
  expect(await verify(one)).toEqual({ ...sound, records: await endOf(one) });
  const often = await member(url, { partitions: 1, snapshotMs: 50 });
  await snapshotAt(often);
  expect(await verify(one)).toMatchObject(sound);
  await often.end();
  let going = true;
  const publishing = (async () => {
    for (let i = 0; going; i++) await one.ledger.append({ likes: [record([like(`x${i}`)])], comments: [] });
  })();
  for (let i = 0; i < 5; i++) expect((await verify(one)).wrong).toEqual([]);
  going = false;
  await publishing;
});

test("one like per viewer is looked through as such", async () => {
  const one = await member(url, { partitions: 2, onceMax: 100 });
  const likes = ["ann", "bob", "cleo"].map((viewer) => once("v", viewer));
  await one.ledger.append({ likes: [record([...likes, once("v", "bob", { unlike: true })])], comments: [] });
  expect(await verify(one)).toMatchObject({ videos: 1, likes: 2, comments: 0, wrong: [] });
});

for (const onceMax of [undefined, 100]) {
  test(`videos that left memory are looked for where they are: ${onceMax ? "once" : "many"}`, async () => {
    const one = await member(url, { partitions: 1, onceMax, snapshotMs: 3_600_000 });
    const v = "v" as VideoId;
    const add = async (video: string, by: string) => {
      const likes = [onceMax ? once(video, by) : like(video, by)];
      await one.ledger.append({ likes: [record(likes)], comments: [] });
    };
    for (const by of ["ann", "bob"]) await add("v", by);
    await add("w", "ann");
    await one.ledger.current(v);
    for (const video of ["v", "w"] as VideoId[]) expect(await one.ledger.away?.put(video)).toBe(true);
    const sound = { videos: 2, comments: 0, wrong: [] };
    expect(await verify(one)).toMatchObject({ ...sound, likes: 3 });
    await add("v", "late");
    expect(await verify(one)).toMatchObject({ ...sound, likes: 4 });
    await one.bus.streams.erase("away", 2);
    expect((await verify(one)).wrong[0]).toBe(
      `w left memory, and what it came to is not in ${one.bus.streams.full("away")}`,
    );
  });
}

test("totals of a snapshot that its log does not come to are told", async () => {
  const one = await filled();
  const { streams } = one.bus;
  const fold = new Fold({ seed: 1 });
  fold.apply(record([like("v", "k", { count: 4 })]), 1_000, 1_000);
  const upTo = await endOf(one);
  const at = { upTo, logMs: 2_000, branch: "first", from: 0, parents: [], last: undefined };
  expect(await new Snapshots(streams, clock, 0).save({ fold: encodeFold(fold) }, at, undefined)).toBe(true);
  expect((await verify(one)).wrong).toEqual([
    "v has 4 of heart, and its log says 3",
    "w has 0 of heart, and its log says 2",
  ]);
});

test("records that are gone, missing or damaged are told", async () => {
  const one = await filled();
  const { streams } = one.bus;
  const end = await endOf(one);
  await streams.append("log.0", new TextEncoder().encode("no record"), 1_000);
  await streams.erase("log_0", 2);
  expect((await verify(one)).wrong).toEqual([
    `records 2 to 2 of ${streams.full("log_0")} are missing`,
    `record ${end + 1} of ${streams.full("log_0")} is damaged`,
  ]);
  await streams.forget("log_0", end + 1);
  expect((await verify(one)).wrong[0]).toBe(
    `records 1 to ${end} of ${streams.full("log_0")} are gone, and no snapshot holds them`,
  );
});

test("a log that is not the one its snapshot was made of, or ends before it, is told", async () => {
  const one = await filled(50);
  const upTo = await snapshotAt(one);
  expect(upTo).toBeGreaterThan(0);
  await one.ledger.close();
  const { streams } = one.bus;
  const snapshots = new Snapshots(streams, clock, 0);
  const held = await snapshots.manifest();
  const at = { upTo, logMs: 2_000, branch: "first", from: 0, parents: [], last: { atMs: 5, hash: 7 } };
  const fold = new Fold({ seed: 1 });
  expect(await snapshots.save({ fold: encodeFold(fold) }, at, held)).toBe(true);
  const full = streams.full("log_0");
  expect((await verify(one)).wrong[0]).toBe(
    `record ${upTo} of ${full} is not the one that its snapshot was made of`,
  );
  const beyond = { ...at, upTo: 9, last: undefined };
  expect(await snapshots.save({ fold: encodeFold(fold) }, beyond, await snapshots.manifest())).toBe(true);
  expect((await verify(one)).wrong[0]).toBe(
    `the snapshot of ${full} goes up to record 9, and the log ends at ${await endOf(one)}`,
  );
});

test("comments that are none, and one that is there although it was removed, are told", async () => {
  const one = await filled();
  const { streams } = one.bus;
  await streams.append("comments.v", new TextEncoder().encode("{"), 1_000);
  await streams.append("comments.v", encodeEntry({ type: "retract", target: 1 }), 1_000);
  expect((await verify(one)).wrong).toEqual([
    `message 3 of ${streams.full("comments")} is no comment`,
    "comment 1 is there, and 4 says it was removed",
  ]);
  expect(await one.ledger.retract("w" as VideoId, 2)).toBe(true);
  expect((await verify(one)).comments).toBe(1);
});

/** Put away, liked late, opened and liked again, deleted: of six videos four are left, with eleven likes. */
async function moved(one: Member, append = likesOf(one)): Promise<void> {
  const away = one.ledger.away as AwayVideos;
  const deletions = one.ledger.deletions as Deletions;
  for (const [n, video] of ["kept", "late", "opened", "gone", "back", "here"].entries()) {
    for (let i = 0; i <= n % 3; i++) await append(video, `k${i}`);
  }
  for (const video of ["kept", "late", "opened", "gone", "back"]) {
    expect(await away.put(video as VideoId)).toBe(true);
  }
  await append("late", "after");
  expect(await away.put("late" as VideoId)).toBe(true);
  expect(await away.open("opened" as VideoId)).toBe(true);
  await append("opened", "anew");
  expect(await away.open("back" as VideoId)).toBe(true);
  await append("back", "anew");
  expect(await away.put("back" as VideoId)).toBe(true);
  for (const video of ["gone", "here"] as VideoId[]) {
    expect(await deletions.delete(video)).toBe(true);
    while (!(await deletions.sweep(video)));
  }
}

function likesOf({ ledger }: Member, likes = like): (video: string, key: string) => Promise<void> {
  return async (video, key) => {
    await ledger.append({ likes: [record([likes(video, key)])], comments: [] });
  };
}

const movedSound = { videos: 4, likes: 11, wrong: [] };

test("closed videos that left memory count; late liked, opened, deleted ones as the log says", async () => {
  const one = await member(url, { partitions: 1, snapshotMs: 3_600_000 });
  await moved(one);
  expect(await verify(one)).toMatchObject(movedSound);
  const often = await member(url, { partitions: 1, snapshotMs: 50 });
  await snapshotAt(often);
  expect(await verify(one)).toMatchObject(movedSound);
  await often.end();
  // Behind the snapshot once more; then the log of before is let go, and only the stream says what they were.
  const away = one.ledger.away as AwayVideos;
  expect(await away.put("opened" as VideoId)).toBe(true);
  await likesOf(one)("kept", "later");
  expect(await away.open("late" as VideoId)).toBe(true);
  const sound = { ...movedSound, likes: 12 };
  expect(await verify(one)).toMatchObject(sound);
  await one.bus.streams.forget("log_0", (await snapshotAt(one)) + 1);
  expect(await verify(one)).toMatchObject(sound);
});

test("with one like per viewer those that left memory are counted among the viewers' likes", async () => {
  const one = await member(url, { partitions: 1, onceMax: 100, snapshotMs: 3_600_000 });
  await moved(
    one,
    likesOf(one, (video: string, viewer = "") => once(video, viewer)),
  );
  expect(await verify(one)).toMatchObject(movedSound);
  await (await member(url, { partitions: 1, onceMax: 100, snapshotMs: 50 })).bus.streams.state("log_0");
  await one.bus.streams.forget("log_0", (await snapshotAt(one)) + 1);
  expect(await verify(one)).toMatchObject(movedSound);
  const { seq = 0 } = (await one.bus.streams.last("away", "away.kept")) ?? {};
  await one.bus.streams.erase("away", seq);
  expect((await verify(one)).wrong).toEqual([
    `kept left memory, and what it came to is not in ${one.bus.streams.full("away")}`,
    "10 likes are counted, and 11 viewers' likes are there",
  ]);
});

test("what closed videos came to is missing, cut, of other totals or a later place: it is told", async () => {
  const one = await member(url, { partitions: 1, snapshotMs: 3_600_000 });
  await moved(one);
  const { streams } = one.bus;
  const full = streams.full("away");
  const at = async (video: string) => (await streams.last("away", `away.${video}`)) as Stored;
  await streams.erase("away", (await at("kept")).seq);
  const late = await at("late");
  const cut = await streams.append("away.late", late.payload.subarray(0, 40), 1_000);
  const other = new Fold({ seed: 1 });
  other.apply(record([like("back", "k", { count: 9 })]), 1_000, 1_000);
  await streams.append("away.back", encodeStowed(other, "back" as VideoId, { branch: "", upTo: 1 }), 1_000);
  const wrong = [
    `kept left memory, and what it came to is not in ${full}`,
    `message ${cut.seq} of ${full}, what late came to, is damaged`,
    `back in ${full} has 9 of heart, and its log says 3`,
  ];
  expect((await verify(one)).wrong.toSorted()).toEqual(wrong.toSorted());
  const branch = firstBranch.branch;
  await streams.append("away.back", encodeStowed(other, "back" as VideoId, { branch, upTo: 99 }), 1_000);
  expect((await verify(one)).wrong).toContain(
    `what back came to in ${full} goes up to record 99 of ${streams.full("log_0")}, ` +
      `and the log ends at ${await endOf(one)}`,
  );
});

test("closed videos that left memory are told as lost where their stream is gone", async () => {
  const one = await member(url, { partitions: 1, snapshotMs: 3_600_000 });
  await moved(one);
  await one.ledger.close();
  await callApi(url, "STREAM.DELETE.ov_away");
  expect((await verify(one)).wrong).toHaveLength(3);
});

test("a backup that is put back is given what closed videos came to that left meanwhile", async () => {
  const one = await member(url, { partitions: 1, snapshotMs: 3_600_000 });
  const { streams } = one.bus;
  await (one.ledger.away as AwayVideos).put("none" as VideoId);
  const away = one.ledger.away as AwayVideos;
  await likesOf(one)("early", "a");
  await away.put("early" as VideoId);
  const before = (await streams.last("away", "away.early")) as Stored;
  await likesOf(one)("early", "b");
  await away.put("early" as VideoId);
  await moved(one);
  await one.ledger.close();
  // Their stream was saved before.
  await streams.append("away.early", before.payload, 1_000);
  for (const video of ["kept", "late", "back"]) {
    await streams.erase("away", (await streams.last("away", `away.${video}`))?.seq ?? 0);
  }
  const sound = { videos: 5, likes: 13, wrong: [] };
  expect((await verify(one)).wrong).toHaveLength(4);
  expect(await verifyStreams({ streams, clock, mends: true })).toMatchObject(sound);
  expect(await verify(one)).toMatchObject(sound);
  const next = await member(url, { partitions: 1 });
  const likes = { early: 2, kept: 1, late: 3, opened: 4, back: 3 };
  for (const [video, count] of Object.entries(likes)) {
    const { counts } = await next.ledger.current(video as VideoId);
    expect([video, counts]).toEqual([video, { heart: count }]);
  }
  expectInTime(next.ledger, Object.keys(likes));
});

/** A stream, as it is now, put into the NATS at `to` when that is called. */
async function copyOf({ bus }: Member, name: string, to: NatsBus): Promise<() => Promise<void>> {
  const chunks: Uint8Array[] = [];
  let about: StreamAbout | undefined;
  await bus.copies.save(
    name,
    (told) => {
      about = told;
    },
    async (chunk) => void chunks.push(chunk.slice()),
  );
  const all = async function* () {
    yield* chunks;
  };
  return () => to.copies.put(name, about as StreamAbout, all());
}

test("a deletion between the moments of a backup's streams is whole when they are put back", async () => {
  const one = await member(url, { partitions: 1, snapshotMs: 3_600_000 });
  const { ledger } = one;
  const names = ["gone", "closed", "anew", "kept", "before"];
  for (const video of names) {
    for (const key of ["a", "b"]) await likesOf(one)(video, key);
    await ledger.append({ likes: [], comments: [draft(video, `of ${video}`)] });
  }
  await (ledger.away as AwayVideos).put("closed" as VideoId);
  const erase = async (video: string) => {
    await ledger.deletions.delete(video as VideoId);
    while (!(await ledger.deletions.sweep(video as VideoId)));
    await ledger.deletions.setTask(deletionTask(video as VideoId), undefined);
  };
  await erase("before");
  await likesOf(one)("before", "anew");
  const { url: other } = await server();
  const elsewhere = await connectBus(other);
  closers.push(() => elsewhere.close());
  const parts: (() => Promise<void>)[] = [];
  const keep = async (...of: string[]) => {
    for (const name of of) parts.push(await copyOf(one, `ov_${name}`, elsewhere));
  };
  await keep("snapshots", "away", "log_0");
  for (const video of ["gone", "closed", "anew"]) await erase(video);
  await ledger.append({ likes: [record([like("anew", "late")])], comments: [draft("anew", "a new life")] });
  await keep("tasks", "comments");
  for (const put of parts) await put();
  const mended = await verifyStreams({ streams: elsewhere.streams, clock, mends: true });
  expect(mended).toMatchObject({ videos: 2, likes: 3, comments: 2, wrong: [] });
  expect((await verifyStreams({ streams: elsewhere.streams, clock })).wrong).toEqual([]);
  const { ledger: next } = await member(other, { partitions: 1 });
  for (const [video, count] of Object.entries({ gone: 0, closed: 0, anew: 0, kept: 2, before: 1 })) {
    const { counts } = await next.current(video as VideoId);
    expect([video, counts.heart ?? 0]).toEqual([video, count]);
  }
});

test("closed videos that leave memory and are opened all the while are called nothing wrong", async () => {
  const one = await member(url, { partitions: 1, snapshotMs: 50 });
  const away = one.ledger.away as AwayVideos;
  let going = true;
  const moving = (async () => {
    for (let i = 0; going; i++) {
      const video = `v${i % 5}` as VideoId;
      await likesOf(one)(video, `k${i}`);
      await away.put(video);
      if (i % 3 === 0) await away.open(video);
      if (i % 7 === 0) await (one.ledger.deletions as Deletions).delete(video);
      if (i % 7 === 0) await (one.ledger.deletions as Deletions).sweep(video);
    }
  })();
  for (let i = 0; i < 8; i++) expect((await verify(one)).wrong).toEqual([]);
  going = false;
  await moving;
});

test("where dispatchers share nothing there is nothing to look through", async () => {
  const one = await filled();
  await one.ledger.close();
  await one.bus.streams.forget("snapshots", 1_000, "snapshot.shared");
  expect(await rejection(verify(one))).toBeInstanceOf(LedgerRefused);
});

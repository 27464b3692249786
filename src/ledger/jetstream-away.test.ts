/** Closed videos that leave the memory of all dispatchers of a shared log, over a real nats-server. */
import { afterEach, expect, test } from "bun:test";
import { seededPrng } from "../base/prng.ts";
import { callApi, rejection, until } from "../bus/nats-kit.ts";
import type { VideoId } from "../core/interaction.ts";
import { expectInTime, inTime, like, record } from "./contract-bench.ts";
import { closeAll, insist, likesAt, one as logged, type Member, member, server } from "./jetstream-kit.ts";
import type { AwayVideos, Ledger } from "./ledger.ts";

afterEach(closeAll);

const startMs = 1_700_000_000_000;
const awayOf = ({ ledger }: Pick<Member, "ledger">): AwayVideos => ledger.away as AwayVideos;
const id = (name: string): VideoId => name as VideoId;
const likes = (ledger: Ledger, video: string, key: string) =>
  ledger.append({ likes: [record([like(video, key)], startMs)], comments: [] });

function held(members: readonly Member[]) {
  return members.map(({ ledger }) => {
    const all = ledger.holdings();
    return [all.reduce((sum, one) => sum + one.videos, 0), all.reduce((sum, one) => sum + one.away, 0)];
  });
}

async function counted({ ledger }: Member, video: string): Promise<number> {
  return (await ledger.current(id(video))).counts.heart ?? 0;
}

test("they leave on all, are told by all, and come back on all", async () => {
  const { url } = await server();
  const members = [await member(url), await member(url)] as [Member, Member];
  const [one, other] = members;
  for (const key of ["a", "b"]) await likes(one.ledger, "v", key);
  await likes(one.ledger, "w", "a");
  await until(() => members.every(({ ledger }) => likesAt(ledger, "v") === 2 && likesAt(ledger, "w") === 1));
  const before = await one.ledger.current(id("v"));
  // Both at once: nobody owns it.
  const put = await Promise.all(members.map((each) => awayOf(each).put(id("v"))));
  expect(put).toContain(true);
  await until(() => members.every((each) => awayOf(each).isClosed(id("v"))));
  expect(held(members)).toEqual([
    [1, 1],
    [1, 1],
  ]);
  for (const each of members) {
    expect(await each.ledger.current(id("v"))).toEqual(before);
    expectInTime(each.ledger, ["v"]);
    expect(inTime(each.ledger, "v").placed).toEqual({ heart: 2 });
  }
  await likes(other.ledger, "v", "late");
  for (const each of members)
    expect([await counted(each, "v"), [...awayOf(each).back()]]).toEqual([3, [id("v")]]);
  expect(await awayOf(other).put(id("v"))).toBe(true);
  expect(await awayOf(one).open(id("v"))).toBe(true);
  await until(() => members.every((each) => !awayOf(each).isClosed(id("v"))));
  await likes(one.ledger, "v", "late");
  await likes(one.ledger, "v", "again");
  for (const each of members) expect(await counted(each, "v")).toBe(4);
  expect(held(members)).toEqual([
    [2, 0],
    [2, 0],
  ]);
}, 20_000);

test("who starts later has them away too, by the log or a snapshot, and counts nothing twice", async () => {
  const { url } = await server();
  const options = { partitions: 1, snapshotMs: 200 };
  const one = await member(url, options);
  const prng = seededPrng(7);
  const wanted = new Map<string, number>();
  for (let step = 0; step < 60; step++) {
    const video = `v${prng.between(0, 5)}`;
    const what = prng.between(0, 4);
    if (what === 0) await awayOf(one).put(id(video));
    else if (what === 1) await awayOf(one).open(id(video));
    else {
      await likes(one.ledger, video, `k${step}`);
      wanted.set(video, (wanted.get(video) ?? 0) + 1);
    }
    // What left is written down anew meanwhile: who folds what came before meets what came after.
    if (step === 30) await member(url, { partitions: 1 });
  }
  const manifest = async () => {
    const { state } = (await callApi(url, "STREAM.INFO.ov_snapshots")) as { state: { messages: number } };
    return state.messages > 2;
  };
  let written = false;
  await until(() => {
    void manifest().then((is) => {
      written = is;
    });
    return written;
  });
  const late = await member(url, options);
  await one.end();
  const alone = await member(url, options);
  for (const each of [late, alone]) {
    for (const [video, likes] of wanted) expect([video, await counted(each, video)]).toEqual([video, likes]);
    expectInTime(each.ledger, wanted.keys());
  }
  expect(held([alone])).toEqual(held([late]));
  const closed = (each: Member) => [...wanted.keys()].filter((video) => awayOf(each).isClosed(id(video)));
  expect(closed(alone)).toEqual(closed(late));
}, 30_000);

test("who starts later has what came of a deleted one, written down when it left again", async () => {
  const { url } = await server();
  const options = { partitions: 1, snapshotMs: 3_600_000 };
  const one = await member(url, options);
  for (const key of ["a", "b", "c"]) await likes(one.ledger, "v", key);
  await awayOf(one).put(id("v"));
  await one.ledger.deletions.delete(id("v"));
  for (const key of ["a", "d", "e"]) await likes(one.ledger, "v", key);
  expect(await counted(one, "v")).toBe(2);
  const before = await one.ledger.current(id("v"));
  await awayOf(one).put(id("v"));
  const late = await member(url, options);
  expect(await late.ledger.current(id("v"))).toEqual(before);
  expectInTime(late.ledger, ["v"]);
  expect(held([late])).toEqual(held([one]));
  // What begins behind it has the same version on both.
  await likes(one.ledger, "w", "a");
  expect(await late.ledger.current(id("w"))).toEqual(await one.ledger.current(id("w")));
  await likes(late.ledger, "v", "a");
  await likes(late.ledger, "v", "late");
  for (const each of [one, late]) expect(await counted(each, "v")).toBe(3);
}, 20_000);

test("a log that is seeded anew has them away, with versions that are no lower", async () => {
  const nats = await server();
  const options = { partitions: 1, snapshotMs: 200 };
  const members = [await member(nats.url, options), await member(nats.url, options)] as [Member, Member];
  const [one] = members;
  for (const key of ["a", "b"]) await likes(one.ledger, "v", key);
  const before = await one.ledger.current(id("v"));
  await awayOf(one).put(id("v"));
  await likes(one.ledger, "w", "a");
  await callApi(nats.url, "STREAM.DELETE.ov_log_0");
  // Who writes notices.
  await insist(members, seededPrng(1), logged("w", "b"));
  await until(() => members.every(({ log }) => log.lines.some((line) => line.includes("branch"))));
  await until(() => members.every(({ ledger }) => ledger.ready()));
  for (const each of [...members, await member(nats.url, options)]) {
    const { version, counts } = await each.ledger.current(id("v"));
    expect([counts, version > before.version]).toEqual([before.counts, true]);
    expect(await counted(each, "w")).toBe(2);
  }
}, 30_000);

test("without their stream they are told as lost, and nothing else waits for it", async () => {
  const { url } = await server();
  const one = await member(url, { partitions: 1 });
  await likes(one.ledger, "v", "a");
  await awayOf(one).put(id("v"));
  await callApi(url, "STREAM.DELETE.ov_away");
  expect((await rejection(one.ledger.current(id("v")))).message).toContain("lost");
  expect(one.log.lines.filter((line) => line.includes("is lost"))).toHaveLength(1);
  await awayOf(one).open(id("v"));
  await likes(one.ledger, "w", "a");
  expect([await counted(one, "w"), await counted(one, "v")]).toEqual([1, 0]);
}, 20_000);

/** Micro-benchmarks of core: the door, totals, frames, messages between nodes, the log's record. */
import { type Hash64, hash64 } from "../src/core/hash.ts";
import { kindSet, parseComment, parseLike, parseLikeItem, type VideoId } from "../src/core/interaction.ts";
import { decodeRecord, encodeRecord, RecordBuilder } from "../src/core/record.ts";
import { bytesOf, commentJson, entryFrame, likesFrame, snapshotFrame } from "../src/core/sse.ts";
import { addCounts, emptyCounts, newest, sumLogs } from "../src/core/totals.ts";
import {
  decodeEntry,
  decodeState,
  decodeTick,
  encodeEntry,
  encodeState,
  encodeTick,
} from "../src/core/wire.ts";
import {
  byNames,
  commentBodies,
  entries,
  kindNames,
  likeBodies,
  likes,
  lineage,
  records,
  startMs,
  tick,
  totals,
  videoIds,
} from "./fixtures.ts";
import type { Micro } from "./micro.ts";

const video = videoIds(1)[0] as VideoId;
const kinds = kindSet(kindNames);

export function door(): Micro[] {
  const bodies = likeBodies(256);
  const items = likes(256, videoIds(20)).map((like) => JSON.parse(JSON.stringify(like)) as unknown);
  const comments = commentBodies(256);
  let next = 0;
  const body = (): string => bodies[next++ & 255] as string;
  return [
    { name: "like: JSON.parse alone, the floor", run: () => JSON.parse(body()) as unknown },
    { name: "like: parse", run: () => parseLike(video, JSON.parse(body()), null, kinds) },
    { name: "like: parse an item of a batch", run: () => parseLikeItem(items[next++ & 255], kinds) },
    {
      name: "comment: parse",
      run: () => parseComment(video, JSON.parse(comments[next++ & 255] as string), null, startMs),
    },
  ];
}

export function keysAndRecords(): Micro[] {
  const crowd = likes(1024, videoIds(20));
  const [record] = records(1, 1000);
  if (!record) return [];
  const bytes = encodeRecord(record);
  const hash: Hash64 = { hi: 0, lo: 0 };
  const builder = new RecordBuilder();
  let next = 0;
  return [
    {
      name: "key: hash",
      run: () => {
        hash64(video, crowd[next++ & 1023]?.key ?? "none", hash);
        return hash.lo;
      },
    },
    {
      name: "record: add likes and take",
      per: 1000,
      run: () => {
        for (let i = 0; i < 1000; i++) builder.add(crowd[i] as (typeof crowd)[0], startMs);
        return builder.take();
      },
    },
    { name: "record: encode, per like", per: 1000, run: () => encodeRecord(record) },
    { name: "record: decode, per like", per: 1000, run: () => decodeRecord(bytes) },
  ];
}

export function totalsAndFrames(): Micro[] {
  const many = [totals(100), totals(200), totals(300)];
  const one = totals(100);
  const pair = [one, totals(101)];
  const into = emptyCounts();
  const by = byNames();
  const comments = entries(20, video);
  const listed = comments.map((entry) => commentJson(lineage, entry));
  const shown = { video, totals: one.counts, version: one.version };
  const id = lineage.idOf(12_345);
  let version = 0;
  return [
    {
      name: "totals: newer of two",
      run: () => newest(pair[version & 1] as typeof one, pair[++version & 1] as typeof one),
    },
    { name: "totals: add counts", run: () => addCounts(into, one.counts) },
    { name: "totals: sum of three regions", run: () => sumLogs(many) },
    { name: "frame: likes", run: () => bytesOf(likesFrame({ ...shown, version: ++version }, startMs, [])) },
    { name: "frame: likes with names", run: () => bytesOf(likesFrame(shown, startMs + version++, by)) },
    {
      name: "frame: comment",
      run: () => bytesOf(entryFrame(lineage, comments[version++ % 20] as (typeof comments)[0])),
    },
    { name: "frame: snapshot of 20 comments", run: () => bytesOf(snapshotFrame(shown, 1000, listed, id)) },
  ];
}

export function wire(): Micro[] {
  const one = tick(1000, video);
  const tickBytes = encodeTick(one);
  const [entry] = entries(1, video);
  if (!entry) return [];
  const entryBytes = encodeEntry(entry);
  const page = { entries: entries(100, video), floor: 0, head: 10_000, more: false };
  const state = {
    log: lineage.newest.name,
    lineage,
    region: "main",
    totals: totals(1000),
    viewers: 1000,
    page,
  };
  const stateBytes = encodeState(state);
  return [
    { name: "wire: encode a tick", run: () => encodeTick(one) },
    { name: "wire: decode a tick", run: () => decodeTick(tickBytes, video) },
    { name: "wire: encode a comment", run: () => encodeEntry(entry) },
    { name: "wire: decode a comment", run: () => decodeEntry(entryBytes, video, entry.seq, entry.previous) },
    { name: "wire: encode a state of 100 comments", run: () => encodeState(state) },
    { name: "wire: decode a state of 100 comments", run: () => decodeState(stateBytes, video) },
  ];
}

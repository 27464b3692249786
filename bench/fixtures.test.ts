import { describe, expect, test } from "bun:test";
import { type Elapsed, later } from "../src/base/clock.ts";
import { isRejection, kindSet, parseComment, parseLike, parseVideoId } from "../src/core/interaction.ts";
import { limits } from "../src/core/limits.ts";
import { decodeRecord, encodeRecord } from "../src/core/record.ts";
import { likesOf } from "../src/core/totals.ts";
import { decodeTick, encodeTick } from "../src/core/wire.ts";
import { Connection } from "../src/fanout/connection.ts";
import {
  commentBodies,
  entries,
  kindNames,
  likeBodies,
  likes,
  popular,
  prngOf,
  records,
  Sink,
  StandingClock,
  started,
  tick,
  totals,
  videoIds,
} from "./fixtures.ts";

const video = videoIds(1)[0] ?? ("" as never);

describe("fixtures", () => {
  test("are the same each time", () => {
    expect(likes(200, videoIds(9))).toEqual(likes(200, videoIds(9)));
    expect(commentBodies(50)).toEqual(commentBodies(50));
    expect(records(3, 40)).toEqual(records(3, 40));
    expect(entries(40, video)).toEqual(entries(40, video));
  });

  test("are stable: a change here makes figures of two revisions incomparable", () => {
    expect(likeBodies(1)[0]).toMatchInlineSnapshot(
      `"{"kind":"wow","count":44,"user":"fan-41484","key":"k2654435761-00000000"}"`,
    );
    expect(commentBodies(1)[0]).toMatchInlineSnapshot(
      `"{"text":"goal goal 🎉 ¡vamos! again","user":"fan-55911","key":"k2654435761-00000000"}"`,
    );
  });

  test("pass the door", () => {
    for (const id of videoIds(1000)) expect(parseVideoId(id)).toBe(id);
    const kinds = kindSet(kindNames);
    for (const body of likeBodies(2000)) {
      expect(isRejection(parseLike(video, JSON.parse(body), null, kinds))).toBe(false);
    }
    for (const body of commentBodies(2000)) {
      expect(Buffer.byteLength(body)).toBeLessThan(limits.bodyBytesMax);
      expect(isRejection(parseComment(video, JSON.parse(body), null, 1))).toBe(false);
    }
  });

  test("show a crowd: every kind, merged taps and single ones, keys and none, no key twice", () => {
    const crowd = likes(5000, videoIds(100));
    expect(new Set(crowd.map(({ kind }) => String(kind)))).toEqual(new Set<string>(kindNames));
    expect(crowd.some(({ count }) => count > 1)).toBe(true);
    expect(crowd.filter(({ count }) => count === 1).length).toBeGreaterThan(3000);
    const keys = crowd.flatMap(({ key }) => key ?? []);
    expect(keys.length).toBeGreaterThan(4200);
    expect(keys.length).toBeLessThan(4800);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("have few loud videos and many quiet ones", () => {
    const prng = prngOf("skew");
    const hits = new Array<number>(1000).fill(0);
    for (let i = 0; i < 100_000; i++) {
      const index = popular(prng, 1000);
      hits[index] = (hits[index] ?? 0) + 1;
    }
    expect(hits[0]).toBeGreaterThan(20 * (hits[500] ?? 0));
    expect(hits.filter((count) => count > 0).length).toBeGreaterThan(990);
  });

  test("records hold what went in, and are what the log reads", () => {
    for (const record of records(4, 100)) {
      const keys = record.groups.reduce((sum, group) => sum + group.hi.length, 0);
      expect(keys).toBeGreaterThan(70);
      expect(keys).toBeLessThanOrEqual(100);
      // How many people gave them stands beside the record (core/whose.ts).
      const groups = record.groups.map(({ people: _, ...group }) => group);
      expect(decodeRecord(encodeRecord(record))).toEqual({ ...record, groups });
    }
  });

  test("comments are in order and linked", () => {
    let last = 0;
    for (const entry of entries(500, video)) {
      expect(entry.previous).toBe(last);
      expect(entry.seq).toBeGreaterThan(last);
      last = entry.seq;
    }
  });

  test("ticks are what nodes understand, and grow", () => {
    const one = tick(7, video);
    expect(decodeTick(encodeTick(one), video)).toEqual(one);
    expect(likesOf(totals(8).counts)).toBeGreaterThan(likesOf(totals(7).counts));
  });

  test("the standing clock stands, and runs what is due in turns", () => {
    const clock = new StandingClock();
    const ran: string[] = [];
    clock.soon(() => {
      ran.push("first");
      clock.soon(() => ran.push("second"));
    });
    const before = clock.elapsed();
    expect(clock.run()).toBe(2);
    expect(ran).toEqual(["first", "second"]);
    expect(clock.elapsed()).toBe(before);
    clock.move(5);
    expect(clock.elapsed()).toBe(later(before, 5));
  });

  test("a fake connection takes everything", () => {
    const sink = new Sink();
    const connection = started(new Connection({ ended: () => {} }, 15_000, 0 as Elapsed), sink);
    for (let i = 0; i < 100; i++) expect(connection.write(new Uint8Array(7), i as Elapsed)).toBe("ok");
    expect(sink).toEqual({ frames: 100, bytes: 700 } as Sink);
    expect(connection.gone).toBe(false);
  });
});

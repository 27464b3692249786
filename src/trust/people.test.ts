import { expect, test } from "bun:test";
import { type Elapsed, later } from "../base/clock.ts";
import type { Kind, Like, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { payerAt } from "./payer.ts";
import { People } from "./people.ts";

const start = 1_000 as Elapsed;
const like = (over: Partial<Like> = {}): Like => ({
  ...{ video: "v" as VideoId, kind: "heart" as Kind, count: 1, user: undefined, key: undefined },
  ...over,
});

test("whoever taps all the time is somebody once in a while, on each video", () => {
  const people = new People();
  const payer = payerAt("192.0.2.7");
  let news = 0;
  for (let ms = 0; ms < 60_000; ms += 50) if (!people.mark(like(), payer, later(start, ms)).again) news++;
  expect(news).toBeGreaterThanOrEqual(60_000 / limits.personMs);
  expect(news).toBeLessThanOrEqual(60_000 / limits.personMs + 1);
  const other = like({ video: "w" as VideoId });
  expect(people.mark(other, payer, later(start, 60_000)).again).toBeUndefined();
  expect(people.mark(like(), payerAt("192.0.2.8"), later(start, 60_000)).again).toBeUndefined();
});

test("of a server that speaks for many, those it names are told apart, and the others all new", () => {
  const people = new People();
  const again = (over: Partial<Like>) => people.mark(like(over), undefined, start).again;
  expect([again({ user: "ada" }), again({ user: "ada" }), again({ user: "bob" })]).toEqual([
    undefined,
    true,
    undefined,
  ]);
  expect([again({}), again({})]).toEqual([undefined, undefined]);
  expect([again({ viewer: "x", user: "ada" }), again({ viewer: "x" })]).toEqual([undefined, true]);
});

test("taking a like back tells of nobody, and one household of many addresses is one", () => {
  const people = new People();
  const home = (n: number) => payerAt(`2001:db8:1:${n}::/64`);
  expect(people.mark(like({ unlike: true }), home(1), start).again).toBeUndefined();
  expect(people.mark(like(), home(1), start).again).toBeUndefined();
  expect(people.mark(like(), home(1), start).again).toBe(true);
});

import { expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { seededPrng } from "../base/prng.ts";
import { streamAgainMs } from "../frontend/words.ts";
import { StreamShare } from "./share.ts";

const share = (part: number, clock = new VirtualClock()) => new StreamShare(part, seededPrng(7), clock);

test("everybody, nobody, or about so many of those who come new", () => {
  const all = (part: number, polls: boolean) => {
    const of = share(part);
    return Array.from({ length: 1_000 }, () => of.admits(0, polls)).filter(Boolean).length;
  };
  expect([all(1, false), all(1, true), all(0, false), all(0, true)]).toEqual([1_000, 1_000, 0, 0]);
  expect(Math.abs(all(0.2, false) - 200)).toBeLessThan(40);
});

test("in an audience that asks again for an hour the share stays, and is filled again", async () => {
  const clock = new VirtualClock();
  const prng = seededPrng(3);
  const of = share(0.2, clock);
  let open = 0;
  let polling = 0;
  const ask = (polls: boolean): void => {
    if (of.admits(open, polls)) open++;
    else {
      polling++;
      clock.after(prng.between(streamAgainMs / 2, (3 * streamAgainMs) / 2), () => {
        polling--;
        ask(true);
      });
    }
  };
  for (let viewer = 0; viewer < 1_000; viewer++) ask(false);
  const first = open;
  expect(Math.abs(first - 200)).toBeLessThan(40);
  await clock.advance(60 * streamAgainMs);
  expect([open + polling, Math.abs(open - 200) < 40]).toEqual([1_000, true]);
  // Half of those with a stream leave: those who poll take their places, and no more.
  open = Math.floor(open / 2);
  await clock.advance(10 * streamAgainMs);
  const part = open / (open + polling);
  expect(part).toBeGreaterThan(0.17);
  expect(part).toBeLessThan(0.23);
});

/** A snapshot of very many is read in slices, to the same fold. */
import { expect, test } from "bun:test";
import type { VideoId } from "../core/interaction.ts";
import { Fold } from "./fold.ts";
import { decodeFold, decodeFoldInTurns, encodeFold } from "./snapshot.ts";

const options = { seed: 0.5, onceMax: 1_000_000 };

test("a snapshot of very many is read a slice a turn, to what it is read to in one", async () => {
  const fold = new Fold(options);
  for (let i = 1; i <= 30_000; i++) fold.restore(`v${i}` as VideoId, { version: i, counts: { heart: i } });
  for (let i = 1; i <= 200_000; i++) fold.keys.add(i, i * 7, 1_000);
  for (let i = 1; i <= 50_000; i++) fold.members?.add(i, i * 3);
  fold.resume(1_000);
  const bytes = encodeFold(fold);
  let turns = 0;
  const soon = (run: () => void): void => {
    turns++;
    setImmediate(run);
  };
  const read = (await decodeFoldInTurns({ fold: bytes }, options, { soon })) as Fold;
  expect(turns).toBeGreaterThan(20);
  expect(read.keys.size).toBe(200_000);
  expect(read.members?.size).toBe(50_000);
  expect(encodeFold(read)).toEqual(encodeFold(decodeFold(bytes, options) as Fold));
  expect(
    await decodeFoldInTurns({ fold: bytes.subarray(0, bytes.length - 1) }, options, { soon }),
  ).toBeUndefined();
});

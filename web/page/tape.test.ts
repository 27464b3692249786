/** A film without pictures, by a clock moved by hand. */
import { expect, test } from "bun:test";
import { FakeOutside } from "../client/fakes.ts";
import { SilentTape } from "./tape.ts";

test("plays by the clock, stands while paused, is wound, and ends", async () => {
  const outside = new FakeOutside();
  const tape = new SilentTape(
    100,
    () => outside.now(),
    (ms, run) => outside.after(ms, run),
  );
  const heard: string[] = [];
  for (const name of ["play", "pause", "seeking", "seeked"])
    tape.addEventListener(name, ({ type }) => heard.push(type));
  expect([tape.paused, tape.currentTime]).toEqual([true, 0]);
  tape.play();
  tape.play();
  await outside.pass(10_000);
  expect(tape.currentTime).toBe(10);
  tape.pause();
  await outside.pass(5000);
  expect(tape.currentTime).toBe(10);
  tape.currentTime = 95;
  tape.play();
  await outside.pass(1000);
  tape.currentTime = 98;
  await outside.pass(1500);
  expect([tape.paused, tape.currentTime]).toEqual([false, 99.5]);
  await outside.pass(60_000);
  expect([tape.paused, tape.currentTime]).toEqual([true, 100]);
  tape.play();
  await outside.pass(1000);
  expect(tape.currentTime).toBe(1);
  tape.currentTime = -5;
  expect(tape.currentTime).toBe(0);
  expect(heard.join(" ")).toBe(
    "play pause seeking seeked play seeking seeked pause seeking seeked play seeking seeked",
  );
});

/** What `ovation conform` makes of its flags. */
import { expect, test } from "bun:test";
import { systemClock } from "../base/clock.ts";
import { runConform } from "./command.ts";

test("a sentence that is none is a mistake, and not one that holds", async () => {
  const said: string[] = [];
  const io = {
    ...{ env: {}, clock: systemClock(), readFile: () => "", writeFile: () => {} },
    ...{ print: () => {}, complain: (text: string) => said.push(text) },
  };
  expect(await runConform(["--only=lik-6,like-600,nothing", "127.0.0.1:1"], io)).toBe(2);
  expect(said.splice(0)).toEqual([
    expect.stringMatching(
      /^ovation: --only=lik-6 is the beginning of no sentence; there are like-1 to like-/,
    ),
    expect.stringMatching(/^ovation: --only=like-600 .*; there are like-1 to like-\d+\n$/),
    expect.stringMatching(/^ovation: --only=nothing .*; they begin with .*stream/),
  ]);
  expect(await runConform(["--only=like-6", "127.0.0.1:1"], io)).toBe(1);
  expect(said.join("")).toContain("http://127.0.0.1:1 is no server of this protocol");
});

/** What a viewer is told, through all that stands between the log and its stream, and what it is not. */
import { expect, test } from "bun:test";
import { limits } from "../core/limits.ts";
import { kit, v, w } from "../frontend/frontend-kit.ts";

test("a viewer who comes is news to the others, also where nobody likes or speaks", async () => {
  const { open, rest } = await kit();
  const first = open();
  await rest(2_000);
  const others = [open(), open()];
  await rest(2_000);
  expect(first.of("viewers").at(-1)?.data).toMatchObject({ video: "v", viewers: 3 });
  await others[0]?.close();
  await rest(2_000);
  expect(first.of("viewers").at(-1)?.data).toMatchObject({ viewers: 2 });
  expect([first.texts, first.hearts.at(-1)]).toEqual([[], 0]);
});

test("what came of a video while its viewer was behind is owed no more once it is not watched", async () => {
  const { log, open, rest, frontend, metrics } = await kit();
  const viewer = open([v, w]);
  await rest();
  viewer.stall();
  // One write each, more than wait in a stream that is not read.
  const count = limits.streamChunksMax + 10;
  for (let i = 1; i <= count; i++) {
    await log.comment(v, `t${i}`);
    await rest(50);
  }
  expect((await metrics.lagging.get()).values[0]?.value).toBe(1);
  await log.comment(w, "of a video that is not watched any more");
  await rest();
  expect(await frontend.watch(viewer.hello.connection ?? "", w, false)).toBe("done");
  viewer.resume();
  await rest(1_000);
  const all = Array.from({ length: count }, (_, i) => `t${i + 1}`);
  expect(viewer.texts).toEqual(all);
  await log.comment(w, "nor this");
  await log.comment(v, "last");
  await rest(1_000);
  expect(viewer.texts).toEqual([...all, "last"]);
});

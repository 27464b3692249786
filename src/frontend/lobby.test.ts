/** Waiting for the first state of videos, some of which are not watched any more before it comes. */
import { describe, expect, test } from "bun:test";
import type { VideoId } from "../core/interaction.ts";
import { kit, v, w } from "./frontend-kit.ts";

const x = "x" as VideoId;

/** A kit that holds v, with two comments and its first viewer, and to which nothing else is answered yet. */
async function waiting() {
  const bench = await kit();
  const { log, open, rest } = bench;
  for (const text of ["t1", "t2"]) await log.comment(v, text);
  open();
  await rest();
  const { promise, resolve: answer } = Promise.withResolvers<void>();
  log.beforeAnswer = () => promise;
  return { ...bench, answer };
}

describe("a stream that is told to stop watching what it waits for", () => {
  test("is shown the others, though the first state of that one never comes", async () => {
    const { log, open, rest, frontend } = await waiting();
    const [fresh, back] = [open([v, w]), open([x, v], log.id(1))];
    await rest();
    expect([fresh, back].map(({ seen }) => seen.length)).toEqual([1, 1]);
    await frontend.watch(fresh.hello.connection as string, w, false);
    await frontend.watch(back.hello.connection as string, x, false);
    await rest();
    expect(fresh.of("snapshot").map(({ data }) => data.video)).toEqual(["v"]);
    expect(back.seen.some(({ event }) => event === "reset" || event === "snapshot")).toBe(false);
    expect(back.texts).toEqual(["t2"]);
    await log.comment(v, "t3");
    await rest();
    expect([fresh.texts, back.texts]).toEqual([
      ["t1", "t2", "t3"],
      ["t2", "t3"],
    ]);
  });

  test("is shown the others, though somebody else waits for that one too", async () => {
    const { open, rest, frontend, answer } = await waiting();
    const [goes, stays] = [open([v, w]), open([w])];
    await rest();
    await frontend.watch(goes.hello.connection as string, w, false);
    await rest();
    expect(goes.of("snapshot").map(({ data }) => data.video)).toEqual(["v"]);
    expect(stays.of("snapshot")).toEqual([]);
    answer();
    await rest();
    expect(goes.of("snapshot").map(({ data }) => data.video)).toEqual(["v"]);
    expect(stays.of("snapshot").map(({ data }) => data.video)).toEqual(["w"]);
  });

  test("waits for the next of them, and begins with what it watches by then", async () => {
    const { open, rest, frontend, answer } = await waiting();
    const viewer = open([w, x, v]);
    await rest();
    const connection = viewer.hello.connection as string;
    await frontend.watch(connection, w, false);
    await rest();
    await frontend.watch(connection, w, true);
    await rest();
    expect(viewer.seen).toHaveLength(1);
    answer();
    await rest();
    const videos = viewer.of("snapshot").map(({ data }) => data.video);
    expect(videos.toSorted()).toEqual(["v", "w", "x"]);
  });

  test("and has left is asked nothing about", async () => {
    const { log, open, rest, frontend } = await waiting();
    const viewer = open([v, w], log.id(9));
    await rest();
    const { asked } = log;
    void frontend.watch(viewer.hello.connection as string, w, false);
    await viewer.close();
    await rest();
    expect([...frontend.watches()].map(({ video }) => video)).toEqual([v]);
    expect(log.asked).toBe(asked);
  });
});

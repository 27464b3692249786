import { describe, expect, test } from "bun:test";
import { readSignal } from "./events.ts";
import { Channel, Tally, Viewer } from "./viewer.ts";

/** A viewer that was shown `heart` likes, and what it is told afterwards. */
function watching(heart: number): {
  viewer: Viewer;
  tally: Tally;
  tell: (event: string, data: object) => void;
} {
  const channel = new Channel("v");
  const viewer = new Viewer(0, channel, 0, false);
  const tally = new Tally();
  const tell = (event: string, data: object): void => {
    const json = JSON.stringify({ video: "v", ...data });
    const id = event === "comment" ? (data as { id: string }).id : undefined;
    viewer.take(readSignal({ event, data: json, id, retryMs: undefined }, "v"), 1000, tally);
  };
  tell("snapshot", { totals: { heart }, version: 5, comments: [] });
  return { viewer, tally, tell };
}

describe("viewer", () => {
  test("a frame delivers by how much it raises the total", () => {
    const { tally, tell } = watching(10);
    tell("likes", { totals: { heart: 13, clap: 1 }, version: 6, at: 900 });
    expect(tally).toMatchObject({ delivered: 4, likesFrames: 1, connected: 1, lastNewsMs: 1000 });
    expect(tally.likesMs.percentiles()).toMatchObject({ count: 1, p50: 100, max: 100 });
  });

  test("an echo of old news says nothing about latency", () => {
    const { tally, tell } = watching(10);
    tell("likes", { totals: { heart: 10 }, version: 5, at: 1 });
    expect(tally).toMatchObject({ delivered: 0, likesFrames: 1, lastNewsMs: 0 });
    expect(tally.likesMs.percentiles().count).toBe(0);
  });

  test("an older version is skipped, a newer one must not show less", () => {
    const { viewer, tally, tell } = watching(10);
    tell("likes", { totals: { heart: 9 }, version: 4, at: 900 });
    expect(tally).toMatchObject({ stale: 1, fell: 0 });
    expect(viewer.state?.sum).toBe(10);
    tell("likes", { totals: { heart: 9 }, version: 6, at: 900 });
    expect(tally).toMatchObject({ stale: 1, fell: 1, delivered: 0 });
  });

  test("what comes between reset and snapshot is passed over, not missing", () => {
    const { viewer, tally, tell } = watching(0);
    const comment = (n: number): object => ({ id: `e-${n}`, text: `${n}`, at: 900 });
    tell("comment", comment(1));
    for (const n of [2, 3, 4]) viewer.channel.places.place(`e-${n}`);
    tell("reset", { reason: "history" });
    tell("snapshot", { totals: {}, version: 5, comments: [comment(4)] });
    tell("comment", comment(5));
    expect(tally).toMatchObject({ resets: 1, passed: 2, repeats: 0, disorder: 0 });
    expect(viewer.reading.missing).toBeUndefined();
  });

  test("likes before the first snapshot are not as documented", () => {
    const viewer = new Viewer(0, new Channel("v"), 0, false);
    const tally = new Tally();
    const data = JSON.stringify({ video: "v", totals: {}, version: 1, at: 1 });
    viewer.take(readSignal({ event: "likes", data, id: undefined, retryMs: undefined }, "v"), 1, tally);
    expect(tally.bad).toBe(1);
  });
});

/** Moments while they happen: each told once, soon after its end, over a fold on a virtual clock. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import type { Kind, VideoId } from "../core/interaction.ts";
import { RecordBuilder } from "../core/record.ts";
import { openMemoryLedger } from "../ledger/memory.ts";
import { MomentWatch, type Told } from "./moment-watch.ts";

const v = "v" as VideoId;

function bench() {
  const clock = new VirtualClock(1_700_000_000_000);
  const ledger = openMemoryLedger({ clock, commentHistory: 10 });
  const told: { readonly video: VideoId; readonly moment: Told; readonly atMs: number }[] = [];
  const watch = new MomentWatch({
    clock,
    timeline: (video) => ledger.timeline(video),
    tell: (video, moment) => told.push({ video, moment, atMs: clock.date() }),
  });
  ledger.onChanges((changes) => watch.folded(changes));
  /** `people` people a second like for `seconds`; those who are behind see a picture that is as old. */
  const likes = async (seconds: number, people: number, behindMs?: number, video = v): Promise<void> => {
    for (let s = 0; s < seconds; s++) {
      const builder = new RecordBuilder();
      const seen = behindMs === undefined ? {} : { mediaMs: clock.date() - behindMs };
      const one = { video, kind: "heart" as Kind, count: 1, user: undefined, key: undefined };
      for (let i = 0; i < people; i++) builder.add({ ...one, ...seen }, clock.date());
      if (people > 0) await ledger.append({ likes: [builder.take()], comments: [] });
      await clock.run(1_000, 250);
    }
  };
  return { clock, told, watch, likes };
}

describe("a moment", () => {
  test.each([undefined, 12_000])(
    "is told once, within ten seconds of its end, of viewers who are %p ms behind",
    async (behindMs) => {
      const { told, likes, watch } = bench();
      await likes(120, 3, behindMs);
      await likes(6, 80, behindMs);
      await likes(150, 3, behindMs);
      expect(told).toHaveLength(1);
      const [{ moment, atMs, video }] = told as [(typeof told)[0]];
      expect(video).toBe(v);
      expect(atMs - (moment.endMs + (behindMs ?? 0))).toBeLessThan(10_000);
      expect(moment.likes.heart).toBeGreaterThanOrEqual(6 * 80);
      watch.close();
    },
  );

  test("that follows another one is told too, and a quiet video tells of none", async () => {
    const { told, likes, watch } = bench();
    await likes(90, 2);
    await likes(5, 60);
    await likes(60, 2);
    await likes(5, 70);
    await likes(60, 2);
    expect(told).toHaveLength(2);
    await likes(200, 0);
    expect(told).toHaveLength(2);
    watch.close();
  });
});

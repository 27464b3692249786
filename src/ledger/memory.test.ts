import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { describeLedger } from "./contract.ts";
import { draft } from "./contract-bench.ts";
import { describeOnceLedger, likesMax } from "./contract-once.ts";
import { openMemoryLedger } from "./memory.ts";

const commentHistory = 12;

describeLedger(
  "ledger in memory",
  async () => {
    const clock = new VirtualClock();
    const ledger = openMemoryLedger({ clock, commentHistory });
    return { ledger, commentHistory, advance: (ms) => clock.advance(ms), close: () => ledger.close() };
  },
  { skip: ["reopen", "away"] },
);

describeOnceLedger(
  "ledger in memory",
  async () => {
    const clock = new VirtualClock();
    const ledger = openMemoryLedger({ clock, commentHistory, onceMax: likesMax });
    return { ledger, commentHistory, advance: (ms) => clock.advance(ms), close: () => ledger.close() };
  },
  { skip: ["reopen", "away"] },
);

describe("ledger in memory, at its bounds", () => {
  test("forgets the video longest without a comment, and says that its history is gone", async () => {
    const ledger = openMemoryLedger({ clock: new VirtualClock(), commentHistory });
    const comment = async (video: string) =>
      (await ledger.append({ likes: [], comments: [draft(video, "x")] }))[0]?.seq;
    const first = (await comment("first")) as number;
    const kept = (await comment("kept")) as number;
    for (let i = 0; i < limits.memoryRoomsMax - 1; i++) {
      await comment(`v${i}`);
      if (i === 0) await comment("kept");
    }
    expect(await ledger.entries("first" as VideoId, 0, 10)).toMatchObject({ entries: [], floor: first });
    const page = await ledger.entries("kept" as VideoId, 0, 10);
    expect(page.floor).toBe(0);
    expect(page.entries[0]?.seq).toBe(kept);
    const again = await comment("first");
    expect((await ledger.entries("first" as VideoId, 0, 10)).floor).toBe(first);
    expect((await ledger.entries("first" as VideoId, first, 10)).entries).toMatchObject([
      { seq: again as number },
    ]);
  });
});

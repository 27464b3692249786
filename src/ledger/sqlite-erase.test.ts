/** What moderators remove is in no file of the ledger any more, a second later. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import { draft } from "./contract-bench.ts";
import { openSqliteLedger } from "./sqlite.ts";

test("a removed comment is in no page of the file, and not in its log", async () => {
  const path = mkdtempSync(join(tmpdir(), "ovation-erase-"));
  const clock = new VirtualClock();
  const ledger = await openSqliteLedger({ path, clock, commentHistory: 1_000 });
  // Another process looks: whoever closes the file in this one would take SQLite's lock away.
  const found = (text: string): boolean => Bun.spawnSync(["grep", "-rqaF", text, path]).exitCode === 0;
  try {
    for (let i = 0; i < 300; i++) {
      await ledger.append({ likes: [], comments: [draft("v", `said-${i}-${"x".repeat(300)}`)] });
    }
    clock.advance(2_000);
    expect([found("said-7-x"), found("said-150-x")]).toEqual([true, true]);
    // All of several pages, and one in the middle of another.
    for (const target of [8, ...Array.from({ length: 100 }, (_, i) => 101 + i)]) {
      expect(await ledger.retract("v" as VideoId, target)).toBe(true);
    }
    clock.advance(2_000);
    expect([found("said-7-x"), found("said-150-x"), found("said-9-x")]).toEqual([false, false, true]);
    await ledger.append({ likes: [], comments: [draft("v", "another")] });
    clock.advance(2_000);
    expect(found("said-150-x")).toBe(false);
  } finally {
    await ledger.close();
    rmSync(path, { recursive: true, force: true });
  }
});

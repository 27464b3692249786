/** Deletions in a SQLite file: nothing is left in it, whenever the process ends, and it holds together. */
import { afterEach, expect, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { likesOf } from "../core/totals.ts";
import { draft, like, once, record } from "./contract-bench.ts";
import { deletionTask } from "./deletions.ts";
import { openSqliteLedger } from "./sqlite.ts";
import { verifySqlite } from "./sqlite-verify.ts";

const v = "a-video-that-goes" as VideoId;
const root = mkdtempSync(join(tmpdir(), "ovation-delete-"));
afterEach(() => rmSync(root, { recursive: true, force: true }));

// Another process looks: whoever closes the file in this one would take SQLite's lock away.
const found = (path: string, text: string): boolean =>
  Bun.spawnSync(["grep", "-rqaF", text, path]).exitCode === 0;

test("texts go with the sweep, names of likes with the window, also over a death in between", async () => {
  const clock = new VirtualClock();
  const at = (name: string) => openSqliteLedger({ path: join(root, name), clock, commentHistory: 5_000 });
  let ledger = await at("one");
  for (let i = 0; i < 1_300; i++) {
    await ledger.append({
      likes: [record([like(v, `k${i}`, { user: "name-of-a-fan" })])],
      comments: [draft(v, `said-${i}-${"x".repeat(100)}`, undefined, "name-of-a-writer")],
    });
  }
  await ledger.append({ likes: [record([like("stays")])], comments: [draft("stays", "said by others")] });
  clock.advance(2_000);
  expect(await ledger.deletions.delete(v)).toBe(true);
  expect(await ledger.deletions.sweep(v)).toBe(false);
  clock.advance(2_000);
  // Dies here: the files as they are, in another place.
  cpSync(join(root, "one"), join(root, "two"), { recursive: true });
  await ledger.close();
  ledger = await at("two");
  expect(likesOf(ledger.totals(v).counts)).toBe(0);
  expect((await ledger.entries(v, 0, 10)).entries).toHaveLength(1);
  expect([...(await ledger.deletions.tasks()).keys()]).toEqual([deletionTask(v)]);
  expect(found(join(root, "two"), "said-1299-")).toBe(true);
  let pieces = 1;
  while (!(await ledger.deletions.sweep(v))) pieces++;
  await ledger.deletions.setTask(deletionTask(v), undefined);
  clock.advance(2_000);
  expect(pieces).toBeGreaterThan(1);
  expect(found(join(root, "two"), "said by others")).toBe(true);
  expect(["said-0-", "said-1299-", "name-of-a-writer"].map((text) => found(join(root, "two"), text))).toEqual(
    [false, false, false],
  );
  expect(found(join(root, "two"), "name-of-a-fan")).toBe(true);
  clock.advance(limits.keyWindowMs + 1_000);
  for (let i = 0; i < 5; i++) clock.advance(1_000);
  expect(found(join(root, "two"), "name-of-a-fan")).toBe(false);
  await ledger.append({ likes: [record([like(v)])], comments: [draft(v, "anew")] });
  expect(ledger.totals(v)).toEqual({ version: 1_302, counts: { heart: 1 } });
  await ledger.close();
  expect(verifySqlite(join(root, "two", "ovation.sqlite")).wrong).toEqual([]);
});

test("with one like per viewer, half swept and killed, no member of before is left", async () => {
  const clock = new VirtualClock();
  const at = (name: string) =>
    openSqliteLedger({ path: join(root, name), clock, commentHistory: 50, onceMax: 10_000 });
  let ledger = await at("once");
  const fans = Array.from({ length: 2_000 }, (_, i) => `fan-${i}`);
  await ledger.append({ likes: [record(fans.map((fan) => once(v, fan)))], comments: [] });
  await ledger.append({ likes: [record(fans.slice(0, 500).map((fan) => once("stays", fan)))], comments: [] });
  clock.advance(2_000);
  await ledger.deletions.delete(v);
  clock.advance(2_000);
  await ledger.deletions.sweep(v);
  cpSync(join(root, "once"), join(root, "again"), { recursive: true });
  await ledger.close();
  ledger = await at("again");
  expect(ledger.holdings()[0]).toMatchObject({ likes: 500 });
  while (!(await ledger.deletions.sweep(v)));
  clock.advance(2_000);
  await ledger.append({ likes: [record([once(v, "fan-1"), once("stays", "fan-1")])], comments: [] });
  expect(likesOf(ledger.totals(v).counts)).toBe(1);
  expect(likesOf(ledger.totals("stays" as VideoId).counts)).toBe(500);
  await ledger.close();
  expect(verifySqlite(join(root, "again", "ovation.sqlite")).wrong).toEqual([]);
});

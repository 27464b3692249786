/** A ledger's file is looked through: what holds together is said to, and each way of breaking it is told. */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../base/clock.ts";
import { seededPrng } from "../base/prng.ts";
import type { VideoId } from "../core/interaction.ts";
import { draft, like, once, record } from "./contract-bench.ts";
import { fileName } from "./schema.ts";
import { openSqliteLedger } from "./sqlite.ts";
import { verifySqlite } from "./sqlite-verify.ts";

let root = "";
let copies = 0;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "ovation-verify-"));
  for (const onceMax of [undefined, 100]) {
    const clock = new VirtualClock();
    const path = join(root, onceMax ? "once" : "many");
    const ledger = await openSqliteLedger({ path, clock, commentHistory: 5, onceMax });
    for (let i = 0; i < 12; i++) {
      const video = `v${i % 2}`;
      const one = onceMax ? once(video, `viewer${i}`) : like(video, `key${i % 10}`, { count: i + 1 });
      await ledger.append({ likes: [record([one])], comments: [draft(video, `text ${i}`, `c${i}`)] });
      clock.advance(700);
    }
    await ledger.retract("v0" as VideoId, 11);
    await ledger.close();
  }
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** What is wrong with a ledger after `change`. */
function wrongAfter(change: string, mode = "many"): readonly string[] {
  const file = join(root, `${copies++}.sqlite`);
  cpSync(join(root, mode, fileName), file);
  const db = new Database(file);
  if (change !== "") db.run(change);
  db.close();
  return verifySqlite(file).wrong;
}

describe("a ledger's file", () => {
  test("holds together as a node leaves it, in either mode", () => {
    for (const mode of ["many", "once"]) expect(wrongAfter("", mode)).toEqual([]);
    const { videos, likes, records } = verifySqlite(join(root, "many", fileName));
    expect([videos, likes, records]).toEqual([2, 55, 12]);
    expect(verifySqlite(join(root, "once", fileName)).likes).toBe(12);
  });

  test.each([
    ["UPDATE totals SET count = count + 1 WHERE video = 'v0'", "v0 has 26 of heart, and its log says 25"],
    ["UPDATE totals SET count = -1 WHERE video = 'v0'", "v0 has -1 of heart"],
    ["UPDATE totals SET count = 3 WHERE video = 'v0'", "in its timeline"],
    ["DELETE FROM log WHERE seq = 4", "rows 4 to 4 of its log are missing"],
    ["UPDATE log SET record = x'00ff' WHERE seq = 5", "row 5 of its log is damaged"],
    ["UPDATE log SET at = 0 WHERE seq = 5", "row 5 of its log is older than the one before"],
    ["DELETE FROM log WHERE seq > 6", "its totals go up to row 12, and its log ends at 6"],
    ["UPDATE entries SET previous = 1 WHERE seq = 9", "comment 9 of v0 follows 1"],
    ["UPDATE entries SET nth = 1 WHERE seq = 9", "comment 9 of v0 is counted as number 1"],
    ["UPDATE entries SET target = 9 WHERE target IS NOT NULL", "comment 9 of v0 is there"],
    ["UPDATE meta SET value = '{}' WHERE name = 'lineage'", "its lineage is damaged"],
    ["DELETE FROM entries WHERE seq > 8", "a key stands for comment 12"],
    ["UPDATE timelines SET head = x'00'", "the timeline of v0 is damaged"],
    ["DELETE FROM totals WHERE video = 'v1'", "v1 has a timeline and no totals"],
  ])("broken by %s is told of", (change, told) => {
    expect(wrongAfter(change).join("\n")).toContain(told);
  });

  test("holds together where a deletion was written down in its log only", async () => {
    const path = join(root, "deleted");
    const clock = new VirtualClock();
    const ledger = await openSqliteLedger({ path, clock, commentHistory: 5, onceMax: 100 });
    for (const viewer of ["ada", "bob"]) {
      await ledger.append({ likes: [record([once("v", viewer), once("w", viewer)])], comments: [] });
    }
    clock.advance(2_000);
    await ledger.deletions.delete("v" as VideoId);
    const killed = join(root, "killed");
    cpSync(path, killed, { recursive: true });
    await ledger.close();
    expect(verifySqlite(join(killed, fileName))).toMatchObject({ videos: 1, likes: 2, wrong: [] });
  });

  test("holds together where a video was deleted whose likes nobody could tell from others", async () => {
    const path = join(root, "legacy");
    const open = () => openSqliteLedger({ path, clock: new VirtualClock(), commentHistory: 5, onceMax: 100 });
    const first = await open();
    for (const viewer of ["ada", "bob"]) {
      await first.append({ likes: [record([once("v", viewer), once("w", viewer)])], comments: [] });
    }
    await first.close();
    const db = new Database(join(path, fileName));
    for (const change of ["UPDATE members SET owner = 0", "DELETE FROM owners"]) db.run(change);
    db.run("DELETE FROM meta WHERE name = 'legacyOwners'");
    db.close();
    const ledger = await open();
    await ledger.deletions.delete("v" as VideoId);
    await ledger.append({ likes: [record([once("v", "eve")])], comments: [] });
    await ledger.close();
    expect(verifySqlite(join(path, fileName))).toMatchObject({ videos: 2, likes: 3, wrong: [] });
    const damaged = new Database(join(path, fileName));
    damaged.run("DELETE FROM members WHERE owner > 0");
    damaged.run("UPDATE totals SET count = 9");
    damaged.close();
    expect(verifySqlite(join(path, fileName)).wrong.join("\n")).toContain("viewers' likes are there");
  });

  test("with damaged pages is told of by its tables, wherever they are", () => {
    const whole = readFileSync(join(root, "many", fileName));
    const [file, random] = [join(root, "pages.sqlite"), seededPrng(7)];
    const wrongWith = (at: number, length: number): readonly string[] => {
      const bytes = Buffer.from(whole);
      for (let i = 0; i < length; i++) bytes[at + i] = random.between(0, 255);
      writeFileSync(file, bytes);
      return verifySqlite(file).wrong;
    };
    const db = new Database(join(root, "many", fileName), { readonly: true });
    const rootOf = db.query<{ page: number }, [string]>(
      "SELECT rootpage AS page FROM sqlite_schema WHERE name = ?1",
    );
    for (const table of ["log", "totals", "entries", "timelines"]) {
      const told = wrongWith(((rootOf.get(table)?.page ?? 0) - 1) * 4_096, 4_096);
      expect(told[0]).toStartWith(`its table ${table}: `);
    }
    db.close();
    // Behind the first two pages, which say whether it is a ledger at all.
    for (let round = 0; round < 30; round++) wrongWith(random.between(8_192, whole.length - 300), 300);
    const lacking = join(root, "lacking.sqlite");
    writeFileSync(lacking, whole);
    const changed = new Database(lacking);
    changed.run("DROP TABLE totals");
    changed.close();
    expect(() => verifySqlite(lacking, "it")).toThrow("it cannot be used: no such table: totals");
  });

  test("with a viewer's like too many is told of", () => {
    expect(wrongAfter("INSERT INTO members (hi, lo) VALUES (1, 2)", "once")).toEqual([
      "12 likes are counted, and 13 viewers' likes are there",
    ]);
  });

  test("is refused where it is none, or in use", async () => {
    const file = join(root, "none");
    writeFileSync(file, "x".repeat(5_000));
    expect(() => verifySqlite(file)).toThrow("no ledger");
    expect(() => verifySqlite(join(root, "nowhere"))).toThrow("is not there");
    const path = join(root, "used");
    const ledger = await openSqliteLedger({ path, clock: new VirtualClock(), commentHistory: 5 });
    expect(() => verifySqlite(join(path, fileName))).toThrow("in use by another process");
    await ledger.close();
    expect(verifySqlite(join(path, fileName)).wrong).toEqual([]);
  });
});

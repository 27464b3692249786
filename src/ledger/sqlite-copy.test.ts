/** A ledger's file is copied while the ledger goes on, and its lock stays where it is. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import { like, record } from "./contract-bench.ts";
import { type Copy, type Ledger, LedgerUnavailable } from "./ledger.ts";
import { fileName } from "./schema.ts";
import { openSqliteLedger } from "./sqlite.ts";
import { Copies } from "./sqlite-copy.ts";

let root = "";
let folders = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "ovation-copy-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const folder = () => join(root, `${folders++}`);
const open = (path: string, clock = new VirtualClock()) =>
  openSqliteLedger({ path, clock, commentHistory: 12 });
const add = (ledger: Ledger, count: number) =>
  ledger.append({ likes: [record([like("v", undefined, { count })])], comments: [] });

function copyOf(ledger: Ledger): Copy {
  const copy = ledger.copy?.();
  if (!copy) throw new Error("it has no copy");
  return copy;
}

async function bytesOf(copy: Copy): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < copy.bytes; at += (pieces.at(-1) as Uint8Array).length) {
    pieces.push(await copy.read(at));
  }
  return Buffer.concat(pieces);
}

/** Whether another process can open the ledger in `path`. */
async function opensElsewhere(path: string): Promise<boolean> {
  const script = `
    import { Database } from "bun:sqlite";
    const db = new Database(${JSON.stringify(join(path, fileName))});
    db.run("PRAGMA locking_mode = EXCLUSIVE");
    db.run("BEGIN EXCLUSIVE");`;
  const other = Bun.spawn([process.execPath, "-e", script], { stdio: ["ignore", "ignore", "ignore"] });
  return (await other.exited) === 0;
}

describe("a copy of a SQLite ledger", () => {
  test("holds what had been accepted when it began, whatever comes meanwhile", async () => {
    const path = folder();
    const clock = new VirtualClock();
    const ledger = await open(path, clock);
    for (let i = 0; i < 2_000; i++) await add(ledger, 3);
    const copy = copyOf(ledger);
    for (let i = 0; i < 2_000; i++) await add(ledger, 1);
    clock.advance(5_000);
    const bytes = await bytesOf(copy);
    copy.end();
    await add(ledger, 1);
    clock.advance(5_000);
    expect(ledger.totals("v" as VideoId).counts).toEqual({ heart: 8_001 });
    await ledger.close();
    const put = folder();
    mkdirSync(put);
    writeFileSync(join(put, fileName), bytes);
    const again = await open(put);
    expect(again.totals("v" as VideoId).counts).toEqual({ heart: 6_000 });
    await again.close();
    const original = await open(path);
    expect(original.totals("v" as VideoId).counts).toEqual({ heart: 8_001 });
    await original.close();
  });

  test("keeps a second process out, during it and behind it", async () => {
    const path = folder();
    const ledger = await open(path);
    await add(ledger, 1);
    expect(await opensElsewhere(path)).toBe(false);
    const copy = copyOf(ledger);
    await bytesOf(copy);
    expect(await opensElsewhere(path)).toBe(false);
    copy.end();
    expect(await opensElsewhere(path)).toBe(false);
    await ledger.close();
    expect(await opensElsewhere(path)).toBe(true);
  });

  test("is one at a time, is given up when nobody reads it, and ends with the ledger", async () => {
    const path = folder();
    const clock = new VirtualClock();
    const ledger = await open(path, clock);
    await add(ledger, 1);
    const begin = () => copyOf(ledger);
    const first = begin();
    expect(begin).toThrow("another backup is under way");
    clock.advance(40_000);
    await expect(first.read(0)).rejects.toThrow("nobody read on");
    const second = begin();
    first.end();
    expect((await second.read(0)).length).toBeGreaterThan(0);
    await ledger.close();
    await expect(second.read(0)).rejects.toThrow("the node ends");
    const nothing = await open(":memory:");
    expect(() => copyOf(nothing)).toThrow(LedgerUnavailable);
    await nothing.close();
  });

  test("is given up when too much is written meanwhile, and the log is emptied then", async () => {
    const path = folder();
    const clock = new VirtualClock();
    mkdirSync(path);
    writeFileSync(join(path, fileName), "x");
    const held: boolean[] = [];
    const hold = (holds: boolean) => held.push(holds);
    const copies = new Copies({ path, clock, logBytesMax: 1_000, empty: () => true, hold });
    const copy = copies.begin();
    writeFileSync(join(path, `${fileName}-wal`), "x".repeat(1_000));
    copies.look();
    expect(copies.holds).toBe(true);
    writeFileSync(join(path, `${fileName}-wal`), "x".repeat(1_001));
    copies.look();
    await expect(copy.read(0)).rejects.toThrow("were written meanwhile");
    expect([copies.holds, held]).toEqual([false, [true, false]]);
    copies.close();
  });

  test("leaves a short log behind, although nothing went into the file meanwhile", async () => {
    const path = folder();
    const clock = new VirtualClock();
    const ledger = await open(path, clock);
    const copy = copyOf(ledger);
    const before = statSync(join(path, fileName)).mtimeMs;
    for (let i = 0; i < 500; i++) await add(ledger, 1);
    clock.advance(3_000);
    expect(statSync(join(path, fileName)).mtimeMs).toBe(before);
    copy.end();
    await add(ledger, 1);
    clock.advance(3_000);
    expect(statSync(join(path, fileName)).mtimeMs).toBeGreaterThan(before);
    await ledger.close();
  });
});

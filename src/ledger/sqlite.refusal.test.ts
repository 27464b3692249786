import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../base/clock.ts";
import { like, record } from "./contract-bench.ts";
import { LedgerRefused } from "./ledger.ts";
import { openSqliteLedger } from "./sqlite.ts";

const isRoot = process.getuid?.() === 0;
let root = "";
let folders = 0;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "ovation-refusal-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const folder = () => join(root, `${folders++}`);
const open = (path: string) => openSqliteLedger({ path, clock: new VirtualClock(), commentHistory: 12 });

function rows<T>(path: string, text: string): T[] {
  const db = new Database(join(path, "ovation.sqlite"));
  const all = db.query<T, []>(text).all();
  db.close();
  return all;
}

describe("a SQLite ledger is refused, in one line,", () => {
  const refusal = async (path: string): Promise<string> => {
    const error = await open(path).catch((e) => e);
    expect(error).toBeInstanceOf(LedgerRefused);
    expect(error.message).not.toContain("\n");
    expect(error.message).toStartWith(path);
    return error.message;
  };

  test("in a directory in use, by this process or another", async () => {
    const path = folder();
    const ledger = await open(path);
    expect(await refusal(path)).toEndWith("is in use by another process");
    await ledger.close();
    const other = Bun.spawn([process.execPath, "-e", holder(path)], { stdout: "pipe", stderr: "inherit" });
    await other.stdout.getReader().read();
    expect(await refusal(path)).toEndWith("is in use by another process");
    other.kill("SIGKILL");
    await other.exited;
    await (await open(path)).close();
  });

  test("in a file, below a file, in a file that is no ledger", async () => {
    const path = folder();
    writeFileSync(path, "a file");
    expect(await refusal(path)).toEndWith("is not a directory");
    expect(await refusal(join(path, "below"))).toEndWith("is not a directory");
    const garbage = folder();
    mkdirSync(garbage);
    writeFileSync(join(garbage, "ovation.sqlite"), "x".repeat(10_000));
    expect(await refusal(garbage)).toContain("damaged or no ledger");
  });

  test("from a newer schema or another program, and is left as it was", async () => {
    const newer = folder();
    await (await open(newer)).close();
    const change = (path: string, text: string) => {
      const db = new Database(join(path, "ovation.sqlite"), { create: true });
      db.run(text);
      db.close();
    };
    change(newer, "UPDATE meta SET value = 3 WHERE name = 'schema'");
    expect(await refusal(newer)).toContain("schema 3");
    expect(rows(newer, "SELECT value FROM meta WHERE name = 'schema'")).toEqual([{ value: 3 }]);
    const foreign = folder();
    mkdirSync(foreign);
    change(foreign, "CREATE TABLE notes (text)");
    expect(await refusal(foreign)).toContain("another program");
    expect(rows(foreign, "SELECT name FROM sqlite_schema")).toEqual([{ name: "notes" }]);
  });

  test("in a file that is empty: a copy that failed is not taken for a new ledger", async () => {
    const path = folder();
    mkdirSync(path);
    writeFileSync(join(path, "ovation.sqlite"), "");
    expect(await refusal(path)).toEndWith("is empty: put a copy back, or remove it to begin anew");
    expect(readdirSync(path)).toEqual(["ovation.sqlite"]);
  });

  test("with a damaged lineage", async () => {
    const path = folder();
    await (await open(path)).close();
    const db = new Database(join(path, "ovation.sqlite"));
    db.run("UPDATE meta SET value = '{}' WHERE name = 'lineage'");
    db.close();
    expect(await refusal(path)).toEndWith("the lineage in its ledger is damaged");
  });

  test.skipIf(!isRoot)("in a folder that is read-only", async () => {
    const path = folder();
    mkdirSync(path);
    const mount = (options: string) => Bun.spawnSync(["mount", "-t", "tmpfs", "-o", options, "none", path]);
    if (!mount("size=4m").success) return;
    try {
      await (await open(path)).close();
      mount("remount,ro");
      expect(await refusal(path)).toEndWith("cannot be used: it is read-only");
    } finally {
      Bun.spawnSync(["umount", "-l", path]);
    }
  });

  test("with a damaged row in its log", async () => {
    const path = folder();
    const ledger = await open(path);
    await ledger.append({ likes: [record([like("v")])], comments: [] });
    await ledger.close();
    const db = new Database(join(path, "ovation.sqlite"));
    db.run("UPDATE log SET record = x'0102'");
    db.close();
    expect(await refusal(path)).toContain("row 1 of its log");
  });

  test.skipIf(!isRoot)("that may not be read or written", async () => {
    const path = folder();
    await (await open(path)).close();
    chmodSync(path, 0o700);
    chmodSync(root, 0o755);
    process.seteuid?.(65534);
    try {
      expect(await refusal(path)).toContain("cannot be used");
      expect(await refusal(join(root, "new"))).toContain("cannot be used");
    } finally {
      process.seteuid?.(0);
    }
  });
});

/** A program that holds the ledger in `path` until it is killed. */
function holder(path: string): string {
  return `
    const { openSqliteLedger } = await import(${JSON.stringify(join(import.meta.dir, "sqlite.ts"))});
    const { systemClock } = await import(${JSON.stringify(join(import.meta.dir, "../base/clock.ts"))});
    await openSqliteLedger({ path: ${JSON.stringify(path)}, clock: systemClock(), commentHistory: 10 });
    console.log("held");
    setInterval(() => {}, 1000);
  `;
}

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, VirtualClock } from "../base/clock.ts";
import type { Kind, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { describeLedger } from "./contract.ts";
import { Bench, draft, like, record } from "./contract-bench.ts";
import { type Ledger, LedgerUnavailable } from "./ledger.ts";
import { openSqliteLedger } from "./sqlite.ts";

const commentHistory = 12;
const isRoot = process.getuid?.() === 0;
const v = "v" as VideoId;
let root = "";
let folders = 0;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "ovation-sqlite-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function folder(): string {
  return join(root, `${folders++}`);
}

/** A ledger on a virtual clock that can be closed and opened again. */
async function openIn(path: string, clock = new VirtualClock()) {
  const open = () => openSqliteLedger({ path, clock, commentHistory });
  let ledger = await open();
  return {
    ledger,
    clock,
    commentHistory,
    advance: (ms: number) => clock.advance(ms),
    reopen: async () => {
      await ledger.close();
      ledger = await open();
      return ledger;
    },
    close: () => ledger.close(),
  };
}

describeLedger("ledger in a SQLite file", () => openIn(folder()), { skip: [] });
describeLedger(
  "ledger in SQLite's memory",
  async () => {
    const { reopen: _, ...opened } = await openIn(":memory:");
    return opened;
  },
  { skip: ["reopen"] },
);

/** What the file of a closed ledger holds. */
function rows<T>(path: string, text: string): T[] {
  const db = new Database(join(path, "ovation.sqlite"));
  const all = db.query<T, []>(text).all();
  db.close();
  return all;
}

/** Opens a ledger on the files of one that never closed, as after a kill. */
async function openAfterDeath(path: string, clock: VirtualClock): Promise<Ledger> {
  const copy = folder();
  mkdirSync(copy);
  for (const name of readdirSync(path)) await Bun.write(join(copy, name), Bun.file(join(path, name)));
  return openSqliteLedger({ path: copy, clock, commentHistory });
}

describe("a SQLite ledger's log", () => {
  test("is folded again from the last totals written down, however old they are", async () => {
    const path = folder();
    const { ledger, clock, close } = await openIn(path);
    const bench = new Bench();
    bench.hear(ledger);
    for (let i = 0; i < 40; i++) {
      await bench.likes(record([like("v", `k${i % 30}`), like(`w${i}`), like("v")]));
      clock.advance(i % 10 === 9 ? 1_000 : 3);
      const copy = await openAfterDeath(path, clock);
      expect(copy.totals(v)).toEqual(ledger.totals(v));
      expect(copy.totals(`w${i}` as VideoId).version).toBe(1);
      await copy.close();
    }
    await close();
  });

  test("is folded again to the same totals when totals were not written down for long", async () => {
    const path = folder();
    const clock = new VirtualClock();
    let resting = true;
    const every: Clock["every"] = (ms, run) => clock.every(ms, () => resting && run());
    const restless: Clock = {
      elapsed: () => clock.elapsed(),
      date: () => clock.date(),
      after: () => ({ cancel() {} }),
      every,
      soon() {},
    };
    const ledger = await openSqliteLedger({ path, clock: restless, commentHistory });
    const repeat = () => ledger.append({ likes: [record([like("v", "a")])], comments: [] });
    await repeat();
    clock.advance(1_000);
    resting = false;
    for (let i = 0; i < 4; i++) {
      clock.advance(limits.keyWindowMs - 5_000);
      await repeat();
    }
    expect(ledger.totals(v)).toEqual({ version: 1, counts: { heart: 1 } });
    const copy = await openAfterDeath(path, clock);
    expect(copy.totals(v)).toEqual(ledger.totals(v));
    await copy.close();
    await ledger.close();
  });

  test("empties the write-ahead log of comments as well", async () => {
    const path = folder();
    const { ledger, clock, close } = await openIn(path);
    const wal = () => statSync(join(path, "ovation.sqlite-wal")).size;
    for (let i = 0; i < 200; i++) {
      for (let n = 0; n < 20; n++)
        await ledger.append({ likes: [], comments: [draft("v", "x".repeat(400))] });
      clock.advance(1_000);
    }
    expect(wal()).toBeLessThan(2 << 20);
    await close();
  });

  test("knows after death the keys of rows that totals already hold", async () => {
    const path = folder();
    const { ledger, clock, close } = await openIn(path);
    await ledger.append({ likes: [record([like("v", "a")])], comments: [draft("v", "x", "a")] });
    clock.advance(60_000);
    const copy = await openAfterDeath(path, clock);
    const placed = await copy.append({ likes: [record([like("v", "a")])], comments: [draft("v", "x", "a")] });
    expect(copy.totals(v)).toEqual({ version: 1, counts: { heart: 1 } });
    expect(placed).toEqual([{ seq: 1, repeated: true }]);
    await copy.close();
    await close();
  });

  test("loses the rows and keys that no repeat can need, and only those", async () => {
    const path = folder();
    const { ledger, clock, close } = await openIn(path);
    for (let i = 0; i < 300; i++) {
      await ledger.append({ likes: [record([like("v", `k${i}`)])], comments: [draft("v", "x", `k${i}`)] });
      clock.advance(1_000);
    }
    await close();
    const [log] = rows<{ n: number; oldest: number }>(path, "SELECT count(*) n, min(at) oldest FROM log");
    const [keys] = rows<{ n: number; oldest: number }>(
      path,
      "SELECT count(*) n, min(at) oldest FROM comment_keys",
    );
    const windowRows = limits.keyWindowMs / 1_000;
    for (const table of [log, keys]) {
      expect(table?.n).toBeGreaterThanOrEqual(windowRows);
      expect(table?.n).toBeLessThan(windowRows + 5);
      expect(table?.oldest).toBeLessThanOrEqual(clock.date() - limits.keyWindowMs);
    }
    const again = await openSqliteLedger({ path, clock, commentHistory });
    expect(again.totals(v)).toEqual({ version: 300, counts: { heart: 300 } });
    await again.close();
  });

  test("holds nothing of a batch that failed halfway", async () => {
    const path = folder();
    const opened = await openIn(path);
    await opened.close();
    const db = new Database(join(path, "ovation.sqlite"));
    db.run(`CREATE TRIGGER break BEFORE INSERT ON entries WHEN new.text = 'break'
      BEGIN SELECT RAISE(ABORT, 'broken'); END`);
    db.close();
    const bench = new Bench();
    bench.hear(await opened.reopen());
    const likes = () => [record([like("v", "a")]), record([like("v")])];
    const broken = bench.ledger.append({
      likes: likes(),
      comments: [draft("v", "x", "k"), draft("v", "break")],
    });
    await expect(broken).rejects.toThrow("broken");
    expect([bench.changes, bench.entries, bench.ledger.head()]).toEqual([[], [], 0]);
    const placed = await bench.ledger.append({ likes: likes(), comments: [draft("v", "x", "k")] });
    expect(placed).toEqual([{ seq: 1, repeated: false }]);
    expect(bench.ledger.totals(v)).toEqual({ version: 2, counts: { heart: 2 } });
    await opened.close();
    expect(rows(path, "SELECT seq FROM log")).toEqual([{ seq: 1 }, { seq: 2 }]);
  });

  test("is pruned to nothing by silence, and its numbers go on", async () => {
    const path = folder();
    const { ledger, clock, close } = await openIn(path);
    for (let i = 0; i < 2_500; i++) await ledger.append({ likes: [record([like("v")])], comments: [] });
    clock.advance(limits.keyWindowMs + 10_000);
    await close();
    expect(rows(path, "SELECT seq FROM log")).toEqual([]);
    const again = await openSqliteLedger({ path, clock, commentHistory });
    await again.append({ likes: [record([like("v")])], comments: [] });
    expect(again.totals(v)).toEqual({ version: 2_501, counts: { heart: 2_501 } });
    await again.close();
    expect(rows(path, "SELECT seq FROM log")).toEqual([{ seq: 2_501 }]);
  });

  test("remembers keys through a wall clock that was set back", async () => {
    const path = folder();
    const first = await openIn(path, new VirtualClock(1_700_000_000_000));
    await first.ledger.append({ likes: [record([like("v", "a")])], comments: [draft("v", "x", "a")] });
    await first.close();
    const earlier = new VirtualClock(1_600_000_000_000);
    const second = await openIn(path, earlier);
    const repeat = () =>
      second.ledger.append({ likes: [record([like("v", "a")])], comments: [draft("v", "x", "a")] });
    earlier.advance(limits.keyWindowMs - 1_000);
    expect(await repeat()).toMatchObject([{ repeated: true }]);
    expect(second.ledger.totals(v).counts).toEqual({ heart: 1 });
    earlier.advance(limits.keyWindowMs + 1_000);
    expect(await repeat()).toMatchObject([{ repeated: false }]);
    expect(second.ledger.totals(v).counts).toEqual({ heart: 2 });
    await second.close();
  });

  test("writes totals sooner when very many videos changed", async () => {
    const path = folder();
    const { ledger, clock, close } = await openIn(path);
    for (let i = 0; i < 10; i++) {
      const likes = Array.from({ length: 500 }, (_, n) => like(`v${i * 500 + n}`));
      await ledger.append({ likes: [record(likes.slice(0, 300)), record(likes.slice(300))], comments: [] });
    }
    clock.advance(0);
    const copy = folder();
    mkdirSync(copy);
    for (const name of readdirSync(path)) await Bun.write(join(copy, name), Bun.file(join(path, name)));
    expect(rows<{ n: number }>(copy, "SELECT count(*) n FROM totals")[0]?.n).toBeGreaterThan(4_095);
    await close();
  });
});

describe("a SQLite ledger on a full disk", () => {
  const mounted = (path: string, size: string): boolean => {
    mkdirSync(path);
    return isRoot && Bun.spawnSync(["mount", "-t", "tmpfs", "-o", `size=${size}`, "none", path]).success;
  };
  const big = (from: number) => ({
    atMs: 1,
    groups: [
      {
        video: v,
        kind: "heart" as Kind,
        loose: 1,
        hi: Array.from({ length: 4_000 }, () => from),
        lo: Array.from({ length: 4_000 }, (_, i) => i),
        counts: new Array<number>(4_000).fill(1),
        by: [],
      },
    ],
  });

  test("refuses, changes nothing, and goes on by itself when there is room", async () => {
    const path = folder();
    if (!mounted(path, "4m")) return;
    try {
      writeFileSync(join(path, "ballast"), new Uint8Array(2 << 20));
      const { ledger, clock, reopen, close } = await openIn(path);
      const bench = new Bench();
      bench.hear(ledger);
      let accepted = 0;
      let refused: unknown;
      while (refused === undefined && accepted < 1_000) {
        await ledger
          .append({ likes: [big(accepted)], comments: [draft("v", `${accepted}`)] })
          .then(() => accepted++)
          .catch((error) => {
            refused = error;
          });
      }
      expect(refused).toBeInstanceOf(LedgerUnavailable);
      expect(ledger.ready()).toBe(false);
      expect(ledger.totals(v)).toEqual({ version: accepted, counts: { heart: accepted * 4_001 } });
      expect([bench.changes.length, bench.entries.length, ledger.head()]).toEqual([
        accepted,
        accepted,
        accepted,
      ]);
      clock.advance(10_000);
      await expect(ledger.append({ likes: [big(accepted)], comments: [] })).rejects.toBeInstanceOf(
        LedgerUnavailable,
      );
      expect((await ledger.entries(v, undefined, 1)).entries).toMatchObject([{ seq: accepted }]);
      rmSync(join(path, "ballast"));
      clock.advance(1_000);
      expect(ledger.ready()).toBe(true);
      // What was refused counts when repeated, and what had been accepted does not.
      await ledger.append({ likes: [big(accepted), big(0)], comments: [draft("v", "late")] });
      expect(ledger.totals(v).counts).toEqual({ heart: (accepted + 1) * 4_001 + 1 });
      expect(bench.entries.at(-1)).toMatchObject({ seq: accepted + 1, previous: accepted });
      const totals = ledger.totals(v);
      expect((await ledger.comments(v)).counts?.sum).toBe(accepted + 1);
      const again = await reopen();
      expect(again.totals(v)).toEqual(totals);
      expect(await again.comments(v)).toMatchObject({ upTo: accepted + 1, counts: { sum: accepted + 1 } });
      await close();
    } finally {
      Bun.spawnSync(["umount", "-l", path]);
    }
  });
});

test("a ledger from before comments were held is read as if none was, and takes held ones", async () => {
  const path = folder();
  const { ledger, close } = await openIn(path);
  await ledger.append({ likes: [], comments: [draft("v", "old")] });
  await close();
  const db = new Database(join(path, "ovation.sqlite"));
  db.run("ALTER TABLE entries DROP COLUMN hold");
  db.close();
  const opened = await openIn(path);
  await opened.ledger.append({ likes: [], comments: [{ ...draft("v", "new"), holdMs: 700 }] });
  const again = await opened.reopen();
  expect((await again.entries(v, 0, 10)).entries).toMatchObject([
    { text: "old" },
    { text: "new", holdMs: 700 },
  ]);
  expect((await again.entries(v, 0, 10)).entries[0]).not.toHaveProperty("holdMs");
  await opened.close();
});

test("a closed ledger leaves one file and no lock", async () => {
  const path = folder();
  const { ledger, close } = await openIn(path);
  await ledger.append({ likes: [record([like("v")])], comments: [] });
  expect(existsSync(join(path, "ovation.sqlite-wal"))).toBe(true);
  await close();
  expect(readdirSync(path)).toEqual(["ovation.sqlite"]);
});

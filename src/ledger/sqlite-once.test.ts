/** The ledger in SQLite where each viewer likes once: the suite of every ledger, deaths, and refusals. */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../base/clock.ts";
import { seededPrng } from "../base/prng.ts";
import type { Like, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { likesOf } from "../core/totals.ts";
import { expectInTime, inTime, like, once, record } from "./contract-bench.ts";
import { describeOnceLedger, likesMax } from "./contract-once.ts";
import { type Ledger, LedgerRefused } from "./ledger.ts";
import { openSqliteLedger } from "./sqlite.ts";

const commentHistory = 12;
let root = "";
let folders = 0;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "ovation-once-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const folder = (): string => join(root, `${folders++}`);

function openIn(path: string, clock: VirtualClock, onceMax: number | undefined = 100_000): Promise<Ledger> {
  return openSqliteLedger({ path, clock, commentHistory, onceMax });
}

async function opened(path: string) {
  const clock = new VirtualClock();
  let ledger = await openIn(path, clock, likesMax);
  return {
    ledger,
    commentHistory,
    advance: (ms: number) => clock.advance(ms),
    reopen: async () => {
      await ledger.close();
      ledger = await openIn(path, clock, likesMax);
      return ledger;
    },
    close: () => ledger.close(),
  };
}

describeOnceLedger("ledger in a SQLite file", () => opened(folder()), { skip: [] });
describeOnceLedger(
  "ledger in SQLite's memory",
  async () => {
    const { reopen: _, ...rest } = await opened(":memory:");
    return rest;
  },
  { skip: ["reopen"] },
);

/** A like or un-like of few viewers, so that they meet again. */
function drawn(seed: number): () => Like {
  const prng = seededPrng(seed);
  return () => once(`v${prng.between(0, 3)}`, `viewer ${prng.between(0, 40)}`, { unlike: prng.next() < 0.4 });
}

/** Whose likes there must be after these, one after the other. */
function expectedOf(likes: readonly Like[]): Map<string, number> {
  const set = new Set<string>();
  for (const { video, viewer, unlike } of likes) {
    if (unlike) set.delete(`${video} ${viewer}`);
    else set.add(`${video} ${viewer}`);
  }
  const totals = new Map<string, number>();
  for (const name of set) {
    const [video = ""] = name.split(" ");
    totals.set(video, (totals.get(video) ?? 0) + 1);
  }
  return totals;
}

function expectTotals(ledger: Ledger, expected: ReadonlyMap<string, number>): void {
  for (const video of ["v0", "v1", "v2", "v3"]) {
    expect(likesOf(ledger.totals(video as VideoId).counts)).toBe(expected.get(video) ?? 0);
  }
}

describe("a SQLite ledger where each viewer likes once", () => {
  test("knows after death who likes what, also from rows that its log has long forgotten", async () => {
    const path = folder();
    const clock = new VirtualClock();
    const ledger = await openIn(path, clock);
    const next = drawn(7);
    const likes: Like[] = [];
    for (let i = 0; i < 60; i++) {
      const some = Array.from({ length: 20 }, next);
      likes.push(...some);
      for (const one of some) await ledger.append({ likes: [record([one])], comments: [] });
      clock.advance(i % 5 === 4 ? limits.keyWindowMs : 700);
      const copy = folder();
      mkdirSync(copy);
      for (const name of readdirSync(path)) await Bun.write(join(copy, name), Bun.file(join(path, name)));
      const survivor = await openIn(copy, clock);
      expectTotals(survivor, expectedOf(likes));
      // What it knows, it knows by viewer: liking again changes nothing, and everything can be taken back.
      const again = [...likes].reverse().map((one) => ({ ...one, unlike: true }));
      await survivor.append({ likes: [record(again)], comments: [] });
      expectTotals(survivor, new Map());
      await survivor.close();
    }
    clock.advance(3 * limits.keyWindowMs);
    clock.advance(5_000);
    await ledger.close();
    const db = new Database(join(path, "ovation.sqlite"));
    expect(db.query<{ n: number }, []>("SELECT count(*) AS n FROM log").get()?.n).toBeLessThan(100);
    db.close();
    const again = await openIn(path, clock);
    expectTotals(again, expectedOf(likes));
    await again.close();
  }, 60_000);

  test("is refused to a node of the other mode, in one line, and the other way round", async () => {
    const [many, set] = [folder(), folder()];
    const clock = new VirtualClock();
    const plain = await openSqliteLedger({ path: many, clock, commentHistory });
    await plain.append({ likes: [record([like("v")])], comments: [] });
    await plain.close();
    await (await openIn(set, clock)).close();
    const refusal = async (open: Promise<Ledger>): Promise<string> => {
      const error = await open.catch((e) => e);
      expect(error).toBeInstanceOf(LedgerRefused);
      return error.message;
    };
    expect(await refusal(openIn(many, clock))).toBe(`${many} has --like-mode=many, this node wants once`);
    const other = openSqliteLedger({ path: set, clock, commentHistory });
    expect(await refusal(other)).toBe(`${set} has --like-mode=once, this node wants many`);
    await (await openIn(set, clock)).close();
  });

  test("reads a directory made before there were modes as one of many", async () => {
    const path = folder();
    const clock = new VirtualClock();
    const first = await openSqliteLedger({ path, clock, commentHistory });
    await first.append({ likes: [record([like("v", "a", { count: 3 })])], comments: [] });
    await first.close();
    const db = new Database(join(path, "ovation.sqlite"));
    db.run("DROP TABLE members");
    db.run("DELETE FROM meta WHERE name = 'likes'");
    db.close();
    await expect(openIn(path, clock)).rejects.toThrow("has --like-mode=many");
    const again = await openSqliteLedger({ path, clock, commentHistory });
    expect(again.totals("v" as VideoId).counts).toEqual({ heart: 3 });
    await again.close();
  });
});

const batchesMax = 5_000;
const perBatch = 40;
const rounds = 4;

/** Appends the batches that `drawn` gives, one after the other, and tells of each that is durable. */
function child(path: string, seed: number): string {
  const from = (file: string) => JSON.stringify(join(import.meta.dir, file));
  return `
    const { openSqliteLedger } = await import(${from("sqlite.ts")});
    const { systemClock } = await import(${from("../base/clock.ts")});
    const { seededPrng } = await import(${from("../base/prng.ts")});
    const { RecordBuilder } = await import(${from("../core/record.ts")});
    const { writeSync } = await import("node:fs");
    const clock = systemClock();
    const path = ${JSON.stringify(path)};
    const ledger = await openSqliteLedger({ path, clock, commentHistory: 10, onceMax: 1e6 });
    const builder = new RecordBuilder();
    const prng = seededPrng(${seed});
    for (let b = 0; b < ${batchesMax}; b++) {
      const records = [];
      for (let i = 0; i < ${perBatch}; i++) {
        const video = "v" + prng.between(0, 3);
        const viewer = "viewer " + prng.between(0, 40);
        const unlike = prng.next() < 0.4;
        builder.add({ video, kind: "heart", count: 1, user: undefined, key: undefined, viewer, unlike }, 1);
        records.push(builder.take());
      }
      await ledger.append({ likes: records, comments: [] });
      writeSync(1, b + "\\n");
      if (b % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  `;
}

test("killed at any moment, who likes what is what was durable, to the batch", async () => {
  const seed = Date.now() % 100_000;
  const prng = seededPrng(seed);
  const path = folder();
  const likes: Like[] = [];
  for (let round = 0; round < rounds; round++) {
    const wait = prng.between(1, 1_200);
    const run = Bun.spawn([process.execPath, "-e", child(path, seed + round)], {
      stdout: "pipe",
      stderr: "inherit",
    });
    let told = "";
    const decoder = new TextDecoder();
    for await (const chunk of run.stdout) {
      told += decoder.decode(chunk, { stream: true });
      if (told.split("\n").length > wait) run.kill("SIGKILL");
    }
    await run.exited;
    expect(run.signalCode).toBe("SIGKILL");
    const acked = told.split("\n").length - 1;
    const ledger = await openIn(path, new VirtualClock(Date.now()));
    // What was not told is all of the next batch, or nothing of it.
    const next = drawn(seed + round);
    const durable = [...likes, ...Array.from({ length: acked * perBatch }, next)];
    const more = [...durable, ...Array.from({ length: perBatch }, next)];
    const found = ["v0", "v1", "v2", "v3"].map((video) => likesOf(ledger.totals(video as VideoId).counts));
    const as = (likes: readonly Like[]): number[] => {
      const totals = expectedOf(likes);
      return ["v0", "v1", "v2", "v3"].map((video) => totals.get(video) ?? 0);
    };
    expect([as(durable), as(more)]).toContainEqual(found);
    for (const video of ["v0", "v1", "v2", "v3"]) {
      expectInTime(ledger, [video]);
      expect(inTime(ledger, video).before).toEqual({});
    }
    likes.splice(0, likes.length, ...(Bun.deepEquals(found, as(durable)) ? durable : more));
    await ledger.close();
  }
  console.log(`seed ${seed}: ${rounds} kills, ${likes.length} likes and un-likes`);
}, 60_000);

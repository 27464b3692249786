import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../base/clock.ts";
import { seededPrng } from "../base/prng.ts";
import type { VideoId } from "../core/interaction.ts";
import { draft, expectInTime, inTime, like, record } from "./contract-bench.ts";
import type { Ledger } from "./ledger.ts";
import { openSqliteLedger } from "./sqlite.ts";

/** Batches a child can send at most; it is killed long before. */
const batchesMax = 4_000;
const likesPerBatch = 60;
/** More videos than a rest waits for: totals are written down again and again while the child runs. */
const videos = 2_500;
const commentHistory = 50_000;
const rounds = 6;
const seed = Date.now() % 100_000;
const videoOf = (n: number) => `v${(n * 7919) % videos}`;

let path = "";
beforeAll(() => {
  path = mkdtempSync(join(tmpdir(), "ovation-kill-"));
});
afterAll(() => rmSync(path, { recursive: true, force: true }));

/**
 * Appends batches of keyed likes, one like without key and one keyed comment each, and prints the number of
 * each batch once it is durable. The same arithmetic as `batch` below, in another process.
 */
function child(round: number): string {
  const from = (file: string) => JSON.stringify(join(import.meta.dir, file));
  return `
    const { openSqliteLedger } = await import(${from("sqlite.ts")});
    const { systemClock } = await import(${from("../base/clock.ts")});
    const { RecordBuilder } = await import(${from("../core/record.ts")});
    const { writeSync } = await import("node:fs");
    const clock = systemClock();
    const path = ${JSON.stringify(path)};
    const ledger = await openSqliteLedger({ path, clock, commentHistory: ${commentHistory} });
    const builder = new RecordBuilder();
    for (let b = 0; b < ${batchesMax}; b++) {
      for (let i = 0; i < ${likesPerBatch}; i++) {
        const n = b * ${likesPerBatch} + i;
        const video = "v" + ((n * 7919) % ${videos});
        builder.add({ video, kind: "heart", count: 1, user: undefined, key: "${round}-" + n }, clock.date());
      }
      builder.add({ video: "loose", kind: "heart", count: 1, user: undefined, key: undefined }, clock.date());
      const name = "${round}-" + b;
      const comment = { video: "talk", text: name, user: undefined, key: name, atMs: 1 };
      await ledger.append({ likes: [builder.take()], comments: [comment] });
      writeSync(1, b + "\\n");
      if (b % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  `;
}

/**
 * Runs a child, kills it at a random moment after it has begun, and tells how many batches it said were
 * durable.
 */
async function runAndKill(round: number, waitBatches: number): Promise<number> {
  const run = Bun.spawn([process.execPath, "-e", child(round)], { stdout: "pipe", stderr: "inherit" });
  const decoder = new TextDecoder();
  let told = "";
  for await (const chunk of run.stdout) {
    told += decoder.decode(chunk, { stream: true });
    if (told.split("\n").length > waitBatches) run.kill("SIGKILL");
  }
  await run.exited;
  expect(run.signalCode).toBe("SIGKILL");
  // Only whole lines were said.
  return told.split("\n").length - 1;
}

function sumOfVideos(ledger: Ledger): number {
  let sum = 0;
  for (let n = 0; n < videos; n++) sum += ledger.totals(`v${n}` as VideoId).counts.heart ?? 0;
  return sum;
}

async function retryAll(ledger: Ledger, round: number, batches: number): Promise<number> {
  let placed = 0;
  for (let b = 0; b < batches; b++) {
    const likes = Array.from({ length: likesPerBatch }, (_, i) => {
      const n = b * likesPerBatch + i;
      return like(videoOf(n), `${round}-${n}`);
    });
    const [comment] = await ledger.append({
      likes: [record(likes)],
      comments: [draft("talk", `${round}-${b}`, `${round}-${b}`)],
    });
    if (!comment?.repeated) placed++;
  }
  return placed;
}

async function textsOf(ledger: Ledger): Promise<string[]> {
  const texts: string[] = [];
  for (let after = 0, more = true, previous = 0; more; ) {
    const page = await ledger.entries("talk" as VideoId, after, 1_000);
    expect(page.floor).toBe(after);
    for (const entry of page.entries) {
      expect(entry.previous).toBe(previous);
      previous = entry.seq;
      if (entry.type === "comment") texts.push(entry.text);
    }
    after = previous;
    more = page.more;
  }
  return texts;
}

test("killed at any moment, and every key repeated: each counts exactly once", async () => {
  const prng = seededPrng(seed);
  const sent = { likes: 0, loose: 0, texts: new Set<string>(), acked: 0, unknown: 0 };
  for (let round = 0; round < rounds; round++) {
    const acked = await runAndKill(round, prng.between(1, 400));
    // The lock went with the process, and everything it had said was durable is there.
    const ledger = await openSqliteLedger({ path, clock: new VirtualClock(Date.now()), commentHistory });
    const counted = sumOfVideos(ledger) - sent.likes;
    expect(counted % likesPerBatch).toBe(0);
    const durable = counted / likesPerBatch;
    expect(durable).toBeGreaterThanOrEqual(acked);
    expect((ledger.totals("loose" as VideoId).counts.heart ?? 0) - sent.loose).toBe(durable);
    // A batch without an answer was all or nothing: repeat it and one that was never sent, and all that were.
    const placed = await retryAll(ledger, round, durable + 1);
    expect(placed).toBe(1);
    for (let b = 0; b <= durable; b++) sent.texts.add(`${round}-${b}`);
    sent.likes += (durable + 1) * likesPerBatch;
    sent.loose += durable;
    sent.acked += acked;
    sent.unknown += durable - acked;
    expect(sumOfVideos(ledger)).toBe(sent.likes);
    for (const video of ["loose", ...Array.from({ length: videos }, (_, n) => `v${n}`)]) {
      expectInTime(ledger, [video]);
      // Nothing of it lost its place either.
      expect(inTime(ledger, video).before).toEqual({});
    }
    const texts = await textsOf(ledger);
    expect(texts.length).toBe(sent.texts.size);
    expect(new Set(texts)).toEqual(sent.texts);
    await ledger.close();
  }
  const { likes, acked, unknown } = sent;
  console.log(`seed ${seed}: ${rounds} kills, ${acked} batches acked, ${unknown} unanswered, ${likes} likes`);
}, 60_000);

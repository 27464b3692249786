/**
 * One audience process: takes orders from the run on standard input, holds its share of the viewers, and
 * reports on standard output. It ends when it is told to check, or when its input ends (the run died).
 */
import { seededPrng } from "../base/prng.ts";
import { Audience } from "./audience.ts";
import { type Check, checkViewers, isClean, type Truth } from "./check.ts";
import { HealthWatch } from "./health.ts";
import { type CountName, countNames, eachLine, type FinalTally, type Order, type Word } from "./link.ts";
import type { Tally } from "./viewer.ts";

const pulseMs = 250;
const checkMs = 100;

/** Runs until its orders end. `write` takes whole lines. */
export async function runWorker(
  orders: ReadableStream<Uint8Array>,
  write: (line: string) => void,
): Promise<number> {
  const worker = new Worker(write);
  await eachLine(orders, (line) => worker.obey(JSON.parse(line) as Order));
  worker.end();
  return 0;
}

class Worker {
  readonly #write: (line: string) => void;
  readonly #health = new HealthWatch();
  #audience: Audience | undefined;
  #pulse: Timer | undefined;
  #bytesBefore = 0;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  obey(order: Order): void {
    if (order.kind === "start") {
      this.#audience = new Audience(order.plan, seededPrng(order.seed));
      this.#audience.start();
      this.#pulse = setInterval(() => this.#sendPulse(), pulseMs);
    } else if (order.kind === "measure") {
      this.#health.reset();
      this.#bytesBefore = this.#audience?.tally.bytes ?? 0;
    } else {
      void this.#check(new Map(order.truths), order.waitMs);
    }
  }

  end(): void {
    clearInterval(this.#pulse);
    this.#health.stop();
    this.#audience?.leave();
  }

  #say(word: Word): void {
    this.#write(`${JSON.stringify(word)}\n`);
  }

  #sendPulse(): void {
    const audience = this.#audience;
    if (!audience) return;
    const { tally } = audience;
    const frames = tally.likesFrames + tally.commentFrames;
    const pulse = {
      open: audience.open,
      connected: tally.connected,
      delivered: tally.delivered,
      frames,
      p50: tally.recentMs.at(50),
      p99: tally.recentMs.at(99),
    };
    tally.recentMs.reset();
    this.#say({ kind: "pulse", pulse });
  }

  async #check(truths: ReadonlyMap<string, Truth>, waitMs: number): Promise<void> {
    const audience = this.#audience;
    if (!audience) return;
    const health = this.#health.read();
    const untilMs = performance.now() + waitMs;
    let check: Check = checkViewers(audience.viewers, truths);
    while (!isClean(check) && performance.now() < untilMs) {
      await Bun.sleep(checkMs);
      check = checkViewers(audience.viewers, truths);
    }
    // One beat longer: what comes too often comes late.
    await Bun.sleep(checkMs);
    check = checkViewers(audience.viewers, truths);
    clearInterval(this.#pulse);
    let hits = 0;
    let reads = 0;
    for (const { repeats } of audience.channels) {
      hits += repeats.hits;
      reads += repeats.hits + repeats.misses;
    }
    this.#say({
      kind: "final",
      check,
      tally: finalTally(audience.tally),
      health,
      bytes: audience.tally.bytes - this.#bytesBefore,
      recognised: reads === 0 ? 0 : hits / reads,
    });
  }
}

function finalTally(tally: Tally): FinalTally {
  const counts = Object.fromEntries(countNames.map((name) => [name, tally[name]])) as Record<
    CountName,
    number
  >;
  return {
    counts,
    lastNewsMs: tally.lastNewsMs,
    examples: tally.examples,
    likesMs: tally.likesMs.encode(),
    commentsMs: tally.commentsMs.encode(),
    connectMs: tally.connectMs.encode(),
    reconnectMs: tally.reconnectMs.encode(),
  };
}

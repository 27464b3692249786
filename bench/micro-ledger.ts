/** Micro-benchmarks of the ledger: the fold, the window of keys, a commit to SQLite. */
import { createLog } from "../src/base/log.ts";
import type { LikeRecord } from "../src/core/record.ts";
import { Fold } from "../src/ledger/fold.ts";
import { KeyWindow } from "../src/ledger/keys.ts";
import { openSqliteLedger } from "../src/ledger/sqlite.ts";
import { prngOf, records, StandingClock, startMs } from "./fixtures.ts";
import type { Micro } from "./micro.ts";

const windowMs = 1_000;
/** Log time between two keys: a hundred thousand of them are in the window. */
const keyMs = windowMs / 100_000;

export function keyWindow(): Micro[] {
  const prng = prngOf("keys");
  const fresh = new KeyWindow({ seed: 0.5, windowMs });
  const seen = new KeyWindow({ seed: 0.5, windowMs });
  let atMs = startMs;
  const add = (): boolean => {
    atMs += keyMs;
    return fresh.add((prng.next() * 2 ** 32) >>> 0, (prng.next() * 2 ** 32) >>> 0, atMs);
  };
  for (let i = 0; i < 200_000; i++) add();
  for (let i = 0; i < 4096; i++) seen.add(i, i * 7, startMs);
  let next = 0;
  return [
    { name: "keys: a new one, 100,000 in the window", run: add },
    { name: "keys: a repeat", run: () => seen.add(next & 4095, (next++ & 4095) * 7, startMs) },
  ];
}

export function fold(): Micro[] {
  const keys = 100;
  // When a record comes again its keys have left the window.
  const log = records(64, keys);
  const stepMs = (2 * windowMs) / log.length;
  const folded = new Fold({ seed: 0.5, windowMs });
  let next = 0;
  let atMs = startMs;
  return [
    {
      name: "fold: a record of 100 likes, per like",
      per: keys,
      run: () => {
        atMs += stepMs;
        return folded.apply(log[next++ % log.length] as LikeRecord, atMs, atMs);
      },
    },
  ];
}

export async function sqlite(): Promise<Micro[]> {
  const clock = new StandingClock();
  const log = createLog({ level: "error", format: "json", write: () => {}, now: () => 0 });
  const ledger = await openSqliteLedger({ path: ":memory:", clock, commentHistory: 1000, log });
  ledger.onChanges(() => {});
  const keys = 200;
  const all = records(64, keys);
  let next = 0;
  return [
    {
      name: "sqlite: commit of 200 likes, per like",
      per: keys,
      run: () => {
        clock.move(2_500);
        return ledger.append({ likes: [all[next++ % all.length] as LikeRecord], comments: [] });
      },
    },
  ];
}

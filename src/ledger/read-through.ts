/**
 * Reads a stretch of a stream, message by message and in order, for whoever looks through it once: a scan of
 * all comments, a list of tasks, a look whether a log holds together.
 *
 * Bound by silence, not by its whole time: a stretch may be long, and a machine busy. Held by
 * streams-verify.test.ts and jetstream-delete.test.ts.
 */
import type { Clock } from "../base/clock.ts";
import { LedgerUnavailable } from "./ledger.ts";
import type { Stored, Streams } from "./streams.ts";

export interface Stretch {
  readonly name: string;
  readonly from: number;
  readonly upTo: number;
  /** So long nothing may come while there is more, in ms: then it cannot be read now. */
  readonly silenceMs: number;
}

/**
 * Gives each message of a stretch to `take`, in order, until that answers false. Rejects with
 * LedgerUnavailable when nothing comes for long, and with what `take` throws.
 */
export async function readThrough(
  { streams, clock }: { readonly streams: Streams; readonly clock: Clock },
  { name, from, upTo, silenceMs }: Stretch,
  take: (stored: Stored) => unknown,
): Promise<void> {
  if (from > upTo) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let heardAt = clock.elapsed();
  let isDone = false;
  const reading = streams.read({
    name,
    from,
    receive: (stored) => {
      if (isDone) return;
      heardAt = clock.elapsed();
      try {
        isDone = stored.seq > upTo || take(stored) === false || stored.seq === upTo;
      } catch (error) {
        isDone = true;
        reject(error);
      }
      if (isDone) resolve();
    },
    caughtUp: resolve,
  });
  const watching = clock.every(silenceMs / 2, () => {
    if (clock.elapsed() - heardAt < silenceMs) return;
    reject(new LedgerUnavailable(`${streams.full(name)} cannot be read now`));
  });
  try {
    await promise;
  } finally {
    isDone = true;
    watching.cancel();
    reading.end();
  }
}

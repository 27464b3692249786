/**
 * Taps become requests: every tap within 300 ms joins one like, and one like of a kind is on its way
 * at a time.
 *
 * A *tap* is a moment, a *batch* is what the server counts. A batch that has left never changes again
 * (its key stands for exactly its count), so a repeat is safe; taps that come meanwhile gather in the
 * next batch (taps.test.ts). Memory is bounded: one number per batch, a batch per 50 taps.
 * Not here: how a batch is sent and repeated (send.ts).
 */
import type { Outside } from "./types.ts";

export const MERGE_MS = 300;
/** The server refuses more in one like. */
export const COUNT_MAX = 50;

interface Batch {
  count: number;
  /** The picture that its first tap was about. */
  readonly mediaTime: number | undefined;
  readonly done: Promise<void>;
  readonly settle: readonly [() => void, (why: unknown) => void];
}

interface Lane {
  batches: Batch[];
  timed: boolean;
  busy: boolean;
}

export interface Taps {
  /** Resolves when the batch the last of these taps joined is durable. */
  tap(kind: string, count: number): Promise<void>;
  /** Sends what is gathered without waiting for the window: the page is going away. */
  flush(): void;
}

export function createTaps(
  outside: Pick<Outside, "after">,
  post: (kind: string, count: number, mediaTime?: number) => Promise<unknown>,
  picture: () => number | undefined = () => undefined,
): Taps {
  const lanes = new Map<string, Lane>();

  async function drain(kind: string, lane: Lane): Promise<void> {
    lane.timed = false;
    if (lane.busy) return;
    lane.busy = true;
    for (let batch = lane.batches.shift(); batch; batch = lane.batches.shift()) {
      const [durable, refused] = batch.settle;
      await post(kind, batch.count, batch.mediaTime).then(() => durable(), refused);
      // What gathered meanwhile has waited at least a round trip, but may be fuller soon.
      if (lane.batches.length === 1 && lane.timed) break;
    }
    lane.busy = false;
  }

  return {
    tap(kind, count) {
      const lane = lanes.get(kind) ?? { batches: [], timed: false, busy: false };
      lanes.set(kind, lane);
      const { batches } = lane;
      for (let left = Math.max(1, Math.floor(count)); left > 0; ) {
        let batch = batches.at(-1);
        if (!batch || batch.count === COUNT_MAX) {
          let settle: Batch["settle"] = [() => {}, () => {}];
          // Not Promise.withResolvers, which Node 20 lacks, and browsers of before 2024.
          const done = new Promise<void>((...both) => {
            settle = both;
          });
          // A page that ignores the answer must not see an unhandled rejection.
          done.catch(() => {});
          batch = { count: 0, mediaTime: picture(), done, settle };
          batches.push(batch);
        }
        const taken = Math.min(left, COUNT_MAX - batch.count);
        batch.count += taken;
        left -= taken;
      }
      if (!lane.timed) {
        lane.timed = true;
        outside.after(MERGE_MS, () => void drain(kind, lane));
      }
      return (batches.at(-1) as Batch).done;
    },
    flush() {
      for (const [kind, lane] of lanes) void drain(kind, lane);
    },
  };
}

/**
 * Whether what the comments of a shared log came to can be read: part of streams-verify.ts. How many there
 * were is written nowhere else.
 */
import type { Clock } from "../base/clock.ts";
import { decodeCounts } from "./comment-counts.ts";
import { countsStream } from "./counts-stream.ts";
import { readThrough } from "./read-through.ts";
import { isUnavailable } from "./shared.ts";
import type { Streams } from "./streams.ts";
import type { Wrong } from "./verdict.ts";

export async function verifyCounts(
  parts: { readonly streams: Streams; readonly clock: Clock },
  silenceMs: number,
  wrong: Wrong,
): Promise<void> {
  const { streams } = parts;
  const { name } = countsStream;
  const state = await streams.state(name).catch((error: unknown) => {
    // A cluster of before has none; one that is away says so where it is asked for more.
    if (!isUnavailable(error)) throw error;
  });
  if (!state) return;
  const range = { name, from: state.firstSeq, upTo: state.lastSeq, silenceMs };
  await readThrough(parts, range, ({ seq, subject, payload }) => {
    if (decodeCounts(payload)) return;
    const video = subject.slice(subject.lastIndexOf(".") + 1);
    wrong.say(`message ${seq} of ${streams.full(name)}, what the comments of ${video} came to, is damaged`);
  });
}

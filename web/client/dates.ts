/**
 * How far the dates of a stream are off: asked of the server, which has the median of what its viewers say that
 * they see, where a picture's date cannot be: from tomorrow, or from long ago. That may be this viewer's own
 * doing, who has paused, or everybody's: a packager in front of which there was an outage. A module of its own,
 * for watches with a playhead (align.ts). Held by align.test.ts.
 */
import type { ConnectOptions, Outside } from "./types.ts";

/** So far behind the server's time viewers may be; none is ahead of it, but for how clocks are set. */
const BEHIND_MS = 30_000;
const EARLY_MS = 1000;
/** No viewer is believed to be further ahead of most (`--media-ahead`). */
const AHEAD_MS = 10_000;
/** It is asked at most so often, so and a half: viewers of one stream do not ask together. */
const ASK_MS = 60_000;
/** Sooner at first: those who are there first may not have said what they see. */
const FIRST_MS = 4000;

/**
 * Of a picture that is so many ms behind the server's time: what that time must be lessened by to be a date of
 * the stream that nobody had seen before. 0 where dates are right. Where nobody knows, a picture from tomorrow
 * is taken for that of most, and one from long ago for this viewer's own.
 */
export type Off = (behindMs: number) => number;

/** `path`: of the video, with the slash at the end. */
export function createOff(
  outside: Pick<Outside, "fetch" | "now" | "random">,
  path: string,
  token: ConnectOptions["token"],
): Off {
  let offMs = 0;
  let askMs = 0;
  let pauseMs = FIRST_MS;

  async function ask(): Promise<void> {
    const bearer = await token?.(false);
    const init = bearer ? { headers: { authorization: `Bearer ${bearer}` } } : {};
    // Of no time at all: what is wanted stands beside it.
    const answer = await outside.fetch(`${path}timeline?from=0&to=0`, init);
    const { skewMs } = (await answer.json()) as { skewMs?: number | null };
    if (typeof skewMs !== "number") return;
    offMs = skewMs >= 0 && skewMs <= BEHIND_MS ? 0 : skewMs - AHEAD_MS;
  }

  return (behindMs) => {
    const now = outside.now();
    if (behindMs >= -EARLY_MS && behindMs <= BEHIND_MS) {
      pauseMs = FIRST_MS;
      offMs = 0;
      return 0;
    }
    if (now > askMs) {
      askMs = now + pauseMs * (1 + outside.random() / 2);
      pauseMs = Math.min(ASK_MS, 2 * pauseMs);
      // What was known stays, and it is asked again.
      ask().catch(() => {});
    }
    return Math.min(offMs, behindMs - AHEAD_MS);
  };
}

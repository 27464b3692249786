/** Which of a stream's videos still tells of what the log has lost. Held by branches.test.ts. */
import type { VideoState } from "./state.ts";

/**
 * Of the videos of one stream the one that longest has not heard that the log lost its end, and still tells
 * of what was lost there; undefined while an id means the same for all of them.
 */
export function staleOf(slots: readonly { readonly watch: VideoState }[]): VideoState | undefined {
  let newest = slots[0]?.watch;
  for (const { watch } of slots) if (watch.lineage.turn > (newest?.lineage.turn ?? 0)) newest = watch;
  let stale: VideoState | undefined;
  for (const { watch } of slots) {
    if (!newest || watch.continuedBy(newest)) continue;
    if (!stale || watch.lineage.turn < stale.lineage.turn) stale = watch;
  }
  return stale;
}

/**
 * What a dispatcher answers to whoever asks for a video's state: its totals, its viewers, a page of entries.
 */
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Totals } from "../core/totals.ts";
import { encodeState, type StateRequest } from "../core/wire.ts";
import { type Ledger, LedgerUnavailable } from "../ledger/ledger.ts";

/** The answer to `request` as bytes. Rejects with LedgerUnavailable. */
export async function answerState(
  ledger: Ledger,
  region: string,
  viewers: (video: VideoId) => number,
  request: StateRequest,
): Promise<Uint8Array> {
  const { video, after } = request;
  const limit = Math.min(request.limit, limits.pageEntriesMax);
  const lineage = ledger.lineage();
  const [page, told] = await Promise.all([
    ledger.entries(video, after, limit),
    totalsOf(ledger, video, limit > 0),
  ]);
  // Nobody knows of which history the page is.
  if (ledger.lineage() !== lineage) throw new LedgerUnavailable("the log has just become another one");
  const state = { log: ledger.epoch, lineage, region, ...told, viewers: viewers(video), page };
  return encodeState(state, request.branch);
}

/**
 * Totals that are no lower than any told before. Who wants a video's entries too begins to watch it, and
 * gets them although the likes' part of the log is away: what it is shown never falls, by its versions.
 */
async function totalsOf(
  ledger: Ledger,
  video: VideoId,
  mayBeOld: boolean,
): Promise<{ totals: Totals; sure: boolean }> {
  try {
    return { totals: await ledger.current(video), sure: true };
  } catch (error) {
    if (!mayBeOld || !(error instanceof LedgerUnavailable)) throw error;
    return { totals: ledger.totals(video), sure: false };
  }
}

/** What a dispatcher answers about a video: its totals, its viewers, and a page of its comments. */
import type { Clock } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Presence } from "../core/presence.ts";
import type { Totals } from "../core/totals.ts";
import { decodeStateRequest, encodeState } from "../core/wire.ts";
import { type Ledger, LedgerUnavailable } from "../ledger/ledger.ts";

export interface StatesParts {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly region: string;
  readonly presence: Presence;
  /** Is told which video was asked for. */
  readonly used: (video: VideoId) => void;
}

export class States {
  readonly #parts: StatesParts;

  constructor(parts: StatesParts) {
    this.#parts = parts;
  }

  /** Answers a request (core/wire.ts). Rejects with LedgerUnavailable, also for what is none. */
  async serve(payload: Uint8Array): Promise<Uint8Array> {
    const { ledger, clock, region, presence, metrics, used } = this.#parts;
    const request = decodeStateRequest(payload);
    if (!request) {
      metrics.invalidMessages.inc();
      throw new LedgerUnavailable("not a state request");
    }
    const { video, after } = request;
    const limit = Math.min(request.limit, limits.pageEntriesMax);
    used(video);
    const lineage = ledger.lineage();
    const [page, told] = await Promise.all([
      ledger.entries(video, after, limit),
      this.#totals(video, limit > 0),
    ]);
    // Nobody knows of which history the page is.
    if (ledger.lineage() !== lineage) throw new LedgerUnavailable("the log has just become another one");
    const state = {
      log: ledger.epoch,
      lineage,
      region,
      ...told,
      ...(ledger.away?.isClosed(video) && { closed: true as const }),
      viewers: presence.viewers(video, clock.elapsed()),
      page,
    };
    return encodeState(state, request.branch);
  }

  /**
   * Totals that are no lower than any told before. Who wants a video's entries too begins to watch it, and
   * gets them although the likes' part of the log is away: what it is shown never falls, by its versions.
   */
  async #totals(video: VideoId, mayBeOld: boolean): Promise<{ totals: Totals; sure: boolean }> {
    const { ledger } = this.#parts;
    try {
      return { totals: await ledger.current(video), sure: true };
    } catch (error) {
      if (!mayBeOld || !(error instanceof LedgerUnavailable)) throw error;
      return { totals: ledger.totals(video), sure: false };
    }
  }
}

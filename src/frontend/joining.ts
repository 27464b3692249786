/**
 * How a viewer is let in: with a snapshot, or with what it missed since its `Last-Event-ID`.
 *
 * A place is only ever continued when everything after it is held; else the viewer is told `reset` and gets a
 * snapshot. There is no third way, so there is no silent hole: joining.test.ts.
 */

import type { Reader } from "../asking/reader.ts";
import type { Elapsed } from "../base/clock.ts";
import { parseId } from "../core/entry.ts";
import type { ResetReason } from "../core/sse.ts";
import type { Slot, Viewer } from "../fanout/slot.ts";
import type { VideoState } from "../video/state.ts";
import type { Sync } from "../video/sync.ts";

/** A viewer on its way in. */
export interface Joiner {
  readonly viewer: Viewer;
  readonly watches: readonly VideoState[];
  readonly lastEventId: string | undefined;
  /** A moderator, who is told what is held. */
  readonly reviews: boolean;
}

/** Viewers whose videos' first state has not come yet, each where the first of those is awaited. */
export class Lobby {
  readonly #joiners = new Map<VideoState, Joiner[]>();

  /**
   * `joiner` as it is to be let in, with what it has not been told to stop watching since: of what is not
   * watched any more the first state never comes, and is no reason not to show the others (lobby.test.ts).
   * Undefined: it waits here, or has left.
   */
  pass(joiner: Joiner): Joiner | undefined {
    const { viewer } = joiner;
    if (viewer.connection.gone) return undefined;
    const watches = joiner.watches.filter((watch) => viewer.watches.includes(watch));
    const loading = watches.find(({ phase }) => phase === "loading");
    if (!loading) return { ...joiner, watches };
    this.#wait(loading, { ...joiner, watches });
    return undefined;
  }

  #wait(watch: VideoState, joiner: Joiner): void {
    const joiners = this.#joiners.get(watch) ?? [];
    joiners.push(joiner);
    // Those who left meanwhile: forgotten once they are the half, so that forgetting costs little each.
    const waiting =
      joiners.length > 2 * watch.holders + 16
        ? joiners.filter(({ viewer }) => !viewer.connection.gone)
        : joiners;
    this.#joiners.set(watch, waiting);
  }

  /** Takes out `viewer` where it waits for `watch`, which it does not watch any more. */
  takeOne(watch: VideoState, viewer: Viewer): readonly Joiner[] {
    const joiners = this.#joiners.get(watch) ?? [];
    const taken = joiners.filter((joiner) => joiner.viewer === viewer);
    if (taken.length > 0)
      this.#joiners.set(
        watch,
        joiners.filter((joiner) => joiner.viewer !== viewer),
      );
    return taken;
  }

  /** Takes out those who wait for `watch`: its state has come, or none of them watches it any more. */
  take(watch: VideoState): readonly Joiner[] {
    const joiners = this.#joiners.get(watch) ?? [];
    this.#joiners.delete(watch);
    return joiners;
  }
}

/** A place to continue from, or why there is none. */
export type Resume = { readonly seq: number } | { readonly reset: ResetReason };

/** Why one video begins anew, whatever the others of its stream do. */
const ofOne: ReadonlySet<ResetReason> = new Set(["history", "deleted"]);

/** What can be said about `lastEventId` without asking anybody; undefined when a dispatcher must be asked. */
export function resumeNow(watch: VideoState, lastEventId: string): Resume | undefined {
  const id = parseId(lastEventId);
  if (!id) return { reset: "unknown-id" };
  if (!watch.lineage.continues(id)) return { reset: "epoch" };
  if (id.seq < watch.clearedAt) return { reset: "deleted" };
  if (id.seq > Math.max(watch.head, watch.tip) || id.seq < watch.history.floor) return undefined;
  return { seq: id.seq };
}

/** As `resumeNow`, asking where that is needed: for the log's head, or for older history. */
export async function resumeAsking(
  watch: VideoState,
  lastEventId: string,
  sync: Sync,
  reader: Reader,
): Promise<Resume> {
  const now = resumeNow(watch, lastEventId);
  if (now) return now;
  const seq = parseId(lastEventId)?.seq ?? 0;
  if (seq < watch.history.floor) {
    if (await sync.extend(watch, seq)) return { seq };
    return resumeNow(watch, lastEventId) ?? { reset: "history" };
  }
  const state = await reader.state(watch.video, undefined, 0);
  if ("rejected" in state) return { reset: "unavailable" };
  // The watch itself hears of it soon; until then nobody can say what this place means.
  if (!state.lineage.same(watch.lineage)) return { reset: "epoch" };
  watch.head = Math.max(watch.head, state.page.head);
  return seq <= watch.head ? { seq } : { reset: "future" };
}

/** As `resumeAsking` answered, if it still holds: history may have moved on while it asked. */
export function stillTrue(resume: Resume, watch: VideoState, lastEventId: string): Resume {
  return resumeNow(watch, lastEventId) ?? ("reset" in resume ? resume : { reset: "history" });
}

/**
 * Writes what a viewer that has just joined `slots` needs first. `resumes` runs beside `slots`; undefined:
 * fresh.
 *
 * Where this node may not have come as far with one video as the viewer has, all begin anew: the id goes back
 * to where that one stands. Were another shown further, and the log lost what lies between, then by its id
 * the viewer would come back to before the loss, and keep what was lost.
 */
export function welcome(
  viewer: Viewer,
  slots: readonly Slot[],
  resumes: readonly Resume[] | undefined,
  nowMs: Elapsed,
): void {
  const { shard } = viewer;
  const back = resumes?.map(resetOf).find((reason) => reason !== undefined && !ofOne.has(reason));
  // All places first: the id of a snapshot must not stand beyond what is still to be replayed.
  slots.forEach((slot, index) => {
    const resume = resumes?.[index];
    if (resume && "seq" in resume && !back) shard.replay(viewer, slot, resume.seq);
    else shard.begin(viewer, slot, resume && (resetOf(resume) ?? back));
  });
  shard.serve(viewer, nowMs);
}

function resetOf(resume: Resume): ResetReason | undefined {
  return "reset" in resume ? resume.reset : undefined;
}

/**
 * Reads a video's state from whichever dispatcher answers: the way of every node, whatever its role, so
 * that the laptop walks the cluster's path.
 */
import { BusUnavailable } from "../bus/bus.ts";
import { type Entry, type EventId, holdOf, isClearing, shownCount } from "../core/entry.ts";
import { type Kind, type Rejection, reject, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Lineage } from "../core/lineage.ts";
import { type ClusterView, decodeClusterView } from "../core/nodes.ts";
import type { CommentJson } from "../core/sse.ts";
import { commentJson, heldJson } from "../core/sse.ts";
import { onlyKinds } from "../core/totals.ts";
import { decodeState, encodeJson, type State, type StateRequest, subjects } from "../core/wire.ts";
import type { Requester } from "./asker.ts";

/** A listing of comments, oldest first. */
export interface Listing {
  readonly comments: readonly CommentJson[];
  /** True when newer comments exist behind the last one here. */
  readonly more: boolean;
  /**
   * Comments behind the place asked for are gone, or that place is of another log: these do not follow it.
   */
  readonly reset?: true;
}

/** Who a listing is for. */
export interface Seer {
  /** On this node's clock, Unix ms: what is still held then ends the listing. */
  readonly nowMs: number;
  /** May see what is held; it is then marked by `visibleAt`. */
  readonly held: boolean;
}

/** Pages that a listing reads on for, where much was removed. Beyond: it says that there is more. */
const pagesMax = 64;
/** How often answers of those who are behind are passed over until they are believed. */
const behindMax = 20;

export class Reader {
  readonly #bus: Requester;
  /** Kinds that are told of; undefined: all. */
  readonly #kinds: ReadonlySet<Kind> | undefined;
  /** As told last; shared by all that is read, so that it is told and held once. */
  #lineage: Lineage | undefined;
  /** Branches that were the newest once: whoever still names one has not heard of the next. */
  readonly #left = new Set<string>();
  #behind = 0;

  /** Of other kinds than `kinds` nothing is told: a peer, or a setting of before, may have any. */
  constructor(bus: Requester, kinds?: ReadonlySet<Kind>) {
    this.#bus = bus;
    this.#kinds = kinds;
  }

  /**
   * Totals, viewers and the entries after `after` (undefined: the newest `limit`; `limit` 0: none).
   * A rejection when no dispatcher answers within limits.requestMs.
   */
  async state(video: VideoId, after: number | undefined, limit: number): Promise<State | Rejection> {
    const known = this.#lineage;
    const request: StateRequest = { video, after, limit, branch: known?.newest.name };
    try {
      const reply = await this.#bus.request(subjects.state, encodeJson(request), limits.requestMs);
      const state = decodeState(reply, video, known);
      if (!state) return reject("unavailable", "the log gave no answer", 1);
      if (!this.#turn(state.lineage)) return reject("unavailable", "a dispatcher is behind", 1);
      const { totals } = state;
      const counts = this.#kinds ? onlyKinds(totals.counts, this.#kinds) : totals.counts;
      return counts === totals.counts ? state : { ...state, totals: { ...totals, counts } };
    } catch (error) {
      if (error instanceof BusUnavailable) return reject("unavailable", "the log cannot be reached", 1);
      throw error;
    }
  }

  /** Takes the lineage told last. False when it is one that others have left behind. */
  #turn(told: Lineage): boolean {
    const before = this.#lineage;
    if (before?.same(told)) return true;
    // All who still answer may be so: a log can be put back, and its old dispatchers with it.
    if (this.#left.has(told.newest.name) && ++this.#behind < behindMax) return false;
    this.#behind = 0;
    this.#left.delete(told.newest.name);
    if (before) this.#left.add(before.newest.name);
    for (const oldest of this.#left) {
      if (this.#left.size <= limits.branchesMax) break;
      this.#left.delete(oldest);
    }
    this.#lineage = told;
    return true;
  }

  /**
   * As `state` with the newest `limit` entries; where some of them are held at `nowMs`, with older ones
   * before them, until `wanted` comments may be shown or the log has no more. Rejected when more is held
   * than a node keeps.
   */
  async newest(video: VideoId, limit: number, wanted: number, nowMs: number): Promise<State | Rejection> {
    let state = await this.state(video, undefined, limit);
    for (let stretch = 2 * limits.pageEntriesMax; ; stretch *= 4) {
      if ("rejected" in state) return state;
      const { entries, floor } = state.page;
      const shown = shownCount(entries, nowMs);
      if (floor === 0 || shown === entries.length) return state;
      if (entries.slice(0, shown).filter(({ type }) => type === "comment").length >= wanted) return state;
      const older = await this.#stretch(video, Math.max(0, floor - stretch), state);
      if ("rejected" in older || older.page.floor >= floor) return "rejected" in older ? older : state;
      state = older;
    }
  }

  /** `state` with the entries behind `from` before its own. */
  async #stretch(video: VideoId, from: number, state: State): Promise<State | Rejection> {
    const { page, lineage } = state;
    const older: Entry[] = [];
    let floor = from;
    for (let after = from; after < page.floor; ) {
      const next = await this.state(video, after, limits.pageEntriesMax);
      if ("rejected" in next) return next;
      if (!next.lineage.same(lineage)) return reject("unavailable", "the log has just become another one", 1);
      // What was forgotten meanwhile makes a hole: it is whole from there on only.
      if (after === from || next.page.floor > after) {
        floor = next.page.floor;
        older.length = 0;
      }
      older.push(...next.page.entries.filter(({ seq }) => seq <= page.floor));
      if (older.length + page.entries.length > limits.heldEntriesMax + 2 * limits.pageEntriesMax) {
        return reject("busy", "more comments are held for review than can be looked through", 1);
      }
      const last = next.page.entries.at(-1);
      if (!next.page.more || !last) break;
      after = last.seq;
    }
    return { ...state, page: { ...page, floor, entries: [...older, ...page.entries] } };
  }

  /**
   * At most `limit` comments of `video` behind `after`, the oldest of them first; without `after`, or when
   * its place means nothing to this log, the newest ones. It ends before the first that `seer` may not see.
   */
  async listing(
    video: VideoId,
    after: EventId | undefined,
    limit: number,
    seer: Seer,
  ): Promise<Listing | Rejection> {
    const newest = () => this.#newestShown(video, limit, seer);
    let state = after ? await this.state(video, after.seq, limit) : await newest();
    if ("rejected" in state) return state;
    const foreign = after !== undefined && (!state.lineage.continues(after) || after.seq > state.page.head);
    if (after) state = foreign ? await newest() : await this.#goOn(video, state, limit, seer);
    if ("rejected" in state) return state;
    const { entries, more, floor } = state.page;
    const shown = shownCount(entries, seer.nowMs);
    const gone = removedIn(entries);
    const { lineage } = state;
    let visibleMs = 0;
    const comments = entries.slice(0, seer.held ? entries.length : shown).flatMap((entry, index) => {
      if (entry.type !== "comment" || gone.has(entry.seq)) return [];
      if (index < shown) return [commentJson(lineage, entry)];
      visibleMs = Math.max(visibleMs, entry.atMs + holdOf(entry));
      return [heldJson(lineage, entry, visibleMs)];
    });
    const isGone = after !== undefined && (floor > after.seq || entries.some(isClearing));
    const reset = foreign || isGone;
    const isFirst = after !== undefined && !foreign;
    const isCut = isFirst && comments.length > limit;
    const listed = {
      comments: isFirst ? comments.slice(0, limit) : comments.slice(-limit),
      more: isCut || (more && (seer.held || shown === entries.length)),
    };
    return reset ? { ...listed, reset } : listed;
  }

  /** The newest entries, so many that `limit` comments can be shown, where much was removed too. */
  async #newestShown(video: VideoId, limit: number, seer: Seer): Promise<State | Rejection> {
    let state: State | undefined;
    for (let most = limit; ; most = limits.pageEntriesMax) {
      const next = seer.held
        ? await this.state(video, undefined, most)
        : await this.newest(video, most, limit, seer.nowMs);
      if ("rejected" in next) return next;
      state = next;
      const isAll = state.page.floor === 0 || isEnough(state, limit, seer);
      if (isAll || most === limits.pageEntriesMax) break;
    }
    for (let stretch = 2 * limits.pageEntriesMax; !isEnough(state, limit, seer); stretch *= 4) {
      const { floor } = state.page;
      if (floor === 0) break;
      const older = await this.#stretch(video, Math.max(0, floor - stretch), state);
      // So much was removed there that it is not looked through.
      if ("rejected" in older) return older.rejected === "busy" ? state : older;
      if (older.page.floor >= floor) break;
      state = older;
    }
    return state;
  }

  /** `state` with what follows it, until `limit` comments can be shown or the log has no more. */
  async #goOn(video: VideoId, state: State, limit: number, seer: Seer): Promise<State | Rejection> {
    let { page } = state;
    for (let pages = 0; page.more && pages < pagesMax; pages++) {
      const last = page.entries.at(-1);
      if (!last || isEnough({ page }, limit, seer)) break;
      const next = await this.state(video, last.seq, limits.pageEntriesMax);
      if ("rejected" in next) return next;
      if (!next.lineage.same(state.lineage) || next.page.floor > last.seq) break;
      page = { ...next.page, floor: page.floor, entries: [...page.entries, ...next.page.entries] };
    }
    return { ...state, page };
  }

  /** The cluster as whichever dispatcher answers sees it. A rejection when none does. */
  async cluster(): Promise<ClusterView | Rejection> {
    try {
      const reply = await this.#bus.request(subjects.cluster, encodeJson({}), limits.requestMs);
      return decodeClusterView(reply) ?? reject("unavailable", "no dispatcher gave an answer", 1);
    } catch (error) {
      if (error instanceof BusUnavailable) return reject("unavailable", "no dispatcher can be reached", 1);
      throw error;
    }
  }
}

/** The places of comments that are removed by one of `entries`. */
function removedIn(entries: readonly Entry[]): ReadonlySet<number> {
  return new Set(entries.flatMap((entry) => (entry.type === "retract" ? [entry.target] : [])));
}

/** Whether a page holds `limit` comments that can be shown, or one that is held: it is shown up to that. */
function isEnough({ page }: Pick<State, "page">, limit: number, { nowMs, held }: Seer): boolean {
  const { entries } = page;
  if (!held && shownCount(entries, nowMs) < entries.length) return true;
  const gone = removedIn(entries);
  const count = entries.filter(({ type, seq }) => type === "comment" && !gone.has(seq)).length;
  return count >= limit;
}

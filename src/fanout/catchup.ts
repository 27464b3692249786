/**
 * Serving viewers that stand at places of their own: one that begins, fell behind, resumes with a
 * `Last-Event-ID`, or watches several videos. To the stream all are the same: videos to begin with a
 * snapshot, places after which entries are due, and the newest state; all of it in one write, if it fits.
 *
 * Those who are behind are tried again at every lap. They hold places, not bytes: a stream is ended
 * when what it is owed is no longer held, or is too much; it then resumes by id, and is told what it lost.
 */
import type { Elapsed } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import { limits } from "../core/limits.ts";
import { staleOf } from "../video/stale.ts";
import {
  type Own,
  type OwnPlace,
  type Place,
  type Showing,
  type Slot,
  showState,
  type Viewer,
} from "./slot.ts";
import type { FrameKind, Tally } from "./tally.ts";
import { Walk } from "./walk.ts";

/** Bytes written to one viewer in one piece. */
const pieceBytesMax = 16 * 1024;
/** What looking at a reader that takes nothing costs, in writes. */
const lookCost = 1 / 16;

export class CatchUp {
  readonly #metrics: Metrics;
  readonly #tally: Tally;
  readonly #behind = new Set<Viewer>();
  #lap: Walk<Viewer> | undefined;

  constructor(metrics: Metrics, tally: Tally) {
    this.#metrics = metrics;
    this.#tally = tally;
  }

  /** Viewers that are behind. */
  get behind(): number {
    return this.#behind.size;
  }

  /** A walk along all who are behind; undefined when nobody is, or while one is under way. */
  lap(): Walk<Viewer> | undefined {
    if (this.#behind.size === 0 || (this.#lap && !this.#lap.over)) return undefined;
    this.#lap = new Walk([...this.#behind], (viewer, nowMs) => this.#try(viewer, nowMs));
    return this.#lap;
  }

  #try(viewer: Viewer, nowMs: Elapsed): number {
    if (!this.#behind.has(viewer)) return 0;
    const { connection } = viewer;
    if (nowMs - connection.lastMs > connection.idleMs) connection.end("idle");
    else if (!connection.lagging) {
      this.serve(viewer, nowMs);
      return 1;
    }
    return lookCost;
  }

  /** A walk has come to `viewer`, who stands at places of its own. Returns what that cost, in writes. */
  visit(viewer: Viewer, own: Own, walk: Walk<Viewer>, nowMs: Elapsed): number {
    if (own.behind) {
      this.#oweShown(viewer, own, walk);
      return lookCost;
    }
    for (const [slot, place] of own.places) {
      if (!isDue(viewer, slot, place)) continue;
      this.serve(viewer, nowMs);
      // Refused just now: from here on what comes is counted.
      if (own.behind) this.#oweShown(viewer, own, walk);
      return 1;
    }
    settle(viewer, own);
    return lookCost;
  }

  /** `viewer`, who stood with `slot`, did not take what it is showing. */
  refused(viewer: Viewer, slot: Slot, showing: Showing): void {
    if (viewer.connection.gone) return;
    const own = ownOf(viewer);
    own.places.set(slot, standingAt(showing));
    own.behind = true;
    this.#behind.add(viewer);
    this.#owe(viewer, own, showing);
  }

  #oweShown(viewer: Viewer, own: Own, walk: Walk<Viewer>): void {
    for (const { showing } of viewer.slots) if (showing?.walk === walk) this.#owe(viewer, own, showing);
  }

  #owe(viewer: Viewer, own: Own, showing: Showing): void {
    if (showing.state) this.#tally.skipped();
    own.owedBytes += showing.entryBytes;
    if (own.owedBytes > limits.owedBytesMax) viewer.connection.end("slow");
  }

  /** Lets `viewer` be served by and by. */
  later(viewer: Viewer): void {
    ownOf(viewer).behind = true;
    this.#behind.add(viewer);
  }

  /** `viewer` has left. */
  left(viewer: Viewer): void {
    this.#behind.delete(viewer);
  }

  /** Serves `viewer` now as far as its reader takes it. */
  serve(viewer: Viewer, nowMs: Elapsed): void {
    const { own, connection } = viewer;
    if (!own || connection.gone) return;
    const done = this.#write(viewer, own, nowMs);
    if (connection.gone) return;
    if (!done) {
      this.later(viewer);
      return;
    }
    own.behind = false;
    own.owedBytes = 0;
    this.#behind.delete(viewer);
    settle(viewer, own);
  }

  /**
   * Writes what is due, entries in order of seq over all its videos. True when nothing is due any longer:
   * else its reader took no more, something must wait for another video, or the stream was ended.
   */
  #write(viewer: Viewer, own: Own, nowMs: Elapsed): boolean {
    const { connection } = viewer;
    // Asked first, so that a reader that takes nothing costs nothing.
    if (connection.lagging) return false;
    for (const [slot, place] of own.places) {
      if (place.fresh || place.seq >= slot.watch.history.floor) continue;
      connection.end("slow");
      return false;
    }
    const piece = new Piece(viewer, nowMs, this.#tally);
    const fresh = [...own.places].filter(([, place]) => place.fresh);
    for (const [slot, place] of fresh) {
      if (!this.#begin(piece, viewer, slot, place, place === fresh.at(-1)?.[1])) return false;
    }
    const upTo = viewer.slots.length > 1 ? writableUpTo(viewer) : Number.POSITIVE_INFINITY;
    for (const { place, seq, bytes } of entriesDue(viewer, own, upTo)) {
      if (!piece.add("comment", bytes, () => reach(place, seq))) return false;
    }
    for (const [slot, place] of own.places) {
      const bytes = stateDue(slot, place, own.behind);
      if (bytes && !piece.add("likes", bytes, () => this.#shown(slot, place))) return false;
    }
    if (!piece.flush()) return false;
    own.owedBytes = 0;
    return allShown(viewer, own);
  }

  /**
   * False when the reader took no more. Only the last of several snapshots says where the stream stands:
   * whoever is cut off before it has not been shown all that this place would stand for.
   */
  #begin(piece: Piece, viewer: Viewer, slot: Slot, place: OwnPlace, isLast: boolean): boolean {
    const { watch } = slot;
    const { reason } = place;
    const end = endOf(viewer, slot);
    if (reason && !piece.add("reset", watch.reset(reason))) return false;
    const id = isLast ? standing(viewer, slot) : undefined;
    return piece.add("snapshot", watch.snapshot(end, id), () => {
      place.fresh = false;
      place.reason = undefined;
      place.seq = end;
      showState(place, watch);
      if (reason) this.#metrics.resets.inc({ reason });
    });
  }

  #shown(slot: Slot, place: OwnPlace): void {
    this.#tally.likes(slot.watch.likes - place.likes);
    showState(place, slot.watch);
  }
}

/** A place of a viewer's own where `place` is now. */
export function standingAt({ seq, version, viewersVersion, likes }: Readonly<Place>): OwnPlace {
  return { seq, version, viewersVersion, likes, fresh: false, reason: undefined };
}

/** The places of `viewer`'s own, from where it stands now. */
export function ownOf(viewer: Viewer): Own {
  if (viewer.own) return viewer.own;
  const own: Own = { places: new Map(), behind: false, owedBytes: 0 };
  for (const slot of viewer.slots) {
    own.places.set(slot, standingAt(slot.placeOf(viewer)));
  }
  viewer.own = own;
  return own;
}

/** Lets `viewer` stand with its slot again, if it does, and no walk under way would write to it twice. */
export function settle(viewer: Viewer, own: Own): void {
  const [slot] = viewer.slots;
  if (own.behind || viewer.slots.length > 1) return;
  const place = slot && own.places.get(slot);
  if (slot && place) {
    if (place.fresh || place.seq !== slot.seq || slot.showing?.walk.awaits(viewer)) return;
    if (place.version < slot.version || place.viewersVersion < slot.viewersVersion) return;
  }
  viewer.own = undefined;
}

/**
 * Up to where `viewer` is brought on in `slot`. One of a single video up to where the others stand or are on
 * their way to, so that it stands with them from then on, however fast more comes; one of several to the very
 * newest, as what it is not written now would come after later entries of the others.
 */
function endOf({ slots }: Viewer, slot: Slot): number {
  return slots.length > 1 ? slot.watch.history.tip : slot.seq;
}

function isDue(viewer: Viewer, slot: Slot, place: OwnPlace): boolean {
  const { watch } = slot;
  if (place.version < watch.version || place.viewersVersion < watch.viewersVersion) return true;
  return place.fresh || place.seq < endOf(viewer, slot);
}

/** Whether all places are at the newest. */
function allShown(viewer: Viewer, own: Own): boolean {
  for (const [slot, place] of own.places) if (isDue(viewer, slot, place)) return false;
  return true;
}

/**
 * The frame that shows the newest state. To who was behind as if only the newest tick had been missed: its
 * `at` is how old this news is, not how long the reader slept.
 */
function stateDue({ watch }: Slot, place: OwnPlace, behind: boolean): Uint8Array | undefined {
  // Of one that begins the snapshot is on its way, and shows it.
  if (place.fresh) return undefined;
  const { version, viewersVersion } = place;
  if (version >= watch.version && viewersVersion >= watch.viewersVersion) return undefined;
  return behind || version < 0
    ? watch.stateFrame(watch.version - 1, -1)
    : watch.stateFrame(version, viewersVersion);
}

/**
 * The place up to which entries may be written to `viewer`, who watches several videos: none while an
 * earlier one of another video may still come, as by its id that one would count as seen. Entries come in the
 * order of their seq, but for those being asked for and those held for review. None at all while one of them
 * still tells of what the log has lost: it is about to begin anew.
 */
function writableUpTo(viewer: Viewer): number {
  if (staleOf(viewer.slots)) return 0;
  let seq = Number.POSITIVE_INFINITY;
  for (const { watch } of viewer.slots) {
    const { first } = watch.held;
    if (first !== undefined) seq = Math.min(seq, first - 1);
    else if (watch.phase === "filling") seq = Math.min(seq, watch.history.tip);
  }
  return seq;
}

/** Entries that are due up to `upTo`, in order: what must wait costs nothing, however long it waits. */
function entriesDue(
  viewer: Viewer,
  own: Own,
  upTo: number,
): { place: OwnPlace; seq: number; bytes: Uint8Array }[] {
  const all: { place: OwnPlace; seq: number; bytes: Uint8Array }[] = [];
  for (const [slot, place] of own.places) {
    if (place.fresh) continue;
    const end = Math.min(endOf(viewer, slot), upTo);
    for (const { seq, bytes } of slot.watch.history.frames(place.seq, end)) all.push({ place, seq, bytes });
  }
  return own.places.size > 1 ? all.sort((a, b) => a.seq - b.seq) : all;
}

function reach(place: OwnPlace, seq: number): void {
  if (seq > place.seq) place.seq = seq;
}

/**
 * The id at which the stream stands after a snapshot of `slot`: everything up to it has been written for all
 * of the viewer's videos. Where nothing waits to be written that is as far as this video is known to be
 * whole.
 *
 * While one of them still tells of what the log has lost, no place is right for all: who came back to one
 * from before the loss would keep what was lost, and miss what a lost removal had taken. The id is then one
 * of the lost places, behind which nothing goes on, so that who comes back begins anew.
 */
function standing(viewer: Viewer, slot: Slot): string {
  const stale = staleOf(viewer.slots);
  if (stale) return stale.lineage.idOf(stale.furthest);
  const end = endOf(viewer, slot);
  const waits = slot.watch.phase === "filling" || slot.watch.history.tip > end;
  let seq = waits ? end : Math.max(end, slot.watch.whole);
  for (const other of viewer.slots) {
    const { watch } = other;
    const shown = other === slot ? end : (viewer.own?.places.get(other)?.seq ?? watch.history.tip);
    if (watch.history.tip > shown || watch.phase === "filling") seq = Math.min(seq, shown);
    if (watch.held.first !== undefined) seq = Math.min(seq, watch.held.first - 1);
  }
  return slot.watch.lineage.idOf(seq);
}

/** Frames on their way to one viewer, written together; what each settles is settled once it is taken. */
class Piece {
  readonly #viewer: Viewer;
  readonly #nowMs: Elapsed;
  readonly #tally: Tally;
  #parts: Uint8Array[] = [];
  #size = 0;
  #kinds: FrameKind[] = [];
  #written: (() => void)[] = [];

  constructor(viewer: Viewer, nowMs: Elapsed, tally: Tally) {
    this.#viewer = viewer;
    this.#nowMs = nowMs;
    this.#tally = tally;
  }

  /** False when the reader took no more: this frame, too, was not written. */
  add(kind: FrameKind, bytes: Uint8Array, written?: () => void): boolean {
    if (this.#size > 0 && this.#size + bytes.length > pieceBytesMax && !this.flush()) return false;
    this.#parts.push(bytes);
    this.#size += bytes.length;
    if (bytes.length > 0) this.#kinds.push(kind);
    if (written) this.#written.push(written);
    return true;
  }

  flush(): boolean {
    if (this.#size > 0) {
      const bytes = joined(this.#parts, this.#size);
      if (this.#viewer.connection.write(bytes, this.#nowMs) !== "ok") return false;
      for (const kind of this.#kinds) this.#tally.frames(kind, 1);
      this.#tally.bytes(bytes.length);
    }
    for (const written of this.#written) written();
    this.#parts = [];
    this.#size = 0;
    this.#kinds = [];
    this.#written = [];
    return true;
  }
}

/** The parts in one piece of `size` bytes; a single one as it is. */
export function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * Serving a viewer what it is owed: one that begins, one that fell behind, or one that resumes with a
 * `Last-Event-ID`. To the stream all three are the same: videos to begin with a snapshot, places after which
 * entries are missing, and then the newest state, once.
 */
import type { Metrics } from "../base/metrics.ts";
import { type Lag, type Slot, type Viewer, writableUpTo } from "./slot.ts";

/** Bytes written to one viewer in one piece. */
const pieceBytesMax = 16 * 1024;

/** The viewer's debts, begun if it had none. */
export function lagOf(viewer: Viewer): Lag {
  viewer.lag ??= { fresh: new Map(), missed: new Map(), owedBytes: 0, stale: new Set() };
  return viewer.lag;
}

/**
 * Writes what the viewer is owed, entries in order of seq over all its videos, until its reader takes no
 * more. True when it is owed nothing any longer, or is gone. Ends its stream when what it is owed is no
 * longer held: it then resumes by id, and is told what it lost.
 */
export function catchUp(viewer: Viewer, nowMs: number, metrics: Metrics): boolean {
  const { connection, lag } = viewer;
  if (connection.gone || !lag) return true;
  // Asked first, so that a reader that takes nothing costs nothing.
  if (connection.lagging) return false;
  for (const [slot, after] of lag.missed) {
    if (after < slot.watch.history.floor && !lag.fresh.has(slot)) {
      connection.end("slow");
      return true;
    }
  }
  const piece = new Piece(viewer, nowMs, metrics);
  if (!writeFresh(piece, viewer, lag, metrics)) return connection.gone;
  const missed = writeMissed(piece, viewer, lag);
  if (missed === "refused" || !writeState(piece, viewer, lag) || missed === "some") return connection.gone;
  viewer.lag = undefined;
  return true;
}

/** Begins videos. False when the reader took no more. */
function writeFresh(piece: Piece, viewer: Viewer, lag: Lag, metrics: Metrics): boolean {
  for (const [slot, reason] of lag.fresh) {
    const { watch } = slot;
    // What the snapshot shows is owed no longer; what it cannot show yet is.
    const written = (): void => {
      lag.fresh.delete(slot);
      lag.missed.delete(slot);
      lag.stale.delete(slot);
      if (slot.passAwaits(viewer)) lag.stale.add(slot);
      if (reason) metrics.resets.inc({ reason });
    };
    if (reason) piece.add("reset", watch.reset(reason));
    if (!piece.add("snapshot", watch.snapshot(slot.cursor, standing(viewer, slot)), written)) return false;
  }
  return piece.flush();
}

/** Writes entries: all of them, or some as the others must not be written yet; or the reader took no more. */
function writeMissed(piece: Piece, viewer: Viewer, lag: Lag): "all" | "some" | "refused" {
  const upTo = viewer.slots.length > 1 ? writableUpTo(viewer) : Number.POSITIVE_INFINITY;
  for (const { slot, seq, bytes } of inOrder(lag, upTo)) {
    if (!piece.add("comment", bytes, () => lag.missed.set(slot, seq))) return "refused";
  }
  if (!piece.flush()) return "refused";
  lag.owedBytes = 0;
  for (const [slot, after] of lag.missed) {
    const next = slot.watch.history.next(Math.max(after, upTo));
    if (next !== undefined && next <= slot.cursor) return "some";
  }
  lag.missed.clear();
  return "all";
}

/** Shows the newest totals. False when the reader took no more, or a pass has to come by first. */
function writeState(piece: Piece, viewer: Viewer, lag: Lag): boolean {
  for (const slot of lag.stale) {
    // Else the pass would show this viewer older totals after these.
    if (slot.passAwaits(viewer)) continue;
    // As if only the newest tick had been missed: its `at` is how old this news is, not how long the reader
    // slept.
    const bytes = slot.watch.stateFrame(slot.watch.version - 1, -1);
    if (!bytes) lag.stale.delete(slot);
    else if (!piece.add("likes", bytes, () => lag.stale.delete(slot))) return false;
  }
  return piece.flush() && lag.stale.size === 0;
}

/** Frames on their way to one viewer, written together; what each settles is settled once it is taken. */
class Piece {
  readonly #viewer: Viewer;
  readonly #nowMs: number;
  readonly #metrics: Metrics;
  #parts: Uint8Array[] = [];
  #size = 0;
  #events: ("reset" | "snapshot" | "comment" | "likes")[] = [];
  #written: (() => void)[] = [];

  constructor(viewer: Viewer, nowMs: number, metrics: Metrics) {
    this.#viewer = viewer;
    this.#nowMs = nowMs;
    this.#metrics = metrics;
  }

  /** False when the reader took no more: this frame, too, was not written. */
  add(event: "reset" | "snapshot" | "comment" | "likes", bytes: Uint8Array, written?: () => void): boolean {
    if (this.#size > 0 && this.#size + bytes.length > pieceBytesMax && !this.flush()) return false;
    this.#parts.push(bytes);
    this.#size += bytes.length;
    if (bytes.length > 0) this.#events.push(event);
    if (written) this.#written.push(written);
    return true;
  }

  flush(): boolean {
    if (this.#size > 0) {
      const bytes = joined(this.#parts, this.#size);
      if (this.#viewer.connection.write(bytes, this.#nowMs) !== "ok") return false;
      for (const event of this.#events) this.#metrics.frames.inc({ event });
      this.#metrics.bytes.inc(bytes.length);
    }
    for (const written of this.#written) written();
    this.#parts = [];
    this.#size = 0;
    this.#events = [];
    this.#written = [];
    return true;
  }
}

/** What is missed up to `upTo`: what must wait costs nothing, however long it waits. */
function inOrder(lag: Lag, upTo: number): { slot: Slot; seq: number; bytes: Uint8Array }[] {
  const all: { slot: Slot; seq: number; bytes: Uint8Array }[] = [];
  for (const [slot, after] of lag.missed) {
    for (const { seq, bytes } of slot.watch.history.frames(after, Math.min(slot.cursor, upTo)))
      all.push({ slot, seq, bytes });
  }
  return lag.missed.size > 1 ? all.sort((a, b) => a.seq - b.seq) : all;
}

/**
 * The place at which the stream stands after a snapshot of `slot`: everything up to it has been written for
 * all of the viewer's videos. Where nothing waits to be written that is as far as this video is known to be
 * whole.
 */
function standing(viewer: Viewer, slot: Slot): number {
  let seq = waits(slot) ? slot.cursor : Math.max(slot.cursor, slot.watch.whole);
  for (const other of viewer.slots) {
    if (waits(other)) seq = Math.min(seq, other.cursor);
    if (other.watch.held.first !== undefined) seq = Math.min(seq, other.watch.held.first - 1);
    const after = other === slot ? undefined : viewer.lag?.missed.get(other);
    if (after !== undefined) seq = Math.min(seq, after);
  }
  return seq;
}

function waits({ watch, cursor }: Slot): boolean {
  return watch.history.tip > cursor || watch.phase === "filling";
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * Descriptors: every connection takes one, and a process may open so many and no more.
 *
 * The last ones are kept for health, metrics and publishing: when few are left, streams are answered `bye`
 * and their connections closed. Should connections that ask for nothing take those too, accepting pauses
 * until some are free again, instead of failing at once, again and again. Said once a minute while it is
 * so, and at start when the limit is below --node-streams: as a warning where it is what a shell has by
 * default. Held by system/descriptors.test.ts.
 *
 * How many are left is seen from the number of the next one: the kernel gives the lowest that is free. To
 * look takes two system calls, a fifth of what a stream costs at its beginning, so a look is good for half of
 * what it found free.
 */
import { closeSync, openSync, readFileSync, statSync } from "node:fs";
import { type Clock, type Elapsed, longAgo, type Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { limits } from "../core/limits.ts";
import type { Gate } from "../http/gate.ts";
import type { Settings } from "../settings/config.ts";

export interface DescriptorsParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** How many this process may open: see `openMax`. */
  readonly most: number;
  /** The lowest that is free: see `nextDescriptor`. */
  readonly next: () => number | undefined;
}

/** Fewer streams than these nobody wants who wants many: the limit was forgotten. */
const roomMin = 4_096;
/** How often it is looked at whether accepting has to pause or can go on, in ms. */
const everyMs = 50;
/** Accepting pauses when so few are left, and goes on when as many more are free. */
const pauseAt = 8;

export class Descriptors {
  readonly #parts: DescriptorsParts;
  readonly #timer: Timer | undefined;
  #gate: Gate | undefined;
  #paused = false;
  /** Streams that may still come before it is looked at again how many are left. */
  #spare = 0;
  #saidAt: Elapsed = longAgo;

  constructor(parts: DescriptorsParts) {
    this.#parts = parts;
    const { clock, metrics, most } = parts;
    metrics.descriptorsMax.set(Number.isFinite(most) ? most : 0);
    if (!Number.isFinite(most)) return;
    this.#timer = clock.every(everyMs, () => this.#look());
  }

  /** Whether only those are left that no stream gets. */
  get few(): boolean {
    if (this.#spare > 0) {
      this.#spare--;
      return false;
    }
    const few = this.#left() <= limits.descriptorsReserved;
    if (few) this.#say();
    return few;
  }

  /** `gate` is what accepting is paused with. */
  guard(gate: Gate | undefined): void {
    this.#gate = gate;
  }

  close(): void {
    this.#timer?.cancel();
    if (this.#paused) this.#gate?.set(true);
  }

  #left(): number {
    const { most, next } = this.#parts;
    const left = most - (next() ?? most);
    // The other half is for connections that are no streams.
    this.#spare = Math.max(0, Math.floor((left - limits.descriptorsReserved) / 2));
    return left;
  }

  #look(): void {
    const { metrics } = this.#parts;
    const left = this.#left();
    if (this.#paused) {
      if (left > 2 * pauseAt) this.#paused = this.#gate?.set(true) !== true;
      return;
    }
    if (left > pauseAt) return;
    if (this.#gate?.set(false)) {
      this.#paused = true;
      metrics.acceptPauses.inc();
    }
    this.#say();
  }

  #say(): void {
    const { clock, log, most } = this.#parts;
    const now = clock.elapsed();
    if (now - this.#saidAt < limits.logAgainMs) return;
    this.#saidAt = now;
    log.warn("descriptors are running out", { limit: most, paused: this.#paused, hint });
  }
}

const hint = "one for each connection: ulimit -n, or LimitNOFILE of the service";

/** Streams that `processes` hold at most, each of which may open `most` descriptors. */
export function roomIn(most: number, processes: number): number {
  return processes * Math.max(0, most - limits.descriptorsReserved);
}

/** How many of the processes of a node of these settings hold streams: none of one that only dispatches. */
export function holdersOf({ role, nats }: Pick<Settings, "role" | "nats">, processes: number): number {
  if (role === "dispatcher") return 0;
  // Without NATS one of several has the ledger, and nobody comes to it.
  return nats.length === 0 && processes > 1 ? processes - 1 : processes;
}

/**
 * Streams that `holders` processes hold, where that is less than --node-streams: for the line that a start
 * says. So few that the limit was forgotten are warned of.
 */
export function tellRoom(log: Log, settings: Settings, holders: number, most = openMax()) {
  const { limits: limited, nodeStreams } = settings;
  const streams = roomIn(most, holders);
  if (limited === "off" || holders === 0 || streams >= nodeStreams) return {};
  const fields = { limit: most, holders, streams, nodeStreams, hint };
  if (streams < roomMin) log.warn("fewer descriptors than streams", fields);
  return { streams, nodeStreams };
}

/** How many descriptors this process may open; without end where that is not known. */
export function openMax(): number {
  try {
    const row = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return row ? Number(row[1]) : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** How many are open: what newer kernels say, else as if there were no holes. Never lists them. */
export function openCount(): number {
  try {
    return statSync("/proc/self/fd").size || (nextDescriptor() ?? 0);
  } catch {
    return nextDescriptor() ?? 0;
  }
}

/** The lowest descriptor that is free; undefined when none is, and 0 where that cannot be seen. */
export function nextDescriptor(path = "/dev/null"): number | undefined {
  try {
    const fd = openSync(path, "r");
    closeSync(fd);
    return fd;
  } catch (error) {
    // In a folder that is all the program has of a system there may be no such file: that says nothing.
    return outOfThem.has((error as { code?: string }).code ?? "") ? undefined : 0;
  }
}

const outOfThem = new Set(["EMFILE", "ENFILE"]);

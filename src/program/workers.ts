/**
 * Several processes of this program on one port: started, started anew when one ends, told to stop, and
 * added up into one `/metrics`.
 *
 * The parent serves nothing and knows no viewer; a worker is a node with a name of its own, and meets its
 * siblings over NATS like any other node, or without NATS in the one of them that has the ledger. The parent
 * reads the settings once and hands them on, so a worker started a month later is like those before it
 * (workers.test.ts). Not here: how a process is made (main.ts).
 */
import { type Clock, type Elapsed, longAgo, type Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import {
  addReadings,
  countsOf,
  createWorkersMetrics,
  type Readings,
  readingsOf,
  textOf,
} from "../base/metrics.ts";
import type { Prng } from "../base/prng.ts";
import type { Local } from "../node/open.ts";
import type { Settings } from "../settings/config.ts";

import { Spread, type SpreadOrder } from "./spread.ts";

/** Hidden first word of the command line that makes this program a worker. */
export const workerRole = "worker";

/** From the parent to a worker. Both are the same build, so messages are typed, not checked. */
export type Order =
  | Start
  /** Wants the worker's own metrics. */
  | { readonly kind: "read"; readonly ask: number }
  | SpreadOrder
  /** Everybody's metrics, as the worker asked for. */
  | { readonly kind: "text"; readonly ask: number; readonly text: string };

/** What a worker is to be. */
export interface Start {
  readonly kind: "start";
  readonly settings: Settings;
  /** Without NATS: where the workers meet, and whether it is this one that has the ledger. */
  readonly local?: Local;
}

/** From a worker to the parent. */
export type Word =
  | { readonly kind: "listening"; readonly url: string }
  /** How many streams it holds, and how many connections wait to be accepted by it. */
  | { readonly kind: "viewers"; readonly viewers: number; readonly waiting: number }
  | { readonly kind: "readings"; readonly ask: number; readonly readings: Readings }
  | { readonly kind: "metrics"; readonly ask: number };

/** One process, as the parent sees it. */
export interface WorkerProcess {
  readonly pid: number;
  tell(order: Order): void;
  signal(signal: WorkerSignal): void;
}
export type WorkerSignal = "SIGTERM" | "SIGINT" | "SIGKILL" | "SIGHUP";

/** Starts a process of this program in the role of a worker; `ended` is called once, later. */
export type StartProcess = (heard: (word: Word) => void, ended: (code: number) => void) => WorkerProcess;

export interface WorkersParts {
  readonly count: number;
  /** The parent's own; each worker gets them with a name of its own. */
  readonly settings: Settings;
  readonly start: StartProcess;
  /** Without NATS: the socket of the worker with the ledger, which is the first one. */
  readonly path?: string | undefined;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly log: Log;
}

/** A worker ended before all of them listened; the settings are at fault, not the hour. */
export class WorkerEnded extends Error {
  readonly code: number;
  constructor(name: string, code: number) {
    super(`worker ${name} ended with code ${code} before it listened`);
    this.code = code;
  }
}

const pauseMinMs = 250;
const pauseMaxMs = 15_000;
/** A worker that lived so long is started anew after the shortest pause. */
const steadyMs = 30_000;
/** How long workers may take to tell their metrics; the last known stand in for those that do not. */
const readMs = 1_000;
/** How long after its drain a worker may still be there before it is killed. */
const overdueMs = 10_000;

interface Place {
  readonly name: string;
  process: WorkerProcess | undefined;
  startedAt: Elapsed;
  pauseMs: number;
  listening: boolean;
  /** It was to read its files again before it listened. */
  rereads: boolean;
  /** What its process told last. */
  readings: Readings | undefined;
  timer: Timer | undefined;
}

/** One question to all workers, shared by all who ask meanwhile. */
interface Gathering {
  readonly ask: number;
  readonly waiting: Set<Place>;
  readonly complete: () => void;
  readonly text: Promise<string>;
}

export class Workers {
  readonly #parts: WorkersParts;
  readonly #places: readonly Place[];
  readonly #metrics = createWorkersMetrics();
  readonly #started = Promise.withResolvers<string>();
  readonly #ended = Promise.withResolvers<void>();
  /**
   * What workers counted that are no more; at most one reading of each place, and the sum of those before.
   */
  #departed: Readings[] = [];
  readonly #spread: Spread;
  #gathering: Gathering | undefined;
  #asks = 0;
  #open = false;
  /** Where the workers listen; one that has only the ledger listens nowhere. */
  #url = "";
  #stopping = false;
  #failed = false;
  #overdue: Timer | undefined;

  constructor(parts: WorkersParts) {
    this.#parts = parts;
    this.#places = Array.from({ length: parts.count }, (_, index) => ({
      name: `${parts.settings.node}-${index + 1}`,
      process: undefined,
      startedAt: longAgo,
      pauseMs: pauseMinMs,
      listening: false,
      rereads: false,
      readings: undefined,
      timer: undefined,
    }));
    const tell = (worker: string, order: SpreadOrder): void =>
      this.#places.find(({ name }) => name === worker)?.process?.tell(order);
    const count = this.#places.filter((place) => this.#holdsViewers(place)).length;
    this.#spread = new Spread({ ...parts, count, tell });
  }

  /**
   * Starts all. Resolves with their address once all listen; rejects with WorkerEnded when one ended
   * before.
   */
  start(): Promise<string> {
    for (const place of this.#places) this.#start(place);
    return this.#started.promise;
  }

  /**
   * Has all read again the files that may change while they run. One that does not listen yet may not even
   * have begun to hear signals, and this one would end it: it is told as soon as it listens.
   */
  reload(): void {
    for (const place of this.#places) {
      if (place.listening) place.process?.signal("SIGHUP");
      else place.rereads = true;
    }
  }

  /**
   * Passes a signal on; nobody is started anew after it. Who has not ended well after its drain is killed.
   */
  signal(signal: WorkerSignal): void {
    const { clock, settings } = this.#parts;
    this.#stopping = true;
    this.#spread.close();
    this.#overdue ??= clock.after(settings.drainMs + overdueMs, () => this.signal("SIGKILL"));
    for (const place of this.#places) {
      place.timer?.cancel();
      place.process?.signal(signal);
    }
    this.#checkEnded();
  }

  /** After `signal`: resolves when all have ended; true when each ended well. */
  async ended(): Promise<boolean> {
    await this.#ended.promise;
    return !this.#failed;
  }

  /** The metrics of all as one text. Counts of a worker that died stay in the sums, as it last told them. */
  metrics(): Promise<string> {
    this.#gathering ??= this.#gather();
    return this.#gathering.text;
  }

  #start(place: Place): void {
    const { clock, start, log } = this.#parts;
    place.listening = false;
    place.rereads = false;
    place.startedAt = clock.elapsed();
    const child = start(
      (word) => this.#heard(place, word),
      (code) => this.#gone(place, code),
    );
    place.process = child;
    this.#metrics.workers.inc();
    log.debug("worker started", { worker: place.name, pid: child.pid });
    child.tell(this.#orderOf(place));
  }

  /** Without NATS the first has the ledger and dispatches, and the others hold the viewers. */
  #orderOf(place: Place): Start {
    const { settings, path } = this.#parts;
    const own = { ...settings, node: place.name };
    if (path === undefined) return { kind: "start", settings: own };
    const ledger = !this.#holdsViewers(place);
    const role = ledger ? "dispatcher" : "frontend";
    return { kind: "start", settings: { ...own, role }, local: { path, ledger } };
  }

  #holdsViewers(place: Place): boolean {
    return this.#parts.path === undefined || place !== this.#places[0];
  }

  #heard(place: Place, word: Word): void {
    switch (word.kind) {
      case "listening":
        place.listening = true;
        this.#url ||= word.url;
        if (place.rereads) place.process?.signal("SIGHUP");
        place.rereads = false;
        if (this.#holdsViewers(place)) this.#spread.came(place.name, this.#open);
        if (!this.#places.every(({ listening }) => listening)) return;
        this.#open = true;
        this.#started.resolve(this.#url);
        return;
      case "readings":
        place.readings = word.readings;
        if (word.ask === this.#gathering?.ask) this.#answered(this.#gathering, place);
        return;
      case "viewers":
        this.#spread.holds(place.name, word.viewers, word.waiting);
        return;
      case "metrics":
        void this.#tellMetrics(place, word.ask);
    }
  }

  async #tellMetrics(place: Place, ask: number): Promise<void> {
    const asked = place.process;
    const text = await this.metrics();
    if (place.process === asked) asked?.tell({ kind: "text", ask, text });
  }

  #gone(place: Place, code: number): void {
    const { clock, prng, log } = this.#parts;
    place.process = undefined;
    this.#metrics.workers.dec();
    this.#spread.went(place.name);
    if (place.readings) this.#departed.push(countsOf(place.readings));
    place.readings = undefined;
    if (this.#gathering) this.#answered(this.#gathering, place);
    if (this.#stopping) {
      // One that was still starting has not learnt yet to end well.
      if (code !== 0 && place.listening) this.#failed = true;
      this.#checkEnded();
      return;
    }
    if (!this.#open) {
      this.#started.reject(new WorkerEnded(place.name, code));
      return;
    }
    const livedMs = clock.elapsed() - place.startedAt;
    if (livedMs >= steadyMs) place.pauseMs = pauseMinMs;
    const pauseMs = Math.round(place.pauseMs * (0.5 + prng.next() / 2));
    place.pauseMs = Math.min(2 * place.pauseMs, pauseMaxMs);
    log.warn("worker ended", { worker: place.name, code, livedMs: Math.round(livedMs), pauseMs });
    place.timer = clock.after(pauseMs, () => {
      this.#metrics.restarts.inc();
      this.#start(place);
    });
  }

  #checkEnded(): void {
    if (!this.#stopping || this.#places.some((place) => place.process)) return;
    this.#overdue?.cancel();
    this.#ended.resolve();
  }

  #gather(): Gathering {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = new Set(this.#places.filter((place) => place.process && place.listening));
    const ask = ++this.#asks;
    for (const place of waiting) place.process?.tell({ kind: "read", ask });
    const late = this.#parts.clock.after(readMs, resolve);
    if (waiting.size === 0) resolve();
    const text = promise
      .then(() => {
        late.cancel();
        return this.#sum();
      })
      .finally(() => {
        this.#gathering = undefined;
      });
    return { ask, waiting, complete: resolve, text };
  }

  #answered(gathering: Gathering, place: Place): void {
    gathering.waiting.delete(place);
    if (gathering.waiting.size === 0) gathering.complete();
  }

  async #sum(): Promise<string> {
    const living = this.#places.flatMap(({ readings }) => (readings ? [readings] : []));
    const own = await readingsOf(this.#metrics.registry);
    const text = await textOf([own, ...living, ...this.#departed]);
    const departed = [...this.#departed];
    if (departed.length > 1) this.#departed.splice(0, departed.length, await addReadings(departed));
    return text;
  }
}

/**
 * A sweep: a set of what is to be done, so many a turn of the event loop, and what was refused stays in it.
 *
 * Whatever concerns everything at once (all rows of a node, all videos of a dead neighbour, all streams of a
 * drain) goes through one: no turn is longer for how much there is, and nothing is forgotten because the bus
 * had no room for it just then (sweep.test.ts).
 */
import type { Clock, Timer } from "./clock.ts";

/** Longest a turn lasts, in ms, if what it does lets it. */
const turnMs = 4;

export interface SweepParts<T> {
  readonly clock: Clock;
  /**
   * Does what is to be done about one. False: refused; it is tried again after a pause of the whole sweep.
   * Whatever is added meanwhile about the same one is done after it.
   */
  readonly act: (one: T) => boolean | Promise<boolean>;
  /** Most a turn. */
  readonly turnMax: number;
  /** Most under way at once, where acting takes time. */
  readonly underWayMax?: number;
  /** How long after a refusal it goes on, in ms; 50 if not given. */
  readonly pauseMs?: number;
}

export class Sweep<T> {
  readonly #parts: SweepParts<T>;
  readonly #waiting = new Set<T>();
  readonly #underWay = new Set<T>();
  /** What is read turn by turn, each with how far it has been read. */
  readonly #sources = new Map<Iterable<T>, Iterator<T>>();
  #turning = false;
  #pause: Timer | undefined;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(parts: SweepParts<T>) {
    this.#parts = parts;
  }

  /** What is to be done or under way, as far as it has been read. */
  get size(): number {
    return this.#waiting.size + this.#underWay.size;
  }

  /** Whether anything is to be done or under way. */
  get busy(): boolean {
    return this.size > 0 || this.#sources.size > 0;
  }

  /** Has something done about `one`, on a turn to come. */
  add(one: T): void {
    this.#waiting.add(one);
    this.#wake();
  }

  /** As `add`, for all of them. */
  addAll(all: Iterable<T>): void {
    for (const one of all) this.#waiting.add(one);
    this.#wake();
  }

  /**
   * As `addAll`, for very many: they are read as they are done, so what is there when its turn comes is what
   * counts. The same ones once more: they are read from the beginning again.
   */
  each(all: Iterable<T>): void {
    if (this.#closed) return;
    this.#sources.set(all, all[Symbol.iterator]());
    this.#wake();
  }

  /** As `addAll`, beginning now instead of on a turn to come, and also where it pauses. */
  start(all: Iterable<T>): void {
    for (const one of all) this.#waiting.add(one);
    this.#pause?.cancel();
    this.#pause = undefined;
    if (!this.#closed) this.#turn();
  }

  /** Nothing needs to be done about `one`; what is under way is not stopped. */
  delete(one: T): void {
    this.#waiting.delete(one);
    this.#tellIdle();
  }

  /** Resolves when nothing is left to be done, or once closed. */
  idle(): Promise<void> {
    if (!this.busy || this.#closed) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Does nothing more. */
  close(): void {
    this.#closed = true;
    this.#pause?.cancel();
    this.#waiting.clear();
    this.#sources.clear();
    this.#tellIdle();
  }

  #wake(): void {
    if (this.#turning || this.#pause || this.#closed) return;
    if (this.#waiting.size === 0 && this.#sources.size === 0) return;
    this.#turning = true;
    this.#parts.clock.soon(() => {
      this.#turning = false;
      this.#turn();
    });
  }

  #turn(): void {
    const { clock, turnMax, underWayMax = Number.POSITIVE_INFINITY } = this.#parts;
    const untilMs = clock.elapsed() + turnMs;
    let done = 0;
    // The end of what is under way, or of the pause, goes on from here.
    if (this.#underWay.size >= underWayMax) return;
    for (const one of this.#next()) {
      done++;
      this.#act(one);
      if (this.#pause || this.#underWay.size >= underWayMax) return;
      if (done === turnMax || clock.elapsed() >= untilMs) break;
    }
    this.#tellIdle();
    // With only such as are under way left, the end of one of those wakes it.
    if (done > 0) this.#wake();
  }

  /** Takes out what is to be done next, one by one. */
  *#next(): Iterable<T> {
    for (const one of this.#waiting) {
      // What is added about it now is done after this.
      if (this.#underWay.has(one)) continue;
      this.#waiting.delete(one);
      yield one;
    }
    for (const [all, source] of this.#sources) {
      for (let next = source.next(); !next.done; next = source.next()) {
        if (this.#underWay.has(next.value)) this.#waiting.add(next.value);
        else yield next.value;
      }
      if (this.#sources.get(all) === source) this.#sources.delete(all);
    }
  }

  #act(one: T): void {
    const result = this.#parts.act(one);
    if (result === false) this.#refused(one);
    else if (result !== true) void this.#follow(one, result);
  }

  async #follow(one: T, result: Promise<boolean>): Promise<void> {
    this.#underWay.add(one);
    const done = await result.finally(() => this.#underWay.delete(one));
    if (!done) this.#refused(one);
    this.#tellIdle();
    this.#wake();
  }

  #refused(one: T): void {
    if (this.#closed) return;
    this.#waiting.add(one);
    this.#pause ??= this.#parts.clock.after(this.#parts.pauseMs ?? 50, () => {
      this.#pause = undefined;
      this.#wake();
    });
  }

  #tellIdle(): void {
    if (this.busy && !this.#closed) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

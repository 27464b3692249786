/**
 * The viewers of one process and their sockets: dialling at a pace, reading, coming back after a loss as
 * an `EventSource` does (HTML, section 9.2.3: the server's `retry:`, then `Last-Event-ID`).
 *
 * All sockets share one set of handlers and carry their `Viewer`, so a viewer costs no closure; the clock
 * is read once per piece of bytes. Dialling keeps a bounded number of connections half made, so that a
 * listen queue of 512 is never the thing measured, and slows down by itself when dials fail.
 *
 * Two things differ from a browser, and the report names both where they happen: after an answer other
 * than 200 a viewer comes back (a page would have to), and after a failed dial it tries the next node of
 * `--url` (a load balancer would send it there).
 */
import type { Socket } from "bun";
import type { Prng } from "../base/prng.ts";
import { StreamReader } from "./stream.ts";
import { sourceAddress, type Target } from "./target.ts";
import { Channel, Tally, Viewer } from "./viewer.ts";

export interface AudiencePlan {
  readonly targets: readonly Target[];
  readonly videos: readonly string[];
  /** This process holds viewers `from` (inclusive) to `to` (exclusive) of the whole run. */
  readonly from: number;
  readonly to: number;
  /** Viewers below this index stop reading after their first snapshot. */
  readonly stall: number;
  /** Dials per second, at most. */
  readonly rampPerS: number;
  /** Connections half made at once, at most. */
  readonly diallingMax: number;
  readonly reconnect: boolean;
  readonly sourceSpread: boolean;
  readonly token: string;
}

type ViewerSocket = Socket<Viewer>;

const paceMs = 10;
/** A dial that has no answer after this long is made again. */
const dialMaxMs = 20_000;
/** Longest wait between two dials of one viewer. */
const backoffMaxMs = 10_000;

export class Audience {
  readonly tally = new Tally();
  readonly viewers: readonly Viewer[];
  readonly #plan: AudiencePlan;
  readonly #prng: Prng;
  #next = 0;
  #dialling = 0;
  #open = 0;
  #ratePerS: number;
  #credit = 0;
  #lastPaceMs = 0;
  #leaving = false;
  readonly #timers: Timer[] = [];
  readonly #handlers = {
    binaryType: "buffer" as const,
    open: (socket: ViewerSocket): void => this.#opened(socket),
    data: (socket: ViewerSocket, bytes: Buffer): void => this.#arrived(socket, bytes),
    close: (socket: ViewerSocket): void => this.#closed(socket),
    error: (_: ViewerSocket, error: Error): void => {
      throw error;
    },
    connectError: (socket: ViewerSocket): void => this.#failed(socket.data),
  };

  constructor(plan: AudiencePlan, prng: Prng) {
    this.#plan = plan;
    this.#prng = prng;
    this.#ratePerS = plan.rampPerS;
    const channels = plan.videos.map((video) => new Channel(video));
    const viewers: Viewer[] = [];
    for (let index = plan.from; index < plan.to; index++) {
      const channel = channels[index % channels.length];
      // Dividing by the number of videos first gives every video viewers on every node.
      const target = Math.floor(index / channels.length) % plan.targets.length;
      if (channel) viewers.push(new Viewer(index, channel, target, index < plan.stall));
    }
    this.viewers = viewers;
  }

  /** Viewers with a stream right now. */
  get open(): number {
    return this.#open;
  }

  get channels(): readonly Channel[] {
    return [...new Set(this.viewers.map((viewer) => viewer.channel))];
  }

  /** Starts dialling; returns at once. */
  start(): void {
    this.#lastPaceMs = nowMs();
    this.#timers.push(setInterval(() => this.#pace(), paceMs));
    this.#timers.push(setInterval(() => this.#sweep(), 1000));
  }

  /** Ends every stream; nothing that happens afterwards is counted. */
  leave(): void {
    this.#leaving = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const viewer of this.viewers) {
      viewer.phase = "gone";
      (viewer.socket as ViewerSocket | undefined)?.terminate();
    }
  }

  #pace(): void {
    const now = nowMs();
    const elapsedMs = now - this.#lastPaceMs;
    this.#lastPaceMs = now;
    const plan = this.#plan;
    this.#ratePerS = Math.min(plan.rampPerS, this.#ratePerS * (1 + elapsedMs / 1000));
    this.#credit = Math.min(this.#credit + (this.#ratePerS * elapsedMs) / 1000, plan.diallingMax);
    while (this.#credit >= 1 && this.#dialling < plan.diallingMax) {
      const viewer = this.viewers[this.#next];
      if (!viewer) return;
      this.#next++;
      this.#credit--;
      this.#dial(viewer);
    }
  }

  #dial(viewer: Viewer): void {
    const target = this.#plan.targets[viewer.target % this.#plan.targets.length];
    if (this.#leaving || !target) return;
    viewer.phase = "dialling";
    viewer.dialledMs = nowMs();
    viewer.stream = undefined;
    viewer.saidBye = false;
    this.#dialling++;
    this.tally.dialled++;
    const options = {
      hostname: target.host,
      port: target.port,
      socket: this.#handlers,
      data: viewer,
      // Known to Bun.connect since 1.3 (uSockets binds before it connects), missing in its types.
      ...(this.#plan.sourceSpread ? { localAddress: sourceAddress(viewer.index) } : {}),
    };
    // `connectError` has dealt with a rejection by the time it gets here.
    Bun.connect<Viewer>(options).catch(() => undefined);
  }

  #opened(socket: ViewerSocket): void {
    const viewer = socket.data;
    if (viewer.phase !== "dialling" || this.#leaving) {
      socket.terminate();
      return;
    }
    viewer.socket = socket;
    viewer.stream = new StreamReader();
    const target = this.#plan.targets[viewer.target % this.#plan.targets.length];
    let request =
      `GET /v1/videos/${viewer.channel.video}/events HTTP/1.1\r\nHost: ${target?.authority}\r\n` +
      "Accept: text/event-stream\r\nCache-Control: no-cache\r\nUser-Agent: ovation-load\r\n";
    if (this.#plan.token) request += `Authorization: Bearer ${this.#plan.token}\r\n`;
    if (viewer.lastEventId) request += `Last-Event-ID: ${viewer.lastEventId}\r\n`;
    // A request of a few hundred bytes always fits the send buffer of a new connection.
    socket.write(`${request}\r\n`);
  }

  #arrived(socket: ViewerSocket, bytes: Buffer): void {
    const viewer = socket.data;
    if (viewer.socket !== socket || !viewer.stream) return;
    const now = nowMs();
    this.tally.bytes += bytes.length;
    const read = viewer.stream.read(bytes, viewer.channel.repeats);
    if ("broken" in read) {
      this.#broke(viewer, read.broken);
      return;
    }
    for (const signal of read) {
      viewer.take(signal, now, this.tally);
      // A resumed stream may go on without a snapshot: its first event is what brings it back.
      if (viewer.phase === "dialling" && viewer.state && !viewer.saidBye) this.#welcome(viewer, socket, now);
    }
    // The answer is over although its connection is not: for an EventSource that is a loss like any other.
    if (viewer.stream.ended) socket.terminate();
  }

  #welcome(viewer: Viewer, socket: ViewerSocket, now: number): void {
    viewer.phase = "open";
    viewer.fails = 0;
    this.#dialling--;
    this.#open++;
    if (viewer.lostMs > 0) {
      this.tally.reconnected++;
      this.tally.reconnectMs.record(now - viewer.lostMs);
      viewer.lostMs = 0;
    }
    if (viewer.stalls) {
      viewer.phase = "stalled";
      socket.pause();
    }
  }

  #broke(viewer: Viewer, why: string): void {
    if (viewer.stream && viewer.stream.status !== 200 && viewer.stream.status !== 0) this.tally.refused++;
    else this.tally.broken++;
    this.tally.example(`stream: ${why}`);
    (viewer.socket as ViewerSocket | undefined)?.terminate();
  }

  #closed(socket: ViewerSocket): void {
    const viewer = socket.data;
    if (viewer.socket !== socket || this.#leaving) return;
    viewer.socket = undefined;
    if (viewer.phase === "dialling") {
      this.#failed(viewer);
      return;
    }
    this.#open--;
    if (viewer.phase === "stalled") {
      this.tally.stalledReset++;
      viewer.phase = "gone";
      return;
    }
    viewer.lostMs = nowMs();
    if (viewer.saidBye) {
      this.tally.byes++;
      viewer.target++;
    } else this.tally.cuts++;
    this.#comeBack(viewer, viewer.retryMs);
  }

  /** A dial that ended before the first event. */
  #failed(viewer: Viewer): void {
    if (this.#leaving || viewer.phase !== "dialling") return;
    this.#dialling--;
    this.tally.failedDials++;
    this.#ratePerS = Math.max(50, this.#ratePerS / 2);
    viewer.fails++;
    // A node that said bye to the very request is full: its delay is meant.
    const baseMs = viewer.saidBye ? viewer.retryMs : Math.min(200 * 2 ** viewer.fails, backoffMaxMs);
    viewer.target++;
    this.#comeBack(viewer, baseMs * (0.5 + this.#prng.next() / 2));
  }

  #comeBack(viewer: Viewer, delayMs: number): void {
    viewer.phase = "away";
    if (!this.#plan.reconnect && viewer.state) {
      viewer.phase = "gone";
      return;
    }
    setTimeout(() => this.#dial(viewer), delayMs);
  }

  /** Ends dials that hang: a dropped SYN is repeated by the kernel only after seconds. */
  #sweep(): void {
    if (this.#dialling === 0) return;
    const oldestMs = nowMs() - dialMaxMs;
    for (const viewer of this.viewers) {
      if (viewer.phase === "dialling" && viewer.dialledMs < oldestMs) {
        (viewer.socket as ViewerSocket | undefined)?.terminate();
      }
    }
  }
}

/**
 * Unix milliseconds with decimals, as the wall said when this process began, grown by elapsed time: it paces,
 * so it must not fall. A wall that is set during a run shows as latency from then on.
 */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

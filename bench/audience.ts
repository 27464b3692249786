/**
 * One process of the cheap audience: thousands of streams whose bytes are counted and thrown away.
 *
 * It proves nothing about what was sent (that is `ovation load`'s work); it exists to take as little of the
 * machine as an audience can. Orders come as lines on standard input, see link.ts.
 */
import { Sockets } from "./epoll.ts";
import { serveOrders } from "./link.ts";
import { percentilesOf } from "./stats.ts";

export type AudienceOrder =
  /**
   * Brings viewers `from` … `from + count - 1`, each on the stream of `videos[viewer % videos.length]`,
   * at most `perS` a second with `diallingMax` under way at once. Answered at once.
   */
  | {
      readonly do: "bring";
      readonly port: number;
      readonly videos: readonly string[];
      /** Where streams are asked for, if not at Ovation's paths of these videos. */
      readonly paths?: readonly string[];
      readonly from: number;
      readonly count: number;
      readonly perS: number;
      readonly diallingMax: number;
      /** Receive buffer of each socket, bytes; left to the kernel otherwise. */
      readonly receiveBytes?: number;
      /** They ask, and never read a byte of the answer: open as soon as they have asked. */
      readonly silent?: boolean;
    }
  /** All leave; `back`: and come back at once, all together. */
  | { readonly do: "leave"; readonly back: boolean }
  /** The first `count` stop reading. */
  | { readonly do: "stall"; readonly count: number }
  /** From now on every viewer reads what it is shown. */
  | { readonly do: "read" }
  /** Forgets the latencies seen so far. */
  | { readonly do: "forget" }
  | { readonly do: "tell" };

export interface AudienceWord {
  /** Streams that were answered 200 and are open. */
  readonly open: number;
  readonly bytes: number;
  /** Frames with a time in them that the hundredth viewers got, since `forget`. */
  readonly sampled: number;
  /** Streams and dials that ended without our doing. */
  readonly lost: number;
  /** Of the last time that all were dialled: ms from its begin until the last one was open; 0 before. */
  readonly allOpenMs: number;
  /** From `at` to arrival, of every hundredth viewer: of likes, and of comments. */
  readonly ms: ReturnType<typeof percentilesOf>;
  readonly commentMs: ReturnType<typeof percentilesOf>;
  /** By likes in the last frame a viewer read: how many viewers. Only since `read`. */
  readonly shown: Readonly<Record<string, number>>;
}

type Bring = Extract<AudienceOrder, { do: "bring" }>;

const paceMs = 5;
const answer = Buffer.from("HTTP/1.1 200");
/** Every so many-th viewer reads its frames to see how old they are. */
const sampleEvery = 100;
const samplesMax = 1_000_000;
/**
 * When a tick's oldest like was accepted: whole ms, and what is left in microseconds where a server tells it.
 */
const stamped = /^"at":([0-9.]+)(?:,"us":(\d+))?/;

class Audience {
  /** By descriptor: which viewer. */
  readonly #viewers: number[] = [];
  readonly #open = new Set<number>();
  readonly #dialling = new Set<number>();
  readonly #again: number[] = [];
  readonly #requests: Buffer[] = [];
  #plan: Bring | undefined;
  #next = 0;
  #credit = 0;
  #paceMs = 0;
  #beganMs = 0;
  #allOpenMs = 0;
  #bytes = 0;
  #lost = 0;
  #reading = false;
  #sampled = 0;
  #samples: number[] = [];
  #commentSamples: number[] = [];
  /** By descriptor: likes in the last frame. */
  readonly #shown = new Map<number, number>();
  readonly #sockets = new Sockets({
    opened: (fd) => this.#opened(fd),
    readable: (fd) => this.#readable(fd),
    closed: (fd) => this.#closed(fd),
  });

  obey(order: AudienceOrder): AudienceWord {
    if (order.do === "bring") this.#bring(order);
    else if (order.do === "leave") this.#leave(order.back);
    else if (order.do === "stall") {
      for (const fd of [...this.#open].slice(0, order.count)) this.#sockets.stall(fd);
    } else if (order.do === "read") this.#reading = true;
    else if (order.do === "forget") {
      this.#sampled = 0;
      this.#samples = [];
      this.#commentSamples = [];
    }
    return this.#word();
  }

  /** One turn: dial who is due, then take what has come. */
  turn(): void {
    if (this.#plan) this.#pace(this.#plan);
    this.#sockets.wait(paceMs);
  }

  #word(): AudienceWord {
    const shown: Record<string, number> = {};
    for (const likes of this.#shown.values()) shown[likes] = (shown[likes] ?? 0) + 1;
    return {
      open: this.#open.size,
      bytes: this.#bytes,
      lost: this.#lost,
      sampled: this.#sampled,
      allOpenMs: this.#allOpenMs,
      ms: percentilesOf(this.#samples),
      commentMs: percentilesOf(this.#commentSamples),
      shown,
    };
  }

  #bring(plan: Bring): void {
    this.#plan = plan;
    this.#requests.length = 0;
    for (const path of plan.paths ?? plan.videos.map((video) => `/v1/videos/${video}/events`)) {
      this.#requests.push(
        Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`),
      );
    }
    this.#begin();
  }

  #begin(): void {
    this.#next = 0;
    this.#credit = 0;
    this.#allOpenMs = 0;
    this.#beganMs = performance.now();
    this.#paceMs = this.#beganMs;
  }

  #leave(back: boolean): void {
    for (const fd of [...this.#open, ...this.#dialling]) this.#sockets.close(fd, true);
    this.#open.clear();
    this.#dialling.clear();
    this.#again.length = 0;
    if (!this.#plan) return;
    if (back) {
      this.#plan = { ...this.#plan, perS: Number.MAX_SAFE_INTEGER, diallingMax: this.#plan.count };
      this.#begin();
    } else this.#plan = undefined;
  }

  #pace(plan: Bring): void {
    if (this.#next === plan.count && this.#again.length === 0) return;
    const nowMs = performance.now();
    this.#credit = Math.min(this.#credit + (plan.perS * (nowMs - this.#paceMs)) / 1000, plan.diallingMax);
    this.#paceMs = nowMs;
    while (this.#credit >= 1 && this.#dialling.size < plan.diallingMax) {
      const viewer = this.#again.pop() ?? (this.#next < plan.count ? plan.from + this.#next++ : undefined);
      if (viewer === undefined) return;
      this.#credit--;
      const fd = this.#sockets.dial(viewer, plan.port, { receiveBytes: plan.receiveBytes ?? 0 });
      this.#viewers[fd] = viewer;
      this.#dialling.add(fd);
    }
  }

  #opened(fd: number): void {
    const viewer = this.#viewers[fd] ?? 0;
    this.#sockets.send(fd, this.#requests[viewer % this.#requests.length] as Buffer);
    if (!this.#plan?.silent) return;
    this.#sockets.stall(fd);
    this.#begun(fd);
  }

  #readable(fd: number): void {
    if (this.#open.has(fd)) {
      if (this.#reading || (this.#viewers[fd] ?? 1) % sampleEvery === 0) this.#read(fd);
      else this.#bytes += this.#sockets.discard(fd);
      return;
    }
    const bytes = this.#sockets.receive(fd);
    if (!bytes.subarray(0, answer.length).equals(answer)) {
      if (bytes.length > 0) throw new Error(`not a stream: ${bytes.toString("latin1").slice(0, 80)}`);
      return;
    }
    this.#bytes += bytes.length;
    // A first state may come with the head.
    if (this.#reading) this.#note(fd, bytes.toString("latin1"));
    this.#begun(fd);
  }

  #begun(fd: number): void {
    this.#dialling.delete(fd);
    this.#open.add(fd);
    if (this.#open.size === this.#plan?.count) this.#allOpenMs = performance.now() - this.#beganMs;
  }

  /** Only the newest frame of what has come: a frame cut in two is read by its end. */
  #read(fd: number): void {
    const bytes = this.#sockets.receive(fd);
    this.#bytes += bytes.length;
    const text = bytes.toString("latin1");
    const nowMs = performance.timeOrigin + performance.now();
    this.#sampled += text.split('"at":').length - 1;
    sample(this.#samples, text, this.#plan?.paths ? "data:" : "event: likes\n", nowMs);
    sample(this.#commentSamples, text, "event: comment\n", nowMs);
    if (this.#reading) this.#note(fd, text);
  }

  #note(fd: number, text: string): void {
    const likes = text.lastIndexOf('"heart":');
    if (likes >= 0) this.#shown.set(fd, Number.parseInt(text.slice(likes + 8), 10));
  }

  #closed(fd: number): void {
    this.#lost++;
    this.#shown.delete(fd);
    this.#open.delete(fd);
    if (this.#dialling.delete(fd)) this.#again.push(this.#viewers[fd] ?? 0);
  }
}

/** Adds how old the newest frame of `event` in `text` is. */
function sample(samples: number[], text: string, event: string, nowMs: number): void {
  const frame = text.lastIndexOf(event);
  const at = frame < 0 ? -1 : text.indexOf('"at":', frame);
  if (at < 0 || samples.length >= samplesMax) return;
  const [, ms, us = 0] = stamped.exec(text.slice(at)) ?? [];
  if (ms !== undefined) samples.push(nowMs - Number(ms) - Number(us) / 1000);
}

if (import.meta.main) {
  const audience = new Audience();
  void serveOrders<AudienceOrder, AudienceWord>((order) => audience.obey(order));
  for (;;) {
    audience.turn();
    // Orders are read between two turns.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

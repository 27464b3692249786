/**
 * Reads a stream in order, by callback, for as long as it is wanted: over lost connections, restarted
 * servers and skipped messages.
 *
 * Each consumer numbers what it delivers without holes, so a hole or a
 * silence longer than its heartbeat means that the consumer is no good, and a new one continues behind the
 * last message. A consumer that was replaced is deleted by name; one that could not be deleted (we lost NATS)
 * is deleted on return, or by the server after `inactiveMs` without a listener: they never pile up.
 *
 * A cluster takes a server that was killed for alive, for minutes, and goes on placing consumers on it, which
 * then never answer. So the first wait for a new consumer is short, and who does not answer is replaced.
 */
import type { Elapsed, Timer } from "../base/clock.ts";
import { secret } from "../base/prng.ts";
import { limits } from "../core/limits.ts";
import { BusUnavailable, type Subscription } from "./bus.ts";
import { ApiError, type JetStream, type Json, nanosPerMs, type StreamState } from "./nats-jetstream.ts";
import { payloadOf, type Received } from "./nats-link.ts";

/** A message of a stream, with its place and the server's time of its arrival. */
export interface Stored {
  readonly seq: number;
  readonly atMs: number;
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly header: (name: string) => string | undefined;
}

export interface ReadOptions {
  readonly stream: string;
  /** Only messages on this subject; wildcards allowed. */
  readonly subject?: string;
  /** The first seq to read, or the newest message of each subject (then a new consumer starts over). */
  readonly from: number | "newest of each";
  /** Quick: the next message waits for it. */
  readonly receive: (stored: Stored) => void;
  /** A consumer begins; `serverMs` is the server's time of that. */
  readonly begun?: (serverMs: number) => void;
  /** Everything that was there has been received. May be called more than once. */
  readonly caughtUp?: () => void;
  /**
   * Makes sure that there is a stream; runs before each consumer, which waits for it, and is tried again
   * when it rejects. What it gives, if anything, says where the stream ends and where to read on.
   */
  readonly prepare?: () => Promise<Prepared | undefined>;
}

/** A stream before it is read. */
export interface Prepared extends Pick<StreamState, "firstSeq" | "lastSeq"> {
  /** Where to read on; by default behind what was received. */
  readonly from?: number;
}

const heartbeatMs = 2_000;
const silencesMax = 2;
const inactiveMs = 10_000;
const retryMinMs = 50;
/** With its jitter and an attempt, what a reader may be late in noticing that it can: under five seconds. */
const retryMaxMs = 1_000;
/** The first wait for a new consumer; doubled with each that does not answer, up to limits.requestMs. */
const patienceMinMs = 500;
/** How long a copy may be behind its stream until its end is taken for that of the stream. */
const behindMs = 10_000;

/** One consumer's life. */
interface Attempt {
  readonly name: string;
  readonly subscription: Subscription;
  readonly begun: Elapsed;
  /** What arrived before the answer to its creation; the server's flow control bounds it to about 2 MB. */
  early: Received[] | undefined;
  delivered: number;
  silences: number;
}

export class Reader implements Subscription {
  readonly #jetstream: JetStream;
  readonly #options: ReadOptions;
  readonly #listening: Subscription;
  #from: number | undefined;
  #attempt: Attempt | undefined;
  #orphan: string | undefined;
  #timer: Timer | undefined;
  #watchdog: Timer;
  #pauseMs = 0;
  #patienceMs = patienceMinMs;
  /** Behind the last message that the stream is known to hold. */
  #goal = 0;
  #starting = false;
  #ended = false;

  constructor(jetstream: JetStream, options: ReadOptions) {
    this.#jetstream = jetstream;
    this.#options = options;
    this.#from = options.from === "newest of each" ? undefined : options.from;
    const { link, clock } = jetstream.parts;
    this.#listening = link.onConnected((connected) => {
      if (connected) this.#startSoon();
      else this.#drop();
    });
    this.#watchdog = clock.every(heartbeatMs, () => this.#listenFor());
    void this.#start();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listening.end();
    this.#watchdog.cancel();
    this.#timer?.cancel();
    this.#drop();
    void this.#deleteOrphan();
  }

  /** Prepares and reads on with a new consumer, as when this one had gone silent. */
  restart(): void {
    this.#drop();
    this.#startLater();
  }

  async #start(): Promise<void> {
    const { link, clock } = this.#jetstream.parts;
    if (this.#ended || this.#starting || this.#attempt || !link.connected()) return;
    this.#starting = true;
    const unique = secret(16);
    const inbox = `_INBOX.${unique}`;
    const attempt: Attempt = {
      name: `r-${unique}`,
      subscription: link.subscribe(inbox, (message) => this.#receive(attempt, message)),
      begun: clock.elapsed(),
      early: [],
      delivered: 0,
      silences: 0,
    };
    try {
      this.#heed(await this.#options.prepare?.());
      // Not waited for: who would answer may be the server that died.
      void this.#deleteOrphan();
      this.#attempt = attempt;
      this.#begin(attempt, await this.#create(attempt.name, inbox));
    } catch {
      // Whatever it was, it is tried again: the link and the streams say in the log what is wrong.
      if (this.#attempt === attempt) this.#drop();
      else attempt.subscription.end();
      this.#startLater();
    } finally {
      this.#starting = false;
    }
    if (!this.#ended) {
      if (!this.#attempt) this.#startLater();
      return;
    }
    this.#drop();
    void this.#deleteOrphan();
  }

  /**
   * Takes note of where the stream ends. Throws while that is before our place: a server of today would wait
   * for that place, and skip all that comes until then.
   */
  #heed(prepared: Prepared | undefined): void {
    if (!prepared || this.#from === undefined) return;
    const { firstSeq, lastSeq, from = this.#from } = prepared;
    if (from > lastSeq + 1) throw new BusUnavailable("the stream ends too early");
    this.#from = from;
    // Of an empty stream nothing comes.
    this.#goal = firstSeq <= lastSeq ? lastSeq + 1 : 0;
  }

  async #create(name: string, inbox: string): Promise<Json> {
    const { stream, subject } = this.#options;
    const start =
      this.#from === undefined
        ? { deliver_policy: "last_per_subject" }
        : { deliver_policy: "by_start_sequence", opt_start_seq: Math.max(1, this.#from) };
    const config = {
      ...start,
      name,
      deliver_subject: inbox,
      ack_policy: "none",
      max_deliver: 1,
      replay_policy: "instant",
      flow_control: true,
      idle_heartbeat: heartbeatMs * nanosPerMs,
      inactive_threshold: inactiveMs * nanosPerMs,
      mem_storage: true,
      num_replicas: 1,
      ...(subject === undefined ? {} : { filter_subject: subject }),
    };
    const path = `CONSUMER.CREATE.${stream}.${name}${subject === undefined ? "" : `.${subject}`}`;
    try {
      return await this.#jetstream.call(path, { stream_name: stream, config }, this.#patienceMs);
    } catch (error) {
      if (!(error instanceof ApiError)) this.#patienceMs = Math.min(2 * this.#patienceMs, limits.requestMs);
      throw error;
    }
  }

  #begin(attempt: Attempt, created: Json): void {
    if (this.#attempt !== attempt) return;
    this.#options.begun?.(Date.parse(String(created.created)));
    const early = attempt.early ?? [];
    attempt.early = undefined;
    // None pending may also mean that all are on their way to us already.
    const { consumer_seq: sent } = (created.delivered ?? {}) as { consumer_seq?: number };
    if (created.num_pending === 0 && !sent && early.length === 0) this.#caughtUp(attempt);
    for (const message of early) if (this.#attempt === attempt) this.#receive(attempt, message);
  }

  #receive(attempt: Attempt, message: Received): void {
    if (this.#attempt !== attempt) return;
    attempt.silences = 0;
    if (attempt.early) {
      attempt.early.push(message);
      return;
    }
    if (message.headers?.code === 100) {
      this.#control(attempt, message);
      return;
    }
    const place = placeOf(message.reply);
    if (!place || place.delivered !== attempt.delivered + 1) {
      this.restart();
      return;
    }
    attempt.delivered = place.delivered;
    if (this.#from !== undefined) this.#from = place.seq + 1;
    const { subject, headers } = message;
    this.#options.receive({
      seq: place.seq,
      atMs: place.atMs,
      subject,
      payload: payloadOf(message),
      header: (name) => headers?.get(name) || undefined,
    });
    if (place.pending === 0 && this.#attempt === attempt) this.#caughtUp(attempt);
  }

  /** Flow control is answered so that the server goes on; a heartbeat says how much it has delivered. */
  #control(attempt: Attempt, message: Received): void {
    if (message.reply) {
      message.respond();
      return;
    }
    const stalled = message.headers?.get("Nats-Consumer-Stalled");
    if (stalled) this.#jetstream.parts.link.publish(stalled, new Uint8Array(0));
    const last = Number(message.headers?.get("Nats-Last-Consumer"));
    if (last > attempt.delivered) this.restart();
    // A stream that is idle has sent everything, whatever it last said was pending.
    else if (last === attempt.delivered) this.#caughtUp(attempt);
  }

  #caughtUp({ begun }: Attempt): void {
    this.#pauseMs = 0;
    this.#patienceMs = patienceMinMs;
    // A consumer reads one server's copy, which may be behind; its end says so only after a while.
    const isBehind = this.#from !== undefined && this.#from < this.#goal;
    if (isBehind && this.#jetstream.parts.clock.elapsed() - begun < behindMs) return;
    this.#options.caughtUp?.();
  }

  #listenFor(): void {
    const attempt = this.#attempt;
    if (attempt && !attempt.early && ++attempt.silences > silencesMax) this.restart();
  }

  /** What made the pauses grow is over. */
  #startSoon(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#pauseMs = 0;
    this.#patienceMs = patienceMinMs;
    this.#startLater();
  }

  #startLater(): void {
    if (this.#ended || this.#timer) return;
    const { clock, prng } = this.#jetstream.parts;
    this.#pauseMs = Math.min(Math.max(2 * this.#pauseMs, retryMinMs), retryMaxMs);
    this.#timer = clock.after(this.#pauseMs * (0.5 + prng.next()), () => {
      this.#timer = undefined;
      void this.#start();
    });
  }

  /** Leaves the consumer of the moment. */
  #drop(): void {
    const attempt = this.#attempt;
    if (!attempt) return;
    this.#attempt = undefined;
    attempt.subscription.end();
    this.#orphan = attempt.name;
  }

  async #deleteOrphan(): Promise<void> {
    const orphan = this.#orphan;
    if (!orphan) return;
    this.#orphan = undefined;
    try {
      await this.#jetstream.call(`CONSUMER.DELETE.${this.#options.stream}.${orphan}`);
    } catch {
      // It is gone already, or will be after `inactiveMs`.
    }
  }
}

interface PlaceInStream {
  readonly seq: number;
  readonly delivered: number;
  readonly atMs: number;
  readonly pending: number;
}

/** The place in `$JS.ACK.[domain.account.]stream.consumer.tries.seq.delivered.nanos.pending[.random]`. */
function placeOf(reply: string | undefined): PlaceInStream | undefined {
  const tokens = reply?.split(".") ?? [];
  if (tokens[0] !== "$JS" || tokens[1] !== "ACK" || tokens.length < 9) return undefined;
  const at = tokens.length >= 11 ? 7 : 5;
  const [seq, delivered, nanos, pending] = tokens.slice(at, at + 4).map(Number);
  if (seq === undefined || delivered === undefined || nanos === undefined || pending === undefined) {
    return undefined;
  }
  return { seq, delivered, atMs: nanos / nanosPerMs, pending };
}

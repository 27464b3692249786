/**
 * JetStream over the link: streams that are created or checked but never changed, and appends that are
 * answered when they are durable.
 *
 * What heals by waiting (no answer, no leader, no resources) is asked for again, with a line in the log; what
 * does not (a stream of our name that is not as we want it) is an error for a person
 * (nats-jetstream.test.ts). It speaks JetStream's own JSON, because the client's manager cannot name
 * consumers to delete or bound its waits.
 */
import { type Clock, type Elapsed, later, longAgo } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Prng } from "../base/prng.ts";
import { limits } from "../core/limits.ts";
import { BusUnavailable } from "./bus.ts";
import type { Headers, Link, Received } from "./nats-link.ts";

/** A JSON object of the API, in the API's own words. */
export type Json = Record<string, unknown>;

/** A stream as it should be, in the API's words. */
export interface StreamWanted {
  readonly name: string;
  readonly config: Json;
  /** Fields that may be otherwise: said in the log, and lived with. */
  readonly mayDiffer: readonly string[];
}

export interface StreamState {
  /** When it was created, as the server wrote it: names this life of the stream. */
  readonly created: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Newest messages kept per subject; undefined: all. */
  readonly perSubject: number | undefined;
}

/** What the API answered in place of a result. */
export class ApiError extends BusUnavailable {
  readonly errorCode: number;
  constructor(description: string, errorCode: number) {
    super(description);
    this.errorCode = errorCode;
  }
}

/** A stream or bucket of our name exists and is not as wanted: nothing was changed, a person must decide. */
export class StreamMismatch extends Error {
  override readonly name = "StreamMismatch";
}

export const nanosPerMs = 1_000_000;
export const streamNotFound = 10_059;
const noMessageFound = 10_037;
/** nats-server 2.15 with replicas: a message of this id is on its way to them, and has no place yet. */
const idUnderWay = 10_158;
/** How long until what was under way is asked for again, in ms. */
const idAgainMs = 20;
const retryMinMs = 100;
const retryMaxMs = 3_000;
const waitingLogMs = 10_000;
/** How long the server is asked for its domain, in ms: an append waits for it, once per connection. */
const domainMs = 1_000;
/** How long after it was found gone a stream is made again, in milliseconds: its files are gone by then. */
const remakeMs = 250;
const empty = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface JetStreamParts {
  readonly link: Link;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly log: Log;
}

export interface Appended {
  readonly seq: number;
  /** True when the stream already held a message of this id. */
  readonly repeated: boolean;
}

/** A message as the API gives it. */
export interface Held {
  readonly seq: number;
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly atMs: number;
}

export class JetStream {
  readonly parts: JetStreamParts;
  /** The domain of the server of this connection, "" without one; asked for once. */
  #domain: Promise<string | undefined> | undefined;
  #saidDomain: unknown;
  /** Streams that were there once. */
  readonly #seen = new Set<string>();

  constructor(parts: JetStreamParts) {
    this.parts = parts;
    parts.link.onConnected(() => {
      this.#domain = undefined;
    });
  }

  /**
   * One call of `$JS.API.<path>`. Rejects with ApiError, or BusUnavailable when nothing answered within
   * `timeoutMs`.
   */
  async call(path: string, body?: Json, timeoutMs: number = limits.requestMs): Promise<Json> {
    const payload = body ? encoder.encode(JSON.stringify(body)) : empty;
    const answer = await this.parts.link.request(`$JS.API.${path}`, payload, timeoutMs);
    return parseAnswer(answer);
  }

  /**
   * Creates the stream, or checks the one there is. Waits as long as JetStream cannot say; rejects with
   * StreamMismatch.
   */
  async open(wanted: StreamWanted, ended: () => boolean): Promise<StreamState> {
    const { link, clock, prng, log } = this.parts;
    let said: Elapsed = longAgo;
    for (let pauseMs = retryMinMs; ; pauseMs = Math.min(2 * pauseMs, retryMaxMs)) {
      if (ended()) throw new BusUnavailable("closed");
      try {
        return await this.ensure(wanted);
      } catch (error) {
        if (error instanceof StreamMismatch) log.error("stream differs", { reason: error.message });
        if (!(error instanceof BusUnavailable)) throw error;
        // While there is no NATS at all, the link says so.
        if (link.connected() && clock.elapsed() - said >= waitingLogMs) {
          said = clock.elapsed();
          log.warn("waiting for JetStream", { stream: wanted.name, reason: error.message });
        }
      }
      await new Promise<void>((resolve) => clock.after(pauseMs * (0.5 + prng.next()), resolve));
    }
  }

  /** As `open`, once: rejects with BusUnavailable when it cannot be known now. */
  async ensure(wanted: StreamWanted): Promise<StreamState> {
    let info: Json | undefined;
    try {
      info = await this.call(`STREAM.INFO.${wanted.name}`);
    } catch (error) {
      if (!(error instanceof ApiError) || error.errorCode !== streamNotFound) throw error;
    }
    if (!info) {
      // The server says that a stream is gone before its files are: one made among them takes nothing, ever.
      if (this.#seen.has(wanted.name)) {
        await new Promise<void>((resolve) => this.parts.clock.after(remakeMs, resolve));
      }
      // Another node may create it in this moment: the server takes an equal configuration as the same wish.
      info = await this.call(`STREAM.CREATE.${wanted.name}`, { ...wanted.config, name: wanted.name });
      this.parts.log.info("created stream", { stream: wanted.name });
    }
    this.#compare(wanted, info.config as Json);
    this.#seen.add(wanted.name);
    return stateOf(info);
  }

  async state(name: string): Promise<StreamState> {
    return stateOf(await this.call(`STREAM.INFO.${name}`));
  }

  /**
   * Appends a message; resolves when it is durable. Rejects with BusUnavailable: it may be there or not. Of
   * another domain than the server's that we are connected to is no acknowledgement: across leaf nodes a
   * stream of our subjects there takes our messages too, or in place of ours, and we never read them.
   */
  async append(subject: string, payload: Uint8Array, timeoutMs: number, head?: Headers): Promise<Appended> {
    const own = this.#ownDomain();
    const answer = await this.#stored(subject, payload, timeoutMs, head);
    const { seq, domain = "" } = answer;
    if (typeof seq !== "number" || !Number.isSafeInteger(seq)) throw new BusUnavailable("not a PubAck");
    const expected = await own;
    if (expected !== undefined && domain !== expected) this.#refuseDomain(domain, expected);
    return { seq, repeated: answer.duplicate === true };
  }

  /**
   * The answer to an append. A message whose id is under way (a double click, or a repeat by way of another
   * dispatcher) is sent again within `timeoutMs`: it then has the place of the first.
   */
  async #stored(subject: string, payload: Uint8Array, timeoutMs: number, head?: Headers): Promise<Json> {
    const { link, clock } = this.parts;
    const until = later(clock.elapsed(), timeoutMs);
    for (;;) {
      const leftMs = until - clock.elapsed();
      try {
        return parseAnswer(await link.request(subject, payload, Math.max(1, leftMs), head));
      } catch (error) {
        const isUnderWay = error instanceof ApiError && error.errorCode === idUnderWay;
        if (!isUnderWay || leftMs <= idAgainMs) throw error;
      }
      await new Promise<void>((resolve) => clock.after(idAgainMs, resolve));
    }
  }

  /** Undefined when the server does not say. */
  #ownDomain(): Promise<string | undefined> {
    this.#domain ??= this.call("INFO", undefined, domainMs).then(
      ({ domain = "" }) => String(domain),
      () => undefined,
    );
    return this.#domain;
  }

  #refuseDomain(domain: unknown, own: string): never {
    const reason = `JetStream domain "${domain}" took what is for "${own}": use another --nats-prefix`;
    if (this.#saidDomain !== domain) this.parts.log.error("another JetStream answers", { reason });
    this.#saidDomain = domain;
    throw new BusUnavailable(reason);
  }

  /**
   * The message that `ask` names (`seq`, `last_by_subj`, `next_by_subj`), from the stream's leader: never a
   * stale one.
   */
  async get(name: string, ask: Json): Promise<Held | undefined> {
    try {
      const { message } = (await this.call(`STREAM.MSG.GET.${name}`, ask)) as { message: Json };
      const { seq, subject, data, time } = message;
      const payload = Uint8Array.from(atob(typeof data === "string" ? data : ""), (c) => c.charCodeAt(0));
      return { seq: Number(seq), subject: String(subject), payload, atMs: Date.parse(String(time)) };
    } catch (error) {
      if (error instanceof ApiError && error.errorCode === noMessageFound) return undefined;
      throw error;
    }
  }

  #compare({ name, config, mayDiffer }: StreamWanted, actual: Json): void {
    const differences: string[] = [];
    for (const field in config) {
      const [is, wanted] = [JSON.stringify(actual[field]), JSON.stringify(config[field])];
      if (is === wanted) continue;
      if (mayDiffer.includes(field)) {
        this.parts.log.warn("stream differs from settings", { stream: name, field, is, wanted });
      } else {
        differences.push(`${field} is ${is}, wanted ${wanted}`);
      }
    }
    if (differences.length > 0) throw new StreamMismatch(`stream ${name}: ${differences.join("; ")}`);
  }
}

function parseAnswer(answer: Received): Json {
  let body: Json;
  try {
    body = JSON.parse(decoder.decode(answer.data)) as Json;
  } catch {
    throw new BusUnavailable("an answer that is not JetStream's");
  }
  const error = body.error as { description?: string; err_code?: number; code?: number } | undefined;
  if (error) throw new ApiError(error.description ?? `error ${error.code}`, error.err_code ?? 0);
  return body;
}

function stateOf(info: Json): StreamState {
  // Servers of a stream without a leader answer too, each with its own copy, which may be behind.
  const cluster = info.cluster as { leader?: string } | undefined;
  if (cluster && !cluster.leader) throw new BusUnavailable("the stream has no leader");
  const { first_seq, last_seq } = (info.state ?? {}) as Json;
  const perSubject = Number((info.config as Json).max_msgs_per_subject);
  return {
    created: String(info.created),
    firstSeq: Number(first_seq ?? 0),
    lastSeq: Number(last_seq ?? 0),
    perSubject: perSubject > 0 ? perSubject : undefined,
  };
}

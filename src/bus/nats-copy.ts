/**
 * Streams and buckets of a prefix as bytes, and back: NATS' own snapshots, over its API.
 *
 * The server sends a stream in chunks and waits for them to be acknowledged, so that nobody is sent more
 * than they can take; it takes one back in the same way. What was in it at the moment of the question is
 * in it, while others go on writing. Each stream is of a moment of its own: comments and likes have no
 * order between them, and a log that is behind its snapshot's place is one that a start folds on
 * (ledger/verifier.ts). Rows with a lease are of no use to another life, so their buckets are left out.
 * Held by system/backup-nats.test.ts on Debian's server and today's.
 */
import type { Clock } from "../base/clock.ts";
import { secret } from "../base/prng.ts";
import { decodeJson } from "../core/wire.ts";
import { BusUnavailable } from "./bus.ts";
import type { JetStream, Json } from "./nats-jetstream.ts";
import { type Link, payloadOf, type Received } from "./nats-link.ts";

/** A stream in a backup: what the server needs to make it again. */
export interface StreamAbout {
  readonly config: Json;
  readonly state: Json;
}

/** How long the server may take for a chunk, in ms: it reads, and packs, whole files. */
const chunkMs = 30_000;
/** Bytes of a chunk; a message with it fits any server that carries ours. */
const chunkBytes = 128 * 1024;
const namesMax = 1_000;
const empty = new Uint8Array(0);

export class NatsCopies {
  readonly #jetstream: JetStream;
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #prefix: string;

  constructor(jetstream: JetStream, prefix: string) {
    this.#jetstream = jetstream;
    this.#link = jetstream.parts.link;
    this.#clock = jetstream.parts.clock;
    this.#prefix = prefix;
  }

  /** Names of the streams and buckets of this prefix, those with leases too. Rejects with BusUnavailable. */
  async names(): Promise<readonly string[]> {
    return (await this.#named({})).filter((name) => this.#isOurs(name)).sort();
  }

  /** Streams of others that take what is published under this prefix. Rejects with BusUnavailable. */
  async others(): Promise<readonly string[]> {
    const taking = await this.#named({ subject: `${this.#prefix}.>` });
    return taking.filter((name) => !this.#isOurs(name)).sort();
  }

  #isOurs(name: string): boolean {
    return [`${this.#prefix}_`, `KV_${this.#prefix}_`].some((start) => name.startsWith(start));
  }

  async #named(filter: Json): Promise<readonly string[]> {
    const found: string[] = [];
    for (let offset = 0; ; ) {
      const { streams, total } = await this.#jetstream.call("STREAM.NAMES", { ...filter, offset });
      const names = Array.isArray(streams) ? (streams as string[]) : [];
      found.push(...names);
      offset += names.length;
      if (names.length === 0 || offset >= Number(total) || offset >= namesMax) break;
    }
    return found;
  }

  /** Of those, the ones that a backup holds. */
  async lasting(): Promise<readonly string[]> {
    const leased = new Set(["nodes", "routes"].map((name) => `KV_${this.#prefix}_${name}`));
    return (await this.names()).filter((name) => !leased.has(name));
  }

  /** Bytes that those take on one server, as it counts them. Rejects with BusUnavailable. */
  async bytes(): Promise<number> {
    let sum = 0;
    for (const name of await this.lasting()) {
      const { state } = await this.#jetstream.call(`STREAM.INFO.${name}`);
      sum += Number((state as Json | undefined)?.bytes) || 0;
    }
    return sum;
  }

  /**
   * Sends a stream to `take`, chunk by chunk, the next one when that has resolved; `begin` is told first what
   * the stream is. Rejects with BusUnavailable when the server breaks off.
   */
  async save(
    name: string,
    begin: (about: StreamAbout) => void,
    take: (chunk: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const chunks = new Chunks(this.#clock);
    const subject = `_INBOX.${secret(22)}`;
    const receiving = this.#link.subscribe(subject, (message) => chunks.push(message));
    try {
      const wanted = { deliver_subject: subject, no_consumers: true, chunk_size: chunkBytes };
      const answer = await this.#jetstream.call(`STREAM.SNAPSHOT.${name}`, wanted, chunkMs);
      begin({ config: answer.config as Json, state: answer.state as Json });
      for (;;) {
        const message = await chunks.next();
        const chunk = payloadOf(message);
        const status = message.headers?.code ?? 0;
        if (status >= 400) throw new BusUnavailable(`NATS broke the snapshot of ${name} off (${status})`);
        if (chunk.length === 0) return;
        await take(chunk);
        if (message.reply && !this.#link.publish(message.reply, empty)) {
          throw new BusUnavailable("NATS went away");
        }
      }
    } finally {
      receiving.end();
    }
  }

  /**
   * Makes a stream again of what `save` gave; of one that exists NATS makes none. Rejects with
   * BusUnavailable, or ApiError with the server's own words.
   */
  async put(name: string, about: StreamAbout, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const begun = await this.#jetstream.call(`STREAM.RESTORE.${name}`, { ...about }, chunkMs);
    const subject = begun.deliver_subject;
    if (typeof subject !== "string") throw new BusUnavailable("NATS did not say where a stream goes");
    for await (const chunk of chunks) {
      const said = payloadOf(await this.#link.request(subject, chunk, chunkMs));
      if (said.length > 0) throw new BusUnavailable(refusalIn(said) ?? new TextDecoder().decode(said));
    }
    const answer = await this.#link.request(subject, empty, chunkMs);
    const refusal = refusalIn(payloadOf(answer));
    if (refusal !== undefined) throw new BusUnavailable(refusal);
  }
}

/** The server's own words, where an answer of its API has an error in it. */
function refusalIn(answer: Uint8Array): string | undefined {
  const { error } = decodeJson(answer) ?? {};
  return error ? String((error as Json).description) : undefined;
}

/** Messages that came, in order; the server sends no more than it has room for without an answer. */
class Chunks {
  readonly #clock: Clock;
  readonly #waiting: Received[] = [];
  #wanted: ((message: Received) => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  push(message: Received): void {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    if (wanted) wanted(message);
    else this.#waiting.push(message);
  }

  next(): Promise<Received> {
    const first = this.#waiting.shift();
    if (first) return Promise.resolve(first);
    return new Promise((resolve, reject) => {
      const late = this.#clock.after(chunkMs, () => reject(new BusUnavailable("NATS sent nothing more")));
      this.#wanted = (message) => {
        late.cancel();
        resolve(message);
      };
    });
  }
}

/**
 * How a check asks a server: calls and streams, with the proof it was given, and what all of them showed, for
 * the sentences that hold of every answer (seen.ts).
 */
import type { Clock } from "../base/clock.ts";
import { secret } from "../base/prng.ts";
import { eventSchemas } from "../http/event-schemas.ts";
import { list, mistakesIn, object } from "../http/schema.ts";
import { type SchemaName, schemas, text, whole } from "../http/schemas.ts";
import { type Block, Stream } from "./stream.ts";

/** How long what should happen at once may take, in ms: networks and busy servers are no mistake. */
export const soonMs = 10_000;
/** How often a call that was answered 429 is made again, after its Retry-After. */
const againMax = 8;
/** How often a stream is asked for where some get one and others are told to poll: one of ten may. */
const drawsMax = 40;
/** A server that asks for longer is believed to be busy otherwise, in ms. */
const pauseMaxMs = 15_000;

/** What does not hold. */
export class Broken extends Error {}
/** Why a sentence cannot be tried here. */
export class Untried extends Error {}

/** What of `GET /v1/config` the protocol asks for. */
const configShape = object({
  ...{ kinds: list(text), likeMode: text, auth: text, version: text },
  limits: object({
    ...{ likeCount: whole, commentCharacters: whole, userCharacters: whole },
    ...{ videosPerStream: whole, batchItems: whole, bodyBytes: whole },
  }),
});

/** One sentence tried. Throws Broken, or Untried. */
export type Check = (probe: Probe) => Promise<void>;
/** By the name of the sentence. */
export type Checks = Readonly<Record<string, Check>>;

export interface Config {
  readonly kinds: readonly string[];
  readonly likeMode: string;
  readonly auth: string;
  readonly role?: string;
  readonly version: string;
  readonly limits: Readonly<Record<string, number>>;
}

export interface Call {
  readonly json?: unknown;
  /** A body as it is, in place of `json`. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Without the proof. */
  readonly bare?: boolean;
  /** Its answer is not counted among those of the server. */
  readonly foreign?: boolean;
}

export interface Reply {
  readonly what: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; undefined when it is no JSON. */
  readonly says: unknown;
}

export interface ProbeParts {
  /** Without a slash at its end. */
  readonly url: string;
  readonly key: string;
  /** What ids of videos begin with. */
  readonly prefix: string;
  readonly clock: Clock;
}

export class Probe {
  readonly parts: ProbeParts;
  readonly replies: Reply[] = [];
  readonly streams: Stream[] = [];
  /** Videos on which likes were taken back. */
  readonly takenBack = new Set<string>();
  /** Who liked under which key, where each viewer counts once. */
  readonly #viewers = new Map<unknown, string>();
  #config: Config | undefined;
  /** All of one check's draws were in vain: the others need not try as often. */
  #nobodyIsDrawn = false;
  #videos = 0;

  constructor(parts: ProbeParts) {
    this.parts = parts;
  }

  get config(): Config {
    if (!this.#config) throw new Untried("GET /v1/config could not be read");
    return this.#config;
  }

  get kind(): string {
    return this.config.kinds[0] ?? "heart";
  }

  get isOnce(): boolean {
    return this.config.likeMode === "once";
  }

  /** Reads what every check needs to know; throws in words when there is no such server. */
  async begin(): Promise<void> {
    const reply = await this.ask("GET", "/v1/config");
    const wrong = reply.status === 200 ? mistakesIn(reply.says, configShape, loose) : [];
    if (reply.status !== 200 || wrong.length > 0) {
      throw new Broken(`GET /v1/config: ${reply.status} ${wrong.join("; ")}`);
    }
    this.#config = reply.says as Config;
  }

  /** Throws in words when the key is none of this server's: nearly every check would then say so. */
  async tryKey(): Promise<void> {
    if (this.parts.key === "") return;
    const { status, text } = await this.ask("GET", `/v1/videos/${this.video()}`);
    if (status === 401) throw new Error(`${this.parts.url} refuses the key: ${text.slice(0, 200)}`);
  }

  /** A video that nobody has seen. */
  video(): string {
    return `${this.parts.prefix}${secret(8)}-${++this.#videos}`;
  }

  async ask(method: string, path: string, call: Call = {}): Promise<Reply> {
    for (let again = 0; ; again++) {
      const reply = await this.#askOnce(method, path, call);
      if (!call.bare) this.#needsProof(reply.status);
      const pauseMs = 1000 * Number(reply.headers.get("retry-after") ?? 1);
      if (reply.status !== 429 || again === againMax || !(pauseMs <= pauseMaxMs)) return reply;
      await this.sleep(pauseMs);
    }
  }

  async #askOnce(method: string, path: string, { json, body, headers, bare, foreign }: Call): Promise<Reply> {
    const sent = json === undefined ? body : JSON.stringify(json);
    const response = await fetch(`${this.parts.url}${path}`, {
      method,
      headers: {
        ...(json !== undefined && { "content-type": "application/json" }),
        ...(!bare && this.#proof()),
        ...headers,
      },
      ...(sent !== undefined && { body: sent }),
      signal: AbortSignal.any([this.#timeout(60_000)]),
    });
    const text = await response.text();
    const what = `${method} ${path.slice(0, 120)}`;
    const reply = { what, status: response.status, headers: response.headers, text, says: parsed(text) };
    if (!foreign) this.replies.push(reply);
    return reply;
  }

  /**
   * Opens a stream; `place` is sent as Last-Event-ID. Where whoever asks is told to poll it is asked for
   * again, and is Untried where nobody gets one.
   */
  async open(path: string, place?: string, headers: Readonly<Record<string, string>> = {}): Promise<Stream> {
    this.needsStreams();
    for (let draws = 0; draws < drawsMax && !this.#nobodyIsDrawn; draws++) {
      const stream = await this.#openOnce(path, place, headers);
      const first = await stream.until(() => true, soonMs);
      if (first?.event !== "bye" || first.says.poll === undefined) return stream;
    }
    this.#nobodyIsDrawn = true;
    throw new Untried("whoever asks this server for a stream is told to poll");
  }

  async #openOnce(
    path: string,
    place: string | undefined,
    headers: Readonly<Record<string, string>>,
  ): Promise<Stream> {
    const abort = new AbortController();
    const response = await fetch(`${this.parts.url}${path}`, {
      headers: { ...this.#proof(), ...(place !== undefined && { "last-event-id": place }), ...headers },
      signal: abort.signal,
    });
    this.#needsProof(response.status);
    const inPath = /\/videos\/([^/?]+)\/events/.exec(path)?.[1];
    const query = new URL(path, "http://x").searchParams;
    const videos = inPath === undefined ? query.getAll("video") : [inPath];
    const asked = { videos, place: place ?? query.get("last_event_id") ?? undefined };
    const stream = new Stream(this.parts.clock, response, asked, abort);
    this.streams.push(stream);
    return stream;
  }

  /** A stream of `video` whose snapshot is there. */
  async watch(video: string): Promise<Stream> {
    const stream = await this.open(`/v1/videos/${video}/events`);
    await this.heard(stream, "snapshot");
    return stream;
  }

  /** The first `event` that `matches`. Broken when none comes, or when it has another shape. */
  async heard(
    stream: Stream,
    event: string,
    matches: (block: Block) => boolean = () => true,
  ): Promise<Block> {
    const block = await stream.until((each) => each.event === event && matches(each), soonMs);
    if (!block) {
      const names = stream.blocks.map((each) => each.event).join(", ") || "nothing";
      throw new Broken(`a stream was told ${names}, and no such ${event}`);
    }
    const wrong = shapeOf(block);
    if (wrong.length > 0) throw new Broken(`${event}: ${wrong.join("; ")}`);
    return block;
  }

  /** Likes `video` once, or `count` times where likes add up. */
  like(
    video: string,
    more: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply> {
    const own = this.isOnce ? { viewer: this.#viewerOf(headers["idempotency-key"] ?? more.key) } : {};
    const json = { kind: this.kind, ...own, ...more };
    return this.ask("POST", `/v1/videos/${video}/likes`, { json, headers });
  }

  /** Somebody new; under the same key the same one, since another's like would be another like. */
  #viewerOf(key: unknown): string {
    const viewer = this.#viewers.get(key) ?? `viewer-${secret(8)}`;
    if (key !== undefined) this.#viewers.set(key, viewer);
    return viewer;
  }

  /** Comments, and answers the comment's id. */
  async say(video: string, text: string, more: object = {}): Promise<string> {
    const reply = await this.ask("POST", `/v1/videos/${video}/comments`, { json: { text, ...more } });
    expectStatus(reply, 201);
    return String((reply.says as { id?: unknown }).id);
  }

  /** The total of the first kind. */
  async total(video: string): Promise<number> {
    const { totals } = (await this.state(video)) as { totals: Record<string, number> };
    return totals[this.kind] ?? 0;
  }

  async state(video: string): Promise<{ totals: Record<string, number>; version: number; viewers: number }> {
    const reply = await this.ask("GET", `/v1/videos/${video}`);
    expectStatus(reply, 200);
    expectShape(reply, "Video");
    return reply.says as { totals: Record<string, number>; version: number; viewers: number };
  }

  async listing(
    video: string,
    query = "",
  ): Promise<{ comments: { id: string; text: string }[]; more: boolean }> {
    const reply = await this.ask("GET", `/v1/videos/${video}/comments${query}`);
    expectStatus(reply, 200);
    expectShape(reply, "Comments");
    return reply.says as { comments: { id: string; text: string }[]; more: boolean };
  }

  needsKey(): void {
    if (this.parts.key === "") throw new Untried("it needs --key, of somebody who may moderate");
  }

  /** A node of the role dispatcher answers all calls but these. */
  needsStreams(): void {
    if (this.config.role === "dispatcher")
      throw new Untried("this node holds no streams: its role is dispatcher");
  }

  needsMany(): void {
    if (this.isOnce) throw new Untried("likeMode is once here");
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.parts.clock.after(ms, resolve));
  }

  /** Without a proof, a server that asks everybody for one can only refuse. */
  #needsProof(status: number): void {
    if (status !== 401 || this.parts.key !== "" || this.#config?.auth !== "token") return;
    throw new Untried("this server asks everybody for a proof: it needs --key");
  }

  #proof(): Record<string, string> {
    return this.parts.key === "" ? {} : { authorization: `Bearer ${this.parts.key}` };
  }

  #timeout(ms: number): AbortSignal {
    const abort = new AbortController();
    this.parts.clock.after(ms, () => abort.abort(new Broken(`no answer within ${ms / 1000} s`)));
    return abort.signal;
  }
}

const loose = { known: schemas, strict: false };

/** Where an event's data differ from what asyncapi.json says; an event of another name may say anything. */
export function shapeOf({ event, data, says }: Block): string[] {
  if (data === undefined) return [];
  return mistakesIn(says, eventSchemas[event] ?? {}, loose);
}

export function expectStatus({ what, status, text }: Reply, wanted: number): void {
  if (status !== wanted) throw new Broken(`${what}: ${status}, not ${wanted}: ${text.slice(0, 200)}`);
}

/** A refusal of that status and code. */
export function expectRefusal(reply: Reply, status: number, code: string): void {
  const error = (reply.says as { error?: { code?: unknown } } | undefined)?.error;
  if (reply.status === status && error?.code === code) return;
  throw new Broken(`${reply.what}: ${reply.status} ${reply.text.slice(0, 200)}, not ${status} ${code}`);
}

export function expectShape({ what, says }: Reply, name: SchemaName): void {
  const wrong = mistakesIn(says, schemas[name], loose);
  if (wrong.length > 0) throw new Broken(`${what}: ${wrong.join("; ")}`);
}

/** `found` is `wanted`, as JSON. */
export function expectSame(what: string, found: unknown, wanted: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Broken(`${what}: ${a?.slice(0, 300)}, not ${b?.slice(0, 300)}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * A small node for tests of the audience: the documented calls, everything in memory, and faults on demand.
 *
 * It exists to be wrong in known ways, so that a test can see the report name each of them. It shares no code
 * with the server, which makes it a second reading of the contract.
 */
import type { Server } from "bun";

/** What it does wrong; nothing, unless asked to. Numbers say which one, from 1. */
export interface Faults {
  /** Answers 202 to this like request and does not count it. */
  readonly loseLike?: number;
  /** Counts this like request twice. */
  readonly doubleLike?: number;
  /** Stores this comment and shows it to nobody. */
  readonly hideComment?: number;
  /** Shows this comment to the first viewer only. */
  readonly hideFromMost?: number;
  /** Shows this comment twice. */
  readonly repeatComment?: number;
  /** Shows this comment after the next one. */
  readonly swapComment?: number;
  /** Stores this comment under two ids. */
  readonly doubleComment?: number;
  /** Stops showing totals to the first viewer after this many like requests. */
  readonly freezeViewer?: number;
  /** Counts this like request, and answers 500 as if it had not; to its repeats as well, `forGood`. */
  readonly denyLike?: number;
  readonly forGood?: boolean;
  /** Answers this many like requests, the first ones, with 503. */
  readonly refuse?: number;
  /** Answers this many questions for its state with 503, as a node does that is starting. */
  readonly starting?: number;
  /** Answers every like request with 429. */
  readonly limit?: boolean;
  /** Cuts every stream after this many like requests. */
  readonly cutStreams?: number;
  /** Lets viewers come back only once they missed a comment, and does not replay it. */
  readonly forget?: boolean;
  /** Shows empty totals once, after this many like requests. */
  readonly fall?: number;
}

interface Comment {
  readonly id: string;
  readonly text: string;
  readonly at: number;
}

type Watcher = ReadableStreamDefaultController<Uint8Array>;
const encoder = new TextEncoder();

/** What nodes of one cluster share. */
class Store {
  readonly totals: Record<string, number> = {};
  readonly comments: Comment[] = [];
  readonly keys = new Map<string, string>();
  readonly watchers = new Set<Watcher>();
  likeRequests = 0;
  stateRequests = 0;
  version = 0;
  denied: string | undefined;
}

export class FakeNode {
  readonly faults: Faults;
  readonly store: Store;
  readonly url: string;
  readonly #server: Server<undefined>;

  /** A node alone, or one `beside` another: with the same totals, comments and viewers. */
  constructor(faults: Faults = {}, beside?: FakeNode) {
    this.faults = faults;
    this.store = beside?.store ?? new Store();
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      fetch: (request) => this.#answer(request),
    });
    this.url = `http://127.0.0.1:${this.#server.port}`;
  }

  async stop(): Promise<void> {
    await this.#server.stop(true);
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const call = /^\/v1\/videos\/([^/]+)(?:\/(\w+))?$/.exec(url.pathname);
    const video = call?.[1];
    if (!video) return new Response("no", { status: 404 });
    if (call[2] === undefined) {
      if (this.store.stateRequests++ < (this.faults.starting ?? 0))
        return new Response(null, { status: 503 });
      return Response.json(this.#state(video));
    }
    if (call[2] === "events") return this.#events(video, request.headers.get("last-event-id"));
    const body = (await request.json()) as { kind: string; count: number; text: string };
    const key = request.headers.get("idempotency-key") ?? "";
    return call[2] === "likes"
      ? this.#like(video, body.kind, body.count, key)
      : this.#comment(video, body.text, key);
  }

  #state(video: string): object {
    return {
      video,
      totals: this.store.totals,
      viewers: this.store.watchers.size,
      version: this.store.version,
    };
  }

  #events(video: string, lastId: string | null): Response {
    let self: Watcher | undefined;
    const last = Number(/^e-(\d+)$/.exec(lastId ?? "")?.[1] ?? "-1");
    if (this.faults.forget && last >= this.store.comments.length)
      return new Response("later", { status: 503 });
    const stream = new ReadableStream<Uint8Array>({
      start: (watcher) => {
        self = watcher;
        const hello = JSON.stringify({ connection: "c", node: "fake", now: Date.now() });
        write(watcher, `retry: 50\nevent: hello\ndata: ${hello}\n\n`);
        const comments = last < 0 ? this.store.comments.slice(-20) : [];
        const at = last < 0 ? `\nid: e-${this.store.comments.length}` : "";
        const snapshot = JSON.stringify({ ...this.#state(video), comments });
        write(watcher, `event: snapshot\ndata: ${snapshot}${at}\n\n`);
        const missed = last < 0 || this.faults.forget ? [] : this.store.comments.slice(last);
        for (const comment of missed) write(watcher, commentFrame(video, comment));
        this.store.watchers.add(watcher);
      },
      cancel: () => {
        if (self) this.store.watchers.delete(self);
      },
    });
    return new Response(stream, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
  }

  #like(video: string, kind: string, count: number, key: string): Response {
    const nth = ++this.store.likeRequests;
    const { faults } = this;
    if (faults.limit)
      return Response.json({ error: { code: "limited", message: "slow down" } }, { status: 429 });
    if (nth <= (faults.refuse ?? 0)) {
      return Response.json(
        { error: { code: "busy", message: "later" } },
        { status: 503, headers: { "retry-after": "0" } },
      );
    }
    const times = faults.loseLike === nth ? 0 : faults.doubleLike === nth ? 2 : 1;
    if (!this.store.keys.has(key)) this.store.totals[kind] = (this.store.totals[kind] ?? 0) + count * times;
    this.store.keys.set(key, "");
    this.store.version++;
    this.#tick(video, nth);
    if (faults.cutStreams === nth) for (const watcher of [...this.store.watchers]) this.#cut(watcher);
    if (faults.denyLike === nth && faults.forGood) this.store.denied = key;
    if (faults.denyLike === nth || this.store.denied === key) return new Response("broken", { status: 500 });
    return Response.json({ ok: true }, { status: 202 });
  }

  #tick(video: string, nth: number): void {
    const frozen = nth >= (this.faults.freezeViewer ?? Number.POSITIVE_INFINITY);
    const fallen = this.faults.fall === nth ? { totals: {} } : {};
    const state = { ...this.#state(video), ...fallen, at: Date.now(), by: [] };
    const frame = `event: likes\ndata: ${JSON.stringify(state)}\n\n`;
    this.#show(frame, frozen ? 1 : 0);
  }

  #comment(video: string, text: string, key: string): Response {
    const known = this.store.keys.get(key);
    if (known) return Response.json({ id: known }, { status: 201 });
    const nth = this.store.comments.length + 1;
    const comment = { id: `e-${nth}`, text, at: Date.now() };
    this.store.comments.push(comment);
    this.store.keys.set(key, comment.id);
    const { faults } = this;
    const frame = commentFrame(video, comment);
    if (faults.swapComment === nth - 1) {
      const before = this.store.comments[nth - 2];
      this.#show(frame, 0);
      if (before) this.#show(commentFrame(video, before), 0);
    } else if (faults.hideFromMost === nth) {
      const first = [...this.store.watchers][0];
      if (first) write(first, frame);
    } else if (faults.hideComment !== nth && faults.swapComment !== nth) this.#show(frame, 0);
    if (faults.repeatComment === nth) this.#show(frame, 0);
    if (faults.doubleComment === nth) this.#comment(video, text, `${key}-again`);
    return Response.json({ id: comment.id }, { status: 201 });
  }

  /** Writes to every viewer but the first `skip`. */
  #show(frame: string, skip: number): void {
    for (const watcher of [...this.store.watchers].slice(skip)) write(watcher, frame);
  }

  #cut(watcher: Watcher): void {
    this.store.watchers.delete(watcher);
    watcher.close();
  }
}

function commentFrame(video: string, comment: Comment): string {
  const data = JSON.stringify({ video, user: "u", ...comment });
  return `event: comment\ndata: ${data}\nid: ${comment.id}\n\n`;
}

function write(watcher: Watcher, text: string): void {
  watcher.enqueue(encoder.encode(text));
}

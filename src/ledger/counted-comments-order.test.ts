/**
 * Comments counted by several dispatchers in every order that things can happen in: what is sent to the log
 * is stored now, later or never, and answered or not; what is heard comes late; dispatchers are cut off, and
 * die. No comment is let go of uncounted, and none is counted twice.
 */
import { expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { type Prng, seededPrng } from "../base/prng.ts";
import { type Entry, isClearing, type Page, sinceCleared } from "../core/entry.ts";
import type { CommentDraft, VideoId } from "../core/interaction.ts";
import { Lineage } from "../core/lineage.ts";
import { encodeEntry } from "../core/wire.ts";
import { CountedComments } from "./counted-comments.ts";
import { LedgerUnavailable } from "./ledger.ts";
import type { Stored, Streams } from "./streams.ts";
import { timelineDefault } from "./timelines.ts";

const v = "v" as VideoId;
const lineage = Lineage.begin("epoch");

/** The log of one video, which lets its oldest entries go, and what is written of its counts. */
class Log {
  readonly perSubject: number;
  entries: Entry[] = [];
  /** The last place that was let go of. */
  gone = 0;
  head = 0;
  /** Comments since the last deletion. */
  truth = 0;
  counts: Stored | undefined;
  /** More cannot be read at once. */
  readable = Number.POSITIVE_INFINITY;
  readonly keys = new Map<string, number>();
  readonly nodes = new Set<Node>();
  #countsSeq = 0;

  constructor(perSubject: number) {
    this.perSubject = perSubject;
  }

  get last(): Stored | undefined {
    const seq = this.entries.at(-1)?.seq;
    return seq === undefined
      ? undefined
      : { seq, subject: "comments.v", payload: new Uint8Array(0), atMs: 0 };
  }

  place({ key = "" }: CommentDraft): { seq: number; repeated: boolean } {
    const first = this.keys.get(key);
    if (first !== undefined) return { seq: first, repeated: true };
    const seq = this.#enter({ type: "comment", text: "", user: undefined, atMs: 1e12 });
    this.truth++;
    this.keys.set(key, seq);
    return { seq, repeated: false };
  }

  remove(target: number): number {
    const seq = this.#enter({ type: "retract", target });
    if (target > 0) this.entries = this.entries.filter((entry) => entry.seq !== target);
    else this.truth = 0;
    return seq;
  }

  page(after: number | undefined, limit: number): Page {
    if (after === undefined) {
      const entries = this.entries.slice(-limit);
      return { entries, floor: (entries[0]?.seq ?? 1) - 1, head: this.head, more: false };
    }
    if (after === 0 && this.entries.length > this.readable) throw new LedgerUnavailable("too many");
    const left = sinceCleared(this.entries).filter(({ seq }) => seq > after);
    const isCleared = left.some(isClearing);
    const floor = isCleared ? after : Math.max(after, this.gone);
    return { entries: left.slice(0, limit), floor, head: this.head, more: left.length > limit };
  }

  write(payload: Uint8Array, last: number): number | undefined {
    if (last !== (this.counts?.seq ?? 0)) return undefined;
    this.counts = { seq: ++this.#countsSeq, subject: "counts.v", payload, atMs: 0 };
    return this.counts.seq;
  }

  #enter(body: Parameters<typeof encodeEntry>[0]): number {
    const seq = ++this.head;
    this.entries.push({ ...body, video: v, seq, previous: 0 } as Entry);
    while (this.entries.length > this.perSubject) this.gone = this.entries.shift()?.seq ?? 0;
    const payload = encodeEntry(body);
    for (const node of this.nodes) node.unheard.push({ seq, subject: "comments.v", payload, atMs: 0 });
    return seq;
  }
}

/** One life of a dispatcher. */
class Node {
  readonly unheard: Stored[] = [];
  readonly counted: CountedComments;
  cut = false;

  constructor(log: Log, world: World) {
    log.nodes.add(this);
    /** Done now, later or never; and answered, or not. */
    const send = <T>(act: () => T): Promise<T> => world.send(this, act);
    const streams = {
      last: (name: string) => send(() => (name === "counts" ? log.counts : log.last)),
      ensure: () => send(() => ({ created: "", firstSeq: 1, lastSeq: 1, perSubject: 1 })),
      appendIfLast: (_: string, payload: Uint8Array, __: number, last: number) =>
        send(() => log.write(payload, last)),
    } as unknown as Streams;
    this.counted = new CountedComments({
      ...{ streams, clock: world.clock, lineage: () => lineage, perSubject: log.perSubject },
      ...{ ages: timelineDefault.ages, timeOf: () => ({ logMs: 0, skewMs: 0 }) },
      comments: {
        place: (draft) => send(() => log.place(draft)),
        page: (_, after, limit) => send(() => log.page(after, limit)),
        clear: () => send(() => log.remove(0)),
        remove: async (_, target, before) => {
          const isThere = await send(() => log.entries.some(({ seq }) => seq === target));
          if (!isThere) return false;
          await before?.();
          await send(() => log.remove(target));
          return true;
        },
      },
    });
  }
}

/** What is under way, one of which happens next. */
class World {
  readonly clock = new VirtualClock();
  readonly #prng: Prng;
  #steps: { readonly node: Node; readonly run: () => void }[] = [];

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  get busy(): boolean {
    return this.#steps.length > 0;
  }

  send<T>(node: Node, act: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const lost = (): void => reject(new LedgerUnavailable("cut off"));
    const run = (): void => {
      if (node.cut && this.#prng.next() < 0.7) {
        lost();
        return;
      }
      const done = Promise.try(act);
      done.catch(() => {});
      // It is stored, and nobody may hear of it.
      const answer = (): void => (node.cut ? lost() : resolve(done));
      this.#steps.push({ node, run: answer });
    };
    this.#steps.push({ node, run });
    return promise;
  }

  /** A life ends: what it sent is on its way, or is not. */
  kill(node: Node): void {
    this.#steps = this.#steps.filter((step) => step.node !== node || this.#prng.next() < 0.2);
  }

  async step(): Promise<void> {
    const [step] = this.#steps.splice(this.#prng.between(0, this.#steps.length - 1), 1);
    step?.run();
    for (let turns = 0; turns < 3; turns++) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

async function run(seed: number, perSubject: number): Promise<void> {
  const prng = seededPrng(seed);
  const world = new World(prng);
  const log = new Log(perSubject);
  let nodes = [1, 2, 3].map(() => new Node(log, world));
  let said = 0;
  const swallow = (error: unknown): void => {
    if (!(error instanceof LedgerUnavailable)) throw error;
  };
  const hear = (node: Node): void => {
    const next = node.cut ? undefined : node.unheard.shift();
    if (next) node.counted.hear(next);
  };
  for (let round = 0; round < 1_500; round++) {
    const node = nodes[prng.between(0, nodes.length - 1)] as Node;
    const dice = prng.next();
    if (dice < 0.12) {
      const drafts = Array.from({ length: prng.between(1, 4) }, () => {
        const key = `k${prng.next() < 0.1 ? prng.between(0, said) : said++}`;
        return { video: v, text: "", user: undefined, key, atMs: 1e12 };
      });
      node.counted.place(drafts).catch(swallow);
    } else if (dice < 0.14) node.counted.remove(v, prng.between(1, log.head + 1)).catch(swallow);
    else if (dice < 0.142) node.counted.clear(v, "", {}).catch(swallow);
    else if (dice < 0.16) {
      node.cut = !node.cut;
      node.counted.miss();
    } else if (dice < 0.165) {
      world.kill(node);
      log.nodes.delete(node);
      nodes = [...nodes.filter((one) => one !== node), new Node(log, world)];
    } else if (dice < 0.17) world.clock.advance(2_000);
    else if (dice < 0.45) for (const one of nodes) hear(one);
    else await world.step();
  }
  for (const node of nodes) node.cut = false;
  for (let left = 0; world.busy && left < 5_000; left++) {
    for (const node of nodes) hear(node);
    if (left % 50 === 0) world.clock.advance(300);
    await world.step();
  }
  const reader = new Node(log, world);
  const reading = reader.counted.read(v);
  while (world.busy) await world.step();
  const { counts: written, upTo } = await reading;
  const cleared = log.entries.findLast(isClearing)?.seq ?? 0;
  const counts = cleared > upTo ? undefined : written;
  const behind = log.page(upTo, 1_000).entries.filter(({ type }) => type === "comment").length;
  expect([seed, counts?.fromMs, (counts?.sum ?? 0) + behind]).toEqual([seed, undefined, log.truth]);
}

test("no comment is let go of uncounted, and none is counted twice", async () => {
  let seed = Number(process.env.SEED ?? 1);
  for (let i = 0; i < Number(process.env.RUNS ?? 20); i++) await run(seed++, [33, 60, 17][i % 3] as number);
}, 60_000);

test("a video of before with more than can be read is counted from the newest on", async () => {
  const world = new World(seededPrng(1));
  const log = new Log(5_000);
  const draft = (key: string) => ({ video: v, text: "", user: undefined, key, atMs: 1e12 });
  for (let i = 0; i < 4_000; i++) log.place(draft(`before ${i}`));
  log.readable = 2_000;
  const node = new Node(log, world);
  const placing = node.counted.place([draft("new")]);
  while (world.busy) await world.step();
  expect(await placing).toEqual([{ seq: 4_001, repeated: false }]);
  const reading = node.counted.read(v);
  while (world.busy) await world.step();
  const { counts, upTo } = await reading;
  expect([counts?.sum, counts?.fromMs, upTo]).toEqual([1_000, 1e12, 4_000]);
});

/** One that has written of nothing yet, and the videos that it sent comments of. */
function alone(read: (name: string, subject: string) => Promise<Stored | undefined>) {
  const sent: VideoId[] = [];
  let pages = 0;
  const counted = new CountedComments({
    streams: { last: read } as unknown as Streams,
    ...{ clock: new VirtualClock(), lineage: () => lineage, perSubject: 1_001 },
    ...{ ages: timelineDefault.ages, timeOf: () => ({ logMs: 0, skewMs: 0 }) },
    comments: {
      place: async ({ video }) => ({ seq: sent.push(video), repeated: false }),
      page: async () => {
        pages++;
        return { entries: [], floor: 0, head: 0, more: false };
      },
      clear: async () => 0,
      remove: async () => false,
    },
  });
  return { counted, sent, pages: () => pages };
}

const draftsOf = (...videos: string[]): CommentDraft[] =>
  videos.map((video) => ({ video: video as VideoId, text: "", user: undefined, key: undefined, atMs: 1e12 }));

test("no page is read of videos that nobody commented, and only so many are looked for at once", async () => {
  let [under, most] = [0, 0];
  const { counted, sent, pages } = alone(async () => {
    most = Math.max(most, ++under);
    await new Promise((resolve) => setImmediate(resolve));
    under--;
    return undefined;
  });
  const batches = [0, 1, 2, 3].map((batch) => Array.from({ length: 50 }, (_, i) => `n${batch}-${i}`));
  await Promise.all(batches.map((videos) => counted.place(draftsOf(...videos))));
  expect([sent.length, pages(), most <= 64]).toEqual([200, 0, true]);
});

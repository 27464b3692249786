/**
 * Those who like and write: everything under a key is repeated, on any node, until it is taken. They know
 * what was promised to them, which is what the totals are compared with.
 */
import type { Elapsed, VirtualClock } from "../../base/clock.ts";
import type { Prng } from "../../base/prng.ts";
import type { CommentDraft, Kind, Like, Rejection, VideoId } from "../../core/interaction.ts";
import type { Cluster, SimNode } from "./cluster.ts";

/** Nothing was answered. */
const silence = { rejected: "silence" } as const;
type Silence = typeof silence;

/** How long a publisher waits for an answer before it asks elsewhere, in ms. */
const patienceMs = 3_000;

export class Publishers {
  /** Likes with a key: of these each counts once, sooner or later. */
  readonly keyed = new Map<VideoId, number>();
  /** Likes without: those taken count, the others may. */
  readonly loose = new Map<VideoId, { taken: number; unknown: number }>();
  /** Comments that were taken, by text. */
  readonly comments = new Map<string, { readonly video: VideoId; readonly id: string }>();
  /** Likes with a key that were refused, when they were sent and when that was known. */
  readonly refusedLikes: { readonly video: VideoId; readonly sentAt: Elapsed; readonly at: Elapsed }[] = [];
  /** Interactions under way. */
  open = 0;
  attempts = 0;
  refused = 0;
  readonly #cluster: Cluster;
  readonly #clock: VirtualClock;
  readonly #prng: Prng;
  readonly #wrong: (what: string) => void;
  /** Texts by the id they were taken under. */
  readonly #named = new Map<string, string>();
  #names = 0;

  constructor(cluster: Cluster, prng: Prng, wrong: (what: string) => void) {
    this.#cluster = cluster;
    this.#clock = cluster.clock;
    this.#prng = prng;
    this.#wrong = wrong;
  }

  /** A like with a key, repeated until it is taken; now and then sent twice at once. */
  like(video: VideoId): void {
    const count = this.#prng.between(1, 5);
    const kind = (this.#prng.next() < 0.7 ? "heart" : "clap") as Kind;
    const nth = this.#names++;
    // Up to 30 s behind the picture, most say so, and one of eleven lies.
    const mediaMs = Math.max(0, this.#clock.date() - (nth % 11 === 0 ? 1e9 : 1_000 * (nth % 30)));
    const like: Like = { video, kind, count, user: "u", key: `k${nth}`, ...(nth % 4 > 0 && { mediaMs }) };
    this.keyed.set(video, (this.keyed.get(video) ?? 0) + count);
    const send = async ({ node }: SimNode) => {
      const sentAt = this.#clock.elapsed();
      const verdict = await node.ingest.like(like);
      if (verdict) this.refusedLikes.push({ video, sentAt, at: this.#clock.elapsed() });
      return verdict;
    };
    void this.#until(send, isTaken);
    if (this.#prng.next() < 0.1) void this.#until(send, isTaken);
  }

  /**
   * A like without a key, sent once. `repeats`: the network repeats requests, as NATS never does; a like that
   * has no key is then given to a dispatcher itself, since nothing else could tell the copies apart.
   */
  loosely(video: VideoId, repeats: boolean): void {
    const sums = this.loose.get(video) ?? { taken: 0, unknown: 0 };
    this.loose.set(video, sums);
    const node = this.#anyNode(repeats);
    if (!node) return;
    const like: Like = { video, kind: "heart" as Kind, count: 1, user: undefined, key: undefined };
    sums.unknown++;
    this.open++;
    void this.#patiently(node.node.ingest.like(like)).then((verdict) => {
      this.open--;
      if (!isTaken(verdict)) return;
      sums.unknown--;
      sums.taken++;
    });
  }

  comment(video: VideoId): void {
    const text = `c${this.#names++}`;
    const draft: CommentDraft = { video, text, user: undefined, key: text, atMs: this.#clock.date() };
    const send = ({ node }: SimNode) => node.ingest.comment(draft);
    const told = (id: unknown): boolean => {
      if (typeof id !== "string") return false;
      const first = this.comments.get(text);
      const isLost = this.#cluster.log.lost.has(text);
      if (first && first.id !== id && !isLost) this.#wrong(`${text} is ${id} and ${first.id}`);
      const other = this.#named.get(id);
      if (other !== undefined && other !== text) this.#wrong(`${id} is ${text} and ${other}`);
      this.#named.set(id, text);
      this.comments.set(text, { video, id });
      return true;
    };
    void this.#until(send, told);
    if (this.#prng.next() < 0.1) void this.#until(send, told);
  }

  /** Removes one of the last comments. */
  retract(): void {
    const all = [...this.comments.values()];
    const comment = all[this.#prng.between(Math.max(0, all.length - 10), all.length - 1)];
    const node = this.#anyNode();
    if (!comment || !node) return;
    this.open++;
    void this.#patiently(node.node.ingest.retract(comment.video, comment.id)).then(() => this.open--);
  }

  #anyNode(dispatcher = false): SimNode | undefined {
    const nodes = [...this.#cluster.nodes.values()].filter(({ ledger }) => !dispatcher || ledger);
    return nodes[this.#prng.between(0, nodes.length - 1)];
  }

  async #until<T>(
    send: (node: SimNode) => Promise<T>,
    taken: (verdict: T | Silence) => boolean,
  ): Promise<void> {
    this.open++;
    for (;;) {
      const node = this.#anyNode();
      this.attempts++;
      if (node && taken(await this.#patiently(send(node)))) break;
      this.refused++;
      await new Promise<void>((resolve) => this.#clock.after(this.#prng.between(50, 500), resolve));
    }
    this.open--;
  }

  /** What was answered, or that nothing was, for so long. */
  #patiently<T>(answer: Promise<T>): Promise<T | Silence> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(patienceMs, () => resolve(silence));
      void answer.then((verdict) => {
        timer.cancel();
        resolve(verdict);
      });
    });
  }
}

function isTaken(verdict: Rejection | undefined | Silence): boolean {
  return verdict === undefined;
}

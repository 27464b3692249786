/** The fold where each viewer likes once, held against a plain set. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Like, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { decodeRecord, encodeRecord, type LikeRecord } from "../core/record.ts";
import { once, record } from "./contract-bench.ts";
import { Fold } from "./fold.ts";
import { decodeFold, encodeFold } from "./snapshot.ts";

const onceMax = 1_000;
const options = { seed: 0.4, onceMax };

/** What a publisher sends; the same key again is the same request again, whatever happened meanwhile. */
interface Sent {
  readonly like: Like;
  readonly stepMs: number;
}

const fresh = fc.record({
  video: fc.constantFrom("v", "w"),
  kind: fc.constantFrom("heart", "clap"),
  viewer: fc.constantFrom("ada", "bob", "eve"),
  unlike: fc.boolean(),
  keyed: fc.boolean(),
});
const stepMs = fc.constantFrom(0, 1, 40, 30_000, limits.keyWindowMs, limits.keyWindowMs + 1);
const action = fc.record({
  fresh,
  /** Sends again what was sent so many requests ago. */
  again: fc.option(fc.integer({ min: 1, max: 6 }), { freq: 2 }),
  stepMs,
});
const sentOnes: fc.Arbitrary<Sent[]> = fc.array(action, { maxLength: 80 }).map((actions) => {
  const sent: Sent[] = [];
  for (const { fresh, again, stepMs } of actions) {
    const before = again === null ? undefined : sent[sent.length - again];
    const { video, viewer, kind, unlike, keyed } = fresh;
    const key = keyed ? `k${sent.length}` : undefined;
    sent.push({ like: before?.like ?? once(video, viewer, { kind, unlike, ...(key && { key }) }), stepMs });
  }
  return sent;
});
const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });

/** Who likes what, by the words of the promise. */
class Model {
  readonly likes = new Set<string>();
  readonly #keys = new Map<string, number>();
  #logMs = 0;

  take({ video, kind, viewer, key, unlike }: Like, logMs: number): void {
    this.#logMs = Math.max(this.#logMs, logMs);
    if (key !== undefined) {
      const name = `${video} ${key}`;
      const seenMs = this.#keys.get(name);
      this.#keys.set(name, this.#logMs);
      if (seenMs !== undefined && this.#logMs - seenMs <= limits.keyWindowMs) return;
    }
    const like = `${video} ${kind} ${viewer}`;
    if (unlike) this.likes.delete(like);
    else this.likes.add(like);
  }

  totals(): Record<string, Record<string, number>> {
    const totals: Record<string, Record<string, number>> = {};
    for (const like of this.likes) {
      const [video = "", kind = ""] = like.split(" ");
      totals[video] ??= {};
      const counts = totals[video] as Record<string, number>;
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return totals;
  }
}

function totalsOf(fold: Fold): Record<string, Record<string, number>> {
  const kept = [...fold.videos].map(([video, { counts }]) => {
    return [video, Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))] as const;
  });
  return Object.fromEntries(kept.filter(([, counts]) => Object.keys(counts).length > 0));
}

/** The same order of what is sent, cut into records and given log times. */
function logOf(sent: readonly Sent[], sizes: readonly number[]): { record: LikeRecord; logMs: number }[] {
  const log: { record: LikeRecord; logMs: number }[] = [];
  let logMs = 5_000;
  for (let from = 0, i = 0; from < sent.length; i++) {
    // Within a record the groups have an order of their own: only one group each, to have the model's.
    const first = sent[from] as Sent;
    const same = (one: Sent | undefined): boolean =>
      one?.like.video === first.like.video && one.like.kind === first.like.kind;
    let to = from + 1;
    while (to < from + (sizes[i % sizes.length] as number) && same(sent[to])) to++;
    logMs += first.stepMs;
    const likes = sent.slice(from, to).map(({ like }) => like);
    log.push({ record: decodeRecord(encodeRecord(record(likes))) as LikeRecord, logMs });
    from = to;
  }
  return log;
}

describe("the fold where each viewer likes once", () => {
  test("is a set: likes, un-likes and repeats over viewers, kinds and videos", () => {
    fc.assert(
      fc.property(sentOnes, sizes, (sent, sizes) => {
        const fold = new Fold(options);
        const model = new Model();
        let at = 0;
        for (const { record, logMs } of logOf(sent, sizes)) {
          const before = new Map([...fold.videos]);
          const length = record.groups[0]?.once?.length ?? 0;
          const changes = fold.apply(record, logMs, 7);
          for (const { like } of sent.slice(at, at + length)) model.take(like, logMs);
          at += length;
          expect(totalsOf(fold)).toEqual(model.totals());
          for (const { video, totals, added, removed } of changes) {
            const old = before.get(video);
            expect(totals.version).toBe((old?.version ?? 0) + 1);
            const sum = (counts: Readonly<Record<string, number>> = {}): number =>
              Object.values(counts).reduce((all, count) => all + count, 0);
            expect(sum(totals.counts) - sum(old?.counts)).toBe(added - removed);
          }
        }
        expect(fold.members?.size).toBe(model.likes.size);
      }),
      { numRuns: 1_000 },
    );
  });

  test("is the same after any restart: from a snapshot and the tail, at any place of the log", () => {
    fc.assert(
      fc.property(sentOnes, sizes, fc.nat(), (sent, sizes, cut) => {
        const log = logOf(sent, sizes);
        const place = cut % (log.length + 1);
        const whole = new Fold(options);
        for (const { record, logMs } of log.slice(0, place)) whole.apply(record, logMs, 0);
        const copy = decodeFold(encodeFold(whole), { ...options, seed: 0.9 }) as Fold;
        for (const { record, logMs } of log.slice(place)) {
          expect(copy.apply(record, logMs, 0)).toEqual(whole.apply(record, logMs, 0));
        }
        expect(totalsOf(copy)).toEqual(totalsOf(whole));
        expect(copy.members?.size).toBe(whole.members?.size as number);
      }),
      { numRuns: 500 },
    );
  });

  test("an old repeat of a like does not undo the un-like after it, nor the other way round", () => {
    const fold = new Fold(options);
    const likes = (...all: Like[]): number => {
      fold.apply(record(all), 5_000, 0);
      return fold.totals("v" as VideoId).counts.heart ?? 0;
    };
    const like = once("v", "ada", { key: "a" });
    const unlike = once("v", "ada", { key: "b", unlike: true });
    expect(likes(like)).toBe(1);
    expect(likes(unlike)).toBe(0);
    expect(likes(like)).toBe(0);
    expect(likes(once("v", "ada", { key: "c" }))).toBe(1);
    expect(likes(unlike)).toBe(1);
    // Without keys the last word counts.
    expect(likes(once("v", "ada", { unlike: true }))).toBe(0);
    expect(likes(once("v", "ada"), once("v", "ada", { unlike: true }), once("v", "ada"))).toBe(1);
  });

  test("knows a key that stands for another viewer, another kind, or the other way round", () => {
    const fold = new Fold(options);
    fold.apply(record([once("v", "ada", { key: "a" })]), 5_000, 0);
    expect(fold.room(once("v", "ada", { key: "a" }), 5_000)).toBe("room");
    for (const other of [
      once("v", "bob", { key: "a" }),
      once("v", "ada", { key: "a", unlike: true }),
      once("v", "ada", { key: "a", kind: "clap" as never }),
    ]) {
      expect(fold.room(other, 5_000)).toBe("other");
    }
  });

  test("takes back nothing that is not there, and then tells of nothing", () => {
    const fold = new Fold(options);
    expect(fold.apply(record([once("v", "ada", { unlike: true })]), 1, 0)).toEqual([]);
    expect(fold.videos.size).toBe(0);
    fold.apply(record([once("v", "ada"), once("v", "bob")]), 1, 0);
    const taken = record([once("v", "ada", { unlike: true }), once("v", "eve", { user: "Eve" })]);
    const [change] = fold.apply(taken, 1, 0);
    expect(change).toMatchObject({ added: 1, removed: 1, totals: { version: 2, counts: { heart: 2 } } });
    const named = record([once("v", "eve", { user: "Eve" }), once("v", "bob", { unlike: true })]);
    expect(fold.apply(named, 1, 0)).toMatchObject([{ added: 0, removed: 1, by: [] }]);
  });

  test("is full at its bound of likes, and has room again when one is taken back", () => {
    const fold = new Fold({ seed: 0.4, onceMax: 2 });
    fold.apply(record([once("v", "a"), once("v", "b")]), 1, 0);
    expect(fold.room(once("v", "c"), 1)).toBe("viewers");
    expect(fold.room(once("v", "a"), 1)).toBe("room");
    fold.apply(record([once("v", "c")]), 1, 0);
    expect(fold.totals("v" as VideoId).counts.heart).toBe(3);
    fold.apply(record([once("v", "a", { unlike: true }), once("v", "b", { unlike: true })]), 1, 0);
    expect(fold.room(once("v", "a"), 1)).toBe("room");
  });

  test("counts no record of the other mode, and reads no snapshot of it", () => {
    const many = new Fold({ seed: 0.1 });
    const set = new Fold(options);
    const plain = record([{ ...once("v", ""), viewer: undefined }]);
    expect(many.apply(record([once("v", "ada")]), 1, 0)).toEqual([]);
    expect(set.apply(plain, 1, 0)).toEqual([]);
    many.apply(plain, 1, 0);
    set.apply(record([once("v", "ada")]), 1, 0);
    expect(decodeFold(encodeFold(many), options)).toBeUndefined();
    expect(decodeFold(encodeFold(set), { seed: 0.1 })).toBeUndefined();
  });

  test("is no snapshot when it is cut or longer", () => {
    const fold = new Fold(options);
    fold.apply(record([once("v", "ada"), once("w", "ada", { key: "k" })]), 1_234.5, 0);
    const bytes = encodeFold(fold);
    expect(decodeFold(bytes, options)).toBeInstanceOf(Fold);
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeFold(bytes.subarray(0, length), options)).toBeUndefined();
    }
    expect(decodeFold(new Uint8Array([...bytes, 0]), options)).toBeUndefined();
  });
});

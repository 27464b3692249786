/** Pages of all videos, beside a list that is sorted; and that a million of them stop nobody. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { VirtualClock } from "../base/clock.ts";
import {
  type CatalogReply,
  type CatalogRequest,
  decodeCatalog,
  decodeCatalogRequest,
  encodeCatalog,
  encodeCatalogRequest,
} from "../core/catalog.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { emptyCounts } from "../core/totals.ts";
import { Catalog } from "./catalog.ts";

interface More {
  /** With comments, in order. */
  readonly commented?: readonly string[];
  /** Those that have left memory, in order. */
  readonly away?: readonly string[];
}

function over(likes: ReadonlyMap<string, number>, { commented = [], away = [] }: More = {}) {
  const clock = new VirtualClock();
  const behind = (all: readonly string[], after: string | undefined, search: string) =>
    all.filter((video) => video > (after ?? "") && video.startsWith(search)) as VideoId[];
  const read = new Set<VideoId>();
  const ledger = {
    videos: () => likes.keys().filter((video) => !away.includes(video)) as Iterable<VideoId>,
    commented: async (after: VideoId | undefined, search: string, most: number) =>
      behind(commented, after, search).slice(0, most),
    totals: (video: VideoId) => {
      const heart = away.includes(video) && !read.has(video) ? 0 : (likes.get(video) ?? 0);
      return { counts: Object.assign(emptyCounts(), { heart }), version: heart };
    },
    away: {
      isClosed: (video: VideoId) => away.includes(video),
      from: (after: VideoId | undefined, search: string) => behind(away, after, search),
      read: async (video: VideoId) => void read.add(video),
      ...{ back: () => [], put: async () => false, open: async () => false },
    },
  };
  const catalog = new Catalog({ ledger, clock });
  const serve = (request: CatalogRequest) => catalog.serve(encodeCatalogRequest(request));
  /** The answer, and the turns that it took. */
  const ask = async (request: CatalogRequest): Promise<{ reply: CatalogReply; turns: number }> => {
    let done: Uint8Array | undefined;
    void serve(request).then((bytes) => {
      done = bytes;
    });
    for (let turns = 1; ; turns++) {
      await Promise.resolve();
      for (let i = 0; i < 20 && !done; i++) await Promise.resolve();
      if (done) return { reply: decodeCatalog(done) as CatalogReply, turns };
      clock.advance(0);
    }
  };
  return { ask, serve };
}

const ids = (reply: CatalogReply): string[] => reply.videos.map(({ video }) => video);

describe("a page of videos", () => {
  test("is that of a sorted list, and pages behind each other are all of it", async () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[ab]{1,4}$/), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(
        names,
        fc.integer({ min: 1, max: 7 }),
        fc.stringMatching(/^[ab]{0,2}$/),
        async (all, limit, search) => {
          const likes = new Map(all.map((name, index) => [name, (index * 7) % 5]));
          const { ask } = over(likes);
          const wanted = all.filter((name) => name.startsWith(search)).sort();
          const got: string[] = [];
          for (let after: VideoId | undefined; ; after = got.at(-1) as VideoId) {
            const { reply } = await ask({ search, sort: "id", after, limit });
            got.push(...ids(reply));
            if (!reply.more) break;
          }
          expect(got).toEqual(wanted);
          const most = wanted.toSorted(
            (a, b) => (likes.get(b) ?? 0) - (likes.get(a) ?? 0) || (a < b ? -1 : 1),
          );
          const { reply } = await ask({ search, sort: "likes", limit });
          expect([ids(reply), reply.more]).toEqual([most.slice(0, limit), most.length > limit]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("holds those that have left memory, and those that were only commented", async () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[ab]{1,4}$/), { maxLength: 30, size: "max" });
    await fc.assert(
      fc.asyncProperty(names, fc.integer({ min: 1, max: 7 }), async (all, limit) => {
        const likes = new Map(all.filter((_, i) => i % 3 !== 0).map((name, i) => [name, i + 1]));
        const away = all.filter((_, i) => i % 3 === 1).sort();
        const { ask } = over(likes, { away, commented: all.filter((_, i) => i % 3 !== 1).sort() });
        const got: CatalogReply["videos"][number][] = [];
        for (let after: VideoId | undefined; ; after = got.at(-1)?.video) {
          const { reply } = await ask({ search: "", sort: "id", after, limit });
          got.push(...reply.videos);
          if (!reply.more) break;
        }
        expect(got.map(({ video }) => video)).toEqual(all.toSorted() as VideoId[]);
        for (const { video, totals, closed = false } of got) {
          expect([video, totals.heart ?? 0, closed]).toEqual([
            ...[video, likes.get(video) ?? 0, away.includes(video)],
          ]);
        }
      }),
      { numRuns: 40 },
    );
  });

  test("is looked for some thousands a turn, by few at once", async () => {
    const likes = new Map(Array.from({ length: 3 * limits.catalogTurnMax }, (_, i) => [`v${i}`, i]));
    const { ask, serve } = over(likes);
    const { turns, reply } = await ask({ search: "", sort: "likes", limit: 2 });
    expect(turns).toBeGreaterThanOrEqual(3);
    expect(ids(reply)).toEqual([`v${likes.size - 1}`, `v${likes.size - 2}`]);
    const asked = { search: "", sort: "id", limit: 1 } as const;
    for (let i = 0; i < limits.catalogsMax; i++) void serve(asked);
    await expect(serve(asked)).rejects.toThrow("too many");
  });
});

describe("what is said of videos", () => {
  test("is read as it was written, and nothing else is", () => {
    const request = { search: "a", sort: "id", after: "ab" as VideoId, limit: 5 } as const;
    expect(decodeCatalogRequest(encodeCatalogRequest(request))).toEqual(request);
    const reply = {
      videos: [{ video: "a" as VideoId, totals: Object.assign(emptyCounts(), { heart: 2 }), version: 3 }],
      more: true,
    };
    expect(decodeCatalog(encodeCatalog(reply))).toEqual(reply);
    const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    for (const wrong of [
      { ...request, limit: 0 },
      { ...request, search: "a b" },
      { ...request, sort: "age" },
      [],
    ]) {
      expect(decodeCatalogRequest(text(wrong))).toBeUndefined();
    }
    for (const videos of [[["a b", {}, 1]], [["a", { heart: -1 }, 1]], [["a", {}, 0.5]], ["a"], 7]) {
      expect(decodeCatalog(text({ videos, more: false }))).toBeUndefined();
    }
  });
});

/** A video's own time over HTTP: what is asked of the dispatcher, and what caches are told. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import { memoryBus } from "../bus/memory.ts";
import { reject, type VideoId } from "../core/interaction.ts";
import type { ReplayReply, TimelineReply, TimesRequest } from "../core/times.ts";
import { type Counts, emptyCounts } from "../core/totals.ts";
import { call } from "../system/fake-doors.ts";
import { anybody } from "../trust/identity.ts";
import { fileJournal } from "../trust/journal.ts";
import { Moderation } from "../trust/moderation.ts";
import { noRules } from "../trust/rules.ts";
import type { Doors } from "./doors.ts";

const of = (counts: Counts): Counts => Object.assign(emptyCounts(), counts);
const timeline: TimelineReply = {
  ...{ fromMs: 10_000, toMs: 13_000, stepS: 1, skewMs: 812.5 },
  ...{ totals: of({ heart: 9, clap: 2 }), before: of({ heart: 4 }) },
  likes: { heart: [1, 0, 4], clap: [0, 2, 0] },
  ...{ people: [1, 1, 2], comments: [0, 0, 1], commentsFromMs: null, viewers: [null, 5, 6] },
  resolution: [{ fromMs: 0, stepS: 1 }],
};
const pages: Record<number, ReplayReply> = {
  0: { lines: [{ atMs: 5_000, spanMs: 1_000, likes: of({ heart: 2, clap: 0 }) }], nextMs: 6_000 },
  6000: { lines: [], nextMs: 7_000 },
  7000: { lines: [{ atMs: 7_001, id: "abcd-1", user: "Ada", text: "a\nb" }], nextMs: null },
};

function doors(changes: Partial<Doors["times"]> = {}) {
  const asked: Omit<TimesRequest, "want">[] = [];
  const note = <T>(told: T) => {
    return async (request: Omit<TimesRequest, "want">) => {
      asked.push(request);
      return told;
    };
  };
  const replay = async (request: Omit<TimesRequest, "want">) => {
    asked.push(request);
    return pages[request.fromMs ?? 0] as ReplayReply;
  };
  return { asked, times: { timeline: note(timeline), moments: note({ moments: [] }), replay, ...changes } };
}

describe("a timeline", () => {
  test("is told in aligned rows, of the kinds that were asked for", async () => {
    const { times, asked } = doors();
    const path = "/v1/videos/v/timeline?from=10000&to=13000&step=1&kind=heart";
    const { status, text } = await call({ path, doors: { times } });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({
      ...{ video: "v", from: 10_000, to: 13_000, step: 1, skewMs: 813 },
      ...{ totals: { heart: 9 }, before: { heart: 4 }, likes: { heart: [1, 0, 4] } },
      ...{ people: [1, 1, 2], comments: [0, 0, 1], commentsFrom: null, viewers: [null, 5, 6] },
      resolution: [{ from: 0, step: 1 }],
    });
    expect(asked).toMatchObject([{ video: "v", fromMs: 10_000, toMs: 13_000, stepS: 1 }]);
  });

  test.each(["from=x", "from=-1", "to=1e3", "from=5&to=4", "step=0", "step=86401", "kind=NO", "form=1"])(
    "is refused for ?%s",
    async (query) => {
      const { status, text } = await call({
        path: `/v1/videos/v/timeline?${query}`,
        doors: { times: doors().times },
      });
      expect([status, JSON.parse(text).error.code]).toEqual([400, "bad-query"]);
    },
  );

  test("of a kind that nobody has is refused, as a like of it is; of one of before it is told", async () => {
    const before: TimelineReply = { ...timeline, totals: of({ heart: 9, star: 2 }) };
    const asking = async (query: string) => {
      const { times } = doors({ timeline: async () => before });
      const { status, text } = await call({ path: `/v1/videos/v/timeline?${query}`, doors: { times } });
      return [status, JSON.parse(text).error?.code];
    };
    for (const typo of ["kind=typo", "kind=heart&kind=typo", "kind=constructor"]) {
      expect(await asking(typo)).toEqual([422, "unknown-kind"]);
    }
    // Configured and never given; given while it was configured.
    for (const kind of ["kind=clap", "kind=star"]) expect(await asking(kind)).toEqual([200, undefined]);
  });

  test("is not there while no dispatcher can say", async () => {
    const { times } = doors({ timeline: async () => reject("unavailable", "away", 1) });
    const { status, response } = await call({ path: "/v1/videos/v/timeline", doors: { times } });
    expect([status, response.headers.get("cache-control")]).toEqual([503, "no-store"]);
  });
});

describe("a cache", () => {
  test.each(["timeline", "moments", "replay", "replay.vtt?from=7000"])(
    "of %s is told what it has",
    async (what) => {
      const path = `/v1/videos/v/${what}`;
      const first = await call({ path, doors: { times: doors().times } });
      const etag = first.response.headers.get("etag") ?? "";
      expect(first.response.headers.get("cache-control")).toBe("public, max-age=1");
      const again = await call({ path, headers: { "if-none-match": etag }, doors: { times: doors().times } });
      expect([again.status, again.text, again.response.headers.get("etag")]).toEqual([304, "", etag]);
      // As nginx names it that has compressed it.
      const weak = await call({
        path,
        headers: { "if-none-match": `"x", W/${etag}` },
        doors: { times: doors().times },
      });
      expect(weak.status).toBe(304);
      const other = await call({
        path,
        headers: { "if-none-match": '"x"' },
        doors: { times: doors().times },
      });
      expect(other.status).toBe(200);
    },
  );
});

describe("of a video that is over", () => {
  const edition = "9-4";
  const page: ReplayReply = { lines: [], nextMs: null, edition };

  async function closing() {
    const clock = new VirtualClock();
    const table = await memoryBus({ clock }).table("moderation");
    const parts = { table, journal: fileJournal(":memory:"), clock, metrics: createMetrics() };
    const moderation = await Moderation.open(parts);
    const set = async (state: "open" | "closed") => {
      await moderation.setRules("v" as VideoId, { ...noRules, state }, { ...anybody, by: "key" });
      clock.advance(60_000);
    };
    const get = async (what: string, over: Partial<TimelineReply> = {}) => {
      const { times } = doors({ replay: async () => page, timeline: async () => ({ ...timeline, ...over }) });
      const { response, text } = await call({ path: `/v1/videos/v/${what}`, doors: { times, moderation } });
      return { cache: response.headers.get("cache-control"), text };
    };
    return { moderation, set, clock, get };
  }

  test("a cache may keep pages for good, and only while it is", async () => {
    const { set, get, moderation } = await closing();
    const cache = async () => (await get("replay")).cache;
    expect(await cache()).toBe("public, max-age=1");
    await moderation.setRules("v" as VideoId, { ...noRules, state: "closed" }, { ...anybody, by: "key" });
    expect(await cache()).toBe("public, max-age=1");
    await set("closed");
    expect(await cache()).toBe("public, max-age=31536000, immutable");
    expect((await get("replay.vtt?start=0")).cache).toBe("public, max-age=31536000, immutable");
    await set("open");
    expect(await cache()).toBe("public, max-age=1");
  });

  test("pages of an edition that is no more are not kept, and soon the new one is named", async () => {
    const { set, get } = await closing();
    expect((await get("timeline", { edition })).text).not.toContain("edition");
    await set("closed");
    const { cache, text } = await get("timeline", { edition });
    expect(cache).toBe("public, max-age=60");
    expect(JSON.parse(text).edition).toBe(edition);
    expect((await get("moments")).cache).toBe("public, max-age=60");
    expect((await get(`replay?edition=${edition}`)).cache).toBe("public, max-age=31536000, immutable");
    expect((await get("replay?edition=8-4")).cache).toBe("public, max-age=60");
    expect((await get("replay?edition=x")).text).toContain("bad-query");
  });
});

describe("a replay", () => {
  test("is a page of lines, and the last one says where to go on", async () => {
    const { text, response } = await call({ path: "/v1/videos/v/replay", doors: { times: doors().times } });
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    expect(text).toBe('{"at":5000,"likes":{"heart":2}}\n{"next":6000}\n');
  });

  test("as WebVTT is all of its pages, in one answer that counts from the recording's 0", async () => {
    const { times, asked } = doors();
    const { text } = await call({ path: "/v1/videos/v/replay.vtt?start=0", doors: { times } });
    expect(asked.map(({ fromMs }) => fromMs)).toEqual([0, 6_000, 7_000]);
    expect(text).toBe(
      'WEBVTT\n\nlikes 5000\n00:00:05.000 --> 00:00:06.000\n{"at":5000,"likes":{"heart":2,"clap":0}}\n\n' +
        "comment abcd-1\n00:00:07.001 --> 00:00:12.001\nAda: a b\n\n",
    );
    const only = async (show: string) =>
      (await call({ path: `/v1/videos/v/replay.vtt?show=${show}`, doors: { times: doors().times } })).text;
    expect(await only("comments")).not.toContain("likes");
    expect(await only("reactions")).not.toContain("comment");
    expect((await call({ path: "/v1/videos/v/replay.vtt?show=none", doors: { times } })).status).toBe(400);
  });
});

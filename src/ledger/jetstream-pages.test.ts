/** Pages of comments over a real nats-server, read while history is let go: whole, or from where they say. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../base/clock.ts";
import type { NatsBus } from "../bus/nats.ts";
import { connectBus, rejection } from "../bus/nats-kit.ts";
import type { VideoId } from "../core/interaction.ts";
import { encodeEntry } from "../core/wire.ts";
import { type NatsServer, startNats } from "../system/nats.ts";
import { CommentPages } from "./comment-pages.ts";
import { commentStream } from "./comment-stream.ts";
import { LedgerUnavailable } from "./ledger.ts";
import type { Streams } from "./streams.ts";

const history = 20;
let nats: NatsServer;
const buses: NatsBus[] = [];

beforeAll(async () => {
  nats = await startNats();
});
afterAll(async () => {
  for (const bus of buses) await bus.close();
  await nats.close();
});

/** A video with `count` comments, and pages of it between whose questions `during` happens, so often. */
async function talked(prefix: string, count: number) {
  const bus = await connectBus(nats.url, { prefix });
  buses.push(bus);
  await bus.streams.open(commentStream(history));
  const seqs: number[] = [];
  const say = async (): Promise<void> => {
    const body = { type: "comment", text: `c${seqs.length}`, user: undefined, atMs: 1 } as const;
    seqs.push((await bus.streams.append("comments.v", encodeEntry(body), 2_000)).seq);
  };
  for (let n = 0; n < count; n++) await say();
  let left = 0;
  /** Says more each time the network has answered `name`. */
  const slowed = <T extends unknown[], R>(answer: (...of: T) => Promise<R>, more: number) => {
    return async (...of: T): Promise<R> => {
      const answered = await answer(...of);
      if (left-- > 0) for (let n = 0; n < more; n++) await say();
      return answered;
    };
  };
  const pagesOver = (asked: "next" | "last", more: number): CommentPages => {
    const { streams } = bus;
    const slow: Streams = Object.create(streams, {
      [asked]: { value: slowed(streams[asked].bind(streams) as (...of: never[]) => Promise<unknown>, more) },
    });
    const subjectOf = (video: VideoId) => `comments.${video}`;
    return new CommentPages({
      ...{ streams: bound(slow, streams), clock: systemClock(), stream: "comments", subjectOf, check() {} },
      firstHistory: history,
    });
  };
  /** The page behind `after`, while so many comments come after each of `times` answers. */
  const page = (asked: "next" | "last", more: number, after: number | undefined, times = 1, limit = 100) => {
    left = times;
    return pagesOver(asked, more).read("v" as VideoId, after, limit);
  };
  return { seqs, page };
}

/** Methods of a class with private fields want their own object. */
function bound(over: Streams, own: Streams): Streams {
  return new Proxy(over, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      const isOwn = value === Reflect.get(own, name);
      return isOwn && typeof value === "function" ? value.bind(own) : value;
    },
  });
}

/** What a page tells is all there is behind its floor, up to its last entry. */
function expectTrue(page: Awaited<ReturnType<CommentPages["read"]>>, seqs: readonly number[], limit = 100) {
  const told = page.entries.map(({ seq }) => seq);
  const behind = seqs.filter((seq) => seq > page.floor);
  expect(told).toEqual(behind.slice(0, told.length));
  expect(page.entries.map(({ previous }) => previous)).toEqual([page.floor, ...told].slice(0, told.length));
  // Nothing up to the head is missing, unless the page says that there is more.
  if (!page.more) expect(behind.filter((seq) => seq <= page.head).length).toBeLessThanOrEqual(told.length);
  expect(told.length).toBeLessThanOrEqual(limit);
}

describe("a page that is read while history is let go", () => {
  test.each([
    ["next", 5, 1],
    ["next", 1, 1],
    ["next", 30, 1],
    ["last", 5, 1],
    ["last", 30, 1],
    ["next", 3, 2],
  ] as const)("has no hole: after `%s`, %d more, %d times", async (asked, more, times) => {
    const { seqs, page } = await talked(`h${asked}${more}${times}`, 40);
    const edge = seqs.at(-history - 1) as number;
    const whole = await page(asked, more, edge, times);
    expectTrue(whole, seqs);
    expect(whole.floor).toBeGreaterThanOrEqual(edge);
    // So cut that all it read was let go.
    expectTrue(await page(asked, more, seqs.at(-history - 1), times, 3), seqs, 3);
    expectTrue(await page(asked, more, undefined, times), seqs);
    expectTrue(await page(asked, more, 0, times), seqs);
    expectTrue(await page(asked, more, undefined, times, 2), seqs, 2);
  });

  test("faster than it can be read is no page", async () => {
    const { seqs, page } = await talked("fast", 40);
    const error = await rejection(page("next", 25, seqs.at(-history - 1), 1_000));
    expect(error).toBeInstanceOf(LedgerUnavailable);
  });
});

describe("pages that many want at once", () => {
  const videos = Array.from({ length: 60 }, (_, n) => `v${n}` as VideoId);
  const ask: readonly (readonly [number | undefined, number])[] = [
    [undefined, 100],
    [undefined, 3],
    [0, 5],
    [40, 100],
  ];

  /** Many videos' comments among each other: of some more than are kept, some removed, some with none. */
  async function crowded(prefix: string) {
    const bus = await connectBus(nats.url, { prefix });
    buses.push(bus);
    const { streams } = bus;
    await streams.open(commentStream(history));
    let reads = 0;
    const counted: Streams = bound(
      Object.create(streams, {
        read: {
          value: (read: Parameters<Streams["read"]>[0]) => {
            reads++;
            return streams.read(read);
          },
        },
      }),
      streams,
    );
    const fresh = (): CommentPages =>
      new CommentPages({
        ...{ streams: counted, clock: systemClock(), stream: "comments", check() {} },
        ...{ subjectOf: (video: VideoId) => `comments.${video}`, firstHistory: history },
      });
    const say = (video: VideoId, body: Parameters<typeof encodeEntry>[0]) =>
      streams.append(`comments.${video}`, encodeEntry(body), 2_000);
    const comment = { type: "comment", text: "c", user: undefined, atMs: 1 } as const;
    for (let round = 0; round < 30; round++) {
      const speak = videos.filter((_, n) => n > 0 && n % 30 >= round - 1);
      const seqs = await Promise.all(speak.map((video) => say(video, comment)));
      if (round !== 7) continue;
      await say(speak[3] as VideoId, { type: "retract", target: (seqs[3] as { seq: number }).seq });
      await streams.erase("comments", (seqs[3] as { seq: number }).seq);
    }
    return { fresh, say: (video: VideoId) => say(video, comment), reads: () => reads };
  }

  test("are those that each reads alone, from one reading for all", async () => {
    const { fresh, say, reads } = await crowded("many");
    const alone = fresh();
    for (const [after, limit] of ask) {
      const apart = [];
      for (const video of videos) apart.push(await alone.read(video, after, limit));
      const [together, before] = [fresh(), reads()];
      const pages = await Promise.all(videos.map((video) => together.read(video, after, limit)));
      expect(pages).toEqual(apart);
      expect(reads() - before).toBe(1);
      // It follows the stream: what comes later is in the next page, though nobody reads anew.
      const { seq } = await say(videos[5] as VideoId);
      const next = await together.read(videos[5] as VideoId, after ?? seq - 1, 100);
      expect(next.entries.at(-1)?.seq).toBe(seq);
      expect(reads() - before).toBe(1);
      together.forget();
      expect(await together.read(videos[5] as VideoId, seq - 1, 100)).toEqual({
        ...(await alone.read(videos[5] as VideoId, seq - 1, 100)),
      });
      expect(reads() - before).toBeGreaterThan(1);
      together.forget();
    }
  });
});

/**
 * Our frames read by other people's clients, as their packages have them: a connection that is cut at any
 * byte costs nobody a comment, and no frame comes out as two events or as an empty one.
 *
 * Clients that keep their place by the line, not by the event (@microsoft/fetch-event-source 2.0.1,
 * extended-eventsource 2.1.0, and in Go r3labs/sse 2.10.0), are why `id:` is a frame's last line.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { fetchEventSource } from "@microsoft/fetch-event-source";
import { EventSource } from "eventsource";
import { EventSource as Extended } from "extended-eventsource";
import { type CommentEntry, parseId } from "./entry.ts";
import type { VideoId } from "./interaction.ts";
import { limits } from "./limits.ts";
import { Lineage } from "./lineage.ts";
import {
  beatFrame,
  byeFrame,
  bytesOf,
  commentJson,
  entryFrame,
  helloFrame,
  likesFrame,
  snapshotFrame,
  viewersFrame,
} from "./sse.ts";
import { emptyCounts } from "./totals.ts";

const abcd = Lineage.begin("abcd");
const video = "v" as VideoId;
const said = (seq: number): CommentEntry => ({
  type: "comment",
  video,
  seq,
  previous: seq - 1,
  text: `${seq} é\u2028`,
  user: undefined,
  atMs: 1_700_000_000_000,
});
const comments = [7, 8, 9];
const greeting = { connection: "n.a", node: "n", nowMs: 1, beatMs: 15_000, retryMs: 1 };
const shown = { video, totals: emptyCounts(), version: 1 };

interface Got {
  readonly name: string;
  readonly data: string;
}

/** A client that follows `url` through `get`; answers how to stop it. */
type Follow = (get: typeof fetch, got: (event: Got) => void) => () => void;

const names = ["hello", "snapshot", "comment", "likes", "viewers", "retract", "beat", "bye", "message"];
const url = "http://ovation.test/v1/videos/v/events";

const microsoft: Follow = (get, got) => {
  const stop = new AbortController();
  void fetchEventSource(url, {
    fetch: get,
    signal: stop.signal,
    openWhenHidden: true,
    onmessage: ({ event, data }) => got({ name: event, data }),
    onerror: () => 1,
  });
  return () => stop.abort();
};
const extended: Follow = (get, got) => {
  const source = new Extended(url, { fetch: get, retry: 1, disableLogger: true });
  for (const name of names) source.addEventListener(name, ({ data }) => got({ name, data: String(data) }));
  return () => source.close();
};
const npm: Follow = (get, got) => {
  const source = new EventSource(url, { fetch: get as never });
  for (const name of names) source.addEventListener(name, ({ data }) => got({ name, data: String(data) }));
  return () => source.close();
};

/** What a node answers to one who stands at `id`: all comments behind it, or a snapshot without any. */
function answer(id: string | null): string {
  const place = id ? parseId(id)?.seq : undefined;
  const start = helloFrame({ ...greeting, place: id ?? undefined });
  const state = place === undefined ? snapshotFrame(shown, 1, [], "abcd-6") : likesFrame(shown, 5, []);
  const behind = comments.filter((seq) => seq > (place ?? 6)).map((seq) => entryFrame(abcd, said(seq)));
  return start + state + behind.join("");
}

/**
 * What is heard of a node whose first answer breaks off after `cut` bytes and whose second one is whole, or
 * whose first one is `whole`.
 */
async function heard(follow: Follow, said: { cut: number } | { whole: string }): Promise<readonly Got[]> {
  const events: Got[] = [];
  let asked = 0;
  const over = Promise.withResolvers<void>();
  const get = (async (_: unknown, init?: RequestInit) => {
    const whole = bytesOf(answer(new Headers(init?.headers).get("last-event-id")));
    const breaks = "cut" in said && asked++ === 0;
    const bytes = "whole" in said ? bytesOf(said.whole) : breaks ? whole.subarray(0, said.cut) : whole;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(bytes);
        // Once what was written has been read, the first connection breaks, and the second rests.
        setImmediate(() => (breaks ? controller.error(new Error("cut")) : over.resolve()));
        return new Promise(() => {});
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }) as typeof fetch;
  const stop = follow(get, (event) => events.push(event));
  await over.promise;
  await new Promise((resolve) => setTimeout(resolve, 1));
  stop();
  return events;
}

describe.each<[string, Follow, "to the byte" | "to the byte but one"]>([
  ["eventsource", npm, "to the byte"],
  ["@microsoft/fetch-event-source", microsoft, "to the byte but one"],
  ["extended-eventsource", extended, "to the byte"],
])("%s", (_, follow, keeps) => {
  beforeAll(() => {
    const nothing = () => {};
    const document = { hidden: false, addEventListener: nothing, removeEventListener: nothing };
    Object.assign(globalThis, { window: globalThis, document });
  });
  afterAll(() => {
    for (const name of ["window", "document"]) Reflect.deleteProperty(globalThis, name);
  });

  test("cut at any byte of a frame, shows every comment", async () => {
    const whole = bytesOf(answer(null)).length;
    const from = whole - bytesOf(comments.map((seq) => entryFrame(abcd, said(seq))).join("")).length;
    const holes: number[] = [];
    for (let cut = from; cut <= whole; cut++) {
      const events = await heard(follow, { cut });
      const ids = new Set(
        events.filter(({ name }) => name === "comment").map(({ data }) => JSON.parse(data).id),
      );
      if (ids.size < comments.length) holes.push(cut);
    }
    // Between the two last bytes of a frame its id has been read, and it has not: nothing but a change of the
    // client helps there.
    const frames = comments.map((seq) => bytesOf(entryFrame(abcd, said(seq))).length);
    const ends = frames.map((_, index) => from + frames.slice(0, index + 1).reduce((a, b) => a + b));
    expect(holes).toEqual(keeps === "to the byte" ? [] : ends.map((end) => end - 1));
  });

  test("makes each frame one event, the longest too", async () => {
    const longest = Array.from({ length: limits.snapshotCommentsMax }, (_, index) => {
      const entry = { ...said(index + 1), text: '"👏'.repeat(limits.commentCharsMax / 2) };
      return commentJson(abcd, { ...entry, user: "👏".repeat(limits.userCharsMax) });
    });
    const frames = [
      helloFrame({ ...greeting, place: undefined }),
      snapshotFrame(shown, 1, longest, "abcd-20"),
      likesFrame(shown, 5.5, []),
      entryFrame(abcd, said(21)),
      beatFrame(5, true),
      viewersFrame(video, 2),
      entryFrame(abcd, { type: "retract", video, seq: 22, previous: 21, target: 21 }),
      byeFrame("drain", 1),
    ];
    const sent = frames.map((text) => {
      const [, name, data] = /^event: ([^\n]*)\ndata: ([^\n]*)$/m.exec(text) ?? [];
      return { name, data };
    });
    for (const text of frames) expect(bytesOf(text).length).toBeLessThanOrEqual(limits.eventBytesMax);
    expect(await heard(follow, { whole: frames.join("") })).toEqual(sent as Got[]);
  });
});

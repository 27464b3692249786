/** A stretch of comments: what it holds, from where on, and who waits for what. */
import { describe, expect, test } from "bun:test";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { encodeEntry } from "../core/wire.ts";
import { CommentStretch } from "./comment-stretch.ts";
import type { StreamRead, Streams } from "./streams.ts";

/** A stretch of a stream that ends at `lastSeq`, and what feeds it. */
function stretchOf(lastSeq: number, firstSeq = 1) {
  let reading: StreamRead | undefined;
  let ended = false;
  const streams = {
    read: (read: StreamRead) => {
      reading = read;
      return { end: () => (ended = true), again: () => {} };
    },
  } as unknown as Streams;
  const state = { created: "once", firstSeq, lastSeq, perSubject: 10 };
  const stretch = new CommentStretch({ streams, stream: "comments", state });
  const receive = (seq: number, video: string, text = "c"): void => {
    const payload = encodeEntry({ type: "comment", text, user: undefined, atMs: 1 });
    reading?.receive({ seq, subject: `comments.${video}`, payload, atMs: 1 });
  };
  return {
    stretch,
    receive,
    from: () => reading?.from,
    caughtUp: () => reading?.caughtUp?.(),
    over: () => ended,
  };
}

const seqsOf = (stretch: CommentStretch, video: string): number[] =>
  stretch.entries(video as VideoId).map(({ seq }) => seq);

describe("a stretch of comments", () => {
  test("begins at the beginning of a short stream, and late in a long one", () => {
    expect(stretchOf(100).from()).toBe(1);
    expect(stretchOf(100).stretch.from).toBe(0);
    const long = stretchOf(limits.stretchEntriesMax + 50);
    expect(long.from()).toBe(51);
    expect(long.stretch.from).toBe(50);
    // What lies before the first is gone: from there on it is everything.
    expect(stretchOf(limits.stretchEntriesMax + 50, 51).stretch.from).toBe(0);
  });

  test("holds each video's entries in order, and passes over what is none", () => {
    const { stretch, receive } = stretchOf(4);
    receive(1, "a");
    receive(2, "b");
    receive(3, "-".repeat(limits.videoIdCharsMax + 1));
    receive(4, "a");
    expect(seqsOf(stretch, "a")).toEqual([1, 4]);
    expect(seqsOf(stretch, "b")).toEqual([2]);
    expect(seqsOf(stretch, "c")).toEqual([]);
  });

  test("is waited for until it reaches a place, or ends", async () => {
    const { stretch, receive, caughtUp, over } = stretchOf(3);
    let reached = 0;
    const waits = [2, 3, 9].map((seq) => stretch.reaches(seq).then(() => reached++));
    receive(2, "a");
    await waits[0];
    expect(reached).toBe(1);
    expect(stretch.whole).toBe(false);
    // The third was taken out before it was read.
    caughtUp();
    await waits[1];
    expect([reached, stretch.whole]).toEqual([2, true]);
    await stretch.reaches(3);
    stretch.end();
    await waits[2];
    expect(over()).toBe(true);
  });

  test("lets the oldest go when it is full, and says so", () => {
    const { stretch, receive } = stretchOf(1);
    const text = "x".repeat(400);
    const fits = Math.floor(limits.stretchBytesMax / (160 + 3 * text.length));
    for (let seq = 1; seq <= fits; seq++) receive(seq, seq % 2 === 0 ? "even" : `odd-${seq}`, text);
    expect(stretch.from).toBe(0);
    receive(fits + 1, "last", text);
    receive(fits + 2, "last", text);
    expect(stretch.from).toBe(2);
    expect(seqsOf(stretch, "odd-1")).toEqual([]);
    expect(seqsOf(stretch, "even")[0]).toBe(4);
  });
});

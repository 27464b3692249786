/** Frames: their exact bytes, and that no text can make, end or split an event, wherever the network cuts. */

import { describe, expect, test } from "bun:test";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import fc from "fast-check";
import type { CommentEntry, Entry } from "./entry.ts";
import type { VideoId } from "./interaction.ts";
import { Lineage } from "./lineage.ts";
import {
  beatFrame,
  byeFrame,
  bytesOf,
  commentJson,
  entryFrame,
  frame,
  helloFrame,
  likesFrame,
  micros,
  type ResetReason,
  resetFrame,
  snapshotFrame,
  stamp,
  viewersFrame,
} from "./sse.ts";
import { emptyCounts } from "./totals.ts";

const abcd = Lineage.begin("abcd");

const v = "v" as VideoId;
const greeting = {
  ...{ connection: "n.abc", node: "n", nowMs: 5.129, beatMs: 15_000, retryMs: 1500 },
  place: undefined as string | undefined,
};
const counts = (of: Record<string, number>) => Object.assign(emptyCounts(), of);
const entry = (over: Partial<CommentEntry> = {}): CommentEntry => ({
  type: "comment",
  video: v,
  seq: 7,
  previous: 3,
  text: "hi",
  user: undefined,
  atMs: 1_700_000_000_000.126,
  ...over,
});

interface Parsed {
  readonly events: EventSourceMessage[];
  readonly retries: number[];
}

/** What a client sees when `bytes` arrive in pieces of the given sizes, over and over. */
function parse(bytes: Uint8Array, cuts: readonly number[] = []): Parsed {
  const parsed: Parsed = { events: [], retries: [] };
  const parser = createParser({
    onEvent: (event) => parsed.events.push(event),
    onRetry: (ms) => parsed.retries.push(ms),
    onError: (error) => {
      throw error;
    },
  });
  const decoder = new TextDecoder();
  for (let at = 0, cut = 0; at < bytes.length; cut++) {
    const size = cuts.length === 0 ? bytes.length : (cuts[cut % cuts.length] as number);
    parser.feed(decoder.decode(bytes.subarray(at, at + size), { stream: true }));
    at += size;
  }
  return parsed;
}

/** A frame and the event it should be. */
interface Sent {
  readonly text: string;
  readonly event: string;
  readonly id: string | undefined;
  readonly data: unknown;
}

const anyText = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom("\n\nevent: bye\ndata: {}\n\n", "\r\rid: 9\r", "\u2028data: x\u2029", "\u0000", "\ufeff"),
  fc
    .array(fc.constantFrom("\r", "\n", "data:", "id: 1", "\u2028", '"', "\\", "\ud800"), { maxLength: 12 })
    .map((parts) => parts.join("")),
);
const video = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/).map((text) => text as VideoId);
const seq = fc.integer({ min: 1, max: 2 ** 50 });
const totals = fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_-]{0,15}$/), fc.maxSafeNat()).map(counts);
const user = fc.option(anyText, { nil: undefined });
const timeMs = fc.double({ min: 0, max: 4e12, noNaN: true });

const anyEntry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({
    type: fc.constant("comment" as const),
    video,
    seq,
    previous: fc.nat(),
    text: anyText,
    user,
    atMs: timeMs,
    mediaMs: timeMs,
  }),
  fc.record({ type: fc.constant("retract" as const), video, seq, previous: fc.nat(), target: seq }),
);
const anySent: fc.Arbitrary<Sent> = fc.oneof(
  anyEntry.map((of) => ({
    text: entryFrame(abcd, of),
    event: of.type,
    id: `abcd-${of.seq}`,
    data:
      of.type === "comment"
        ? { ...commentJson(abcd, of), us: micros(of.atMs) }
        : { video: of.video, id: `abcd-${of.target}` },
  })),
  fc
    .tuple(video, totals, fc.maxSafeNat(), timeMs, fc.array(anyText, { maxLength: 5 }))
    .map(([of, all, version, atMs, users]) => {
      const by = users.map((name) => ({ user: name, kind: "heart", count: 2 }));
      const said = { video: of, totals: all, version, at: stamp(atMs), us: micros(atMs) };
      return {
        text: likesFrame({ video: of, totals: all, version }, atMs, by),
        event: "likes",
        id: undefined,
        data: by.length > 0 ? { ...said, by } : said,
      };
    }),
  fc.tuple(video, totals, fc.nat(), fc.array(anyText, { maxLength: 3 })).map(([of, all, n, texts]) => {
    const comments = texts.map((text, i) => commentJson(abcd, entry({ text, seq: i + 1 })));
    return {
      text: snapshotFrame({ video: of, totals: all, version: n }, n, comments, `abcd-${n}`),
      event: "snapshot",
      id: `abcd-${n}`,
      data: { video: of, totals: all, viewers: n, comments, version: n },
    };
  }),
  anyText.map((reason) => ({
    text: resetFrame(v, reason as ResetReason),
    event: "reset",
    id: undefined,
    data: { video: v, reason },
  })),
);
/** What JSON makes of a value: lone surrogates survive, an undefined member does not. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("frames", () => {
  test("are these bytes", () => {
    const shown = { video: v, totals: counts({ heart: 12, clap: 1 }), version: 4 };
    const by = [{ user: '"ë', kind: "heart", count: 2 }];
    const names = `"by":[{"user":"\\"ë","kind":"heart","count":2}]`;
    const comment = '{"video":"v","id":"abcd-7","text":"hi","at":1700000000000}';
    const all = [
      helloFrame({ ...greeting, place: undefined }),
      helloFrame({ ...greeting, place: "abcd-7" }),
      likesFrame(shown, 9.876, []),
      likesFrame(shown, 10, by),
      entryFrame(abcd, entry()),
      entryFrame(abcd, entry({ user: "Zoë", text: "a\u2028\n", mediaMs: 2.5 })),
      entryFrame(abcd, { type: "retract", video: v, seq: 9, previous: 7, target: 7 }),
      snapshotFrame(shown, 3, [commentJson(abcd, entry())], "abcd-7"),
      viewersFrame(v, 3),
      resetFrame(v, "history"),
      beatFrame(5, false),
      beatFrame(5, true),
      byeFrame("drain", 900),
      byeFrame("drain", 900, "abcd-7"),
    ];
    expect(all.join("")).toBe(`retry: 1500
event: hello
data: {"connection":"n.abc","node":"n","now":5,"beat":15000,"retry":1500}

retry: 1500
event: hello
data: {"connection":"n.abc","node":"n","now":5,"beat":15000,"retry":1500}
id: abcd-7

event: likes
data: {"video":"v","totals":{"heart":12,"clap":1},"version":4,"at":9,"us":876}

event: likes
data: {"video":"v","totals":{"heart":12,"clap":1},"version":4,"at":10,"us":0,${names}}

event: comment
data: {"video":"v","id":"abcd-7","text":"hi","at":1700000000000,"us":126}
id: abcd-7

event: comment
data: {"video":"v","id":"abcd-7","user":"Zoë","text":"a\u2028\\n","at":1700000000000,"mediaTime":2,"us":126}
id: abcd-7

event: retract
data: {"video":"v","id":"abcd-7"}
id: abcd-9

event: snapshot
data: {"video":"v","totals":{"heart":12,"clap":1},"viewers":3,"comments":[${comment}],"version":4}
id: abcd-7

event: viewers
data: {"video":"v","viewers":3}

event: reset
data: {"video":"v","reason":"history"}

event: beat
data: {"now":5}

event: beat
data: {"now":5,"stale":true}

retry: 900
event: bye
data: {"reason":"drain","retry":900}

retry: 900
event: bye
data: {"reason":"drain","retry":900}
id: abcd-7

`);
  });

  test("in any number and cut anywhere are the events that were sent, in order", () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(anySent, { maxLength: 12 }), cuts, (sent, sizes) => {
        const { events } = parse(bytesOf(sent.map(({ text }) => text).join("")), sizes);
        expect(events.map(({ event, id, data }) => ({ event, id, data: JSON.parse(data) }))).toEqual(
          sent.map(({ event, id, data }) => ({ event, id, data: asJson(data) })),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  test("are each one event: no text adds a line break or a block", () => {
    fc.assert(
      fc.property(anySent, ({ text }) => {
        expect(text.endsWith("\n\n")).toBe(true);
        expect(text.slice(0, -2)).not.toContain("\n\n");
        expect(text).not.toContain("\r");
        expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(4);
      }),
    );
  });

  test("that say when to come back are understood", () => {
    const { events, retries } = parse(
      bytesOf(helloFrame({ ...greeting, retryMs: 1234 }) + byeFrame("drain", 77)),
      [3],
    );
    expect(retries).toEqual([1234, 77]);
    expect(events.map(({ event }) => event)).toEqual(["hello", "bye"]);
  });

  test("carry only ids that are ours", () => {
    for (const id of ["a\nb", "", "A", "a".repeat(41), "a b", "\u0000"]) {
      expect(() => frame("comment", "{}", id)).toThrow("an event id is ours");
    }
  });
});

describe("a stamp", () => {
  test("is whole milliseconds, and what it leaves out is whole microseconds", () => {
    fc.assert(
      fc.property(timeMs, (ms) => {
        expect(Number.isInteger(stamp(ms))).toBe(true);
        expect(micros(ms)).toBeWithin(0, 1000);
        expect(stamp(ms) + micros(ms) / 1000).toBeCloseTo(ms, 2);
      }),
    );
  });

  test("is a number in JSON for every time that may come over the wire", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 8.64e15, noNaN: true }), (ms) => {
        expect(JSON.parse(String(stamp(ms)))).toBe(stamp(ms));
      }),
    );
  });
});

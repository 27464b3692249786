/** Messages between nodes: what was said is understood, and what nobody said is not. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Entry } from "./entry.ts";
import type { VideoId } from "./interaction.ts";
import { limits } from "./limits.ts";
import { Lineage } from "./lineage.ts";
import { decodeIngestReply } from "./relayed.ts";
import { emptyCounts } from "./totals.ts";
import {
  decodeEntry,
  decodeJson,
  decodeLive,
  decodeState,
  decodeStateRequest,
  decodeTick,
  decodeViewers,
  decodeWatch,
  encodeEntry,
  encodeJson,
  encodeState,
  encodeTick,
  isCount,
  type State,
  subjects,
  type Tick,
  videoOf,
} from "./wire.ts";

const v = "v" as VideoId;
const w = "w" as VideoId;
const bytes = (text: string) => new TextEncoder().encode(text);
const said = (message: object) => encodeJson(message);

const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const kind = fc.stringMatching(/^[a-z][a-z0-9_-]{0,15}$/);
const timeMs = fc.double({ min: 0, max: 8.64e15, noNaN: true });
const text = (max: number) =>
  fc.string({ unit: "grapheme", maxLength: max }).filter((one) => [...one].length <= max);
const totals = fc.record({
  version: fc.integer({ min: 0, max: limits.countMax }),
  counts: fc
    .dictionary(kind, fc.integer({ min: 0, max: limits.countMax }))
    .map((of) => Object.assign(emptyCounts(), of)),
});
const by = fc.array(fc.record({ user: text(limits.userCharsMax), kind, count: fc.nat(50) }), {
  maxLength: limits.bySizeMax,
});
/** Older nodes name none. */
const log = fc.option(fc.stringMatching(/^[a-z0-9]{4,16}$/), { nil: undefined });
const tick: fc.Arbitrary<Tick> = fc.record({
  video: fc.constant(v),
  region: name,
  log,
  totals,
  atMs: timeMs,
  durableMs: timeMs,
  tickedMs: timeMs,
  by,
});
const entryAt = (seq: number): fc.Arbitrary<Entry> => {
  const place = { video: fc.constant(v), seq: fc.constant(seq), previous: fc.nat(seq - 1) };
  const comment = fc.record({
    type: fc.constant("comment" as const),
    ...place,
    text: text(limits.commentCharsMax),
    user: fc.option(text(limits.userCharsMax), { nil: undefined }),
    atMs: timeMs,
  });
  const hold = fc.integer({ min: 1, max: limits.holdMsMax });
  return fc.oneof(
    comment,
    fc.tuple(comment, hold).map(([one, holdMs]) => ({ ...one, holdMs })),
    fc.record({ type: fc.constant("retract" as const), ...place, target: fc.nat(seq - 1) }),
  );
};
const seq = fc.integer({ min: 1, max: 1_000_000 });
const branch = fc.stringMatching(/^[a-z0-9]{4,16}$/);
const lineageOf = ([names, turn]: [readonly string[], number]) =>
  Lineage.read(
    names.flatMap((name, i) => [name, 1 + 10 * i]),
    turn,
  ) as Lineage;
const state: fc.Arbitrary<State> = fc
  .uniqueArray(seq, { maxLength: 4 })
  .chain((seqs) => fc.tuple(...seqs.sort((a, b) => a - b).map(entryAt)))
  .chain((entries) =>
    fc.record({
      log: branch,
      lineage: fc.tuple(fc.uniqueArray(branch, { minLength: 1, maxLength: 3 }), fc.nat()).map(lineageOf),
      region: name,
      totals,
      sure: fc.boolean(),
      viewers: fc.nat(),
      page: fc.record({
        entries: fc.constant(entries as Entry[]),
        floor: fc.nat(),
        head: fc.nat(),
        more: fc.boolean(),
      }),
    }),
  );

describe("what was said is understood", () => {
  test("ticks", () => {
    fc.assert(fc.property(tick, (one) => expect(decodeTick(encodeTick(one).slice(), v)).toEqual(one)));
  });

  test("ticks, unread by who said them", () => {
    fc.assert(
      fc.property(tick, tick, (one, other) => {
        const bytes = encodeTick(one);
        expect(decodeTick(bytes, v)).toBe(one);
        expect(decodeTick(bytes, w)).toEqual({ ...one, video: w });
        encodeTick(other);
        expect(decodeTick(bytes, v)).toEqual(one);
      }),
    );
  });

  test("states, without a lineage that who asks knows", () => {
    fc.assert(
      fc.property(state, state, (one, other) => {
        const { lineage } = one;
        expect(decodeState(encodeState(one), v)?.lineage).toEqual(lineage);
        const known = encodeState(one, lineage.newest.name);
        expect(decodeState(known, v, lineage)?.lineage).toBe(lineage);
        expect(decodeJson(known)?.lineage).toBeUndefined();
        // Who knows another one takes what is said for all there is.
        fc.pre(!other.lineage.same(lineage));
        expect(decodeState(known, v, other.lineage)?.lineage).toEqual(Lineage.begin(lineage.newest.name));
      }),
    );
  });

  test("entries that are live, with the branch their writer knew", () => {
    fc.assert(
      fc.property(seq.chain(entryAt), branch, (entry, name) => {
        const live = decodeLive(encodeEntry(entry, name), v, entry.seq, entry.previous);
        expect(live).toEqual({ entry, branch: name });
        expect(decodeLive(encodeEntry(entry), v, entry.seq, entry.previous)?.branch).toBeUndefined();
      }),
    );
  });

  test("entries, at the place the log gave them", () => {
    fc.assert(
      fc.property(seq.chain(entryAt), (one) => {
        expect(decodeEntry(encodeEntry(one), v, one.seq, one.previous)).toEqual(one);
      }),
    );
  });

  test("states", () => {
    fc.assert(fc.property(state, (one) => expect(decodeState(encodeState(one), v)).toEqual(one)));
  });

  test("requests and counts", () => {
    const request = { video: v, after: undefined, limit: 5 };
    expect(decodeStateRequest(said(request))).toEqual(request);
    expect(decodeStateRequest(said({ ...request, after: 0 }))).toEqual({ ...request, after: 0 });
    const count = { node: "n", incarnation: "i", viewers: 3 };
    expect(decodeViewers(said(count))).toEqual(count);
    const watch = { connection: "n.abc", video: v, watch: false };
    expect(decodeWatch(said(watch))).toEqual(watch);
  });

  test("verdicts on relayed likes and comments", () => {
    const busy = { rejected: "busy", message: "m", retryAfterS: 1 } as const;
    const reply = { likes: [null, busy], comments: ["abcd-5", busy], retracted: true };
    expect(decodeIngestReply(said(reply), 2, 2)).toEqual(reply);
    expect(decodeIngestReply(said({ likes: [], comments: [] }), 0, 0)).toEqual({ likes: [], comments: [] });
  });
});

/** Bytes that are no message, nearly one, or one with something changed. */
const noise = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc.jsonValue().map((value) => bytes(JSON.stringify(value))),
  fc
    .dictionary(
      fc.constantFrom(
        ..."r l log v c t b node incarnation viewers epoch region version counts floor".split(" "),
      ),
      fc.oneof(fc.jsonValue(), fc.constantFrom(1, [1, 2, 3], {}, [], "main", "abcd")),
    )
    .map(said),
  fc
    .tuple(fc.oneof(tick.map(encodeTick), state.map(encodeState)), fc.nat(), fc.nat(255))
    .map(([message, at, byte]) => {
      const changed = message.slice();
      changed[at % changed.length] = byte;
      return changed;
    }),
  fc
    .tuple(fc.oneof(tick.map(encodeTick), state.map(encodeState)), fc.nat())
    .map(([message, at]) => message.subarray(0, at % message.length)),
);

describe("what nobody said", () => {
  test("is undefined or sound, and never throws", () => {
    fc.assert(
      fc.property(noise, (payload) => {
        decodeJson(payload);
        const heard = decodeTick(payload, v);
        // Said again it is understood again: nothing got in that could not have been sent.
        if (heard) expect(decodeTick(encodeTick(heard).slice(), v)).toEqual(heard);
        const known = decodeState(payload, v);
        if (known) expect(decodeState(encodeState(known), v)).toEqual(known);
        const entry = decodeEntry(payload, v, 7, 5);
        if (entry) expect(decodeEntry(encodeEntry(entry), v, 7, 5)).toEqual(entry);
        const count = decodeViewers(payload);
        if (count) expect(isCount(count.viewers)).toBe(true);
        decodeStateRequest(payload);
        decodeWatch(payload);
        decodeIngestReply(payload, 1, 1);
      }),
      { numRuns: 1_000 },
    );
  });

  const one = { r: "main", v: 1, c: { heart: 1 }, t: [1, 2, 3], b: [] };
  test.each([
    { ...one, r: "a b" },
    { ...one, r: undefined },
    { ...one, v: -1 },
    { ...one, v: 1.5 },
    { ...one, v: 2 ** 53 },
    { ...one, c: null },
    { ...one, c: { Heart: 1 } },
    { ...one, c: { heart: -1 } },
    { ...one, c: { heart: "1" } },
    { ...one, c: JSON.parse('{"__proto__": 1}') },
    { ...one, t: [1, 2] },
    { ...one, t: "123" },
    { ...one, t: [1, 2, -3] },
    { ...one, t: [1, 2, 1e300] },
    { ...one, b: undefined },
    { ...one, b: Array(6).fill({ user: "u", kind: "heart", count: 1 }) },
    { ...one, b: [{ user: 5, kind: "heart", count: 1 }] },
    { ...one, b: [{ user: "x".repeat(129), kind: "heart", count: 1 }] },
    { ...one, b: [{ user: "u", kind: "<b>", count: 1 }] },
    { ...one, b: [null] },
  ])("is no tick: %j", (message) => {
    expect(decodeTick(said(one), v)).toBeDefined();
    expect(decodeTick(said(message), v)).toBeUndefined();
  });

  test("cannot ride along with a name", () => {
    const by = [{ user: "u", kind: "heart", count: 1, html: "<script>" }];
    expect(decodeTick(said({ ...one, b: by }), v)?.by).toEqual([{ user: "u", kind: "heart", count: 1 }]);
  });

  test.each([
    { type: "comment", text: 5, at: 1 },
    { type: "comment", text: "x".repeat(2 * limits.commentCharsMax + 1), at: 1 },
    { type: "comment", text: "x", at: "now" },
    { type: "comment", text: "x", at: 1, user: 5 },
    { type: "comment", text: "x", at: 1, user: "x".repeat(2 * limits.userCharsMax + 1) },
    { type: "comment", text: "x", at: 1, hold: -1 },
    { type: "comment", text: "x", at: 1, hold: 1.5 },
    { type: "comment", text: "x", at: 1, hold: limits.holdMsMax + 1 },
    { type: "comment", text: "x", at: 1, hold: "10" },
    { type: "comment", text: "x", at: 1, hold: null },
    { type: "retract", target: 9 },
    { type: "retract", target: -1 },
    { type: "shout", text: "x", at: 1 },
  ])("is no entry: %j", (message) => expect(decodeEntry(said(message), v, 9, 3)).toBeUndefined());

  test("of a node that knows no holds is an entry that is not held", () => {
    const older = said({ type: "comment", text: "x", at: 1 });
    expect(decodeEntry(older, v, 9, 3)).toEqual({
      ...{ type: "comment", video: v, seq: 9, previous: 3, text: "x", user: undefined, atMs: 1 },
    });
    expect(decodeEntry(said({ type: "comment", text: "x", at: 1, hold: 0 }), v, 9, 3)).not.toHaveProperty(
      "holdMs",
    );
  });

  test("is no entry at a place that cannot be", () => {
    const payload = said({ type: "comment", text: "x", at: 1 });
    expect(decodeEntry(payload, v, 9, 8)).toBeDefined();
    for (const [at, previous] of [
      [9, 9],
      [0, 0],
      [-1, -2],
      [1.5, 0],
      [Number.NaN, 0],
    ] as const) {
      expect(decodeEntry(payload, v, at, previous)).toBeUndefined();
    }
  });

  test("is no state when its entries are out of order", () => {
    const entry = { type: "comment", seq: 5, previous: 3, text: "x", at: 1 };
    const page = { epoch: "abcd", region: "r", version: 0, counts: {}, viewers: 0, floor: 0, head: 9 };
    const decode = (entries: object[]) => decodeState(said({ ...page, more: false, entries }), v);
    expect(decode([entry])).toBeDefined();
    expect(decode([entry, entry])).toBeUndefined();
    expect(decode([entry, { ...entry, seq: 4 }])).toBeUndefined();
    expect(decodeState(said({ ...page, epoch: "a-b!", more: false, entries: [] }), v)).toBeUndefined();
  });

  test("is no verdict: too few, too many, or of a kind we do not know", () => {
    for (const likes of [[], [null, null], [5], ["abcd-1"], [{ rejected: "x", message: "m" }]]) {
      expect(decodeIngestReply(said({ likes, comments: [] }), 1, 0)).toBeUndefined();
    }
    for (const comments of [[null], ["\n\nevent: bye"], [true]]) {
      expect(decodeIngestReply(said({ likes: [], comments }), 0, 1)).toBeUndefined();
    }
    expect(decodeIngestReply(said({ likes: [], comments: [], retracted: 5 }), 0, 0)).toBeUndefined();
  });
});

describe("subjects", () => {
  test("name their video", () => {
    for (const of of [subjects.tick, subjects.comment, subjects.viewers]) expect(videoOf(of(v))).toBe(v);
    expect(videoOf("viewers.a b")).toBeUndefined();
    expect(videoOf("")).toBeUndefined();
  });
});

describe("numbers that cannot be", () => {
  const told = { r: "main", v: 1, c: { heart: 1 }, t: [0, 0, 0], b: [] };
  const most = limits.countMax;

  test("are no tick", () => {
    expect(decodeTick(said({ ...told, v: most, c: { heart: most } }), v)).toBeDefined();
    for (const more of [{ v: most + 1 }, { c: { heart: most + 1 } }, { v: Number.MAX_SAFE_INTEGER }]) {
      expect(decodeTick(said({ ...told, ...more }), v)).toBeUndefined();
    }
    const by = { user: "a", kind: "heart", count: most + 1 };
    expect(decodeTick(said({ ...told, b: [by] }), v)).toBeUndefined();
  });

  test("are no viewers", () => {
    const count = (viewers: number) => decodeViewers(said({ node: "n", incarnation: "i", viewers }));
    expect(count(limits.nodeViewersMax)?.viewers).toBe(limits.nodeViewersMax);
    expect(count(limits.nodeViewersMax + 1)).toBeUndefined();
  });
});

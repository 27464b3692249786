import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import { parseId } from "../core/entry.ts";
import { type CommentDraft, type Kind, kindSet, type Like, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { decodeIngestReply } from "../core/relayed.ts";
import { likesOf } from "../core/totals.ts";
import { decodeJson, encodeJson } from "../core/wire.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { openMemoryLedger } from "../ledger/memory.ts";
import { Admit } from "./admit.ts";
import { Batch } from "./batch.ts";
import { FakeLedger } from "./fake-ledger.ts";
import { DispatcherIngest } from "./ingest.ts";

const v = "v" as VideoId;
const like = (count = 1, key?: string): Like => ({
  video: v,
  kind: "heart" as Kind,
  count,
  user: undefined,
  key,
});
const draft = (text = "x", key?: string): CommentDraft => ({
  video: v,
  text,
  user: undefined,
  key,
  atMs: 0,
});

function bench(ledger?: Ledger, rate = 100) {
  const clock = new VirtualClock();
  const used = ledger ?? openMemoryLedger({ clock, commentHistory: 50 });
  const metrics = createMetrics();
  const batch = new Batch(used, clock, metrics);
  const admit = new Admit(used, rate);
  const kinds = kindSet(["heart"]);
  const ingest = new DispatcherIngest({ batch, admit, ledger: used, clock, metrics, kinds });
  const passing = <T>(promise: Promise<T>): Promise<T> => clock.during(promise);
  return { clock, ledger: used, metrics, ingest, passing };
}

describe("the ingest", () => {
  test("counts a like once durable, and a repeated key once", async () => {
    const { ingest, ledger, passing } = bench();
    expect(await passing(ingest.like(like(3, "k")))).toBeUndefined();
    expect(await passing(ingest.likes([like(3, "k"), like(2)]))).toEqual([undefined, undefined]);
    expect(likesOf(ledger.totals(v).counts)).toBe(5);
  });

  test("places a comment, and gives a repeated key the same id", async () => {
    const { ingest, ledger, passing } = bench();
    const id = (await passing(ingest.comment(draft("a", "k")))) as string;
    expect(parseId(id)).toEqual({ branch: ledger.lineage().newest.name, seq: 1 });
    expect(await passing(ingest.comment(draft("a", "k")))).toBe(id);
    expect(await passing(ingest.comment(draft("b")))).not.toBe(id);
  });

  test("refuses a key that stands for something else, and loses nothing", async () => {
    const { ingest, ledger, passing, metrics } = bench();
    await passing(ingest.like(like(3, "k")));
    const id = (await passing(ingest.comment(draft("a", "k")))) as string;
    expect(await passing(ingest.like(like(4, "k")))).toMatchObject({ rejected: "key-used" });
    expect(await passing(ingest.likes([like(3, "k"), like(5, "k")]))).toMatchObject([
      undefined,
      { rejected: "key-used" },
    ] as never);
    for (const other of [draft("b", "k"), { ...draft("a", "k"), user: "Bob" }]) {
      expect(await passing(ingest.comment(other))).toMatchObject({ rejected: "key-used" });
    }
    expect(await passing(ingest.comment(draft("a", "k")))).toBe(id);
    expect(likesOf(ledger.totals(v).counts)).toBe(3);
    const told = await metrics.registry.metrics();
    expect(told).toContain('ovation_likes_rejected_total{reason="key-used"} 2');
    expect(told).toContain('ovation_comments_rejected_total{reason="key-used"} 2');
    // What was removed cannot be compared any more.
    await ingest.retract(v, id);
    expect(await passing(ingest.comment(draft("b", "k")))).toBe(id);
  });

  test("removes a comment by its id, once, and no other", async () => {
    const { ingest, ledger, passing } = bench();
    const id = (await passing(ingest.comment(draft()))) as string;
    for (const wrong of ["", "x", "other-1", ledger.lineage().idOf(9), `${id} `]) {
      expect(await ingest.retract(v, wrong)).toBe(false);
    }
    expect(await ingest.retract("w" as VideoId, id)).toBe(false);
    expect(await ingest.retract(v, id)).toBe(true);
    expect(await ingest.retract(v, id)).toBe(false);
  });

  test("says why not, and counts it", async () => {
    const ledger = new FakeLedger();
    ledger.answers = false;
    const { ingest, metrics, passing } = bench(ledger, 2);
    ledger.onAppend = () => queueMicrotask(() => ledger.fail());
    expect(await passing(ingest.like(like(5)))).toMatchObject({ rejected: "unavailable" });
    expect(await passing(ingest.comment(draft()))).toMatchObject({ rejected: "unavailable" });
    expect(await passing(ingest.comment(draft()))).toMatchObject({ rejected: "unavailable" });
    expect(await ingest.comment(draft())).toMatchObject({ rejected: "comment-rate" });
    expect(await ingest.retract(v, "fake-1")).toMatchObject({ rejected: "unavailable" });
    const text = await metrics.registry.metrics();
    expect(text).toContain('ovation_likes_rejected_total{reason="unavailable"} 1');
    expect(text).toContain('ovation_comments_rejected_total{reason="comment-rate"} 1');
    expect(text).toContain("ovation_likes_accepted_total 0");
  });

  test("takes no more than may wait", async () => {
    const ledger = new FakeLedger();
    ledger.answers = false;
    const { ingest } = bench(ledger);
    const verdicts = Array.from({ length: limits.pendingMax + 1 }, () => ingest.like(like()));
    expect(await verdicts.at(-1)).toMatchObject({ rejected: "busy" });
    expect(await ingest.comment(draft())).toMatchObject({ rejected: "busy" });
  });
});

describe("a relayed micro-batch", () => {
  test("gets a verdict on each, in order", async () => {
    const { ingest, ledger, passing } = bench();
    const request = {
      likes: [like(2, "a"), { ...like(), count: 99 }, like(1), { ...like(), video: "no such" }],
      comments: [draft("hi"), { ...draft(), text: "" }, { ...draft(), video: 5 }],
    };
    const payload = await passing(ingest.serve(encodeJson(request)));
    const reply = decodeIngestReply(payload as Uint8Array, 4, 3);
    expect(reply?.likes.map((verdict) => verdict?.rejected)).toEqual([
      undefined,
      "bad-count",
      undefined,
      "bad-video",
    ]);
    expect(reply?.comments).toMatchObject([
      ledger.lineage().idOf(1),
      { rejected: "text-empty" },
      { rejected: "bad-video" },
    ]);
    expect(likesOf(ledger.totals(v).counts)).toBe(3);
  });

  test("may ask for a removal", async () => {
    const { ingest, passing } = bench();
    const id = await passing(ingest.comment(draft()));
    const ask = async (retract: unknown) =>
      decodeJson((await ingest.serve(encodeJson({ likes: [], comments: [], retract }))) as Uint8Array)
        ?.retracted;
    for (const wrong of [5, "x", {}, { video: "v" }, { video: 5, id }, { video: "v", id: 5 }]) {
      expect(await ask(wrong)).toBe(false);
    }
    expect(await ask(null)).toBeUndefined();
    expect(await ask({ video: "v", id })).toBe(true);
  });

  test("that is none is not answered", async () => {
    const { ingest } = bench();
    const many = Array(limits.pendingMax + 1).fill(null);
    for (const message of [{}, { likes: [] }, { likes: {}, comments: [] }, { likes: many, comments: [] }]) {
      expect(await ingest.serve(encodeJson(message))).toBeUndefined();
    }
    expect(await ingest.serve(new Uint8Array([0xff, 0]))).toBeUndefined();
  });

  test("dates what was relayed back to its acceptance, unless that is nonsense", async () => {
    const ledger = new FakeLedger();
    const { clock, ingest, passing } = bench(ledger);
    const dates: number[] = [];
    for (const waitedMs of [undefined, 4.5, -1, 1e9, "4", Number.NaN]) {
      const nowMs = clock.date();
      const message = { likes: [like()], comments: [{ video: v, text: "x" }], waitedMs };
      await passing(ingest.serve(encodeJson(message)));
      for (const { likes, comments } of ledger.batches.splice(0)) {
        for (const { atMs } of [...likes, ...comments]) dates.push(nowMs - atMs);
      }
    }
    expect(dates).toEqual([0, 0, 4.5, 4.5, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  test("brings how long a comment is held, and only what can be", async () => {
    const ledger = new FakeLedger();
    const { ingest, passing } = bench(ledger);
    const holds = [undefined, 0, 5_000, limits.holdMsMax, limits.holdMsMax + 1, -1, "5", 1.5];
    const comments = holds.map((holdMs) => ({ video: v, text: "x", holdMs }));
    const payload = await passing(ingest.serve(encodeJson({ likes: [], comments })));
    const reply = decodeIngestReply(payload as Uint8Array, 0, holds.length);
    expect(reply?.comments.map((verdict) => typeof verdict === "string")).toEqual([
      ...[true, true, true, true],
      ...[false, false, false, false],
    ]);
    const drafts = ledger.batches.flatMap((batch) => batch.comments);
    expect(drafts.map(({ holdMs }) => holdMs ?? 0)).toEqual([0, 0, 5_000, limits.holdMsMax]);
  });

  test("of whatever bytes never throws, and counts only what it says it counted", async () => {
    const item = fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          video: fc.constantFrom<unknown>("v", "w", "", 5, null),
          kind: fc.constantFrom<unknown>("heart", "x", null),
          count: fc.constantFrom<unknown>(1, 50, 0, "1", 1e9, null),
          text: fc.constantFrom<unknown>("hi", "", "\n", 5, "\ud800"),
          user: fc.constantFrom<unknown>("u", "", {}, null),
          key: fc.constantFrom<unknown>("k", "k2", " ", 5),
        },
        { requiredKeys: [] },
      ),
    );
    const message = fc.record(
      {
        likes: fc.oneof(fc.array(item, { maxLength: 6 }), fc.jsonValue()),
        comments: fc.oneof(fc.array(item, { maxLength: 6 }), fc.jsonValue()),
        retract: fc.oneof(fc.jsonValue(), fc.record({ video: fc.constant("v"), id: fc.string() })),
      },
      { requiredKeys: [] },
    );
    const payload = fc.oneof(fc.uint8Array({ maxLength: 40 }), message.map(encodeJson));
    await fc.assert(
      fc.asyncProperty(payload, async (bytes) => {
        const { ingest, ledger, passing } = bench();
        const asked = decodeJson(bytes);
        const answer = await passing(ingest.serve(bytes));
        if (!answer) return;
        const likes = asked?.likes as { count?: number | null; key?: string; video: string }[];
        const comments = asked?.comments as unknown[];
        const reply = decodeIngestReply(answer, likes.length, comments.length);
        const keys = new Set<string>();
        let counted = 0;
        reply?.likes.forEach((verdict, i) => {
          const { count, key, video } = likes[i] ?? { video: "" };
          if (verdict !== null || (key && keys.has(`${video} ${key}`))) return;
          if (key) keys.add(`${video} ${key}`);
          counted += count ?? 1;
        });
        const all = [v, "w" as VideoId].map((video) => likesOf(ledger.totals(video).counts));
        expect(all.reduce((sum, one) => sum + one)).toBe(counted);
      }),
      { numRuns: 300 },
    );
  });
});

/**
 * The part of the ledgers' suite that is about comments: their order, their keys, their history, their
 * removal.
 *
 * Seqs come from one sequence of all videos and may have holes, so nothing here expects a certain number,
 * only that they grow and that places link up.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Entry, parseId } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { type Bench, draft, type Skip } from "./contract-bench.ts";

const seqsOf = (entries: readonly Entry[]) => entries.map((entry) => entry.seq);
const textsOf = (entries: readonly Entry[]) =>
  entries.map((entry) => (entry.type === "comment" ? entry.text : `-${entry.target}`));

export function describeComments(bench: Bench, skip: readonly Skip[]): void {
  describeOrder(bench);
  describeKeys(bench, skip);
  describePages(bench, skip);
  describeRemoval(bench, skip);
  describeLineage(bench, skip);
}

function describeLineage(bench: Bench, skip: readonly Skip[]): void {
  const idOf = (seq: number): string => bench.ledger.lineage().idOf(seq);
  const continues = (id: string): boolean =>
    bench.ledger.lineage().continues(parseId(id) as NonNullable<ReturnType<typeof parseId>>);

  test("have ids of a lineage that stands by them, and by no other's", async () => {
    const seqs = await bench.comments(draft("v", "a"), draft("w", "b"), draft("v", "c"));
    const ids = seqs.map(idOf);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) {
      expect(id).toMatch(/^[a-z0-9]{4,16}-[0-9]+$/);
      expect(continues(id)).toBe(true);
    }
    expect(continues("stranger-1")).toBe(false);
    // The same object as long as it is the same: who reads a page can see that it has not changed.
    expect(bench.ledger.lineage()).toBe(bench.ledger.lineage());
  });

  test.skipIf(skip.includes("reopen"))("keep their ids over a start, and none is given twice", async () => {
    const given = new Set<string>();
    for (let start = 0; start < 4; start++) {
      const seqs = await bench.comments(draft("v", `a${start}`), draft("v", `b${start}`));
      for (const id of seqs.map(idOf)) {
        expect(given.has(id)).toBe(false);
        given.add(id);
      }
      await bench.reopen();
      const { entries } = await bench.page("v", 0);
      expect(entries.map(({ seq }) => idOf(seq))).toEqual([...given]);
      expect([...given].every(continues)).toBe(true);
    }
  });
}

function describeOrder(bench: Bench): void {
  test("tell which videos have any, in order", async () => {
    const videos = ["b", "ab", "a", "abc", "_", "c"];
    for (const video of videos) await bench.comments(draft(video, "1"), draft(video, "2"));
    const of = (after: string | undefined, search: string, most = 100) =>
      bench.ledger.commented(after as VideoId | undefined, search, most);
    expect([...(await of(undefined, ""))]).toEqual(videos.toSorted() as VideoId[]);
    expect([...(await of(undefined, "a"))]).toEqual(["a", "ab", "abc"] as VideoId[]);
    expect([...(await of("a" as VideoId, "a", 1))]).toEqual(["ab"] as VideoId[]);
    expect([...(await of("ab" as VideoId, "a"))]).toEqual(["abc"] as VideoId[]);
    expect([...(await of("x" as VideoId, "a"))]).toEqual([]);
  });

  test("have one order per video, linked, announced once", async () => {
    const a = await bench.comments(
      draft("v", "one", undefined, "Ann"),
      draft("w", "other"),
      draft("v", "two"),
    );
    const b = await bench.comments(draft("v", "three"));
    const { entries, floor, head, more } = await bench.page("v", 0);
    const [one, , two] = a as [number, number, number];
    const [three] = b as [number];
    expect(entries).toEqual([
      {
        type: "comment",
        video: entries[0]?.video as never,
        seq: one,
        previous: 0,
        text: "one",
        user: "Ann",
        atMs: 2_000.5,
      },
      {
        type: "comment",
        video: entries[0]?.video as never,
        seq: two,
        previous: one,
        text: "two",
        user: undefined,
        atMs: 2_000.5,
      },
      {
        type: "comment",
        video: entries[0]?.video as never,
        seq: three,
        previous: two,
        text: "three",
        user: undefined,
        atMs: 2_000.5,
      },
    ]);
    expect(one < (a[1] as number) && (a[1] as number) < two && two < three).toBe(true);
    expect([floor, head, more]).toEqual([0, three, false]);
    if (bench.ledger.publishesEntries) {
      expect(seqsOf(bench.entries)).toEqual([...a, ...b]);
      expect(bench.entries.filter((entry) => entry.video === "v")).toEqual([...entries]);
    }
  });

  test("keep how long they are held, in every page, and are not held without it", async () => {
    const held = (text: string, holdMs: number) => ({ ...draft("v", text, text), holdMs });
    const seqs = await bench.comments(held("a", 10_000), draft("v", "b"), held("c", 1), held("d", 0));
    const holds = (entries: readonly Entry[]) =>
      entries.map((entry) => (entry.type === "comment" ? (entry.holdMs ?? 0) : -1));
    if (bench.ledger.publishesEntries) expect(holds(bench.entries)).toEqual([10_000, 0, 1, 0]);
    await bench.reopen();
    // A repeat of a key is the first one, as it was held.
    const [again] = await bench.comments(held("a", 0), held("e", 5));
    expect(again).toBe(seqs[0] as number);
    expect(await bench.retract("v", seqs[1] as number)).toBe(true);
    expect(holds((await bench.page("v", 0)).entries)).toEqual([10_000, 1, 0, 5, -1]);
    expect(holds((await bench.page("v", undefined, 3)).entries)).toEqual([0, 5, -1]);
  });

  test("keep their text untouched", async () => {
    const texts = [
      "👨‍👩‍👧‍👦 👩🏽‍🚀 🏳️‍🌈",
      "שלום עולם — مرحبا ‏x",
      "e\u0301 is not é",
      "  spaces  ",
      "line\u2028separator\u2029",
      "𝒳\u{10ffff}\ufeff\ufffe",
      `"quotes" '; DROP TABLE log; -- \\ \\u0041 %s ?1 $1`,
      "漢".repeat(limits.commentCharsMax),
      "👍".repeat(limits.commentCharsMax),
    ];
    await bench.comments(
      ...texts.slice(0, 5).map((text) => draft("v", text, undefined, text.slice(0, 2) || "x")),
    );
    await bench.comments(...texts.slice(5).map((text) => draft("w", text)));
    await bench.reopen();
    const told = [...(await bench.page("v", 0)).entries, ...(await bench.page("w", 0)).entries];
    expect(textsOf(told)).toEqual(texts);
  });

  test("of any well-formed text come back the same", async () => {
    let round = 0;
    const text = fc
      .string({ unit: "binary", minLength: 1, maxLength: 40 })
      .filter((s) => !s.includes("\u0000"));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 5 }), async (texts) => {
        const video = `t${round++}`;
        await bench.comments(...texts.map((one) => draft(video, one)));
        expect(textsOf((await bench.page(video, 0)).entries)).toEqual(texts);
      }),
      { numRuns: 50 },
    );
  });
}

function describeKeys(bench: Bench, skip: readonly Skip[]): void {
  const append = (...drafts: ReturnType<typeof draft>[]) =>
    bench.ledger.append({ likes: [], comments: drafts });

  test("with a repeated key keep their first place, in a batch and over batches", async () => {
    const placed = await append(
      draft("v", "a", "k"),
      draft("v", "again", "k"),
      draft("w", "a", "k"),
      draft("v", "b"),
    );
    const [first] = placed;
    expect(placed.map(({ repeated }) => repeated)).toEqual([false, true, false, false]);
    expect(placed[1]?.seq).toBe(first?.seq as number);
    expect(await append(draft("v", "later", "k"), draft("v", "c", "m"))).toMatchObject([
      { seq: first?.seq as number, repeated: true },
      { repeated: false },
    ]);
    expect(textsOf((await bench.page("v", 0)).entries)).toEqual(["a", "b", "c"]);
    if (bench.ledger.publishesEntries) expect(bench.entries).toHaveLength(4);
  });

  test("a key that stands for another text or name is known as such, until that is removed", async () => {
    const [first] = await append(draft("v", "a", "k"));
    const [same] = await append(draft("v", "a", "k"));
    expect([same?.repeated, same?.other ?? false]).toEqual([true, false]);
    expect(await append(draft("v", "b", "k"))).toMatchObject([{ seq: first?.seq as number, other: true }]);
    expect(await append({ ...draft("v", "a", "k"), user: "Bob" })).toMatchObject([{ other: true }]);
    expect(await bench.ledger.retract("v" as never, first?.seq as number)).toBe(true);
    const [later] = await append(draft("v", "b", "k"));
    expect([later?.repeated, later?.other ?? false]).toEqual([true, false]);
  });

  test("and likes do not share keys", async () => {
    const [placed] = await append(draft("v", "a", "k"));
    expect(placed?.repeated).toBe(false);
    expect(bench.ledger.totals("v" as never).version).toBe(0);
  });

  test.skipIf(skip.includes("advance"))("may repeat a key once its window has passed", async () => {
    await append(draft("v", "a", "k"));
    bench.opened.advance?.(limits.keyWindowMs - 10);
    expect(await append(draft("v", "b", "k"))).toMatchObject([{ repeated: true }]);
    bench.opened.advance?.(20);
    expect(await append(draft("v", "c", "k"))).toMatchObject([{ repeated: false }]);
    expect(textsOf((await bench.page("v", 0)).entries)).toEqual(["a", "c"]);
  });
}

function describePages(bench: Bench, skip: readonly Skip[]): void {
  test("are told in pages that say where they begin and end", async () => {
    const seqs = await bench.comments(...["a", "b", "c", "d", "e"].map((text) => draft("v", text)));
    const [head] = await bench.comments(draft("w", "x"));
    const page = async (after: number | undefined, limit: number) => {
      const { entries, ...ends } = await bench.page("v", after, limit);
      return { texts: textsOf(entries).join(""), ...ends };
    };
    const [a, b, c, , e] = seqs as [number, number, number, number, number];
    expect(await page(0, 2)).toEqual({ texts: "ab", floor: 0, head: head as number, more: true });
    expect(await page(b, 2)).toEqual({ texts: "cd", floor: b, head: head as number, more: true });
    expect(await page(c, 2)).toEqual({ texts: "de", floor: c, head: head as number, more: false });
    expect(await page(e, 2)).toEqual({ texts: "", floor: e, head: head as number, more: false });
    expect(await page(e + 1_000, 2)).toEqual({
      texts: "",
      floor: e + 1_000,
      head: head as number,
      more: false,
    });
    expect(await page(undefined, 5)).toEqual({ texts: "abcde", floor: 0, head: head as number, more: false });
    const newest = await page(undefined, 4);
    expect(newest).toMatchObject({ texts: "bcde", head: head as number, more: false });
    expect(newest.floor).toBe(a);
  });

  test("of a video without comments are one empty page", async () => {
    expect(await bench.page("v", undefined)).toEqual({ entries: [], floor: 0, head: 0, more: false });
    expect(await bench.page("v", 0)).toEqual({ entries: [], floor: 0, head: 0, more: false });
  });

  test("never make a page longer than its bytes, and its pages miss none", async () => {
    const long = "👍".repeat(limits.commentCharsMax);
    const drafts = Array.from({ length: bench.opened.commentHistory }, () =>
      draft("v", long, undefined, long.slice(0, 128)),
    );
    const seqs = await bench.comments(...drafts);
    const told: number[] = [];
    for (let after = 0; ; ) {
      const { entries, floor, more } = await bench.page("v", after, 7);
      expect(floor).toBe(after);
      const bytes = entries.reduce(
        (sum, e) => sum + (e.type === "comment" ? Buffer.byteLength(e.text) : 0),
        0,
      );
      expect(bytes).toBeLessThanOrEqual(limits.pageBytesMax);
      told.push(...seqsOf(entries));
      after = told.at(-1) as number;
      if (!more) break;
    }
    expect(told).toEqual(seqs);
  });

  test.skipIf(skip.includes("history"))(
    "keep a bounded history, and say from where on it is whole",
    async () => {
      const { commentHistory } = bench.opened;
      const seqs: number[] = [];
      for (let i = 0; i < commentHistory + 9; i++)
        seqs.push(...(await bench.comments(draft("v", `${i}`), draft("w", "-"))));
      const ofV = seqs.filter((_, i) => i % 2 === 0);
      const gone = ofV[8] as number;
      const page = await bench.page("v", 0, 1_000);
      expect(seqsOf(page.entries)).toEqual(ofV.slice(9));
      expect(page.floor).toBe(gone);
      expect((await bench.page("v", gone - 1, 1_000)).floor).toBe(gone);
      expect((await bench.page("v", gone, 1_000)).floor).toBe(gone);
      expect((await bench.page("v", gone + 1, 1_000)).floor).toBe(gone + 1);
      expect((await bench.page("v", undefined, 1_000)).floor).toBe(gone);
      await bench.reopen();
      expect((await bench.page("v", 0, 1_000)).floor).toBe(gone);
      const [next] = await bench.comments(draft("v", "next"));
      expect(next).toBeGreaterThan(seqs.at(-1) as number);
    },
  );
}

function describeRemoval(bench: Bench, skip: readonly Skip[]): void {
  test("can be removed once: the text goes, the removal stays in its place", async () => {
    const [a, b, c] = (await bench.comments(draft("v", "a"), draft("v", "b"), draft("v", "c"))) as [
      number,
      number,
      number,
    ];
    expect(await bench.retract("w", b)).toBe(false);
    expect(await bench.retract("v", c + 100)).toBe(false);
    expect(await bench.retract("v", b)).toBe(true);
    expect(await bench.retract("v", b)).toBe(false);
    const page = await bench.page("v", 0);
    expect(textsOf(page.entries)).toEqual(["a", "c", `-${b}`]);
    const removal = page.entries[2];
    expect(removal).toMatchObject({ type: "retract", video: "v" as never, previous: c, target: b });
    expect(page.head).toBe(removal?.seq as number);
    expect(await bench.retract("v", removal?.seq as number)).toBe(false);
    expect(seqsOf((await bench.page("v", a)).entries)).toEqual([c, page.head]);
    if (bench.ledger.publishesEntries) {
      expect(seqsOf(bench.entries)).toEqual([a, b, c, page.head]);
      expect(bench.entries[3]).toEqual(removal as Entry);
    }
  });

  test("removed at either end of the order leave no hole behind and give no place away", async () => {
    const [a, b] = (await bench.comments(draft("v", "a"), draft("v", "b"))) as [number, number];
    expect(await bench.retract("v", a)).toBe(true);
    expect((await bench.page("v", 0)).floor).toBe(0);
    expect(await bench.retract("v", b)).toBe(true);
    const { head, floor, entries } = await bench.page("v", 0);
    expect([floor, textsOf(entries)]).toEqual([0, [`-${a}`, `-${b}`]]);
    await bench.reopen();
    expect(bench.ledger.head()).toBe(head);
    const [c] = await bench.comments(draft("v", "c"));
    expect(c).toBeGreaterThan(head);
    expect(textsOf((await bench.page("v", 0)).entries)).toEqual([`-${a}`, `-${b}`, "c"]);
  });

  test.skipIf(skip.includes("history"))("removed in numbers push no other out of history", async () => {
    const { commentHistory } = bench.opened;
    const texts = Array.from({ length: commentHistory }, (_, i) => `${i}`);
    const seqs = await bench.comments(...texts.map((text) => draft("v", text)));
    for (let i = 1; i < seqs.length; i += 2) expect(await bench.retract("v", seqs[i] as number)).toBe(true);
    const left = texts.filter((_, i) => i % 2 === 0);
    const told = async () => textsOf((await bench.page("v", 0, 10_000)).entries);
    expect((await told()).slice(0, left.length)).toEqual(left);
    expect((await bench.page("v", 0, 10_000)).floor).toBe(0);
    await bench.comments(draft("v", "next"));
    await bench.reopen();
    expect((await told()).filter((text) => !text.startsWith("-")).slice(-left.length)).toEqual([
      ...left.slice(1),
      "next",
    ]);
  });

  test.skipIf(skip.includes("history"))(
    "removed as the oldest of a full history are told truly",
    async () => {
      const { commentHistory } = bench.opened;
      const drafts = Array.from({ length: commentHistory + 1 }, (_, i) => draft("v", `${i}`));
      const seqs = await bench.comments(...drafts);
      expect(await bench.retract("v", seqs[1] as number)).toBe(true);
      const { entries, floor } = await bench.page("v", 0, 1_000);
      expect(seqsOf(entries).slice(0, -1)).toEqual(seqs.slice(2));
      expect(entries.at(-1)).toMatchObject({ target: seqs[1] as number });
      // Of what stood behind the floor, only the removed comment may be missing.
      expect(floor === seqs[0] || floor === seqs[1]).toBe(true);
    },
  );
}

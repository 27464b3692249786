/**
 * What every ledger promises about deletions (deletions.ts), as a part of the suite of contract.ts, and in
 * contract-once.ts where each viewer likes once.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { likesOf } from "../core/totals.ts";
import { type Bench, draft, like, once, record, type Skip } from "./contract-bench.ts";
import { deletionTask } from "./deletions.ts";

const v = "v" as VideoId;

/** What its pages say of `video`, from its beginning on. */
async function said(bench: Bench, video: string): Promise<string[]> {
  const { entries } = await bench.page(video, 0);
  return entries.map((entry) => (entry.type === "comment" ? entry.text : `-${entry.target}`));
}

/** Takes out all that is left of `video`, as a dispatcher does. */
async function swept(bench: Bench, video: string): Promise<void> {
  const { deletions } = bench.ledger;
  while (!(await deletions.sweep(video as VideoId)));
  await deletions.setTask(deletionTask(video as VideoId), undefined);
}

export function describeDeletions(bench: Bench, skip: readonly Skip[]): void {
  test("a deleted video is one that nobody liked or wrote on, and is told of once", async () => {
    await bench.likes(record([like("v"), like("v", "a", { count: 3 }), like("w")]));
    await bench.comments(draft("v", "one"), draft("w", "other"), draft("v", "two"));
    await bench.total("v", 4);
    const { version } = bench.ledger.totals(v);
    expect(await bench.ledger.deletions.delete(v)).toBe(true);
    await bench.comesTo("v", 0);
    expect(bench.ledger.totals(v)).toEqual({ version: version + 1, counts: {} });
    expect(await bench.ledger.current(v)).toEqual({ version: version + 1, counts: {} });
    expect([...bench.ledger.videos()]).toEqual(["w"] as VideoId[]);
    const deleted = bench.changes.filter((change) => change.deleted);
    expect(deleted.map(({ video, before, added, removed }) => [video, before, added, removed])).toEqual([
      [v, { heart: 4 }, 0, 0],
    ]);
    expect(await said(bench, "v")).toEqual(["-0"]);
    expect(await said(bench, "w")).toEqual(["other"]);
    await bench.total("w", 1);
    expect([...(await bench.ledger.commented(undefined, "", 100))]).toEqual(["w"] as VideoId[]);
    expect([...(await bench.ledger.commented(undefined, "v", 100))]).toEqual([]);
    await bench.comments(draft("v", "anew"));
    expect([...(await bench.ledger.commented(undefined, "", 1))]).toEqual(["v"] as VideoId[]);
  });

  test("one that nobody knows, or that is deleted, is not deleted again", async () => {
    expect(await bench.ledger.deletions.delete("nobody" as VideoId)).toBe(false);
    expect((await bench.ledger.deletions.tasks()).size).toBe(0);
    await bench.likes(record([like("v")]));
    await bench.total("v", 1);
    expect(await bench.ledger.deletions.delete(v)).toBe(true);
    await bench.comesTo("v", 0);
    await bench.ledger.deletions.delete(v);
    expect(likesOf(bench.ledger.totals(v).counts)).toBe(0);
    expect(bench.changes.filter((change) => change.deleted)).toHaveLength(1);
  });

  test("a like behind it begins anew, above all versions before; a repeat counts nothing", async () => {
    for (let i = 0; i < 5; i++) await bench.likes(record([like("v", `k${i}`)]));
    await bench.total("v", 5);
    const [first] = await bench.comments(draft("v", "said", "key"));
    const { version } = bench.ledger.totals(v);
    await bench.ledger.deletions.delete(v);
    await bench.likes(record([like("v", "k0"), like("v", "new")]), record([like("v", "k4")]));
    await bench.comesTo("v", 1);
    expect(bench.ledger.totals(v)).toEqual({ version: version + 2, counts: { heart: 1 } });
    const again = await bench.ledger.append({ likes: [], comments: [draft("v", "said", "key")] });
    expect(again).toEqual([{ seq: first as number, repeated: true }]);
    await bench.comments(draft("v", "fresh"));
    expect(await said(bench, "v")).toEqual(["-0", "fresh"]);
  });

  test("whoever had read on is told that all is gone, before it is swept and after", async () => {
    const seqs = await bench.comments(draft("v", "a"), draft("v", "b"), draft("v", "c"));
    await bench.ledger.deletions.delete(v);
    await bench.comments(draft("v", "d"));
    const look = async () => {
      for (const after of [0, ...seqs]) {
        const page = await bench.page("v", after);
        expect(page.floor).toBe(after);
        expect(page.entries.map(({ type }) => type)).toEqual(["retract", "comment"]);
      }
      const newest = await bench.page("v", undefined, 1);
      expect(newest.entries.map((entry) => entry.type === "comment" && entry.text)).toEqual(["d"]);
      expect((await bench.page("v", undefined)).entries).toHaveLength(2);
    };
    await look();
    expect(await bench.ledger.deletions.tasks()).toHaveProperty("size", 1);
    await swept(bench, "v");
    await look();
    expect((await bench.ledger.deletions.tasks()).size).toBe(0);
    if (bench.ledger.publishesEntries) {
      expect(bench.entries.at(-2)).toMatchObject({ type: "retract", target: 0, previous: 0 });
    }
    for (const seq of seqs) expect(await bench.retract("v", seq)).toBe(false);
  });

  test("is scanned with all others, in the order of places, piece by piece", async () => {
    await bench.comments(draft("a", "1"), draft("b", "2"), draft("a", "3"), draft("c", "4"));
    const found: string[] = [];
    for (let after = 0; ; ) {
      const { entries, last } = await bench.ledger.deletions.scan(after, 3);
      for (const entry of entries) if (entry.type === "comment") found.push(`${entry.video}${entry.text}`);
      if (last === after) break;
      after = last;
    }
    expect(found).toEqual(["a1", "b2", "a3", "c4"]);
  });

  test("tasks are kept until they are done", async () => {
    const { deletions } = bench.ledger;
    await deletions.setTask("u-x", "first");
    await deletions.setTask("u-x", "second");
    await deletions.setTask("v-y", "");
    expect(Object.fromEntries(await deletions.tasks())).toEqual({ "u-x": "second", "v-y": "" });
    await deletions.setTask("u-x", undefined);
    await deletions.setTask("never", undefined);
    expect([...(await deletions.tasks()).keys()]).toEqual(["v-y"]);
  });

  test.skipIf(skip.includes("reopen"))(
    "opened again it is still deleted, and its sweep goes on",
    async () => {
      await bench.likes(record([like("v", "a"), like("w", "b")]));
      const many = Array.from({ length: 11 }, (_, i) => draft("v", `text ${i}`));
      await bench.comments(...many);
      await bench.total("v", 1);
      await bench.ledger.deletions.delete(v);
      await bench.comesTo("v", 0);
      const told = bench.ledger.totals(v);
      await bench.reopen();
      expect(bench.ledger.totals(v)).toEqual(told);
      expect(await said(bench, "v")).toEqual(["-0"]);
      expect([...(await bench.ledger.deletions.tasks()).keys()]).toEqual([deletionTask(v)]);
      await bench.likes(record([like("v", "a"), like("v", "c")]));
      await bench.comesTo("v", 1);
      await bench.comments(draft("v", "kept"));
      await swept(bench, "v");
      await bench.reopen();
      await bench.total("v", 1);
      expect(await said(bench, "v")).toEqual(["-0", "kept"]);
      expect(bench.ledger.totals(v).version).toBe(told.version + 1);
    },
  );

  test("at whatever places of a log, totals are the likes behind the last of them", async () => {
    let round = 0;
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ key: fc.integer({ min: 0, max: 9 }) }) },
      { weight: 2, arbitrary: fc.constant("delete" as const) },
      { weight: 1, arbitrary: fc.constant("sweep" as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        const video = `p${round++}`;
        const seen = new Set<number>();
        let likes = 0;
        let comments = 0;
        for (const one of steps) {
          if (one === "delete") {
            await bench.ledger.deletions.delete(video as VideoId);
            [likes, comments] = [0, 0];
          } else if (one === "sweep") {
            await swept(bench, video);
          } else {
            await bench.likes(record([like(video, `${one.key}`)]));
            await bench.comments(draft(video, `${one.key}`));
            if (!seen.has(one.key)) likes++;
            comments++;
            seen.add(one.key);
          }
          await bench.comesTo(video, likes);
        }
        const { entries } = await bench.page(video, 0);
        expect(entries.filter(({ type }) => type === "comment")).toHaveLength(
          Math.min(comments, bench.opened.commentHistory),
        );
      }),
      { numRuns: 15 },
    );
  });

  test.skipIf(skip.includes("advance"))("behind the window a key of before counts anew", async () => {
    await bench.likes(record([like("v", "a")]));
    await bench.total("v", 1);
    await bench.ledger.deletions.delete(v);
    bench.opened.advance?.(limits.keyWindowMs + 2);
    await bench.likes(record([like("v", "a")]));
    await bench.comesTo("v", 1);
  });
}

/** Where each viewer likes once. */
export function describeDeletionsOnce(bench: Bench, skip: readonly Skip[]): void {
  const heart = (video: string, viewer: string) => record([once(video, viewer)]);
  const deleted = async (): Promise<void> => {
    await bench.ledger.deletions.delete(v);
    await bench.comesTo("v", 0);
  };

  test("whoever liked a deleted video likes the new one anew, swept or not", async () => {
    await bench.likes(heart("v", "ada"), heart("v", "bob"), heart("w", "ada"));
    await bench.comesTo("v", 2);
    await deleted();
    expect(bench.ledger.room(once("v", "ada"))).toBe("room");
    await bench.likes(record([once("v", "bob", { unlike: true }), once("v", "ada")]));
    await bench.comesTo("v", 1);
    await swept(bench, "v");
    await bench.likes(heart("v", "ada"), heart("v", "bob"));
    await bench.comesTo("v", 2);
    await bench.likes(record([once("w", "ada", { unlike: true })]));
    await bench.comesTo("w", 0);
  });

  test("what somebody liked can be called by a name that nobody has: it stays, and is nobody's", async () => {
    const { deletions } = bench.ledger;
    await bench.likes(heart("v", "ada"), heart("v", "bob"));
    await bench.comesTo("v", 2);
    expect(await deletions.rename(v, "heart", "ada")).toBe(true);
    expect(await deletions.rename(v, "clap", "bob")).toBe(false);
    await bench.likes(record([once("v", "ada", { unlike: true })]));
    await bench.likes(heart("w", "eve"));
    await bench.comesTo("w", 1);
    expect(likesOf((await bench.ledger.current(v)).counts)).toBe(2);
    expect(await deletions.rename(v, "heart", "ada")).toBe(false);
    await bench.reopen();
    await bench.likes(heart("v", "ada"));
    await bench.comesTo("v", 3);
  });

  test("one whose likes were all taken back had a timeline, and is deleted with it", async () => {
    await bench.likes(heart("v", "ada"));
    await bench.comesTo("v", 1);
    await bench.likes(record([once("v", "ada", { unlike: true })]));
    await bench.comesTo("v", 0);
    const { version } = await bench.ledger.current(v);
    const spots = () => [...(bench.ledger.timeline(v)?.spots(0, Number.MAX_SAFE_INTEGER) ?? [])];
    expect(spots()).not.toEqual([]);
    expect(await bench.ledger.deletions.delete(v)).toBe(true);
    expect((await bench.ledger.current(v)).version).toBe(version + 1);
    expect(spots()).toEqual([]);
    expect(await bench.ledger.deletions.delete("nobody" as VideoId)).toBe(false);
  });

  test("what it had makes room once it is swept out", async () => {
    const all = Array.from({ length: 9 }, (_, i) => once("v", `u${i}`));
    await bench.likes(record(all));
    await bench.comesTo("v", 9);
    expect(bench.ledger.room(once("v", "eve"))).toBe("viewers");
    await deleted();
    for (let tries = 0; bench.ledger.room(once("v", "eve")) !== "room"; tries++) {
      expect(tries).toBeLessThan(1_000);
      await bench.ledger.deletions.sweep(v);
      // A shared log takes them out by itself.
      await new Promise<void>((resolve) => setTimeout(resolve, 1));
    }
  });

  test.skipIf(skip.includes("reopen"))("opened again, half swept, nobody of before stands", async () => {
    await bench.likes(record(["a", "b", "c", "d"].map((viewer) => once("v", viewer))), heart("w", "a"));
    await bench.comesTo("v", 4);
    await bench.comesTo("w", 1);
    await bench.reopen();
    await deleted();
    await bench.likes(heart("v", "a"));
    await bench.comesTo("v", 1);
    await bench.ledger.deletions.sweep(v);
    await bench.reopen();
    await bench.likes(heart("v", "a"), heart("v", "b"), heart("w", "a"));
    await bench.comesTo("v", 2);
    await swept(bench, "v");
    await bench.reopen();
    await bench.likes(heart("v", "b"), heart("w", "a"), heart("v", "c"));
    await bench.comesTo("v", 3);
    expect(likesOf(bench.ledger.totals("w" as VideoId).counts)).toBe(1);
  });
}

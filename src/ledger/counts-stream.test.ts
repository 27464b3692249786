/** What comments came to in a shared log that loses its end: each is counted once, in whichever history. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { VideoId } from "../core/interaction.ts";
import { Lineage } from "../core/lineage.ts";
import { CommentCounts } from "./comment-counts.ts";
import { CountsStream } from "./counts-stream.ts";
import type { Stored, Streams } from "./streams.ts";
import { timelineDefault } from "./timelines.ts";

const v = "v" as VideoId;

/** A stream of one video's counts, in memory. */
function memory() {
  let last: Stored | undefined;
  let seq = 0;
  const streams = {
    last: async () => last,
    ensure: async () => ({ created: "", firstSeq: 1, lastSeq: seq, perSubject: 1 }),
    appendIfLast: async (subject: string, payload: Uint8Array, _: number, behind: number) => {
      if (behind !== (last?.seq ?? 0)) return undefined;
      last = { seq: ++seq, subject, payload, atMs: 0 };
      return seq;
    },
    erase: async () => {
      last = undefined;
      return true;
    },
  };
  return streams satisfies Pick<Streams, "last" | "ensure" | "appendIfLast" | "erase">;
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constant("say" as const), count: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("count" as const), count: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("lose" as const), count: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("turn" as const), count: fc.constant(0) }) },
);

test("what was counted stays counted, and what came since in its place is counted too", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
      let lineage = Lineage.begin("epoch");
      let turns = 0;
      let log: { seq: number; counted: boolean }[] = [];
      let counted = 0;
      const stream = new CountsStream(memory(), () => lineage);
      for (const { what, count } of steps) {
        if (what === "say") {
          for (let i = 0; i < count; i++) log.push({ seq: (log.at(-1)?.seq ?? 0) + 1, counted: false });
        } else if (what === "count") {
          const held = await stream.read(v);
          const counts = held.counts ?? new CommentCounts();
          let { upTo } = held;
          // Somebody may die before all of it.
          for (const entry of log.slice(0, Math.max(0, log.length - count))) {
            if (entry.seq <= upTo) continue;
            expect(entry.counted).toBe(false);
            counts.add(1e12, 0, timelineDefault.ages);
            entry.counted = true;
            counted++;
            upTo = entry.seq;
          }
          expect(await stream.append(v, { counts, upTo }, held.seq)).toBeGreaterThan(0);
        } else {
          if (what === "lose") log = log.slice(0, Math.max(0, log.length - count));
          lineage = lineage.open(`turn${turns++}`, (log.at(-1)?.seq ?? 0) + 1);
        }
        const { counts, upTo } = await stream.read(v);
        const told = (counts?.sum ?? 0) + log.filter(({ seq }) => seq > upTo).length;
        expect(told).toBe(counted + log.filter((entry) => !entry.counted).length);
      }
    }),
    { numRuns: 300 },
  );
});

test("only who has read what is written writes behind it, and takes out what is older", async () => {
  const lineage = Lineage.begin("epoch");
  const stream = new CountsStream(memory(), () => lineage);
  const counts = new CommentCounts();
  expect(await stream.read(v)).toEqual({ counts: undefined, upTo: 0, seq: 0 });
  expect(await stream.append(v, { counts, upTo: 5 }, 0)).toBe(1);
  expect(await stream.append(v, { counts, upTo: 6 }, 0)).toBeUndefined();
  await stream.forget(v, 5);
  expect((await stream.read(v)).upTo).toBe(5);
  await stream.forget(v, 6);
  expect((await stream.read(v)).seq).toBe(0);
});

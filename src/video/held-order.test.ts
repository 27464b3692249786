/** Comments held for review, on two nodes: whatever happens in whatever order, everybody sees the same. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Reader } from "../asking/reader.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { type FakeViewer, kit, v, w } from "../frontend/frontend-kit.ts";

type Kit = Awaited<ReturnType<typeof kit>>;
const never = new AbortController().signal;
const holds = [0, 0, 200, 1_000, 10_000];
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("say"),
      hold: fc.nat(4),
      lost: fc.boolean(),
      other: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("remove"), which: fc.nat(19) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("leave"), which: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("come"), node: fc.nat(1), other: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("poll"), node: fc.nat(1) }) },
);
type Step = {
  readonly do: string;
  readonly hold?: number;
  readonly lost?: boolean;
  readonly which?: number;
  readonly node?: number;
  /** Say it on the other video; come for both. */
  readonly other?: boolean;
};

interface Said {
  readonly video: VideoId;
  readonly seq: number;
  /** When its own hold has passed. */
  readonly ownMs: number;
  removedMs: number;
}

/** When it may be seen, as things stand at `nowMs`: nobody waits behind what was removed. */
function dueMs(said: readonly Said[], which: number, nowMs: number): number {
  const one = said[which] as Said;
  const before = said.slice(0, which).filter((other) => other.video === one.video && other.removedMs > nowMs);
  return Math.max(...[...before, one].map(({ ownMs }) => ownMs));
}

/** What one person saw, over all of its streams. */
interface Person {
  streams: FakeViewer[];
  away: boolean;
  node: number;
  readonly videos: readonly VideoId[];
}

/**
 * `lossy`: live messages may be lost. Then nobody watches two videos: whoever leaves such a stream before
 * anybody has noticed a loss counts what was lost as seen, hold or no hold.
 */
async function play(steps: readonly { readonly step: Step; readonly waitMs: number }[], lossy: boolean) {
  const bench = await kit();
  const { log, hub, clock, rest } = bench;
  const nodes = [bench, await bench.start("f2")];
  const reader = new Reader(hub.connect());
  const said: Said[] = [];
  const people: Person[] = [];
  const come = (node: number, videos: readonly VideoId[]) =>
    people.push({ streams: [(nodes[node] as Kit).open(videos)], away: false, node, videos });
  const back = ({ streams, node, videos }: Person) => {
    const id = streams.findLast(({ lastEventId }) => lastEventId !== undefined)?.lastEventId;
    streams.push((nodes[node] as Kit).open(videos, id));
  };
  const mayBeSeen = (text: string) => dueMs(said, Number(text.slice(1)), clock.date()) <= clock.date();
  come(0, [v]);
  if (!lossy) come(1, [v, w]);
  await rest();
  for (const { step: one, waitMs } of steps) {
    if (one.do === "say" && said.length < limits.snapshotCommentsMax) {
      const holdMs = holds[one.hold ?? 0] as number;
      log.live = !(lossy && one.lost);
      const video = one.other ? w : v;
      const { seq } = await log.comment(video, `t${said.length}`, holdMs);
      said.push({ video, seq, ownMs: clock.date() + holdMs, removedMs: Number.POSITIVE_INFINITY });
      log.live = true;
    }
    const about = said[(one.which ?? 0) % Math.max(1, said.length)];
    if (one.do === "remove" && about && about.removedMs > clock.date()) {
      about.removedMs = clock.date();
      await log.retract(about.video, about.seq);
    }
    if (one.do === "come") come(one.node ?? 0, one.other && !lossy ? [v, w] : [v]);
    const person = people[(one.which ?? 0) % people.length] as Person;
    if (one.do === "leave" && !person.away) {
      person.away = true;
      await person.streams.at(-1)?.close();
    } else if (one.do === "leave") {
      person.away = false;
      person.node = 1 - person.node;
      back(person);
    }
    if (one.do === "poll") {
      const listing = reader.listing(v, undefined, 100, { nowMs: clock.date(), held: false });
      const polled = (nodes[one.node ?? 0] as Kit).frontend.poll(v, undefined, 0, never);
      await rest(20);
      const shown = [await polled, await listing].flatMap((one) => ("comments" in one ? one.comments : []));
      expect(shown.filter(({ text }) => !mayBeSeen(text))).toEqual([]);
    }
    await rest(waitMs);
  }
  for (const person of people) if (person.away) back(person);
  await rest(limits.holdMsMax + 3 * limits.recheckMs);
  return { said, people };
}

function seenBy({ streams }: Person) {
  return streams.flatMap(({ seen }) =>
    seen.flatMap(({ event, data, nowMs }) => {
      const told = event === "snapshot" ? (data.comments ?? []) : event === "comment" ? [data] : [];
      return told.map(({ text }) => ({ which: Number(text?.slice(1)), nowMs }));
    }),
  );
}

describe("any order of comments, removals, losses, joins and resumes", () => {
  test("shows everybody what was not removed in time, once, in order, never early", async () => {
    const played = fc.array(fc.record({ step, waitMs: fc.constantFrom(5, 50, 400, 3_000) }), {
      minLength: 5,
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(played, fc.boolean(), async (steps, lossy) => {
        const { said, people } = await play(steps, lossy);
        for (const person of people) {
          const seen = seenBy(person);
          expect(person.streams.flatMap((one) => one.of("reset"))).toEqual([]);
          for (const { which, nowMs } of seen) {
            expect(nowMs).toBeGreaterThanOrEqual(dueMs(said, which, nowMs));
            const { ownMs, removedMs } = said[which] as Said;
            expect(removedMs).toBeGreaterThanOrEqual(ownMs);
          }
          for (const video of person.videos) {
            const order = seen.flatMap(({ which }) => (said[which]?.video === video ? [which] : []));
            const once = [...new Set(order)];
            // A stream of several videos goes back to the one that is furthest behind, as it always has.
            expect(person.videos.length > 1 ? once : order).toEqual(once.toSorted((a, b) => a - b));
            const kept = said.flatMap((one, which) =>
              one.video === video && one.removedMs === Number.POSITIVE_INFINITY ? [which] : [],
            );
            expect(kept.filter((which) => !order.includes(which))).toEqual([]);
          }
        }
      }),
      { numRuns: 100 },
    );
  }, 120_000);
});

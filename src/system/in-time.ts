/** What nodes tell of a video's own time, held against what was counted: for tests that kill them. */
import { expect } from "bun:test";
import { getJson, until } from "./cluster.ts";

type Rows = Readonly<Record<string, readonly number[]>>;

interface Timeline {
  readonly totals: Readonly<Record<string, number>>;
  readonly before: Readonly<Record<string, number>>;
  readonly likes: Rows;
  readonly unlikes?: Rows;
  readonly [more: string]: unknown;
}

interface NodeAt {
  readonly name: string;
  readonly url: string;
}

/** Likes by kind, as a timeline has them in its steps. */
function placed({ likes, unlikes = {} }: Timeline): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [rows, sign] of [
    [likes, 1],
    [unlikes, -1],
  ] as const) {
    for (const [kind, row] of Object.entries(rows)) {
      sums[kind] = row.reduce((sum, count) => sum + sign * count, sums[kind] ?? 0);
    }
  }
  return sums;
}

/**
 * Expects every like of `video` to stand in the timeline of every node, once, none of them without its place,
 * and all nodes to tell the same.
 */
export async function expectInTime(nodes: readonly NodeAt[], video: string): Promise<Timeline> {
  const told: Timeline[] = [];
  for (const { name, url } of nodes) {
    // A dispatcher that is just starting, or seeded, is not there yet.
    await until(`${name} tells the timeline`, async () => {
      const timeline = await getJson<Timeline>(`${url}/v1/videos/${video}/timeline`);
      if (timeline) told.push(timeline);
      return timeline !== undefined;
    });
  }
  for (const timeline of told) {
    expect(timeline.before).toEqual({});
    expect(placed(timeline)).toEqual({ ...timeline.totals });
  }
  const [first] = told as [Timeline];
  const shown = ({ viewers: _, ...timeline }: Timeline) => timeline;
  for (const timeline of told) expect(shown(timeline)).toEqual(shown(first));
  return first;
}

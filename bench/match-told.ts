/**
 * What is told of a match that was played (match-run.ts), held against what was accepted: its timeline, its
 * moments, and its recording as a track of a real Chromium.
 */
import { openWindow, startBrowser } from "../src/system/browser.ts";
import { judged, type Match } from "./match.ts";
import { video } from "./match-crowd.ts";
import { until } from "./match-place.ts";

type Counts = Readonly<Record<string, number>>;

interface Timeline {
  readonly from: number;
  readonly totals: Counts;
  readonly before: Counts;
  readonly likes: Readonly<Record<string, readonly number[]>>;
  readonly comments: readonly number[];
}

/** What one node tells: as text, to be held against others', and the timeline. */
export interface Told {
  readonly timeline: Timeline;
  readonly moments: readonly { readonly start: number; readonly peak: number }[];
  readonly text: string;
}

/** What the node at `url` tells, once it tells anything. */
export async function toldBy(url: string): Promise<Told> {
  const read = async <T>(what: string): Promise<T> => {
    let found: T | undefined;
    await until(`${url} tells the ${what}`, async () => {
      const answer = await fetch(`${url}/v1/videos/${video}/${what}`).catch(() => undefined);
      if (answer?.status === 200) found = (await answer.json()) as T;
      else await answer?.body?.cancel();
      return found !== undefined;
    });
    return found as T;
  };
  const { viewers: _, ...timeline } = await read<Timeline & { viewers: unknown }>("timeline");
  const { moments } = await read<Pick<Told, "moments">>("moments?n=100");
  return { timeline, moments, text: JSON.stringify({ timeline, moments }) };
}

export const sumOf = (counts: Counts | readonly number[]): number =>
  Object.values(counts).reduce((sum: number, count: number) => sum + count, 0);

/** Likes that stand somewhere in the time of the video. */
export function placed({ likes }: Pick<Timeline, "likes">): number {
  return Object.values(likes).reduce((sum, row) => sum + sumOf(row), 0);
}

/** How the moments told stand to the match. */
export function found(match: Match, startMs: number, { moments }: Told) {
  const seconds = (ms: number) => (ms - startMs) / 1000;
  return judged(
    match,
    moments.map(({ start, peak }) => ({ startS: seconds(start), peakS: seconds(peak) })),
  );
}

/** Loads the recording as a track in a Chromium: how many comments, and how many likes, its cues hold. */
export async function tracked(url: string, fromMs: number): Promise<{ comments: number; likes: number }> {
  const browser = await startBrowser();
  try {
    const { page } = await openWindow(browser, url);
    return await page.evaluate(async (src) => {
      const element = document.createElement("track");
      const loaded = new Promise<void>((resolve, reject) => {
        element.onload = () => resolve();
        element.onerror = () => reject(new Error("the track was refused"));
      });
      Object.assign(element, { kind: "metadata", src });
      const media = document.createElement("video");
      media.append(element);
      document.body.append(media);
      element.track.mode = "hidden";
      await loaded;
      const sums = { comments: 0, likes: 0 };
      for (const cue of [...(element.track.cues ?? [])] as VTTCue[]) {
        if (cue.id.startsWith("comment")) sums.comments++;
        else {
          const { likes } = JSON.parse(cue.text) as { likes: Record<string, number> };
          for (const count of Object.values(likes)) sums.likes += count;
        }
      }
      return sums;
    }, `/v1/videos/${video}/replay.vtt?start=${fromMs}`);
  } finally {
    await browser.close();
  }
}

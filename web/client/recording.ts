/**
 * A recorded match for tests and measurements: what its audience did, second by second, and the answers that
 * a server gives about it (`/timeline`, `/replay`, `/moments`), in the server's own shapes.
 *
 * Made from a seed and never held as a whole: each second is drawn when it is asked for, so three hours with
 * five million likes cost nothing until they are looked at.
 */
import type { Line, Timeline } from "./reel.ts";

export interface RecordingOptions {
  /** Unix ms of the first second, a whole minute. */
  readonly start: number;
  readonly seconds: number;
  readonly likesPerSecond: number;
  readonly commentsPerSecond: number;
}

export interface Recording {
  /** All of kind "heart" up to the end of second `n`. */
  likesUpTo(n: number): number;
  comments(second: number): { at: number; id: string; user: string; text: string }[];
  /** The answer to a path behind `/v1/videos/:v/`; undefined for one that there is not. */
  answer(path: string): string | undefined;
}

const KINDS = ["heart", "clap", "fire"];
const LINES_MAX = 2000;

/** 0 ≤ n < 1, the same for the same place: one round of splitmix32. */
function chance(place: number): number {
  let z = (place + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
}

export function createRecording(options: RecordingOptions): Recording {
  const { start, seconds, likesPerSecond, commentsPerSecond } = options;
  const end = start + seconds * 1000;
  const likesOf = (second: number, kind: number) =>
    Math.floor((chance(second * 8 + kind) * 2 * likesPerSecond) / KINDS.length);
  const commentsOf = (second: number) => Math.floor(chance(second * 8 + 7) * 2 * commentsPerSecond + 0.5);

  const comments = (second: number) =>
    Array.from({ length: commentsOf(second) }, (_, n) => ({
      at: start + second * 1000 + Math.floor((1000 * n) / commentsOf(second)),
      ...{
        id: `c${second}-${n}`,
        user: `fan ${(second * 7 + n) % 500}`,
        text: `what a match, second ${second}`,
      },
    }));

  function timeline(): Timeline & { totals: object; comments: number[] } {
    const step = [1, 10, 60, 600].find((length) => seconds / length <= 1000) ?? 3600;
    const points = Math.ceil(seconds / step);
    const sums = (of: (second: number) => number) =>
      Array.from({ length: points }, (_, point) => {
        let sum = 0;
        for (let n = point * step; n < Math.min(seconds, (point + 1) * step); n++) sum += of(n);
        return sum;
      });
    const likes = Object.fromEntries(KINDS.map((kind, k) => [kind, sums((n) => likesOf(n, k))]));
    const totals = Object.fromEntries(
      KINDS.map((kind) => [kind, likes[kind]?.reduce((all, count) => all + count, 0)]),
    );
    return { from: start, to: end, step, before: { heart: 5 }, totals, likes, comments: sums(commentsOf) };
  }

  function replay(from: number, to: number): string {
    const lines: (Line | { next: number | null })[] = [];
    const first = Math.max(0, Math.floor((from - start) / 1000));
    let second = first;
    for (; second < seconds && start + second * 1000 < to && lines.length < LINES_MAX; second++) {
      const at = start + second * 1000;
      const likes = KINDS.map((kind, k) => [kind, likesOf(second, k)] as const).filter(
        ([, count]) => count > 0,
      );
      if (likes.length) lines.push({ at, likes: Object.fromEntries(likes) });
      for (const { at: said, ...comment } of comments(second)) lines.push({ at: said, comment });
    }
    const next = start + second * 1000;
    lines.push({ next: second < seconds && next < to ? next : null });
    return lines.map((line) => JSON.stringify(line)).join("\n");
  }

  return {
    comments,
    likesUpTo(n) {
      let sum = 5;
      for (let second = 0; second <= n; second++) sum += likesOf(second, 0);
      return sum;
    },
    answer(path) {
      const { pathname, searchParams } = new URL(path, "http://s/");
      if (pathname === "/timeline") return JSON.stringify(timeline());
      if (pathname === "/moments") return JSON.stringify({ video: "v", moments: [] });
      if (pathname !== "/replay") return undefined;
      return replay(Number(searchParams.get("from") ?? start), Number(searchParams.get("to") ?? end));
    },
  };
}

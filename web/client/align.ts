/**
 * Alignment: what others did waits until this viewer's picture has come to it.
 *
 * Viewers of one stream are seconds behind each other, so a heart shown when it arrives tells some of them of
 * a goal that they have not seen. An *aligned* watch has a feed of its own; between the client's feed and
 * that one, likes and comments are *held* by the date of the picture they belong to (their `mediaTime`, or
 * else when the server took them), and pass once `playhead` has reached it. What cannot wait (more than
 * `HELD_MAX`, or longer than `HELD_MS`: a viewer who paused) and what a seek has jumped over is *collapsed*:
 * likes into the total, with `quiet`, and a `passed` event that says how much it was.
 *
 * A stream's dates may be off by an hour, after an outage in front of its packager or from the start. What
 * has no date of its own would then come at once, or never; so a viewer whose picture's date cannot be asks
 * how far it is off (dates.ts). Held by align.test.ts.
 */
import type { Off } from "./dates.ts";
import { createFeed, type Feed } from "./feed.ts";
import type { Comment, Likes, Listeners, Outside, Passed } from "./types.ts";

/** Likes' ticks and comments that wait; with more, the earliest are collapsed. */
export const HELD_MAX = 2000;
/** So long one waits at most. */
export const HELD_MS = 60_000;
/** A playhead that went on by this and four times what the clock did was moved by a seek. */
const JUMP_MS = 1000;
const RATE_MAX = 4;
/** The next look is half way to what is due next, within these: at any speed up to 2 no look comes late. */
const LOOK_MIN_MS = 16;
const LOOK_MAX_MS = 250;
/** Own comments answered before they came back. */
const OWN_MAX = 100;
/** A writer may say a picture this much later than his comment: dates of some packagers lie ahead. */
const AHEAD_MS = 10_000;
/** A day of 2001: players say 1970 where they know no date. And 8,000 times that is the last that there is. */
const DATED_MS = 1e12;

/** `atMs`: when the server took it, or told it. */
type Held = { readonly sinceMs: number; readonly atMs: number } & (
  | { readonly name: "likes"; readonly event: Likes }
  | { readonly name: "comment"; readonly event: Comment }
);

interface Collapsed {
  likes: number;
  comments: number;
}

export interface Aligned {
  listen: Feed["listen"];
  /** Unix ms of the picture shown now, whole; undefined while that is not known. */
  picture(): number | undefined;
  /** A comment of this viewer's own need not wait. */
  own(id: string): void;
  close(): void;
}

const sumOf = (totals: Likes["totals"]) => Object.values(totals).reduce((all, total) => all + total, 0);

export function createAligned(
  outside: Pick<Outside, "now" | "after">,
  feed: Feed,
  video: string,
  playhead: () => number | null | undefined,
  off: Off,
): Aligned {
  const shown = createFeed(() => outside.now());
  const mine = new Set<string>();
  let held: Held[] = [];
  let cancel: (() => void) | undefined;
  /** Where the picture was at the last look, and when that was. */
  let last: { at: number; ms: number } | 0 | undefined;
  let started = false;
  let passed: Collapsed | undefined;
  let newest: Likes | undefined;
  let offMs = 0;

  function picture(): number | undefined {
    try {
      const at = Math.round(playhead() as number);
      if (at > DATED_MS && at < DATED_MS * 8000) return at;
    } catch {
      // Some players throw until they have a picture.
    }
    return undefined;
  }

  const take = shown.take as (name: string, event: object) => void;

  /** History that has waited happens now, for this viewer. */
  function tell({ name, event }: Held, waited: boolean): void {
    settle();
    take(name, name === "comment" && waited ? { ...event, history: false } : event);
  }

  function collapse(one: Held, seen: boolean): void {
    passed ??= { likes: 0, comments: 0 };
    if (one.name === "likes") newest = one.event;
    else {
      passed.comments++;
      // A picture that was jumped over is past: its comments are history, not news.
      if (seen) take("comment", { ...one.event, history: true });
    }
  }

  /** Tells what was collapsed: the totals first, so that nothing told after them holds it once more. */
  function settle(why: Passed["why"] = "jump"): void {
    if (newest) {
      (passed as Collapsed).likes = Math.max(
        0,
        sumOf(newest.totals) - sumOf(shown.snapshot(video)?.totals ?? {}),
      );
      take("likes", { ...newest, quiet: true });
    }
    const told = passed;
    newest = passed = undefined;
    if (told) shown.tell("passed", { video, why, ...told });
  }

  /** The date of the picture that it waits for. */
  function dueOf({ event, atMs }: Held): number {
    const at = atMs - offMs;
    // One who says the far future fills what may wait with nothing.
    return Math.min((event as Partial<Comment>).mediaTime ?? at, at + AHEAD_MS);
  }

  function look(come?: Held): void {
    cancel?.();
    cancel = undefined;
    const now = outside.now();
    const at = picture();
    if (at) offMs = off(feed.now() - at);
    // In order but for its end: what has the same date stays in the order it came.
    held.sort((a, b) => dueOf(a) - dueOf(b));
    const before = last;
    last = at && { at, ms: now };
    const jumped = before && at && at - before.at > (now - before.ms) * RATE_MAX + JUMP_MS;
    // What comes out of here may listen, like, and so look again: the list is left whole at each step.
    for (let one = held[0]; one && (!at || dueOf(one) <= at); one = held[0]) {
      held.shift();
      if (jumped && one.sinceMs <= before.ms && dueOf(one) < at - JUMP_MS) collapse(one, true);
      else tell(one, one !== come);
    }
    settle();
    held = held.filter(
      (one, n) => (now - one.sinceMs <= HELD_MS && n >= held.length - HELD_MAX) || collapse(one, false),
    );
    settle("full");
    if (!held[0] || !at) return;
    const waitMs = Math.min(LOOK_MAX_MS, Math.max(LOOK_MIN_MS, (dueOf(held[0]) - at) / 2));
    cancel = outside.after(waitMs, () => look());
  }

  function hold(name: Held["name"], event: Held["event"]): void {
    const one = { name, event, sinceMs: outside.now(), atMs: event.at ?? feed.now() } as Held;
    held.push(one);
    look(one);
  }

  const first = shown.listen(video, {});
  const source: Listeners = {
    likes(said) {
      // The totals of a snapshot come with all the rest of it, which is told by itself.
      const event = { ...said, comments: undefined, viewers: undefined, now: undefined };
      if (started) return hold("likes", event);
      // Where everything starts from; a listener that comes late is told it too.
      started = true;
      take("snapshot", event);
      look();
    },
    comment(event) {
      if (mine.delete(event.id)) return take("comment", event);
      hold("comment", event);
    },
    viewers: (event) => take("viewers", event),
    closed: ({ closed }) => take("state", { video, state: closed ? "closed" : "open" }),
    state: (event) => shown.tell("state", event),
    beat: (event) => shown.tell("beat", event),
    reset(event) {
      held = [];
      started = false;
      take("reset", event);
    },
    retract(event) {
      held = held.filter((one) => (one.event as Partial<Comment>).id !== event.id);
      take("retract", event);
    },
  };
  const stop = feed.listen(video, source);

  return {
    listen: shown.listen,
    picture,
    own(id) {
      const one = held.find(({ event }) => (event as Partial<Comment>).id === id);
      held = held.filter((other) => other !== one);
      if (one) return take("comment", one.event);
      mine.add(id);
      if (mine.size > OWN_MAX) mine.delete(mine.values().next().value as string);
    },
    close() {
      cancel?.();
      stop();
      first();
    },
  };
}

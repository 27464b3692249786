/**
 * Alignment: what others did waits until this viewer's picture has come to it.
 *
 * Viewers of one stream are seconds behind each other, so a heart shown when it arrives tells some of them of
 * a goal that they have not seen. An *aligned* watch has a feed of its own; between the client's feed and
 * that one, likes and comments are *held* by the date of the picture they belong to (their `mediaTime`, or
 * else when the server took them), and pass once `playhead` has reached it. What cannot wait (more than
 * `HELD_MAX`, or longer than `HELD_MS`: a viewer who paused) and what a seek has jumped over is *collapsed*:
 * likes into the total, with `quiet`, and a `passed` event that says how much it was. Held by align.test.ts.
 */
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
/** A day of 2001: players say 1970 where they know no date. */
const DATED_MS = 1e12;

type Held = { readonly dueMs: number; readonly sinceMs: number } & (
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

  function picture(): number | undefined {
    try {
      const at = Math.round(playhead() as number);
      if (at > DATED_MS) return at;
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

  function look(come?: Held): void {
    cancel?.();
    cancel = undefined;
    const now = outside.now();
    const at = picture();
    const before = last;
    last = at && { at, ms: now };
    const jumped = before && at && at - before.at > (now - before.ms) * RATE_MAX + JUMP_MS;
    // What comes out of here may listen, like, and so look again: the list is left whole at each step.
    for (let one = held[0]; one && (!at || one.dueMs <= at); one = held[0]) {
      held.shift();
      if (jumped && one.sinceMs <= before.ms && one.dueMs < at - JUMP_MS) collapse(one, true);
      else tell(one, one !== come);
    }
    settle();
    const old = held.filter(({ sinceMs }, n) => now - sinceMs > HELD_MS || n < held.length - HELD_MAX);
    held = held.filter((one) => !old.includes(one));
    for (const one of old) collapse(one, false);
    settle("full");
    if (!held[0] || !at) return;
    const waitMs = Math.min(LOOK_MAX_MS, Math.max(LOOK_MIN_MS, (held[0].dueMs - at) / 2));
    cancel = outside.after(waitMs, () => look());
  }

  function hold(dueMs: number, what: Pick<Held, "name" | "event">): void {
    const one = { dueMs, sinceMs: outside.now(), ...what } as Held;
    held.push(one);
    // In order but for its end: what has the same date stays in the order it came.
    held.sort((a, b) => a.dueMs - b.dueMs);
    look(one);
  }

  const first = shown.listen(video, {});
  const source: Listeners = {
    likes(said) {
      // The totals of a snapshot come with all the rest of it, which is told by itself.
      const event = { ...said, comments: undefined, viewers: undefined, now: undefined };
      if (started) return hold(event.at ?? feed.now(), { name: "likes", event });
      // Where everything starts from; a listener that comes late is told it too.
      started = true;
      take("snapshot", event);
    },
    comment(event) {
      if (mine.delete(event.id)) return take("comment", event);
      const { at, mediaTime = at } = event;
      // One who says the far future fills what may wait with nothing.
      hold(Math.min(mediaTime, at + AHEAD_MS), { name: "comment", event });
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
      const at = held.findIndex((one) => (one.event as Partial<Comment>).id === id);
      const [one] = at < 0 ? [] : held.splice(at, 1);
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

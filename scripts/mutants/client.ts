/** Faults for web/client: what waits for a picture, which one a player shows, what a recording tells. */
import { type Mutant, plant } from "./plant.ts";

export const client: readonly Mutant[] = [
  ...plant(
    "web/client/align.ts",
    ["web/client/align.test.ts"],
    [
      ["what was jumped over floats as if it happened now", "at - before.at > (now", "at - before.at < (now"],
      ["what waits for ever is kept", "now - one.sinceMs <= HELD_MS && ", ""],
      ["more than can wait is kept", " && n >= held.length - HELD_MAX", ""],
      ["a collapsed total comes after what holds it", 'take("likes", { ...newest, quiet: true });', ""],
      ["1970 is a date", "if (at > DATED_MS && ", "if ("],
      ["what is no date is one", " && at < DATED_MS * 8000) return at;", ") return at;"],
      ["dates that are off are taken as they are", "offMs = off(feed.now() - at);", ""],
      ["a total without a date waits for ever", "event.at ?? feed.now() }", "event.at ?? 1e15 }"],
      ["one's own comment waits", 'if (one) return take("comment", one.event);', "if (one) held.push(one);"],
      ["history told at once is news", "one, one !== come", "one, true"],
      ["after a reset the old total stands", "held = [];\n      started = false;", "held = [];"],
    ],
  ),
  ...plant(
    "web/client/locks.ts",
    ["web/client/tabs.test.ts"],
    [
      [
        "whoever asks takes what another has",
        'if (t === "ask" && this.#held) this.#say("held");',
        "if (n < 0) {" + "}",
      ],
      [
        "of two that ask at once both take it",
        'this.#stopAsking && isFirst) this.#say("first");',
        "isFirst) {" + "}",
      ],
      ["nobody hears that it is free", 'this.#say("free");', ""],
      ["what was taken away is kept", "if (!steal && isFirst)", "if (isFirst)"],
      ["a holder gives no sign", "this.#stopSigns = this.#outside.after(SIGN_MS, () => this.#sign());", ""],
    ],
  ),
  ...plant(
    "web/client/players.ts",
    ["web/client/players.test.ts"],
    [
      ["while seeking the target's date is told", "now.seeking || now", "now"],
      ["another stream begins with the last one's date", "!== source) last = null;", "!== source) {}"],
      ["what shaka invents is believed", "(options.dated ?? found)", "true"],
      ["a segment that left the playlist has no date", "offset === null ? null :", "!at ? null :"],
    ],
  ),
  ...plant(
    "web/client/dates.ts",
    ["web/client/align.test.ts"],
    [
      ["dates that are right again are off for good", "offMs = 0;\n      return 0;", "return offMs;"],
      ["the first of them is spoiled", "skewMs - AHEAD_MS", "skewMs"],
      ["it is asked at every look", "if (now > askMs) {", "{"],
      ["what nobody knows is asked as often for ever", "Math.min(ASK_MS, 2 * pauseMs)", "FIRST_MS"],
      ["the first who are there are shown all at once", "Math.min(offMs, behindMs - AHEAD_MS)", "offMs"],
    ],
  ),
  ...plant(
    "web/client/reel.ts",
    ["web/client/replay.test.ts"],
    [
      ["every minute ever seen is kept", "if (windows.size <= WINDOWS_MAX) break;", "break;"],
      [
        "a page that ended early is all",
        "if (line.next !== undefined) next = line.next;",
        "if (line.next !== undefined) next = null;",
      ],
      [
        "half a page is a whole one",
        'if (next === undefined) throw new Error("half a page");',
        "next ??= null;",
      ],
      ["a stream's dates are the viewer's", "+ (timeline?.skewMs ?? 0)", ""],
      ["a page of any edition will do", "&to=${start + WINDOW_MS}${edition}", "&to=${start + WINDOW_MS}"],
      [
        "what was read of nothing stays nothing",
        "if (before && (isEmpty(before) ||",
        "if (before && (false &&",
      ],
      ["likes before the timeline are forgotten", "add(sum, timeline.before, 1);", ""],
    ],
  ),
  ...plant(
    "web/client/replay.ts",
    ["web/client/replay.test.ts"],
    [
      ["a picture that is sought is told", "if (closed || media.seeking) return;", "if (closed) return;"],
      ["a seek back goes on from where it was", "return wentOn < 0 ||", "return"],
      ["history stops at the minute", "(anew && !reel.has(now - WINDOW_MS))", "false"],
      ["a date that is none is asked for", "date >= 0 && date < Number.POSITIVE_INFINITY", "true"],
      ["a page that slept is told all of it", "LOST_MS * Math.max(1, media.playbackRate)", "1e12"],
      ["nothing is no word", 'say("empty");', ""],
      ["a token ends the recording", "answer.status === 401 && token && !refresh", "false"],
    ],
  ),
  ...plant(
    "web/client/polling.ts",
    ["web/client/polling.test.ts"],
    [
      ["all who poll do so together", "everyMs * (0.75 + outside.random() / 2)", "everyMs"],
      ["a removal is told with every poll", 'if (!before.includes(id)) take("retract"', 'take("retract"'],
      ["an older cache's word is taken for a new log", "const OLDER_MAX = 10;", "const OLDER_MAX = 0;"],
    ],
  ),
  ...plant(
    "web/client/follow.ts",
    ["src/system/package.test.ts"],
    [["a server that renders a page watches for it", 'typeof document !== "undefined"', "true"]],
  ),
];

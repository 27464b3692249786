/**
 * Lines of a replay as WebVTT, for a `<track>` of the recording.
 *
 * A reader of WebVTT loses a whole cue to `-->` in its text and everything after an empty line, and takes no
 * account of X-TIMESTAMP-MAP; so what people wrote has no line break and no `>` here, and times count from
 * the recording's own 0. Comments are text to be shown; reactions are one line of JSON, for a track of
 * metadata.
 * https://www.w3.org/TR/webvtt1/#file-structure. Held by vtt.test.ts and, in Chromium, by
 * system/track.test.ts.
 */
import { isComment, type LikesLine, type ReplayLine } from "../core/times.ts";
import { countsJson } from "../core/totals.ts";

export const vttHead = "WEBVTT\n\n";
/** How long a comment is shown, in ms. */
const commentMs = 5_000;
/** What turns the direction of all behind it: a name must not turn what was said. */
const turns = /[\u202a-\u202e\u2066-\u2069]/g;

/** The cue of `line`, with the empty line that ends it; times count from `startMs`. */
export function cueOf(line: ReplayLine, startMs: number): string {
  const fromMs = line.atMs - startMs;
  if (!isComment(line)) {
    return `likes ${line.atMs}\n${span(fromMs, fromMs + line.spanMs)}\n${likesJson(line)}\n\n`;
  }
  const said = line.user === undefined ? line.text : `${line.user.replace(turns, "")}: ${line.text}`;
  return `comment ${line.id}\n${span(fromMs, fromMs + commentMs)}\n${shown(said)}\n\n`;
}

/** A line of likes as JSON on one line, without `>`. */
function likesJson({ atMs, spanMs, likes, unlikes }: LikesLine): string {
  const more = spanMs === 1_000 ? "" : `,"spanMs":${spanMs}`;
  const back = unlikes === undefined ? "" : `,"unlikes":${countsJson(unlikes)}`;
  return `{"at":${atMs}${more},"likes":${countsJson(likes)}${back}}`.replaceAll(">", "\\u003e");
}

/** Text as a cue shows it: on one line, nothing of it markup. */
function shown(text: string): string {
  const line = text.replace(/[\s\0\u0085]+/g, " ").trim();
  return line.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function span(fromMs: number, toMs: number): string {
  return `${clock(fromMs)} --> ${clock(toMs)}`;
}

/** `hh:mm:ss.ttt`, with more digits of hours where there are more. */
function clock(ms: number): string {
  const whole = Math.max(0, Math.floor(ms));
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const rest = String(whole % 1000).padStart(3, "0");
  return `${two(whole / 3_600_000)}:${two((whole / 60_000) % 60)}:${two((whole / 1000) % 60)}.${rest}`;
}

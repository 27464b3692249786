/**
 * Ovation's events as a viewer reads them: the one place where the audience turns text from the server
 * into typed values. An event that does not have the documented shape becomes `bad`, which fails a run:
 * a viewer that shrugs at what it cannot read would prove nothing.
 *
 * One `Signal` is shared by every viewer that received the same bytes (stream.ts), so a signal never
 * holds anything that belongs to one viewer.
 */
import { z } from "zod";
import type { Block } from "./sse-parser.ts";

export type Totals = Readonly<Record<string, number>>;

interface Carried {
  /** The block's `id:` field. */
  readonly id: string | undefined;
  /** The block's `retry:` field. */
  readonly retryMs: number | undefined;
}

export interface State extends Carried {
  readonly kind: "likes" | "snapshot";
  readonly totals: Totals;
  /** Sum over kinds. */
  readonly sum: number;
  readonly version: number;
  /** When the oldest like of this tick was accepted, Unix milliseconds; 0 in a snapshot. */
  readonly atMs: number;
  /** Ids of the comments a snapshot shows; empty in `likes`. */
  readonly comments: readonly string[];
}

export interface CommentSignal extends Carried {
  readonly kind: "comment";
  readonly comment: string;
  readonly text: string;
  readonly atMs: number;
  /** Its place in the order of its video; filled in once by the audience (places.ts). */
  place: number;
}

export interface Bye extends Carried {
  readonly kind: "bye";
  readonly backInMs: number;
}

export interface Bad extends Carried {
  readonly kind: "bad";
  readonly why: string;
}

export interface Plain extends Carried {
  readonly kind: "hello" | "reset" | "retract" | "viewers" | "beat" | "fields" | "unknown";
}

export type Signal = State | CommentSignal | Bye | Bad | Plain;

const amount = z.number().int().nonnegative();
const totals = z.record(z.string(), amount);
/** Whole ms, and what is left in microseconds: a server that tells no `us` may have told it as decimals. */
const stamp = { at: z.number(), us: z.number().nonnegative().lt(1000).default(0) };
const likesShape = z.object({ video: z.string(), totals, version: z.number(), ...stamp });
const snapshotShape = z.object({
  video: z.string(),
  totals,
  version: z.number(),
  comments: z.array(z.object({ id: z.string() })),
});
const commentShape = z.object({ video: z.string(), id: z.string(), text: z.string(), ...stamp });
const byeShape = z.object({ reason: z.string(), retry: z.number().nonnegative() });
const plainShapes: Readonly<Record<string, z.ZodType>> = {
  hello: z.object({ connection: z.string(), node: z.string(), now: z.number() }),
  reset: z.object({ video: z.string(), reason: z.string() }),
  retract: z.object({ video: z.string(), id: z.string() }),
  viewers: z.object({ video: z.string(), viewers: amount }),
  beat: z.object({ now: z.number() }),
};

/** Reads one block sent to a viewer of `video`. */
export function readSignal(block: Block, video: string): Signal {
  const carried: Carried = { id: block.id, retryMs: block.retryMs };
  if (block.data === undefined) return { kind: "fields", ...carried };
  const bad = (why: string): Bad => ({ kind: "bad", why: `${block.event || "message"}: ${why}`, ...carried });
  let value: unknown;
  try {
    value = JSON.parse(block.data);
  } catch {
    return bad("its data is not JSON");
  }
  const read = readTyped(block.event, value, carried);
  if (typeof read === "string") return bad(read);
  const named = (value as { video?: unknown }).video;
  if (named !== undefined && named !== video) return bad(`it is about video ${String(named)}, not ${video}`);
  return read;
}

function readTyped(event: string, value: unknown, carried: Carried): Signal | string {
  if (event === "likes") {
    const read = likesShape.safeParse(value);
    if (!read.success) return firstIssue(read.error);
    const { totals, version, at, us } = read.data;
    return state("likes", totals, version, at + us / 1000, [], carried);
  }
  if (event === "snapshot") {
    const read = snapshotShape.safeParse(value);
    if (!read.success) return firstIssue(read.error);
    const ids = read.data.comments.map((comment) => comment.id);
    return state("snapshot", read.data.totals, read.data.version, 0, ids, carried);
  }
  if (event === "comment") {
    const read = commentShape.safeParse(value);
    if (!read.success) return firstIssue(read.error);
    if (carried.id === undefined) return "it has no id: field, so a viewer could not resume after it";
    const { id, text, at, us } = read.data;
    return { kind: "comment", comment: id, text, atMs: at + us / 1000, place: -1, ...carried };
  }
  if (event === "bye") {
    const read = byeShape.safeParse(value);
    return read.success ? { kind: "bye", backInMs: read.data.retry, ...carried } : firstIssue(read.error);
  }
  const shape = plainShapes[event];
  if (!shape) return { kind: "unknown", ...carried };
  const read = shape.safeParse(value);
  return read.success ? { kind: event as Plain["kind"], ...carried } : firstIssue(read.error);
}

function state(
  kind: "likes" | "snapshot",
  of: Totals,
  version: number,
  atMs: number,
  comments: readonly string[],
  carried: Carried,
): State {
  return { kind, totals: of, sum: sumOf(of), version, atMs, comments, ...carried };
}

/** Sum of totals over kinds. */
export function sumOf(of: Totals): number {
  let sum = 0;
  for (const kind in of) sum += of[kind] ?? 0;
  return sum;
}

/** True when two totals say the same; a kind that is absent counts as 0. */
export function sameTotals(a: Totals, b: Totals): boolean {
  if (a === b) return true;
  for (const kind in a) if ((a[kind] ?? 0) !== (b[kind] ?? 0)) return false;
  for (const kind in b) if ((a[kind] ?? 0) !== (b[kind] ?? 0)) return false;
  return true;
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue ? `${issue.path.join(".") || "it"}: ${issue.message}` : "wrong shape";
}

/**
 * A row of the table of calls: what answers a call, what openapi.json says of it, and what the door asks of
 * whoever makes it. A call has no other way in than through its row, so none can forget to ask; door.test.ts
 * walks the table with everybody who is to be refused.
 */
import { isStaffs, type Right } from "../trust/identity.ts";
import type { Answer, Code } from "./answer.ts";
import type { Call } from "./call.ts";
import type { Doors } from "./doors.ts";
import type { Entry } from "./entry.ts";
import type { SchemaName } from "./schemas.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** What answers any request at all. */
export type Handle = (doors: Doors, call: Call) => Answer;
/** What answers one that the door has let in. */
export type HandleEntry = (doors: Doors, entry: Entry) => Answer;

/**
 * What a call takes out of its caller's allowances, beside one unit of work; what the likes and comments in a
 * body take is asked when it has been read. nothing: answered for everybody, unasked.
 */
export type Takes =
  | "nothing"
  | "call"
  | "question"
  | "reading"
  | "likes"
  | "comment"
  | "stream"
  | "room"
  | "poll"
  | "watch";

/** What calls are listed under in openapi.json, in this order. */
export const tags = {
  likes: "Likes, counted exactly once under a key",
  comments: "Comments, in one order for each video",
  videos: "What a video has come to",
  times: "A video's own time: what came when, and its replay",
  streams: "Hearing of a video: Server-Sent Events, and a long poll for networks that hold streams back",
  moderation: "What moderators decide",
  server: "What pages, operators and their machines ask of the server itself",
  demo: "The simulated crowd, with --demo",
} as const;
export type Tag = keyof typeof tags;

/** A member of the query. */
export interface QueryRow {
  readonly name: string;
  readonly about: string;
  readonly kind: "text" | "whole number" | "videos";
  /** Of a whole number; from 0 on, unless told. */
  readonly min?: number;
  readonly max?: number;
}

export interface Row {
  readonly method: Method;
  /** With `:name` parameters, as the router takes them. */
  readonly path: string;
  /** Its operation id in openapi.json, by which generated clients call it: never changed. */
  readonly id: string;
  readonly tag: Tag;
  readonly handle: HandleEntry;
  /**
   * What the caller must be allowed to do, on the videos that path or query name. With `held=1` in the query
   * it is to moderate. anybody: nobody is asked who they are, and nobody is banned from it.
   */
  readonly right: Right | "anybody";
  /** Whoever sits at this machine has that right: always, or (true) where nobody could prove it. */
  readonly orThisMachine?: true | "always";
  readonly takes: Takes;
  readonly summary: string;
  readonly answer: {
    readonly status: number;
    readonly about: string;
    /** Of a JSON answer. */
    readonly schema?: SchemaName;
    /** Of any other answer. */
    readonly type?: string;
  };
  readonly query?: readonly QueryRow[];
  readonly body?: SchemaName;
  /** Takes an `Idempotency-Key`. */
  readonly keyed?: true;
  /** A signature in its query is as good as a token: trust/signatures.ts. */
  readonly signed?: true;
  /** Takes a `Last-Event-ID`. */
  readonly resumes?: true;
  readonly refusals?: readonly Code[];
}

/** Whether `row` is for those who run this server, not for its audience. */
export function isForStaff({ right }: Pick<Row, "right">): boolean {
  return isStaffs(right);
}

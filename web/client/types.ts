/**
 * The words of the browser client: what a page may ask for, and what it is told.
 *
 * An *event* is what the server said about a video; a *state* is what the client knows about its own line
 * to the server. Nothing here draws anything, and nothing here runs: types only, so a page that imports
 * them pays no byte.
 */

/** Likes by kind, absolute. A later version replaces an earlier one. */
export type Totals = Readonly<Record<string, number>>;

export interface Likes {
  readonly video: string;
  readonly totals: Totals;
  readonly version: number;
  /** When the oldest like of this tick was accepted, Unix ms by the server's clock. Absent on history. */
  readonly at?: number;
  readonly by?: readonly { readonly user?: string; readonly kind: string; readonly count: number }[];
  /** Ms from acceptance to arrival here, corrected by the clock offset. Absent on history. */
  readonly latencyMs?: number;
  /** Told late, or over a jump, and not as something that happens now; only with `playhead`. */
  readonly quiet?: boolean;
}

export interface Comment {
  readonly video: string;
  readonly id: string;
  readonly user?: string;
  readonly text: string;
  /** Unix ms by the server's clock. */
  readonly at: number;
  /** Unix ms of the picture its writer saw, in the stream's own dates, where that is known. */
  readonly mediaTime?: number;
  /** True for comments that were there before this page was. */
  readonly history?: boolean;
}

export type Phase = "connecting" | "live" | "lagging" | "reconnecting" | "offline" | "closed";

export interface State {
  readonly phase: Phase;
  /**
   * How events arrive: a stream of our own, another tab's stream, the long-poll fallback, or polls of what
   * caches share, where the server gives no stream now.
   */
  readonly via: "stream" | "tab" | "poll" | "cache";
  /** Unix ms (this machine's clock) of the next attempt; only while reconnecting. */
  readonly retryAt?: number;
  /** Smoothed ms from acceptance to arrival. */
  readonly latencyMs?: number;
  /** The server itself is cut off from its log: the stream is open and what it says is old. */
  readonly stale?: boolean;
}

/** What this viewer is not shown with its picture; only with `playhead`. */
export interface Passed {
  readonly video: string;
  /** A seek has jumped over it; or it waited too long, or with too many, for a picture that stands still. */
  readonly why: "jump" | "full";
  /** Likes that the totals were told with now. */
  readonly likes: number;
  /** Comments. After a jump they are told as history; else they are not told. */
  readonly comments: number;
}

export interface Events {
  likes: Likes;
  comment: Comment;
  viewers: { readonly video: string; readonly viewers: number };
  state: State;
  /** What was missed could not be filled in; history follows. */
  reset: { readonly video: string; readonly reason: string };
  retract: { readonly video: string; readonly id: string };
  /** The video is over and takes neither likes nor comments any more, or was opened again. */
  closed: { readonly video: string; readonly closed: boolean };
  beat: { readonly now: number; readonly stale?: boolean };
  passed: Passed;
}

export type EventName = keyof Events;
export type Listeners = { [E in EventName]?: (event: Events[E]) => void };

export interface ConnectOptions {
  /** Where the server is. Default: where this module came from. */
  url?: string;
  /** Gives the viewer's token. `refresh` is true when the last one was refused or is about to expire. */
  token?: (refresh: boolean) => string | undefined | Promise<string | undefined>;
  /** One connection for all tabs of this origin. Default true; needs Web Locks (https or localhost). */
  share?: boolean;
}

export interface ViewerOptions {
  /** The name sent with likes and comments. */
  user?: string;
  /**
   * Unix ms of the picture shown now, in the stream's own dates, or null while that is not known. With it,
   * what others did waits for that picture, up to 60 s and 2,000 of it, and likes and comments say which
   * picture they are about. Without a date all is told at once. players.ts has one for each known player.
   */
  playhead?: () => number | null | undefined;
}

export type WatchOptions = ConnectOptions & Listeners & ViewerOptions;

export interface Watch {
  readonly video: string;
  /** The name sent with likes and comments. */
  user: string | undefined;
  /** Adds a listener; the answer removes it. */
  on<E extends EventName>(event: E, listener: (event: Events[E]) => void): () => void;
  /**
   * Taps. Merged for 300 ms, sent with a key, repeated with the same key until answered or 100 s old.
   * Resolves once the server has made them durable; rejects with a `Refusal`. Safe to ignore.
   */
  like(kind?: string, count?: number): Promise<void>;
  /**
   * Where each viewer likes once (`likeMode` of `/v1/config`): likes, or takes the like back. Not merged,
   * sent in order, repeated like taps. Without a token the viewer is this browser. Resolves once durable.
   */
  setLike(kind: string, liked: boolean): Promise<void>;
  /** Resolves with the comment's id once durable; rejects with a `Refusal`. */
  comment(text: string): Promise<string>;
  close(): void;
}

/** What is looked at of an event of a stream. DOM's own type is another one in a program without pages. */
export interface Heard {
  readonly data: string;
  readonly lastEventId: string;
}

/** The subset of `EventSource` the client stands on; a test passes its own. */
export interface Source {
  readyState: number;
  onerror: ((event: never) => void) | null;
  addEventListener(name: string, listener: (event: Heard) => void): void;
  close(): void;
}

/** Time, chance and the network, passed in so that a test can be all three. */
export interface Outside {
  now(): number;
  /** Runs `run` after `ms`; the answer cancels. */
  after(ms: number, run: () => void): () => void;
  /** 0 ≤ n < 1 */
  random(): number;
  open(url: string): Source;
  fetch(url: string, init?: RequestInit): Promise<Response>;
  online(): boolean;
}

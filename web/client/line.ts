/**
 * The line to the server: one stream for every wanted video, and what to do when it breaks.
 *
 * The browser's own reconnecting is not used: it gives up for good on a wrong answer, cannot change the
 * URL, cannot fetch a fresh token and tells nobody when it will try again. So any error closes the
 * `EventSource` and the line opens a new one itself, with jitter, from the last id seen. A network that
 * holds streams back is noticed by silence and served by long poll. Held by line.test.ts.
 * Not here: what the messages mean (feed.ts) and which tab holds the line (tabs.ts).
 */
import { backoffMs } from "./backoff.ts";
import type { Message } from "./feed.ts";
import type { Offer, Polling } from "./polling.ts";
import type { ConnectOptions, Heard, Outside, Source, State } from "./types.ts";
import { claimsOf } from "./whose.ts";

/** A stream that has said nothing for so long after opening is held back on its way. */
export const SILENT_MS = 5000;
/** Silence that a server allows itself, unless its hello says otherwise: it then sends a beat. */
export const BEAT_MS = 20_000;
/** What a beat may take on its way: one that is later is missing, and with the second the stream is dead. */
export const GRACE_MS = 5000;
/** A poll without an answer for so long is not live. */
const POLL_LATE_MS = 45_000;
/** Likes that take longer than this to arrive are not live any more. */
const LAGGING_MS = 2500;
const LOOK_MS = 5000;
/** A first dial that was refused or reset: the process that was to take it may just have died. */
const FIRST_MS = 1000;
/** Long enough that ten thousand viewers of a lost node do not come back in one instant. */
const BASE_MS = 2000;
/** Latency alone is told at most this often. */
const TELL_MS = 1000;
/** A network that held streams back gets another chance after this, then after twice as long, … */
const STREAM_AGAIN_MS = 120_000;
/** Whoever was told to poll asks for a stream again about so often. */
const OFFER_AGAIN_MS = 60_000;
/** A token is renewed this long before it ends. */
const RENEW_MS = 10_000;
const NAMES = [
  "hello",
  "snapshot",
  "likes",
  "comment",
  "viewers",
  "retract",
  "reset",
  "state",
  "beat",
  "bye",
];

export interface Line {
  /** The videos to be told about, from now on. */
  want(videos: readonly string[]): void;
  /** Something changed outside (page shown): is the line still good? `now`: no need to wait any longer. */
  nudge(now: boolean): void;
  /** The last state told. */
  state(): State;
  close(): void;
}

export interface LineOptions {
  readonly outside: Outside;
  /** With the slash at the end. */
  readonly base: string;
  readonly token: ConnectOptions["token"];
  /** Where a new line carries on; "" from now. */
  readonly lastId: string;
  take(name: string, message: Message, id: string): void;
  known(video: string): boolean;
  latencyMs(): number | undefined;
  told(state: State): void;
}

/** When a JWT ends, Unix ms; undefined for any other token. */
export function tokenEndMs(token: string | undefined): number | undefined {
  const { exp } = claimsOf(token);
  return exp ? Number(exp) * 1000 : undefined;
}

export function createLine(options: LineOptions): Line {
  const { outside, base, take, known } = options;
  let { lastId } = options;
  let wanted = new Set<string>();
  /** The videos the open stream was asked for. */
  let asked = new Set<string>();
  let source: Source | undefined;
  let connection = "";
  let polling = false;
  let polls: Polling | undefined;
  /** What the server told us to poll, until it gives a stream. */
  let offer: Offer | undefined;
  let pollRounds = 0;
  /** Grows with every attempt; what began under an older one is void. */
  let turn = 0;
  let attempt = 0;
  let refused = false;
  let retryMs = 0;
  let beatMs = BEAT_MS;
  let heardAt = 0;
  let openedAt = 0;
  let cancelRetry: (() => void) | undefined;
  let cancelSilent: (() => void) | undefined;
  let renewAt = Number.POSITIVE_INFINITY;
  let stale = false;
  let toldAt = 0;
  let state: State = { phase: "connecting", via: "stream" };

  function tell(phase: State["phase"], retryAt?: number): void {
    const latencyMs = options.latencyMs();
    const via = polling ? (offer ? "cache" : "poll") : "stream";
    const same = phase === state.phase && via === state.via && stale === !!state.stale && !retryAt;
    if (same && outside.now() - toldAt < TELL_MS) return;
    toldAt = outside.now();
    state = {
      phase: phase === "reconnecting" && !outside.online() ? "offline" : phase,
      via,
      ...(retryAt && { retryAt }),
      ...(latencyMs !== undefined && { latencyMs }),
      ...(stale && { stale }),
    };
    options.told(state);
  }

  function live(): void {
    const late = outside.now() - heardAt > (polling ? POLL_LATE_MS : beatMs + GRACE_MS);
    tell(late || stale || (options.latencyMs() ?? 0) > LAGGING_MS ? "lagging" : "live");
  }

  /** Ends what is under way; answers the turn of what begins now. */
  function stop(): number {
    source?.close();
    source = undefined;
    connection = "";
    polling = false;
    polls = undefined;
    cancelRetry?.();
    cancelSilent?.();
    cancelRetry = undefined;
    renewAt = Number.POSITIVE_INFINITY;
    return ++turn;
  }

  function again(ms?: number): void {
    // A line that held for a while was a good one: start counting afresh.
    if (outside.now() - openedAt > 10_000) attempt = 0;
    // The first delay is the server's own, which it spreads by how many viewers it holds.
    const baseMs = attempt === 0 && connection === "" ? FIRST_MS : BASE_MS;
    const waitMs = ms ?? ((attempt === 0 && retryMs) || backoffMs(attempt, outside.random(), baseMs));
    attempt++;
    stop();
    cancelRetry = outside.after(waitMs, open);
    tell("reconnecting", outside.now() + waitMs);
  }

  /** Changes what the open stream carries; if that fails, the stream is not what we think. */
  function change(method: "PUT" | "DELETE", video: string): void {
    const mine = turn;
    const failed = () => {
      if (mine === turn) again();
    };
    // A video we no longer want and still hear of is ignored; one we want and do not hear of is not.
    void request(`v1/connections/${connection}/videos/${video}`, { method }).then((answer) => {
      if (!answer.ok && method === "PUT") failed();
    }, failed);
  }

  async function request(path: string, init: RequestInit = {}): Promise<Response> {
    const token = await options.token?.(false);
    return outside.fetch(base + path, {
      ...init,
      ...(token && { headers: { authorization: `Bearer ${token}` } }),
    });
  }

  function align(): void {
    if (!connection) return;
    for (const video of wanted) if (!asked.has(video)) change("PUT", video);
    for (const video of asked) if (!wanted.has(video)) change("DELETE", video);
    asked = new Set(wanted);
  }

  function heard(name: string, event: Heard): void {
    cancelSilent?.();
    heardAt = outside.now();
    const message = JSON.parse(event.data) as Message;
    if (event.lastEventId) lastId = event.lastEventId;
    if (name === "hello") {
      connection = message.connection;
      offer = undefined;
      retryMs = message.retry ?? 0;
      beatMs = message.beat ?? BEAT_MS;
      align();
    }
    if (name === "bye") {
      refused = /token|expired|auth/.test(message.reason);
      if (message.poll) poll(message.poll);
      else again(message.retry);
      return;
    }
    if (name === "beat") stale = !!message.stale;
    take(name, message, event.lastEventId);
    live();
  }

  async function open(): Promise<void> {
    const mine = stop();
    if (!wanted.size) return;
    openedAt = heardAt = outside.now();
    if (!/live|lagging/.test(state.phase)) tell(state.phase === "connecting" ? "connecting" : "reconnecting");
    const token = await Promise.resolve(options.token?.(refused)).catch(() => undefined);
    if (mine !== turn) return;
    refused = false;
    const end = tokenEndMs(token);
    if (end) renewAt = end - RENEW_MS;
    // A resumed stream replays; a video that has no history here yet is added after, and so gets it.
    const resumed = lastId ? [...wanted].filter(known) : [];
    asked = new Set(resumed.length ? resumed : wanted);
    const query = new URLSearchParams([...asked].map((video) => ["video", video]));
    if (resumed.length) query.set("last_event_id", lastId);
    if (token) query.set("token", token);
    if (offer) query.set("polling", "1");
    const opened = outside.open(`${base}v1/events?${query}`);
    source = opened;
    for (const name of NAMES) {
      opened.addEventListener(name, (event) => {
        if (mine === turn) heard(name, event);
      });
    }
    // Whether the browser would try again (CONNECTING) or has given up (CLOSED), we do it. It gives up
    // on answers other than 200, and with a token at hand that is the likely reason.
    opened.onerror = () => {
      if (mine !== turn) return;
      refused = opened.readyState === 2;
      offer = undefined;
      again();
    };
    cancelSilent = outside.after(SILENT_MS, () => poll());
  }

  /** Without a stream: as `told` by the server, or because none comes through. */
  function poll(told?: Offer): void {
    const mine = stop();
    polling = true;
    offer = told;
    if (!offer) pollRounds++;
    const over = (status?: number) => {
      if (mine !== turn) return;
      refused = status === 401 || status === 403;
      again();
    };
    import("./polling.ts").then(({ createPolling }) => {
      if (mine !== turn) return;
      polls = createPolling({
        ...{ outside, base, offer, request, known, take },
        wants: (video) => mine === turn && wanted.has(video),
        heard() {
          heardAt = outside.now();
          live();
        },
        failed: over,
      });
      polls.more(wanted);
    }, over);
    const againMs = told
      ? OFFER_AGAIN_MS * (0.5 + outside.random())
      : STREAM_AGAIN_MS * 2 ** Math.min(pollRounds - 1, 4);
    cancelRetry = outside.after(againMs, open);
  }

  function look(): void {
    cancelLook = outside.after(LOOK_MS, look);
    if (!source && !polling) return;
    const now = outside.now();
    // Whatever the socket says: a browser holds a stream for open through a changed address and a dead link.
    if (source && now - heardAt > 2 * beatMs + GRACE_MS) again(retryMs * outside.random());
    else if (now > renewAt) {
      refused = true;
      void open();
    } else if (connection || polling) live();
  }
  let cancelLook = outside.after(LOOK_MS, look);

  return {
    want(videos) {
      wanted = new Set(videos);
      if (!wanted.size) stop();
      else if (polling) polls?.more(wanted);
      else if (connection) align();
      else if (!cancelRetry && !source) {
        stop();
        // Watches asked for in the same moment share one opening.
        cancelRetry = outside.after(0, open);
      }
    },
    nudge(now) {
      const waiting = cancelRetry && !polling && !source;
      if (waiting ? now : source && outside.now() - heardAt > beatMs + GRACE_MS)
        again(500 * outside.random());
      else if (!outside.online()) tell("reconnecting");
    },
    state: () => state,
    close() {
      stop();
      cancelLook();
      tell("closed");
    },
  };
}

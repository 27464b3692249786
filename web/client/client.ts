/**
 * The browser client, `/ovation.js`: watch a video, tap, comment. Renders nothing, needs nothing.
 *
 *     import { watch } from "https://your.host/ovation.js";
 *     const live = watch("final", { likes: (e) => console.log(e.totals), comment: (e) => … });
 *     live.like("heart");
 *
 * A *watch* belongs to whoever asked for it; the *line* behind it is one per server and viewer for the whole
 * origin, however many watches, videos and tabs there are (client.test.ts, tabs.test.ts). This file joins the
 * parts: feed (what is known), line (the stream), tabs (who holds it), taps and send (the way up).
 */
import { createAligned } from "./align.ts";
import type { Off } from "./dates.ts";
import { createFeed, type Message, type Snapshot } from "./feed.ts";
import { createLine, type Line } from "./line.ts";
import { newKey, send } from "./send.ts";
import { type Channel, createTabs, type Tabs } from "./tabs.ts";
import { createTaps, type Taps } from "./taps.ts";
import type {
  ConnectOptions,
  Listeners,
  Outside,
  Source,
  State,
  ViewerOptions,
  Watch,
  WatchOptions,
} from "./types.ts";
import { viewerId } from "./viewer.ts";
import { whoseLine } from "./whose.ts";

export { Refusal } from "./send.ts";
export type * from "./types.ts";

/** The browser's own time, chance and network. */
const browser: Outside = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
  open: (url) => new EventSource(url) as Source,
  fetch: (url, init) => fetch(url, init),
  online: () => navigator.onLine !== false,
};

export interface Client {
  watch(video: string, options?: Listeners & ViewerOptions): Watch;
  close(): void;
}

/** Only pages have other tabs. */
function shareable(): boolean {
  return typeof BroadcastChannel === "function" && !!globalThis.document;
}

/** A tab goes over to another viewer's line at most so often. */
const MOVE_MS = 60_000;

/** One client of one server. `watch` below keeps one per server; make your own for a second token. */
export function createClient(options: ConnectOptions = {}, outside: Outside = browser): Client {
  const base = new URL(".", options.url ? new URL(options.url, globalThis.location?.href) : import.meta.url)
    .href;
  const token = options.token && tokenOf;
  const feed = createFeed(() => outside.now());
  const own = new Map<Watch, Taps>();
  /** What other tabs want while this one leads. */
  const others = new Map<string, () => void>();
  let line: Line | undefined;
  let tabs: Tabs | undefined;
  let lastId = "";
  /** Whose line this tab shares. */
  let whose = "";
  let joining = false;
  let moveAt = 0;
  let state: State = { phase: "connecting", via: "stream" };

  function told(next: State): void {
    state = next;
    feed.tell("state", next);
  }

  function lead(): void {
    line = createLine({
      outside,
      base,
      token,
      lastId,
      take(name, message, id) {
        lastId = id || lastId;
        feed.take(name, message);
        tabs?.say({ t: "event", name, message, id });
      },
      known: feed.known,
      latencyMs: feed.latencyMs,
      told(next) {
        told(next);
        tabs?.say({ t: "state", state: next });
      },
    });
    line.want(feed.videos());
  }

  function follow(): void {
    const led = line;
    line = undefined;
    led?.close();
    for (const stop of others.values()) stop();
    others.clear();
  }

  function serve(videos: string[], ask: boolean): void {
    for (const [video, stop] of others) {
      if (videos.includes(video)) continue;
      others.delete(video);
      stop();
    }
    for (const video of videos) if (!others.has(video)) others.set(video, feed.listen(video, {}));
    line?.want(feed.videos());
    if (!ask) return;
    for (const video of videos) {
      const message = feed.snapshot(video);
      if (message)
        tabs?.say({ t: "event", name: "snapshot", message: message as Snapshot & Message, id: lastId });
    }
    tabs?.say({ t: "state", state });
  }

  function start(): void {
    if (options.share === false || !shareable()) lead();
    else if (!token) join("");
    else {
      joining = true;
      void tokenOf(false)
        .catch(() => "")
        .then((given) => joining && join(whoseLine(given)));
    }
  }

  /** What the page's hook gives; when that is another viewer's than the line is, the tab changes lines. */
  async function tokenOf(refresh: boolean): Promise<string | undefined> {
    const given = await options.token?.(refresh);
    if (tabs && whose !== whoseLine(given) && outside.now() > moveAt) {
      moveAt = outside.now() + MOVE_MS;
      leave();
      start();
    }
    return given;
  }

  function join(who: string): void {
    joining = false;
    whose = who;
    const name = `${base} ${who}`;
    const channel = new BroadcastChannel(name);
    tabs = createTabs({
      outside,
      tab: newKey(),
      name,
      channel: channel as Channel,
      locks: navigator.locks ?? {
        // Without that part this tab has its own connection.
        request: (_: string, options: LockOptions, run: () => unknown) =>
          import("./locks.ts").then((locks) => locks.request(channel, outside, options, run), run),
      },
      visible: () => document.visibilityState === "visible",
      wants: () => feed.videos(),
      lead,
      follow,
      others: serve,
      state: () => state,
      heard(said) {
        if (said.t === "event") {
          lastId = said.id || lastId;
          feed.take(said.name, said.message);
        } else if (said.t === "state") {
          const latencyMs = feed.latencyMs();
          told({ ...said.state, via: "tab", ...(latencyMs !== undefined && { latencyMs }) });
        }
      },
    });
  }

  function leave(): void {
    follow();
    tabs?.close();
    tabs = undefined;
    joining = false;
  }

  function stop(): void {
    for (const taps of own.values()) taps.flush();
    leave();
  }

  function wantsChanged(): void {
    if (line) line.want(feed.videos());
    else if (tabs) tabs.wantsChanged();
    else if (!joining) start();
  }

  const on = globalThis.addEventListener?.bind(globalThis);
  on?.("online", () => line?.nudge(true));
  on?.("offline", () => line?.nudge(false));
  // In the back/forward cache Chromium would keep the connection for a minute, and the viewer would count
  // as watching (findings/chromium-stream-outlives-its-page.sh).
  on?.("pagehide", stop);
  on?.("pageshow", (event) => {
    if ((event as PageTransitionEvent).persisted && own.size) start();
  });
  globalThis.document?.addEventListener("visibilitychange", () => line?.nudge(false));

  return {
    watch(video, listeners = {}) {
      const { user, playhead, ...first } = listeners;
      const stops: (() => void)[] = [];
      const path = `${base}v1/videos/${encodeURIComponent(video)}/`;
      // Fetched with the first picture; until then, and without it, dates are taken as they are.
      // Fetched with the first picture; until then, and without it, dates are taken as they are.
      let off: Off = () => {
        off = () => 0;
        import("./dates.ts").then((dates) => {
          off = dates.createOff(outside, path, token);
        }, off);
        return 0;
      };
      const aligned = playhead && createAligned(outside, feed, video, playhead, (ms) => off(ms));
      const seen = aligned ?? feed;
      const picture = () => aligned?.picture();
      // What is undefined is not in the JSON.
      const named = (body: object) => ({ ...body, user: watch.user || undefined });
      const post = (kind: string, count: number, mediaTime?: number) =>
        send(outside, `${path}likes`, named({ kind, count, mediaTime }), newKey(), token);
      const taps = createTaps(outside, post, picture);
      /** By kind, the last one under way: likes of one kind arrive in the order they were set. */
      const set = new Map<string, Promise<unknown>>();
      const watch: Watch = {
        video,
        user,
        on(event, listener) {
          const added: Listeners = { [event]: listener };
          const unlisten = seen.listen(video, added);
          stops.push(unlisten);
          added.state?.(state);
          return unlisten;
        },
        like: (kind = "heart", count = 1) => taps.tap(kind, count),
        setLike(kind, liked) {
          const body = { ...named({ kind, mediaTime: picture() }), ...(!token && { viewer: viewerId() }) };
          const go = () =>
            send<void>(outside, `${path}likes`, body, newKey(), token, liked ? "POST" : "DELETE");
          const done = (set.get(kind) ?? Promise.resolve()).then(go);
          // The next one goes its own way, and a page may ignore the answer.
          set.set(
            kind,
            done.catch(() => {}),
          );
          return done;
        },
        async comment(text) {
          const body = named({ text, mediaTime: picture() });
          const { id } = await send<{ id: string }>(outside, `${path}comments`, body, newKey(), token);
          aligned?.own(id);
          return id;
        },
        close() {
          taps.flush();
          for (const unlisten of stops) unlisten();
          aligned?.close();
          own.delete(watch);
          if (own.size) wantsChanged();
          else stop();
        },
      };
      stops.push(seen.listen(video, first));
      own.set(watch, taps);
      first.state?.(state);
      wantsChanged();
      return watch;
    },
    close() {
      for (const watch of own.keys()) watch.close();
    },
  };
}

const clients = new Map<string, Client>();

/**
 * Watches a video. All watches of a page that name the same server share one client, made with the
 * options of the first of them.
 *
 * @example
 * const live = watch("final", {
 *   url: "https://ovation.example",
 *   likes: ({ totals }) => console.log("hearts", totals.heart ?? 0),
 *   comment: ({ user = "Guest", text }) => console.log(`${user}: ${text}`),
 * });
 * await live.like("heart");
 * await live.comment("What a goal!");
 */
export function watch(video: string, options: WatchOptions = {}): Watch {
  const { url = "", token, share, ...listeners } = options;
  let client = clients.get(url);
  if (!client) {
    client = createClient({ url, token, share } as ConnectOptions);
    clients.set(url, client);
  }
  return client.watch(video, listeners);
}

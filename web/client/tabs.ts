/**
 * One connection for all tabs of an origin: browsers allow six per host, over all tabs.
 *
 * The *leader* is whoever holds the Web Lock, nothing else. The browser gives the lock to the next tab
 * when the leader closes or crashes, so there is no election to get wrong. The leader holds the line and
 * repeats what it hears on a `BroadcastChannel`; a follower feeds itself from that and so knows the last
 * id when its own turn comes: nothing is missed in between. A leader the browser has frozen keeps its
 * lock; a visible follower that hears nothing takes it away. Held by tabs.test.ts.
 */
import type { Message } from "./feed.ts";
import type { Outside, State } from "./types.ts";

/** A leader says something at least this often. */
const SIGN_MS = 10_000;
/** A follower that heard nothing for so long asks, and if still nothing takes over. */
const ASK_MS = 20_000;
const STEAL_MS = 25_000;
/** A tab that has not said for so long what it wants (hidden tabs run timers once a minute) is gone. */
const TAB_GONE_MS = 180_000;
const LOOK_MS = 2500;

export type Said =
  | { t: "event"; name: string; message: Message; id: string }
  | { t: "state"; state: State }
  | { t: "want"; tab: string; videos: string[]; ask: boolean }
  | { t: "lead" };

export interface Channel {
  postMessage(said: Said): void;
  onmessage: ((event: MessageEvent<Said>) => void) | null;
  close(): void;
}

export interface Tabs {
  /** Leader: repeats to the others. */
  say(said: Said): void;
  /** This tab's own wishes changed. */
  wantsChanged(): void;
  /** Gives the lock away if we have it. */
  close(): void;
}

export interface TabsOptions {
  readonly outside: Outside;
  readonly tab: string;
  readonly name: string;
  readonly channel: Channel;
  readonly locks: Pick<LockManager, "request">;
  visible(): boolean;
  /** The videos this tab itself wants. */
  wants(): string[];
  /** The lock is ours; what the other tabs want comes through `others`. */
  lead(): void;
  /** The lock is not ours, or not any more. */
  follow(): void;
  /** Leader: all that other tabs want; `ask`: one of them needs what is known so far. */
  others(videos: string[], ask: boolean): void;
  /** Leader: the state of its line, said as a sign of life. */
  state(): State;
  /** Follower: what the leader said. */
  heard(said: Said): void;
}

export function createTabs(options: TabsOptions): Tabs {
  const { outside, channel, tab } = options;
  const wishes = new Map<string, { videos: string[]; at: number }>();
  let release: (() => void) | undefined;
  let closed = false;
  // As if the last word were old: a leader that does not answer within seconds is replaced.
  let heardAt = outside.now() - ASK_MS;
  let saidAt = 0;

  function hold(steal: boolean): void {
    options.locks
      .request(options.name, steal ? { steal } : {}, () => {
        if (closed) return;
        wishes.clear();
        say({ t: "lead" });
        options.lead();
        return new Promise<void>((done) => {
          release = done;
        });
      })
      .catch(() => {
        // Taken from us while we could not answer (AbortError): queue again like everyone else.
        release = undefined;
        if (closed) return;
        heardAt = outside.now();
        options.follow();
        hold(false);
        want(true);
      });
  }

  function say(said: Said): void {
    saidAt = outside.now();
    channel.postMessage(said);
  }

  function want(ask: boolean): void {
    if (!release) say({ t: "want", tab, videos: options.wants(), ask });
  }

  function tellOthers(ask: boolean): void {
    for (const [gone, wish] of wishes) if (outside.now() - wish.at > TAB_GONE_MS) wishes.delete(gone);
    options.others(
      [...wishes.values()].flatMap((wish) => wish.videos),
      ask,
    );
  }

  channel.onmessage = ({ data: said }) => {
    if (said.t === "want") {
      if (!release) return;
      wishes.set(said.tab, { videos: said.videos, at: outside.now() });
      return tellOthers(said.ask);
    }
    heardAt = outside.now();
    if (said.t === "lead") want(true);
    else options.heard(said);
  };

  function look(): void {
    cancelLook = outside.after(LOOK_MS, look);
    const now = outside.now();
    if (release) {
      if (now - saidAt > SIGN_MS) say({ t: "state", state: options.state() });
      return;
    }
    const quietMs = now - heardAt;
    if (quietMs > STEAL_MS && options.visible()) {
      heardAt = now;
      hold(true);
    } else if (quietMs > ASK_MS) want(true);
    else if (now - saidAt > SIGN_MS) want(false);
  }
  let cancelLook = outside.after(LOOK_MS, look);

  options.follow();
  hold(false);
  want(true);

  return {
    say,
    wantsChanged: () => want(true),
    close() {
      closed = true;
      cancelLook();
      // An empty wish: the leader need not wait for us to be gone.
      if (!release) say({ t: "want", tab, videos: [], ask: false });
      release?.();
      // What locks.ts says of a lock that is free again goes out before.
      queueMicrotask(() => channel.close());
    },
  };
}

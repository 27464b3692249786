/**
 * Why no stream comes about, in words: an `EventSource` does not say, so the server is asked once a try fails.
 *
 * Two reasons are no passing trouble, and whoever reads them can have them mended: the page's origin is not on
 * the server's list, and the viewer's token is missing, or not valid any more. A browser tells a page nothing
 * of an answer that it may not read, so the first is what is left when the server gives its script, which
 * every origin may have, and nothing else. Held by src/system/page-trouble.test.ts.
 */
import type { ConnectOptions, State } from "../types.ts";
import { make } from "./dom.ts";
import type { Words } from "./words.ts";

const ANSWER_MS = 5000;

export interface TroubleOptions {
  readonly base: string;
  readonly video: string;
  readonly words: Words;
  /** The page's own hook, if it has one. */
  token(): ReturnType<NonNullable<ConnectOptions["token"]>>;
}

export interface Trouble {
  readonly element: HTMLElement;
  show(state: State): void;
}

export function createTrouble(options: TroubleOptions): Trouble {
  const { words } = options;
  const element = make("p", { class: "trouble", part: "trouble", role: "alert", hidden: true });
  let looking = false;
  let wanted = false;

  async function look(): Promise<void> {
    looking = true;
    const why = await troubleOf(options).catch(() => undefined);
    looking = false;
    // What it reads is not told again while it stays the same.
    const text = why === "origin" ? words.notListed(location.origin) : why && words.noToken;
    if (text && wanted && element.textContent !== text) element.textContent = text;
    element.hidden = !text || !wanted;
  }

  return {
    element,
    show({ phase }) {
      wanted = phase === "reconnecting";
      if (wanted && !looking) void look();
      if (phase === "live" || phase === "lagging") element.hidden = true;
    },
  };
}

async function troubleOf({ base, video, token }: TroubleOptions): Promise<"origin" | "token" | undefined> {
  const ask = (path: string, init: RequestInit) =>
    fetch(base + path, { ...init, signal: AbortSignal.timeout(ANSWER_MS) });
  if (!(await ask("ovation.js", { method: "HEAD" })).ok) return;
  const given = await token();
  const headers: HeadersInit = given ? { authorization: `Bearer ${given}` } : {};
  const answer = await ask(`v1/videos/${encodeURIComponent(video)}`, { headers }).catch(() => undefined);
  if (!answer) return new URL(base).origin === location.origin ? undefined : "origin";
  return answer.status === 401 || answer.status === 403 ? "token" : undefined;
}

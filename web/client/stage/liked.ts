/**
 * Which kinds of which videos this browser likes, where each viewer likes once: so that a button is still
 * pressed after the page was loaded again.
 *
 * The server knows who likes what and tells only how many; whether it was us is known here, beside the id
 * that we like under (`viewer.ts`), and is lost together with it. Held by liked.test.ts.
 */

/** Likes remembered. Beyond: the oldest are forgotten, and their buttons look as if nothing was liked. */
export const LIKED_MAX = 1000;
const LIKED_KEY = "ovation-liked";

/** The part of `localStorage` that is used; a test passes its own. */
export type Store = Pick<Storage, "getItem" | "setItem">;

export interface Liked {
  has(kind: string): boolean;
  set(kind: string, liked: boolean): void;
}

/** Likes of one video; `store` is undefined where a browser keeps nothing: then they last as long as the page. */
export function createLiked(server: string, video: string, store: Store | undefined): Liked {
  const name = (kind: string) => `${server} ${video} ${kind}`;
  const own = new Set<string>();
  let all = read(store);
  for (const each of all) own.add(each);
  return {
    has: (kind) => own.has(name(kind)),
    set(kind, liked) {
      if (liked) own.add(name(kind));
      else own.delete(name(kind));
      // Other tabs write here too.
      all = read(store).filter((each) => each !== name(kind));
      if (liked) all.push(name(kind));
      try {
        store?.setItem(LIKED_KEY, JSON.stringify(all.slice(-LIKED_MAX)));
      } catch {
        // Full or forbidden: it lasts as long as the page.
      }
    },
  };
}

/** What this browser keeps; undefined where it keeps nothing. */
export function browserStore(): Store | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

function read(store: Store | undefined): string[] {
  try {
    const told: unknown = JSON.parse(store?.getItem(LIKED_KEY) ?? "[]");
    return Array.isArray(told) ? told.filter((each) => typeof each === "string") : [];
  } catch {
    return [];
  }
}

/**
 * What a page shows of a video, as one value that is replaced when it changes: what React, Vue and Svelte
 * want of a store. Held by follow.test.ts.
 *
 * It watches only while somebody looks, so that a component that was made and thrown away has opened nothing.
 */
import { watch } from "ovation-client";
import type { Comment, State, Totals, Watch, WatchOptions } from "./types.ts";

/** Comments that are kept: the newest. */
const COMMENTS_MAX = 200;

/** What is known of a video. A new object whenever any of it changes. */
export interface Reactions {
  /** Likes by kind. */
  readonly totals: Totals;
  readonly viewers: number;
  /** The newest 200, oldest first. */
  readonly comments: readonly Comment[];
  readonly state: State;
}

/** What a viewer can do. */
export type Acts = Pick<Watch, "like" | "setLike" | "comment">;

export interface Following extends Acts {
  get(): Reactions;
  /** Calls `changed` after each change, until the answer is called. */
  subscribe(changed: () => void): () => void;
}

export type FollowOptions = Pick<WatchOptions, "url" | "token" | "share" | "user">;

/** What is known before anything is. */
export const nothing: Reactions = {
  totals: {},
  viewers: 0,
  comments: [],
  state: { phase: "connecting", via: "stream" },
};

/**
 * Whether anybody can look. On a server, where a component is only rendered, its store is asked once and then
 * forgotten, and there may be no address to watch at.
 */
export function isPage(): boolean {
  return typeof document !== "undefined";
}

/** Follows `video`, from the first who looks on until nobody does. */
export function follow(video: string, options: FollowOptions = {}, open: typeof watch = watch): Following {
  let known = nothing;
  let watching: Watch | undefined;
  const looking = new Set<() => void>();

  function tell(change: Partial<Reactions>): void {
    known = { ...known, ...change };
    for (const changed of [...looking]) changed();
  }

  function begin(): Watch {
    return open(video, {
      ...options,
      likes: ({ totals }) => tell({ totals }),
      viewers: ({ viewers }) => tell({ viewers }),
      comment(comment) {
        const others = known.comments.filter(({ id }) => id !== comment.id);
        tell({ comments: [...others, comment].slice(-COMMENTS_MAX) });
      },
      retract: ({ id }) => tell({ comments: known.comments.filter((comment) => comment.id !== id) }),
      reset: () => tell({ comments: [] }),
      state: (state) => tell({ state }),
    });
  }

  /** Acts also where nobody looks: what only has a button need not show anything. */
  async function act<T>(run: (watch: Watch) => Promise<T>): Promise<T> {
    const own = watching ? undefined : open(video, options);
    try {
      return await run((watching ?? own) as Watch);
    } finally {
      own?.close();
    }
  }

  return {
    get: () => known,
    subscribe(changed) {
      looking.add(changed);
      watching ??= begin();
      return () => {
        looking.delete(changed);
        if (looking.size) return;
        watching?.close();
        watching = undefined;
      };
    },
    like: (kind, count) => act((watch) => watch.like(kind, count)),
    setLike: (kind, liked) => act((watch) => watch.setLike(kind, liked)),
    comment: (text) => act((watch) => watch.comment(text)),
  };
}

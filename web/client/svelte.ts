/**
 * `ovation-client/svelte`: what is known of a video as a store, `$live.totals` in a component.
 *
 *     const live = reactions("final", { url: "https://your.host" });
 */
import { type Acts, type FollowOptions, follow, isPage, type Reactions } from "./follow.ts";

export type { Acts, FollowOptions, Reactions } from "./follow.ts";

/** A store by Svelte's contract: its value at once, and again after each change. */
export interface ReactionsStore extends Acts {
  subscribe(run: (known: Reactions) => void): () => void;
}

/** Follows `video` while somebody is subscribed, as `$` is. */
export function reactions(video: string, options: FollowOptions = {}): ReactionsStore {
  const { get, subscribe, ...acts } = follow(video, options);
  return {
    ...acts,
    subscribe(run) {
      run(get());
      return isPage() ? subscribe(() => run(get())) : () => {};
    },
  };
}

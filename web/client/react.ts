/**
 * `ovation-client/react`: what is known of a video as a hook.
 *
 *     const { totals, comments, like } = useReactions("final", { url: "https://your.host" });
 */
import { useMemo, useSyncExternalStore } from "react";
import { type Acts, type FollowOptions, follow, nothing, type Reactions } from "./follow.ts";

export type { Acts, FollowOptions, Reactions } from "./follow.ts";

/**
 * Renders anew whenever something changes. A `video`, `url`, `user` or `token` that is another one is another
 * watch: keep a `token` function in a constant or in useCallback.
 */
export function useReactions(video: string, options: FollowOptions = {}): Reactions & Acts {
  const { url, token, share, user } = options;
  const following = useMemo(() => {
    return follow(video, {
      ...(url !== undefined && { url }),
      ...(token && { token }),
      ...(share !== undefined && { share }),
      ...(user !== undefined && { user }),
    });
  }, [video, url, token, share, user]);
  const known = useSyncExternalStore(following.subscribe, following.get, () => nothing);
  const { like, setLike, comment } = following;
  return { ...known, like, setLike, comment };
}

/**
 * `ovation-client/vue`: what is known of a video as a ref.
 *
 *     const { seen, like } = useReactions("final", { url: "https://your.host" });
 */
import { type MaybeRefOrGetter, type ShallowRef, shallowRef, toValue, watchEffect } from "vue";
import {
  type Acts,
  type Following,
  type FollowOptions,
  follow,
  isPage,
  nothing,
  type Reactions,
} from "./follow.ts";

export type { Acts, FollowOptions, Reactions } from "./follow.ts";

/** Follows `video`, also when it is a ref that changes, until the component or the scope it is in ends. */
export function useReactions(
  video: MaybeRefOrGetter<string>,
  options: FollowOptions = {},
): { readonly seen: Readonly<ShallowRef<Reactions>> } & Acts {
  const seen = shallowRef<Reactions>(nothing);
  let following: Following | undefined;
  const now = () => (following ??= follow(toValue(video), options));
  function begin(ended: (leave: () => void) => void): void {
    const mine = follow(toValue(video), options);
    following = mine;
    seen.value = mine.get();
    ended(
      mine.subscribe(() => {
        seen.value = mine.get();
      }),
    );
  }
  if (isPage()) watchEffect(begin);
  return {
    seen,
    like: (kind, count) => now().like(kind, count),
    setLike: (kind, liked) => now().setLike(kind, liked),
    comment: (text) => now().comment(text),
  };
}

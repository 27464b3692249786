/** What this browser remembers of its own likes, where each viewer likes once. */
import { expect, test } from "bun:test";
import { createLiked, LIKED_MAX, type Store } from "./liked.ts";

function memory(first?: string): Store & { kept: string | undefined } {
  const store = {
    kept: first,
    getItem: () => store.kept ?? null,
    setItem: (_: string, value: string) => {
      store.kept = value;
    },
  };
  return store;
}

test("a like is remembered by server, video and kind, until it is taken back", () => {
  const store = memory();
  createLiked("http://s/", "v", store).set("heart", true);
  createLiked("http://s/", "v", store).set("clap", true);
  const again = createLiked("http://s/", "v", store);
  expect([again.has("heart"), again.has("clap"), again.has("fire")]).toEqual([true, true, false]);
  expect(createLiked("http://s/", "w", store).has("heart")).toBe(false);
  expect(createLiked("http://t/", "v", store).has("heart")).toBe(false);
  again.set("heart", false);
  expect(again.has("heart")).toBe(false);
  expect(createLiked("http://s/", "v", store).has("heart")).toBe(false);
});

test("two tabs do not forget each other's likes, and the oldest of too many are forgotten", () => {
  const store = memory();
  const [one, other] = [createLiked("s", "v", store), createLiked("s", "w", store)];
  one.set("heart", true);
  other.set("heart", true);
  one.set("clap", true);
  expect(createLiked("s", "w", store).has("heart")).toBe(true);
  for (let i = 0; i < LIKED_MAX; i++) one.set(`kind-${i}`, true);
  expect((JSON.parse(store.kept ?? "[]") as string[]).length).toBe(LIKED_MAX);
  expect(createLiked("s", "w", store).has("heart")).toBe(false);
});

test("a browser that keeps nothing, or what is none of ours, is no trouble", () => {
  const none = createLiked("s", "v", undefined);
  none.set("heart", true);
  expect(none.has("heart")).toBe(true);
  const full: Store = {
    getItem: () => {
      throw new Error("no");
    },
    setItem: () => {
      throw new Error("full");
    },
  };
  const still = createLiked("s", "v", full);
  still.set("heart", true);
  expect(still.has("heart")).toBe(true);
  for (const odd of ["{", "{}", "[1,null]", '"text"']) {
    expect(createLiked("s", "v", memory(odd)).has("heart")).toBe(false);
  }
});

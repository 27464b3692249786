/** What is known of a video as one value: replaced with each change, watched only while somebody looks. */
import { expect, test } from "bun:test";
import { follow } from "./follow.ts";
import { reactions } from "./svelte.ts";
import type { Comment, Watch, WatchOptions } from "./types.ts";

interface Opened {
  readonly options: WatchOptions;
  readonly calls: string[];
  closed: boolean;
}

function fake() {
  const opened: Opened[] = [];
  const open = (video: string, options: WatchOptions = {}): Watch => {
    const one: Opened = { options, calls: [], closed: false };
    opened.push(one);
    return {
      ...{ video, user: options.user, on: () => () => {} },
      like: async (kind = "heart", count = 1) => void one.calls.push(`${kind} ${count}`),
      setLike: async (kind, liked) => void one.calls.push(`${kind} ${liked}`),
      comment: async (text) => `${one.calls.push(text)}`,
      close() {
        one.closed = true;
      },
    };
  };
  return { opened, open };
}

const said = (id: string): Comment => ({ video: "v", id, text: id, at: 1 });

test("opens for the first who looks, and closes with the last", () => {
  const { opened, open } = fake();
  const following = follow("v", { user: "Ada" }, open);
  expect(opened).toHaveLength(0);
  const leave = [following.subscribe(() => {}), following.subscribe(() => {})];
  expect(opened).toHaveLength(1);
  expect(opened[0]?.options.user).toBe("Ada");
  leave[0]?.();
  expect(opened[0]?.closed).toBe(false);
  leave[1]?.();
  expect(opened[0]?.closed).toBe(true);
  following.subscribe(() => {});
  expect(opened).toHaveLength(2);
});

test("every change is a new value, and told", () => {
  const { opened, open } = fake();
  const following = follow("v", {}, open);
  const before = following.get();
  let changes = 0;
  following.subscribe(() => changes++);
  const { options } = opened[0] as Opened;
  options.likes?.({ video: "v", totals: { heart: 2 }, version: 1 });
  options.viewers?.({ video: "v", viewers: 5 });
  for (const id of ["a", "b", "a"]) options.comment?.(said(id));
  options.retract?.({ video: "v", id: "b" });
  expect(following.get()).toMatchObject({ totals: { heart: 2 }, viewers: 5, comments: [said("a")] });
  expect(before.comments).toEqual([]);
  expect(changes).toBe(6);
  options.reset?.({ video: "v", reason: "history" });
  expect(following.get().comments).toEqual([]);
  for (let i = 0; i < 205; i++) options.comment?.(said(String(i)));
  expect(following.get().comments).toHaveLength(200);
});

test("acts where nobody looks, by a watch that lasts as long", async () => {
  const { opened, open } = fake();
  const following = follow("v", {}, open);
  await following.like();
  expect(opened).toMatchObject([{ calls: ["heart 1"], closed: true }]);
  following.subscribe(() => {});
  await following.setLike("clap", true);
  expect(await following.comment("hi")).toBe("2");
  expect(opened).toMatchObject([{}, { calls: ["clap true", "hi"], closed: false }]);
});

test("a store tells its value at once, as Svelte wants it", () => {
  const store = reactions("v", { url: "http://127.0.0.1:1", share: false });
  const values: unknown[] = [];
  store.subscribe((value) => values.push(value))();
  expect(values[0]).toMatchObject({ totals: {}, comments: [] });
});

/** Tabs of one origin: one leads, all hear, and the lead passes on when a tab closes or freezes. */
import { describe, expect, test } from "bun:test";
import { FakeAir, FakeLocks, FakeOutside } from "./fakes.ts";
import type { Message } from "./feed.ts";
import { createTabs, type Said } from "./tabs.ts";
import type { State } from "./types.ts";

function origin() {
  const outside = new FakeOutside();
  const air = new FakeAir();
  const locks = new FakeLocks();
  const open = (tab: string, wants: string[], isVisible = true, own = outside) => {
    const channel = air.open();
    const seen = { leads: false, heard: [] as Said[], others: [] as string[], asked: 0, isVisible, channel };
    const tabs = createTabs({
      outside: own,
      tab,
      name: "n",
      channel,
      locks: locks as unknown as LockManager,
      visible: () => seen.isVisible,
      wants: () => wants,
      lead: () => {
        seen.leads = true;
      },
      follow: () => {
        seen.leads = false;
      },
      others: (videos, ask) => {
        seen.others = videos;
        if (ask) seen.asked++;
      },
      state: (): State => ({ phase: "live", via: "stream" }),
      heard: (said) => seen.heard.push(said),
    });
    return { tabs, seen };
  };
  return { outside, air, open };
}

const event: Said = { t: "event", name: "likes", message: {} as Message, id: "1" };

describe("tabs", () => {
  test("the first leads, the others follow and say what they want", async () => {
    const { outside, open } = origin();
    const a = open("a", ["v"]);
    await outside.settle();
    const b = open("b", ["v", "w"]);
    await outside.settle();
    expect([a.seen.leads, b.seen.leads]).toEqual([true, false]);
    expect(a.seen.others).toEqual(["v", "w"]);
    expect(a.seen.asked).toBe(1);
    a.tabs.say(event);
    await outside.settle();
    expect(b.seen.heard).toEqual([event]);
  });

  test("seven tabs, one leader; it closes, another leads and learns what all want", async () => {
    const { outside, open } = origin();
    const all = Array.from({ length: 7 }, (_, n) => open(`t${n}`, [`v${n}`]));
    await outside.settle();
    expect(all.filter(({ seen }) => seen.leads).length).toBe(1);
    for (let gone = 0; gone < 6; gone++) {
      all[gone]?.tabs.close();
      await outside.settle();
      const rest = all.slice(gone + 1);
      expect(rest.map(({ seen }) => seen.leads).indexOf(true)).toBe(0);
      expect(rest.filter(({ seen }) => seen.leads).length).toBe(1);
      expect(new Set(rest[0]?.seen.others)).toEqual(new Set(rest.slice(1).map((_, n) => `v${gone + 2 + n}`)));
    }
  });

  test("a follower that closes takes its wishes along", async () => {
    const { outside, open } = origin();
    const a = open("a", []);
    const b = open("b", ["w"]);
    await outside.settle();
    expect(a.seen.others).toEqual(["w"]);
    b.tabs.close();
    await outside.settle();
    expect(a.seen.others).toEqual([]);
  });

  test("a frozen leader loses the lead to a visible tab only, and follows when it thaws", async () => {
    const { outside, air, open } = origin();
    const clockOfFrozen = new FakeOutside();
    const a = open("a", ["v"], true, clockOfFrozen);
    const hidden = open("h", ["h"], false);
    const visible = open("b", ["v"], false);
    await outside.settle();
    air.frozen.add(a.seen.channel);
    await outside.pass(100_000);
    expect([a.seen.leads, hidden.seen.leads, visible.seen.leads]).toEqual([true, false, false]);
    visible.seen.isVisible = true;
    await outside.pass(5000);
    expect(visible.seen.leads).toBe(true);
    expect(visible.seen.others).toEqual(["h"]);
    air.frozen.delete(a.seen.channel);
    await outside.pass(100_000);
    expect([a.seen.leads, visible.seen.leads]).toEqual([false, true]);
  });

  test("a living leader gives signs, so nobody takes over however quiet the video is", async () => {
    const { outside, open } = origin();
    const a = open("a", ["v"]);
    const b = open("b", ["v"]);
    await outside.pass(600_000);
    expect([a.seen.leads, b.seen.leads]).toEqual([true, false]);
  });
});

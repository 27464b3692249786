/** Tabs of one origin: one leads, all hear, and the lead passes on when a tab closes or freezes; by either lock. */
import { describe, expect, test } from "bun:test";
import { FakeAir, FakeLocks, FakeOutside } from "./fakes.ts";
import type { Message } from "./feed.ts";
import { request } from "./locks.ts";
import { createTabs, type Said } from "./tabs.ts";
import type { State } from "./types.ts";

const kinds = ["of the browser", "of locks.ts"] as const;

function origin(kind: (typeof kinds)[number]) {
  const outside = new FakeOutside();
  const air = new FakeAir();
  const locks = new FakeLocks();
  /** Long enough for whoever may to take the lock. */
  const settle = () => (kind === "of locks.ts" ? outside.pass(400) : outside.settle());
  let opened = 0;
  let led = 0;
  const open = (tab: string, wants: string[], isVisible = true, own = outside) => {
    const channel = air.open();
    own.chance = opened++ / 100;
    const fallback = {
      request: (_: string, options: LockOptions, run: () => unknown) => request(channel, own, options, run),
    };
    const seen = { leads: false, heard: [] as Said[], others: [] as string[], asked: 0, isVisible, channel };
    const tabs = createTabs({
      outside: own,
      tab,
      name: "n",
      channel,
      locks: (kind === "of locks.ts" ? fallback : locks) as unknown as LockManager,
      visible: () => seen.isVisible,
      wants: () => wants,
      lead: () => {
        seen.leads = true;
        led++;
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
  return { outside, air, open, settle, led: () => led };
}

const event: Said = { t: "event", name: "likes", message: {} as Message, id: "1" };

describe.each(kinds)("tabs, by the lock %s", (kind) => {
  test("the first leads, the others follow and say what they want", async () => {
    const { settle, open } = origin(kind);
    const a = open("a", ["v"]);
    await settle();
    const b = open("b", ["v", "w"]);
    await settle();
    expect([a.seen.leads, b.seen.leads]).toEqual([true, false]);
    expect(a.seen.others).toEqual(["v", "w"]);
    expect(a.seen.asked).toBe(1);
    a.tabs.say(event);
    await settle();
    expect(b.seen.heard.filter(({ t }) => t === "event")).toEqual([event]);
  });

  test("seven tabs, one leader; it closes, another leads and learns what all want", async () => {
    const { led, settle, open } = origin(kind);
    const all = Array.from({ length: 7 }, (_, n) => open(`t${n}`, [`v${n}`]));
    await settle();
    expect(all.filter(({ seen }) => seen.leads).length).toBe(1);
    // Nor has another led for a moment.
    expect(led()).toBe(1);
    for (let gone = 0; gone < 6; gone++) {
      all[gone]?.tabs.close();
      await settle();
      const rest = all.slice(gone + 1);
      expect(rest.map(({ seen }) => seen.leads).indexOf(true)).toBe(0);
      expect(rest.filter(({ seen }) => seen.leads).length).toBe(1);
      expect(new Set(rest[0]?.seen.others)).toEqual(new Set(rest.slice(1).map((_, n) => `v${gone + 2 + n}`)));
    }
  });

  test("of two that come at once the first leads, whichever is quicker", async () => {
    const { outside, open, led } = origin(kind);
    const quick = new FakeOutside();
    const a = open("a", ["v"]);
    const b = open("b", ["v"], true, quick);
    await outside.settle();
    await quick.pass(400);
    await outside.pass(400);
    expect([a.seen.leads, b.seen.leads, led()]).toEqual([true, false, 1]);
  });

  test("a follower that closes takes its wishes along", async () => {
    const { settle, open } = origin(kind);
    const a = open("a", []);
    const b = open("b", ["w"]);
    await settle();
    expect(a.seen.others).toEqual(["w"]);
    b.tabs.close();
    await settle();
    expect(a.seen.others).toEqual([]);
  });

  test("a frozen leader loses the lead to a visible tab only, and follows when it thaws", async () => {
    const { outside, air, settle, open } = origin(kind);
    const clockOfFrozen = new FakeOutside();
    const a = open("a", ["v"], true, clockOfFrozen);
    await clockOfFrozen.pass(400);
    const hidden = open("h", ["h"], false);
    const visible = open("b", ["v"], false);
    await settle();
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
    const { outside, open } = origin(kind);
    const a = open("a", ["v"]);
    const b = open("b", ["v"]);
    await outside.pass(600_000);
    expect([a.seen.leads, b.seen.leads]).toEqual([true, false]);
  });
});

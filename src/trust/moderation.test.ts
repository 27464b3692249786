/** Moderation: what each decision refuses, on every node of a hub, and that it survives a restart. */
import { describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { unixMs, VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import { memoryBus, memoryHub } from "../bus/memory.ts";
import { anybody, type Identity } from "./identity.ts";
import { fileJournal, tableJournal } from "./journal.ts";
import { Moderation } from "./moderation.ts";
import {
  decodeRow,
  noRules,
  parseRestriction,
  parseVideoRules,
  type Restriction,
  restrictionKey,
} from "./rules.ts";
import { Words } from "./words.ts";

const v = "v" as never;
const desk: Identity = { ...anybody, by: "key", sub: "desk", rights: new Set(["moderate"]) };
const viewer = (sub: string, roles: string[] = []): Identity => ({
  ...anybody,
  by: "token",
  sub,
  name: sub,
  roles,
});
const says = (user: string | undefined, text = "hi", video = v) => ({
  ...{ video, text, user, key: undefined },
  atMs: unixMs(0),
});

async function alone(path = ":memory:", clock = new VirtualClock()) {
  const table = await memoryBus({ clock }).table("moderation");
  const moderation = await Moderation.open({
    table,
    journal: fileJournal(path),
    clock,
    metrics: createMetrics(),
  });
  const comment = (user: string, text?: string, who = viewer(user), address = "1.2.3.4") =>
    moderation.comment(says(user, text), who, address)?.rejected;
  const restrict = (type: Restriction["type"], body: object) =>
    moderation.restrict(parseRestriction(type, body, clock.date()) as Restriction, desk);
  return { moderation, clock, comment, restrict };
}

describe("decisions", () => {
  test("a closed video takes nothing of anybody, and is over when what was taken has come", async () => {
    const { moderation, clock, comment } = await alone();
    const turned: string[] = [];
    moderation.turned = (video, state) => turned.push(`${video} ${state}`);
    const turn = (state: "open" | "closed") => moderation.setRules(v, { ...noRules, state }, desk);
    await turn("closed");
    await turn("closed");
    expect([comment("ann"), comment("desk", "hi", desk)]).toEqual(["closed", "closed"]);
    expect(moderation.closed(v)?.rejected).toBe("closed");
    expect([...moderation.allClosed()]).toEqual([v]);
    expect(moderation.over(v)).toBeFalse();
    clock.advance(30_000);
    expect(moderation.over(v)).toBeTrue();
    await turn("open");
    expect([moderation.over(v), moderation.closed(v), comment("ann")]).toEqual([false, undefined, undefined]);
    expect(turned).toEqual(["v closed", "v open"]);
  });

  test("a mute keeps a user from commenting, by any spelling, for its time", async () => {
    const { comment, restrict, clock, moderation } = await alone();
    await restrict("mute", { user: "Ann", seconds: 60 });
    expect([comment("ann"), comment(" ＡＮＮ "), comment("bob")]).toEqual(["muted", "muted", undefined]);
    expect(moderation.bans(viewer("ann"), undefined, [v])).toBeUndefined();
    clock.advance(60_000);
    expect(comment("ann")).toBeUndefined();
  });

  test("a mute on one video leaves the others; 0 seconds lift it", async () => {
    const { moderation, comment, restrict } = await alone();
    await restrict("mute", { user: "ann", video: "v", seconds: 60 });
    expect(comment("ann")).toBe("muted");
    expect(moderation.comment(says("ann", "hi", "w" as never), viewer("ann"), undefined)).toBeUndefined();
    await restrict("mute", { user: "ann", video: "v", seconds: 0 });
    expect(comment("ann")).toBeUndefined();
  });

  test("a mute of half a minute is over after it, though nobody has swept yet", async () => {
    const { comment, restrict, clock } = await alone();
    await restrict("mute", { user: "ann", seconds: 30 });
    clock.advance(29_999);
    expect(comment("ann")).toBe("muted");
    clock.advance(1);
    expect(comment("ann")).toBeUndefined();
  });

  test("a mute goes with the token, whatever name its holder takes", async () => {
    const { comment, restrict } = await alone();
    await restrict("mute", { user: "ann", seconds: 60 });
    expect(comment("somebody else", "hi", viewer("ann"))).toBe("muted");
    expect(comment("ann", "hi", viewer("bob"))).toBe("muted");
  });

  test("a word of the list is refused in a text and in a name", async () => {
    const { moderation, comment } = await alone();
    moderation.setWords(new Words("darn"));
    expect([comment("ann", "well, darn"), comment("Darn", "hi")]).toEqual(["text-refused", "text-refused"]);
    expect(comment("ann", "well")).toBeUndefined();
  });

  test("a ban keeps from everything; an address and its household are one", async () => {
    const { moderation, comment, restrict } = await alone();
    await restrict("ban", { address: "2001:db8:1:2::3", seconds: 60 });
    expect(comment("ann", "hi", viewer("ann"), "2001:db8:1:2::/64")).toBe("banned");
    expect(moderation.bans(anybody, "2001:db8:1:2::/64", [v])?.rejected).toBe("banned");
    expect(moderation.bans(anybody, "2001:db8:1:3::/64", [v])).toBeUndefined();
  });

  test("a turn in slow mode is given back by a comment that was not taken after all", async () => {
    const { moderation, comment, clock } = await alone();
    await moderation.setRules(v, { ...noRules, slowModeMs: 10_000 }, desk);
    expect([comment("ann"), comment("ann"), comment("bob")]).toEqual([undefined, "slow-mode", undefined]);
    moderation.giveBack(says("ann"), viewer("ann"), "1.2.3.4");
    expect([comment("bob"), comment("ann"), comment("ann")]).toEqual(["slow-mode", undefined, "slow-mode"]);
    clock.advance(10_000);
    expect(comment("ann")).toBeUndefined();
  });

  test("comments off, slow mode by viewer, members only; moderators are free", async () => {
    const { moderation, comment, clock } = await alone();
    const set = (body: object) =>
      moderation.setRules(v, parseVideoRules(body, moderation.rules(v)) as never, desk);
    await set({ slowModeMs: 5_000 });
    expect([comment("ann"), comment("ann"), comment("bob")]).toEqual([undefined, "slow-mode", undefined]);
    clock.advance(5_000);
    expect(comment("ann")).toBeUndefined();
    await set({ slowModeMs: 0, only: "member" });
    expect([comment("ann"), comment("cat", "hi", viewer("cat", ["member"]))]).toEqual([
      "members-only",
      undefined,
    ]);
    await set({ comments: "off", only: "" });
    expect(comment("ann")).toBe("comments-off");
    expect(moderation.comment(says("desk"), desk, undefined)).toBeUndefined();
    expect(moderation.rules(v)).toEqual({ ...noRules, comments: "off" });
  });

  test("a hold is for everybody, and a shorter one lets nobody overtake those that wait", async () => {
    const { moderation, clock } = await alone();
    const set = (body: object) =>
      moderation.setRules(v, parseVideoRules(body, moderation.rules(v)) as never, desk);
    const hold = () => moderation.holdMs(v);
    expect([hold(), moderation.holdMs("w" as never)]).toEqual([0, 0]);
    await set({ holdMs: 10_000 });
    expect([hold(), moderation.holdMs("w" as never)]).toEqual([10_000, 0]);
    await set({ holdMs: 2_000 });
    expect(hold()).toBe(10_000);
    clock.advance(3_000.5);
    expect(hold()).toBe(7_000);
    await set({ holdMs: 0, slowModeMs: 5 });
    clock.advance(4_000);
    expect(hold()).toBe(3_000);
    clock.advance(3_000);
    expect(hold()).toBe(0);
    for (const holdMs of [-1, 10_001, 0.5, "5", null]) {
      expect(parseVideoRules({ holdMs }, noRules)).toMatchObject({ rejected: "bad-field" });
    }
    // As an earlier program wrote it.
    expect(decodeRow("video.v", '{"slowModeMs":5,"comments":"on","only":""}')).toEqual({
      video: v,
      rules: { ...noRules, slowModeMs: 5 },
    });
  });

  test("are all known before anything is asked", async () => {
    const clock = new VirtualClock();
    const table = await memoryBus({ clock }).table("moderation");
    await table.put("video.v", JSON.stringify({ ...noRules, holdMs: 900 }));
    let tell = (): void => {};
    const slow = {
      ...table,
      watch: (...listening: Parameters<typeof table.watch>) => {
        const ended = { end: () => {} };
        tell = () => table.watch(...listening);
        return ended;
      },
    };
    const parts = { table: slow, journal: fileJournal(":memory:"), clock, metrics: createMetrics() };
    let opened: Moderation | undefined;
    const opening = Moderation.open(parts).then((moderation) => {
      opened = moderation;
    });
    await Bun.sleep(5);
    expect(opened).toBeUndefined();
    tell();
    await opening;
    expect(opened?.holdMs(v)).toBe(900);
  });

  test("survive a restart, in a file that only grows and says who decided", async () => {
    const folder = mkdtempSync(join(tmpdir(), "moderation-"));
    try {
      const clock = new VirtualClock();
      const before = await alone(folder, clock);
      await before.restrict("mute", { user: "ann", seconds: 600 });
      await before.restrict("mute", { user: "bob", seconds: 600 });
      await before.restrict("mute", { user: "bob", seconds: 0 });
      await before.moderation.setRules(v, { ...noRules, comments: "off" }, desk);
      await before.moderation.removed(v, "abcd-1", desk);
      const file = join(folder, "moderation.jsonl");
      const text = readFileSync(file, "utf8");
      // A crash in the middle of a line.
      writeFileSync(file, `${text}{"atMs":5,"by":"key:de`);
      await (await alone(folder, clock)).restrict("ban", { user: "cat", seconds: 600 });
      const after = await alone(folder, clock);
      expect(after.moderation.list()).toEqual({
        restrictions: [
          { type: "mute", user: "ann", untilMs: expect.any(Number) },
          { type: "ban", user: "cat", untilMs: expect.any(Number) },
        ],
        videos: [{ video: v, ...noRules, comments: "off" }],
      });
      expect((await after.moderation.audit(10)).map(({ action, by }) => `${by} ${action}`)).toEqual([
        "key:desk ban",
        "key:desk remove",
        "key:desk video",
        "key:desk unmute",
        "key:desk mute",
        "key:desk mute",
      ]);
      expect(readFileSync(file, "utf8").startsWith(text)).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("hold on every node, and on one that comes later; the audit log is one", async () => {
    const clock = new VirtualClock();
    const hub = memoryHub({ clock });
    const open = async (node: string) => {
      const bus = hub.connect();
      const journal = tableJournal(await bus.table("audit"), node, clock);
      return Moderation.open({
        table: await bus.table("moderation"),
        journal,
        clock,
        metrics: createMetrics(),
      });
    };
    const [one, two] = [await open("n1"), await open("n2")];
    let told = 0;
    for (const node of [one, two]) node.banned = () => told++;
    const ban = parseRestriction("ban", { user: "dan", seconds: 60 }, clock.date());
    await one.restrict(ban as Restriction, desk);
    expect(told).toBe(2);
    const mute = (user: string) =>
      parseRestriction("mute", { user, seconds: 60 }, clock.date()) as Restriction;
    await one.restrict(mute("ann"), desk);
    await two.restrict(mute("bob"), desk);
    const three = await open("n3");
    for (const node of [one, two, three]) {
      for (const user of ["ann", "bob"]) {
        expect(node.comment(says(user), viewer(user), undefined)?.rejected).toBe("muted");
      }
    }
    expect((await three.audit(10)).length).toBe(3);
    clock.advance(120_000);
    expect(two.list().restrictions).toEqual([]);
  });
});

describe("a ban", () => {
  test("can be lifted however many decisions hold, and what has run out is taken away", async () => {
    const clock = new VirtualClock();
    const table = await memoryBus({ clock }).table("moderation");
    const untilMs = clock.date() + 3_600_000;
    for (let i = 0; i < 100_000; i++) {
      await table.put(
        restrictionKey({ type: "ban", user: `u${i}` }),
        JSON.stringify({ user: `u${i}`, untilMs }),
      );
    }
    const parts = { table, journal: fileJournal(":memory:"), clock, metrics: createMetrics() };
    const moderation = await Moderation.open(parts);
    const bans = () => moderation.bans(anybody, undefined, [v], "u7")?.rejected;
    const decide = (body: object) =>
      moderation.restrict(parseRestriction("ban", body, clock.date()) as Restriction, desk);
    expect(bans()).toBe("banned");
    expect(await decide({ user: "one more", seconds: 60 })).toMatchObject({ rejected: "busy" });
    expect(await moderation.setRules(v, noRules, desk)).toMatchObject({ rejected: "busy" });
    expect(await decide({ user: "u8", seconds: 7_200 })).toBeUndefined();
    expect(await decide({ user: "u7", seconds: 0 })).toBeUndefined();
    expect(bans()).toBeUndefined();
    expect(await decide({ user: "one more", seconds: 60 })).toBeUndefined();
    let rows = 0;
    clock.advance(10 * 60_000);
    table
      .watch((_, value) => {
        if (value !== undefined) rows++;
      })
      .end();
    expect(rows).toBe(99_999);
    moderation.close();
  });

  test("is told when it comes, not when it is lifted", async () => {
    const { moderation, restrict } = await alone();
    let told = 0;
    moderation.banned = () => told++;
    await restrict("mute", { user: "ann", seconds: 60 });
    expect(told).toBe(0);
    await restrict("ban", { user: "ann", seconds: 60 });
    expect(told).toBe(1);
    await restrict("ban", { user: "ann", seconds: 0 });
    expect(told).toBe(1);
  });

  test("is about who was proven and who is claimed, not about moderators or a server's address", async () => {
    const { moderation, restrict } = await alone();
    const bans = (who: Identity, address?: string, user?: string) =>
      moderation.bans(who, address, [v], user)?.rejected;
    await restrict("ban", { address: "1.2.3.4", seconds: 60 });
    await restrict("ban", { user: "ann", seconds: 60 });
    await restrict("ban", { user: "bob", video: "w", seconds: 60 });
    const server: Identity = { ...anybody, by: "key", sub: "studio", rights: new Set(["like", "comment"]) };
    expect([bans(anybody, "1.2.3.4"), bans(server, "1.2.3.4"), bans(desk, "1.2.3.4")]).toEqual([
      "banned",
      undefined,
      undefined,
    ]);
    expect([bans(anybody, undefined, "ANN"), bans(server, undefined, "ann")]).toEqual(["banned", "banned"]);
    expect(bans({ ...viewer("u1"), name: "ann" })).toBe("banned");
    expect([
      bans(viewer("bob")),
      moderation.bans(viewer("bob"), undefined, ["w" as never])?.rejected,
    ]).toEqual([undefined, "banned"]);
  });
});

describe("a line of the journal", () => {
  const decision = (action: string) => ({ atMs: unixMs(1), by: "key:desk", action, about: {} });

  test("that was cut takes no neighbour along", async () => {
    const folder = mkdtempSync(join(tmpdir(), "journal-"));
    try {
      const file = join(folder, "moderation.jsonl");
      await fileJournal(folder).append(decision("one"));
      appendFileSync(file, '{"atMs":2,"by":"key:k","act');
      await fileJournal(folder).append(decision("two"));
      appendFileSync(file, "\n");
      await fileJournal(folder).append(decision("three"));
      expect(
        fileJournal(folder)
          .all()
          .map(({ action }) => action),
      ).toEqual(["one", "two", "three"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("is readable by its owner alone", async () => {
    const folder = mkdtempSync(join(tmpdir(), "journal-"));
    try {
      await fileJournal(join(folder, "new")).append(decision("one"));
      expect(statSync(join(folder, "new")).mode & 0o077).toBe(0);
      expect(statSync(join(folder, "new", "moderation.jsonl")).mode & 0o077).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test("rows of a broken node change nothing and crash nobody", () => {
  const key = fc.oneof(
    fc.string(),
    fc.constantFrom("mute.x", "ban.x", "video.v", "video.a b", "video.", "."),
  );
  const value = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom("null", '{"user":"u","untilMs":5}', '{"slowModeMs":-1}'),
  );
  fc.assert(
    fc.property(key, value, (k, text) => {
      const row = decodeRow(k, text);
      if (row && "video" in row) expect(row.video).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
      else expect(row).toBeUndefined();
    }),
    { numRuns: 2_000 },
  );
});

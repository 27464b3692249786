/** Moderation: what each decision refuses, on every node of a hub, and that it survives a restart. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import { memoryBus, memoryHub } from "../bus/memory.ts";
import { anybody, type Identity } from "./identity.ts";
import { fileJournal, tableJournal } from "./journal.ts";
import { Moderation } from "./moderation.ts";
import { decodeRow, noRules, parseRestriction, parseVideoRules, type Restriction } from "./rules.ts";
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
  video,
  text,
  user,
  key: undefined,
  atMs: 0,
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
    moderation.comment(says(user, text), who, address, clock.now())?.rejected;
  const restrict = (type: Restriction["type"], body: object) =>
    moderation.restrict(parseRestriction(type, body, clock.now()) as Restriction, desk);
  return { moderation, clock, comment, restrict };
}

describe("decisions", () => {
  test("a mute keeps a user from commenting, by any spelling, for its time", async () => {
    const { comment, restrict, clock, moderation } = await alone();
    await restrict("mute", { user: "Ann", seconds: 60 });
    expect([comment("ann"), comment(" ＡＮＮ "), comment("bob")]).toEqual(["muted", "muted", undefined]);
    expect(moderation.bans(viewer("ann"), undefined, v, clock.now())).toBeUndefined();
    clock.advance(60_000);
    expect(comment("ann")).toBeUndefined();
  });

  test("a mute on one video leaves the others; 0 seconds lift it", async () => {
    const { moderation, comment, restrict, clock } = await alone();
    await restrict("mute", { user: "ann", video: "v", seconds: 60 });
    expect(comment("ann")).toBe("muted");
    expect(
      moderation.comment(says("ann", "hi", "w" as never), viewer("ann"), undefined, clock.now()),
    ).toBeUndefined();
    await restrict("mute", { user: "ann", video: "v", seconds: 0 });
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
    const { moderation, comment, restrict, clock } = await alone();
    await restrict("ban", { address: "2001:db8:1:2::3", seconds: 60 });
    expect(comment("ann", "hi", viewer("ann"), "2001:db8:1:2::/64")).toBe("banned");
    expect(moderation.bans(anybody, "2001:db8:1:2::/64", v, clock.now())?.rejected).toBe("banned");
    expect(moderation.bans(anybody, "2001:db8:1:3::/64", v, clock.now())).toBeUndefined();
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
    expect(moderation.comment(says("desk"), desk, undefined, clock.now())).toBeUndefined();
    expect(moderation.rules(v)).toEqual({ ...noRules, comments: "off" });
  });

  test("a hold is for everybody, and a shorter one lets nobody overtake those that wait", async () => {
    const { moderation, clock } = await alone();
    const set = (body: object) =>
      moderation.setRules(v, parseVideoRules(body, moderation.rules(v)) as never, desk);
    const hold = () => moderation.holdMs(v, clock.now());
    expect([hold(), moderation.holdMs("w" as never, clock.now())]).toEqual([0, 0]);
    await set({ holdMs: 10_000 });
    expect([hold(), moderation.holdMs("w" as never, clock.now())]).toEqual([10_000, 0]);
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
    expect(opened?.holdMs(v, clock.now())).toBe(900);
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
      const after = await alone(folder, clock);
      expect(after.moderation.list(clock.now())).toEqual({
        restrictions: [{ type: "mute", user: "ann", untilMs: expect.any(Number) }],
        videos: [{ video: v, ...noRules, comments: "off" }],
      });
      expect((await after.moderation.audit(10)).map(({ action, by }) => `${by} ${action}`)).toEqual([
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
      const journal = tableJournal(await bus.table("audit"), node);
      return Moderation.open({
        table: await bus.table("moderation"),
        journal,
        clock,
        metrics: createMetrics(),
      });
    };
    const [one, two] = [await open("n1"), await open("n2")];
    const mute = (user: string) =>
      parseRestriction("mute", { user, seconds: 60 }, clock.now()) as Restriction;
    await one.restrict(mute("ann"), desk);
    await two.restrict(mute("bob"), desk);
    const three = await open("n3");
    for (const node of [one, two, three]) {
      for (const user of ["ann", "bob"]) {
        expect(node.comment(says(user), viewer(user), undefined, clock.now())?.rejected).toBe("muted");
      }
    }
    expect((await three.audit(10)).length).toBe(2);
    clock.advance(120_000);
    expect(two.list(clock.now()).restrictions).toEqual([]);
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

describe("words", () => {
  const words = new Words("# a comment\nbadword\n*slur*\nvery rude\nÄrger\n");
  test.each([
    ["badword", true],
    ["a BadWord!", true],
    ["ｂａｄｗｏｒｄ", true],
    ["b4dw0rd", true],
    ["baaaadword", true],
    ["b\u200badword", true],
    ["b a d w o r d", true],
    ["b.a.d.w.o.r.d", true],
    ["bádwörd", true],
    ["badwords", false],
    ["notbadword", false],
    ["anyslurhere", true],
    ["VERY  rude", true],
    ["very nice, rude", false],
    ["arger", true],
    ["a bad word", false],
    ["👏👏👏", false],
    ["", false],
  ])("%p: %p", (text, found) => expect(words.has(text)).toBe(found));
  test("an empty list refuses nothing", () => expect(new Words("").has("badword")).toBe(false));
});

/**
 * Comments over a real nats-server that loses what it held: no id names two comments, no place of a lost
 * history is continued, and dispatchers go on by themselves.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { callApi, connectBus, until } from "../bus/nats-kit.ts";
import { parseId } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { encodeEntry, encodeJson } from "../core/wire.ts";
import { commentStream } from "./comment-stream.ts";
import { closeAll, closers, comment, live, type Member, member, pages, server } from "./jetstream-kit.ts";
import { LedgerUnavailable } from "./ledger.ts";
import { snapshotStream } from "./snapshots.ts";

afterEach(closeAll);

/** Says `text` until it is taken; its id. */
async function say({ ledger }: Member, text: string, video = "v"): Promise<string> {
  for (;;) {
    try {
      const [placed] = await ledger.append(comment(video, text, text));
      return ledger.lineage().idOf(placed?.seq as number);
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      await Bun.sleep(20);
    }
  }
}

async function sayAll(members: readonly Member[], texts: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const [i, text] of texts.entries()) ids.push(await say(members[i % members.length] as Member, text));
  return ids;
}

const continues = ({ ledger }: Member, id: string): boolean =>
  ledger.lineage().continues(parseId(id) as NonNullable<ReturnType<typeof parseId>>);
const texts = async (of: Member) =>
  (await pages(of.ledger, "v")).map((entry) => (entry.type === "comment" ? entry.text : "-"));
const numbered = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}${i}`);
const name = ({ ledger }: Member): string => ledger.lineage().newest.name;

/** What every dispatcher's answer to `say` was, against what its pages tell now. */
async function idsTrue(members: readonly Member[], said: ReadonlyMap<string, string>): Promise<void> {
  for (const { ledger } of members) {
    const lineage = ledger.lineage();
    for (const entry of await pages(ledger, "v")) {
      if (entry.type !== "comment") continue;
      const text = said.get(lineage.idOf(entry.seq));
      if (text !== undefined) expect(text).toBe(entry.text);
    }
  }
}

describe("when NATS comes back", () => {
  test("with an older store, the places it lost are another branch's on every dispatcher", async () => {
    const nats = await server();
    const members = [await member(nats.url), await member(nats.url)] as [Member, Member];
    const kept = await sayAll(members, numbered("kept", 6));
    await nats.kill();
    nats.copy();
    await nats.start();
    await until(() => members.every(({ ledger }) => ledger.ready()));
    const lost = await sayAll(members, numbered("lost", 5));
    const before = name(members[0]);
    await nats.kill();
    nats.putBack();
    await nats.start();
    const anew = await sayAll(members, numbered("new", 8));
    expect(new Set([...kept, ...lost, ...anew]).size).toBe(19);
    await until(() => name(members[0]) === name(members[1]));
    expect(name(members[0])).not.toBe(before);
    for (const of of members) {
      expect(kept.every((id) => continues(of, id))).toBe(true);
      expect(lost.some((id) => continues(of, id))).toBe(false);
      expect(anew.every((id) => continues(of, id))).toBe(true);
      expect(await texts(of)).toEqual([...numbered("kept", 6), ...numbered("new", 8)]);
    }
    expect(members.flatMap(({ log }) => log.lines).join("\n")).toContain("has lost its end");
  }, 60_000);

  test("with an empty store, nothing of before is continued, and comments are taken again", async () => {
    const nats = await server();
    const members = [await member(nats.url), await member(nats.url)] as [Member, Member];
    const lost = await sayAll(members, numbered("lost", 5));
    const epoch = members[0].ledger.epoch;
    await nats.restartEmpty();
    const heard = live(members[1].bus);
    const anew = await sayAll(members, numbered("new", 5));
    expect(new Set([...lost, ...anew]).size).toBe(10);
    for (const of of members) {
      await until(() => lost.every((id) => !continues(of, id)));
      expect(anew.every((id) => continues(of, id))).toBe(true);
      expect(await texts(of)).toEqual(numbered("new", 5));
    }
    // Made again with all it had: it publishes what it stores.
    expect(heard.get("v")?.length).toBeGreaterThan(0);
    // What dispatchers share was written again by those who had it in memory.
    const late = await member(nats.url, { vouched: async () => true });
    expect(late.ledger.epoch).toBe(epoch);
    expect(name(late)).toBe(name(members[0]));
  }, 60_000);

  test("as it was, nothing changes", async () => {
    const nats = await server();
    const members = [await member(nats.url), await member(nats.url)] as [Member, Member];
    const ids = await sayAll(members, numbered("kept", 4));
    const before = name(members[0]);
    await nats.kill();
    await nats.start();
    ids.push(...(await sayAll(members, numbered("more", 4))));
    expect(members.map(name)).toEqual([before, before]);
    expect(ids.every((id) => continues(members[1], id))).toBe(true);
  }, 60_000);
});

describe("when a stream is removed while comments come", () => {
  test("it is made again: no id names two comments, and the order goes on", async () => {
    const nats = await server();
    const members = [await member(nats.url), await member(nats.url)] as [Member, Member];
    const said = new Map<string, string>();
    let going = true;
    let count = 0;
    const writers = members.map(async (of) => {
      while (going) {
        const text = `t${count++}`;
        const id = await say(of, text);
        expect(`${id} ${said.get(id) ?? ""}`).toBe(`${id} `);
        said.set(id, text);
        await Bun.sleep(2);
      }
    });
    for (let round = 0; round < 3; round++) {
      const before = count;
      await until(() => count > before + 50);
      expect((await callApi(nats.url, "STREAM.DELETE.ov_comments")).success).toBe(true);
    }
    const before = count;
    await until(() => count > before + 50);
    going = false;
    await Promise.all(writers);
    await until(() => name(members[0]) === name(members[1]) && members.every(({ ledger }) => ledger.ready()));
    await idsTrue(members, said);
    expect(await pages(members[0].ledger, "v")).toEqual(await pages(members[1].ledger, "v"));
  }, 60_000);

  test("or emptied by hand, no place of before is continued", async () => {
    const nats = await server();
    const one = await member(nats.url);
    const lost = await sayAll([one], numbered("lost", 5));
    await callApi(nats.url, "STREAM.PURGE.ov_comments");
    await until(() => !continues(one, lost[2] as string));
    const [anew] = await sayAll([one], ["new"]);
    expect(continues(one, anew as string)).toBe(true);
    expect(await texts(one)).toEqual(["new"]);
  }, 30_000);

  test("and what dispatchers share with it, it is written again", async () => {
    const nats = await server();
    const members = [await member(nats.url), await member(nats.url)] as [Member, Member];
    await sayAll(members, numbered("a", 3));
    await callApi(nats.url, "STREAM.DELETE.ov_comments");
    const ids = await sayAll(members, numbered("b", 3));
    const before = name(members[0]);
    await callApi(nats.url, "STREAM.DELETE.ov_snapshots");
    const late = await member(nats.url, { vouched: async () => true });
    expect([late.ledger.epoch, name(late)]).toEqual([members[0].ledger.epoch, before]);
    expect(ids.every((id) => continues(late, id))).toBe(true);
  }, 60_000);
});

describe("a dispatcher that starts", () => {
  const alone = { vouched: async () => false };

  test("with nobody to vouch for the log opens a branch behind its end", async () => {
    const nats = await server();
    const first = await member(nats.url, alone);
    const ids = await sayAll([first], numbered("a", 3));
    await first.end();
    const second = await member(nats.url, alone);
    expect(second.ledger.epoch).toBe(first.ledger.epoch);
    expect(ids.every((id) => continues(second, id))).toBe(true);
    expect(name(second)).not.toBe(name(first));
    expect(second.ledger.lineage().newest.first).toBe(4);
    // One that another vouches for joins it.
    const third = await member(nats.url);
    expect(third.ledger.lineage()).toEqual(second.ledger.lineage());
  }, 30_000);

  test("at the same time as others agrees with them", async () => {
    const nats = await server();
    const members = await Promise.all(Array.from({ length: 4 }, () => member(nats.url, alone)));
    await until(() => new Set(members.map(name)).size === 1);
    const ids = await sayAll(members, numbered("a", 8));
    for (const of of members) expect(ids.every((id) => continues(of, id))).toBe(true);
  }, 30_000);

  test("on the data of a program before lineages finds its name as the first branch", async () => {
    const nats = await server();
    const bus = await connectBus(nats.url);
    closers.push(() => bus.close());
    const { streams } = bus;
    await streams.open(snapshotStream);
    const shared = encodeJson({ epoch: "earlier1", partitions: 4, history: 100 });
    await streams.appendIfLast("snapshot.shared", shared, 2_000, 0);
    await streams.open(commentStream(100));
    const old = encodeEntry({ type: "comment", text: "old", user: undefined, atMs: 1 });
    await streams.append("comments.v", old, 2_000);
    // Beside one of that program: no branch is opened, and ids are what that one calls them.
    const beside = await member(nats.url);
    expect([beside.ledger.epoch, await say(beside, "more")]).toEqual(["earlier1", "earlier1-2"]);
    await beside.end();
    const after = await member(nats.url, alone);
    expect(["earlier1-1", "earlier1-2"].every((id) => continues(after, id))).toBe(true);
    expect(continues(after, "earlier1-3")).toBe(false);
    expect(await texts(after)).toEqual(["old", "more"]);
    expect(await say(after, "new")).toEndWith("-3");
  }, 30_000);
});

test("a stream that cannot be written makes its dispatcher not ready, and is tried again", async () => {
  const nats = await server();
  const one = await member(nats.url);
  await say(one, "a");
  const { config } = await callApi(nats.url, "STREAM.INFO.ov_comments");
  const full = { ...(config as object), max_msgs: 1, discard: "new" };
  expect((await callApi(nats.url, "STREAM.UPDATE.ov_comments", full)).error).toBeUndefined();
  await expect(one.ledger.append(comment("v", "b", "b"))).rejects.toBeInstanceOf(LedgerUnavailable);
  expect(one.ledger.ready()).toBe(false);
  expect(one.log.lines.filter((line) => line.includes("comments cannot be written"))).toHaveLength(1);
  expect((await callApi(nats.url, "STREAM.UPDATE.ov_comments", config as object)).error).toBeUndefined();
  await until(() => one.ledger.ready());
  expect(one.log.lines.filter((line) => line.includes("comments can be written again"))).toHaveLength(1);
  expect((await one.ledger.entries("v" as VideoId, 0, 10)).entries).toHaveLength(1);
}, 30_000);

/** The ledger of many nodes when nodes retry elsewhere, servers die or hang, and logs are forgotten. */
import { afterEach, describe, expect, test } from "bun:test";
import { systemClock } from "../base/clock.ts";
import { systemPrng } from "../base/prng.ts";
import {
  callApi,
  connectBus,
  electionsMs,
  leaderOf,
  memoryLog,
  openBus,
  rejection,
  until,
} from "../bus/nats-kit.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { type NatsServer, startCluster } from "../system/nats.ts";
import { startProxy } from "../system/proxy.ts";
import { like, record } from "./contract-bench.ts";
import { openJetstreamLedger } from "./jetstream.ts";
import {
  agreeOn,
  closeAll,
  closers,
  comment,
  commentsAgree,
  insist,
  likesAt,
  live,
  load,
  type Member,
  member,
  one,
  pages,
  server,
  settings,
} from "./jetstream-kit.ts";
import { LedgerRefused, LedgerUnavailable } from "./ledger.ts";
import { firstBranch, type Manifest, Snapshots, snapshotStream } from "./snapshots.ts";

afterEach(closeAll);

/** What a busy machine adds to a bound in time, in milliseconds. */
const slackMs = 1_000;

describe("on several nodes", () => {
  test("likes sent twice and retried elsewhere count once, and all nodes agree to the version", async () => {
    const nats = await server();
    const members = [await member(nats.url, settings), await member(nats.url, settings)];
    const heard = live((members[1] as Member).bus);
    await (members[1] as Member).bus.flush();
    const { sent, loose, expected, texts, seed } = await load(members, () => Bun.sleep(2_000));
    console.info(`seed ${seed}`, sent, loose);
    await agreeOn(members, expected, loose);
    await commentsAgree(members, texts);
    for (const [video, entries] of heard) {
      expect(entries).toEqual(await pages((members[0] as Member).ledger, video));
      expect(entries.map((entry) => entry.previous)).toEqual(
        [0, ...entries.map(({ seq }) => seq)].slice(0, -1),
      );
    }
    expect(heard.size).toBe(texts.size);
  }, 30_000);

  test("a removal is one entry however many nodes remove, and the text leaves the stream", async () => {
    const nats = await server();
    const [a, b] = [await member(nats.url), await member(nats.url)];
    const heard = live(b.bus);
    await b.bus.flush();
    const [placed] = await a.ledger.append(comment("v", "secret", "k"));
    const seq = placed?.seq as number;
    const both = await Promise.all([a, b].map(({ ledger }) => ledger.retract("v" as VideoId, seq)));
    expect(both).toEqual([true, true]);
    await until(() => heard.get("v")?.length === 2);
    expect((await pages(b.ledger, "v")).map((entry) => entry.type)).toEqual(["retract"]);
    expect(await a.bus.streams.at("comments", seq)).toBeUndefined();
  });

  test("a node that wants other partitions, or another stream, is refused with a reason", async () => {
    const nats = await server();
    await member(nats.url);
    const error = await rejection(member(nats.url, { partitions: 8 }));
    expect(error).toBeInstanceOf(LedgerRefused);
    expect(error.message).toBe("the shared log has 4 partitions, this node wants 8");
    const bus = await connectBus(nats.url, { prefix: "other" });
    closers.push(() => bus.close());
    await bus.streams.open({ name: "log_0", subject: "something.else" });
    const { prng, clock, log } = { prng: systemPrng(), clock: systemClock(), log: memoryLog() };
    const refused = await rejection(
      openJetstreamLedger({ streams: bus.streams, prng, clock, log, partitions: 1, commentHistory: 10 }),
    );
    expect(refused).toBeInstanceOf(LedgerRefused);
    expect(refused.message).toStartWith("stream other_log_0: subjects is");
  });

  test("a history that settings changed since is told truly", async () => {
    const nats = await server();
    const short = await member(nats.url, { commentHistory: 5 });
    const seqs: number[] = [];
    for (let i = 0; i < 9; i++) {
      const [placed] = await short.ledger.append(comment("v", `${i}`, `${i}`));
      seqs.push(placed?.seq as number);
    }
    const long = await member(nats.url, { commentHistory: 1_000 });
    expect(long.log.lines.some((line) => line.startsWith("warn stream differs from settings"))).toBe(true);
    const page = await long.ledger.entries("v" as VideoId, 0, 100);
    expect(page).toEqual(await short.ledger.entries("v" as VideoId, 0, 100));
    expect([page.floor, page.entries.length]).toEqual([seqs[3] as number, 5]);
    // As an operator makes the settings true: what was forgotten before stays forgotten, and is said to be.
    const { config } = await callApi(nats.url, "STREAM.INFO.ov_comments");
    const wider = { ...(config as object), max_msgs_per_subject: 1_001 };
    expect((await callApi(nats.url, "STREAM.UPDATE.ov_comments", wider)).error).toBeUndefined();
    const [placed] = await long.ledger.append(comment("v", "next", "next"));
    const { floor, entries } = await long.ledger.entries("v" as VideoId, 0, 100);
    expect(floor).toBe(seqs[3] as number);
    expect(entries.map(({ seq }) => seq)).toEqual([...seqs.slice(4), placed?.seq as number]);
  });
});

describe("when the server", () => {
  test("is killed -9 and restarted: appends refuse in time, nothing acked is lost or doubled", async () => {
    const nats = await server();
    const members = [await member(nats.url, settings), await member(nats.url, settings)];
    const { sent, loose, expected, texts, seed } = await load(members, async () => {
      await Bun.sleep(500);
      await nats.kill();
      const startMs = performance.now();
      expect(await rejection((members[0] as Member).ledger.append(one("v", "away")))).toBeInstanceOf(
        LedgerUnavailable,
      );
      expect(performance.now() - startMs).toBeLessThan(limits.requestMs + slackMs);
      await until(() => !(members[0] as Member).ledger.ready());
      await Bun.sleep(1_500);
      await nats.start();
      await until(() => members.every(({ ledger }) => ledger.ready()));
      await Bun.sleep(500);
    });
    console.info(`seed ${seed}`, sent, loose);
    expect(sent.retried).toBeGreaterThan(0);
    await agreeOn(members, expected, loose);
    await commentsAgree(members, texts);
  }, 60_000);

  test("hangs and goes on: nothing acked is lost or doubled, and it heals by itself", async () => {
    const nats = await server();
    const members = [await member(nats.url, settings), await member(nats.url, settings)];
    const { sent, loose, expected, texts, seed } = await load(members, async () => {
      await Bun.sleep(300);
      await nats.pause();
      const startMs = performance.now();
      await rejection((members[0] as Member).ledger.append(one("v", "hang")));
      expect(performance.now() - startMs).toBeLessThan(limits.requestMs + slackMs);
      await Bun.sleep(3_000);
      nats.resume();
      await until(() => members.every(({ ledger }) => ledger.ready()));
      await Bun.sleep(500);
    });
    console.info(`seed ${seed}`, sent, loose);
    await agreeOn(members, expected, loose);
    await commentsAgree(members, texts);
  }, 60_000);

  test("is the leader of three: nothing acked is lost or doubled", async () => {
    const servers = await startCluster(3);
    closers.push(async () => {
      for (const one of servers) await one.close();
    });
    const [n0, n1] = servers as [NatsServer, NatsServer];
    const few = { ...settings, partitions: 2 };
    const members = [await member(n0.url, few, 3), await member(n1.url, few, 3)];
    const epoch = members[0]?.ledger.epoch as string;
    const { sent, loose, expected, texts, seed } = await load(members, async () => {
      await Bun.sleep(500);
      const leader = Number((await leaderOf(n1.url, "ov_log_0")).slice(1));
      await servers[leader]?.kill();
      await Bun.sleep(8_000);
      await servers[leader]?.start();
      await Bun.sleep(2_000);
    });
    console.info(`seed ${seed}`, sent, loose);
    await agreeOn(members, expected, loose, electionsMs);
    await commentsAgree(members, texts);
    const late = await member(n1.url, few, 3);
    expect(late.ledger.epoch).toBe(epoch);
    await agreeOn([...members, late], expected, undefined, electionsMs);
  }, 300_000);
});

describe("snapshots", () => {
  const often = { snapshotMs: 100, keepMs: 300 };

  test("let a log be forgotten and a new node start at once, with the keys that still count", async () => {
    const nats = await server();
    const [a, b] = [await member(nats.url, often), await member(nats.url, often)];
    const prng = systemPrng();
    let sent = 0;
    const batch = () => ({
      likes: [record(Array.from({ length: 50 }, () => like(`v${sent % 7}`, `k${sent++}`)))],
      comments: [],
    });
    const endMs = performance.now() + 2_500;
    while (performance.now() < endMs) {
      await insist([a, b], prng, batch() as never);
      await Bun.sleep(2);
    }
    const expected = new Map<string, number>();
    for (let i = 0; i < sent; i++) expected.set(`v${i % 7}`, (expected.get(`v${i % 7}`) ?? 0) + 1);
    await agreeOn([a, b], expected);
    const states = await Promise.all([0, 1, 2, 3].map((p) => a.bus.streams.state(`log_${p}`)));
    const forgotten = states.reduce((sum, { firstSeq }) => sum + Math.max(0, firstSeq - 1), 0);
    const written = states.reduce((sum, { lastSeq }) => sum + lastSeq, 0);
    const chunks = await a.bus.streams.state("snapshots");
    console.info({ sent, written, forgotten, snapshotsLastSeq: chunks.lastSeq });
    expect(forgotten).toBeGreaterThan(written / 3);
    const c = await member(nats.url, often);
    await agreeOn([a, b, c], expected);
    await c.ledger.append({ likes: [record([like("v0", "k0"), like("v0", "fresh")])], comments: [] });
    expected.set("v0", (expected.get("v0") ?? 0) + 1);
    await agreeOn([a, b, c], expected);
  }, 30_000);

  test("follow each other: of two written at once one counts", async () => {
    const nats = await server();
    const bus = await connectBus(nats.url);
    closers.push(() => bus.close());
    await bus.streams.open(snapshotStream);
    const [a, b] = [0, 0].map(() => new Snapshots(bus.streams, systemClock(), 0)) as [Snapshots, Snapshots];
    const bytes = (n: number): Uint8Array => new Uint8Array(600_000).fill(n);
    const at = (upTo: number, logMs: number) => ({ upTo, logMs, ...firstBranch, last: undefined });
    const saved = await Promise.all([
      a.save({ fold: bytes(1) }, at(10, 1), undefined),
      b.save({ fold: bytes(2) }, at(11, 1), undefined),
    ]);
    expect(saved.toSorted()).toEqual([false, true]);
    const first = await a.manifest();
    expect((await b.load(first as Manifest))?.fold).toEqual(bytes(saved[0] ? 1 : 2));
    expect(await b.save({ fold: bytes(3) }, at(12, 2), first)).toBe(true);
    expect(await b.save({ fold: bytes(4) }, at(13, 2), first)).toBe(false);
    const second = await a.manifest();
    expect(second).toMatchObject({ upTo: 12, marks: [{ upTo: saved[0] ? 10 : 11, logMs: 1 }] });
    expect((await a.load(second as Manifest))?.fold).toEqual(bytes(3));
    expect((await a.load(first as Manifest))?.fold).toEqual(bytes(saved[0] ? 1 : 2));
    expect(await a.save({ fold: bytes(5) }, at(14, 3), second)).toBe(true);
    expect(await a.load(first as Manifest)).toBeUndefined();
  });

  test("tell a node what it missed when the log was forgotten before it had read it", async () => {
    const nats = await server();
    const a = await member(nats.url, often);
    const network = await startProxy(nats.port);
    closers.push(() => network.close());
    const slow = await member(network.url, { snapshotMs: 3_600_000 });
    await a.ledger.append(one("v", "first"));
    await until(() => likesAt(slow.ledger, "v") === 1);
    const told: number[] = [];
    slow.ledger.onChanges((changes) => {
      for (const change of changes) told.push(change.added);
    });
    network.stall("both");
    await until(() => !slow.bus.connected());
    const states = () => Promise.all([0, 1, 2, 3].map((p) => a.bus.streams.state(`log_${p}`)));
    const missed = Math.max(...(await states()).map(({ lastSeq }) => lastSeq)) + 1;
    let sent = 1;
    while (Math.max(...(await states()).map(({ firstSeq }) => firstSeq)) <= missed) {
      await a.ledger.append(one("v", `k${sent++}`));
      await Bun.sleep(10);
    }
    network.resume();
    await until(() => likesAt(slow.ledger, "v") === sent);
    expect(slow.log.lines.some((line) => line.startsWith("warn log was forgotten"))).toBe(true);
    expect(told.reduce((sum, n) => sum + n, 0)).toBe(sent - 1);
    expect(slow.ledger.totals("v" as VideoId)).toEqual(a.ledger.totals("v" as VideoId));
  }, 30_000);
});

test("opening waits for NATS, and closing the bus ends the wait", async () => {
  const nats = await server();
  await nats.kill();
  const bus = openBus(nats.url);
  const { prng, clock, log } = { prng: systemPrng(), clock: systemClock(), log: memoryLog() };
  const opening = openJetstreamLedger({
    streams: bus.streams,
    prng,
    clock,
    log,
    partitions: 1,
    commentHistory: 10,
  });
  const ended = rejection(opening);
  await Bun.sleep(200);
  await bus.close();
  expect((await ended).name).toBe("BusUnavailable");
});

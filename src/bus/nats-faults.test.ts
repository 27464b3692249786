/**
 * What a network does to the NATS bus: servers that come late, die, hang, differ, or ask who is there.
 *
 * Mostly waits: for servers to be missed, and to vote.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as bareConnect } from "nats";
import { limits } from "../core/limits.ts";
import { NatsServer, startCluster, startNats } from "../system/nats.ts";
import { freePorts } from "../system/ports.ts";
import { type FailingProxy, startProxy } from "../system/proxy.ts";
import { BusUnavailable, type Table } from "./bus.ts";
import type { NatsBus, NatsOptions } from "./nats.ts";
import { connectBus, electionsMs, leaderOf, memoryLog, openBus, rejection, until } from "./nats-kit.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function server(config = ""): Promise<NatsServer> {
  const started = await startNats({ config });
  closers.push(() => started.close());
  return started;
}

async function bus(url: string, options: Partial<NatsOptions> = {}): Promise<NatsBus> {
  const opened = await connectBus(url, options);
  closers.push(() => opened.close());
  return opened;
}

async function proxy(before: NatsServer): Promise<FailingProxy> {
  const started = await startProxy(before.port);
  closers.push(() => started.close());
  return started;
}

const one = new Uint8Array([1]);
const number = (n: number, length = 4): Uint8Array => {
  const payload = new Uint8Array(length);
  new DataView(payload.buffer).setUint32(0, n);
  return payload;
};
const numberOf = (payload: Uint8Array): number =>
  new DataView(payload.buffer, payload.byteOffset).getUint32(0);

/** The rows a watch believes in, and how often it has caught up. */
function rowsOf(table: Table) {
  const seen = { rows: new Map<string, string>(), synced: 0, told: 0 };
  table.watch(
    (key, value) => {
      seen.told++;
      if (value === undefined) seen.rows.delete(key);
      else seen.rows.set(key, value);
    },
    () => seen.synced++,
  );
  return seen;
}

describe("a server that is not there", () => {
  test("opening waits in the background, says so, refuses and counts, and goes ready by itself", async () => {
    const [port = 0] = await freePorts(1);
    const folder = mkdtempSync(join(tmpdir(), "ovation-nats-late-"));
    const late = new NatsServer(port, folder, `jetstream { store_dir: "${folder}" }`);
    closers.push(() => late.close());
    const log = memoryLog();
    const opened = openBus(late.url, { log });
    closers.push(() => opened.close());
    expect(opened.connected()).toBe(false);
    const table = opened.table("t");
    const got: number[] = [];
    opened.subscribe("v", (payload) => got.push(numberOf(payload)));
    expect(opened.publish("v", number(1))).toBe(false);
    expect(opened.refused).toBe(1);
    expect(await rejection(opened.request("v", one, 1000))).toBeInstanceOf(BusUnavailable);
    await until(() => log.lines.some((line) => line.startsWith("warn waiting for NATS")));
    expect(log.lines.length).toBe(1);
    await late.start();
    await until(() => opened.connected());
    await (await table).put("k", "v");
    expect(opened.publish("v", number(2))).toBe(true);
    await until(() => got.length > 0);
    expect(got).toEqual([2]);
    expect(log.lines.some((line) => line.startsWith("info connected to NATS"))).toBe(true);
  });

  test("kill -9 and restart: subscriptions, servers, tables and watches come back", async () => {
    const nats = await server();
    const [a, b] = [await bus(nats.url), await bus(nats.url)];
    const [ta, tb] = [await a.table("t"), await b.table("t")];
    const seen = rowsOf(ta);
    await tb.put("stays", "1");
    await tb.put("goes", "1");
    await until(() => seen.rows.size === 2);
    const story: boolean[] = [];
    a.onConnected((connected) => story.push(connected));
    const got: number[] = [];
    a.subscribe("v", (payload) => got.push(numberOf(payload)));
    a.serve("s", (payload) => payload);
    await nats.kill();
    await until(() => !a.connected() && !b.connected());
    expect(a.publish("v", one)).toBe(false);
    expect(await rejection(ta.put("k", "v"))).toBeInstanceOf(BusUnavailable);
    await nats.start();
    await until(() => a.connected() && b.connected());
    await tb.remove("goes");
    await tb.put("comes", "1");
    await a.flush();
    expect(b.publish("v", number(7))).toBe(true);
    expect(await b.request("s", one, 2000)).toEqual(one);
    await until(() => got.length === 1 && seen.rows.size === 2 && seen.rows.has("comes"));
    expect([...seen.rows.keys()].sort()).toEqual(["comes", "stays"]);
    expect(got).toEqual([7]);
    expect(story).toEqual([false, true]);
  });

  test("a bucket that went with its server's folder is made again", async () => {
    const nats = await server();
    const a = await bus(nats.url);
    const table = await a.table("t");
    const seen = rowsOf(table);
    await table.put("old", "1");
    await until(() => seen.rows.has("old"));
    await nats.kill();
    await Bun.$`rm -rf ${nats.folder}/jetstream`;
    await nats.start();
    await until(() => a.connected());
    await table.put("new", "1");
    await until(() => seen.rows.has("new") && !seen.rows.has("old"));
    expect([...seen.rows.keys()]).toEqual(["new"]);
  });
});

describe("a server that hangs", () => {
  test("a stuffed link is noticed, refused and left; descriptors do not pile up; all heals", async () => {
    const nats = await server();
    const [a, b] = [await bus(nats.url), await bus(nats.url)];
    const got: number[] = [];
    b.subscribe("v", (payload) => got.push(numberOf(payload)));
    await b.flush();
    await nats.pause();
    let accepted = 0;
    while (a.publish("v", number(accepted, 64 * 1024))) accepted++;
    expect(accepted * 64 * 1024).toBeLessThanOrEqual(limits.busUnderWayBytesMax + 64 * 1024);
    expect(a.refused).toBe(1);
    await until(() => !a.connected() && !b.connected());
    const descriptors = readdirSync("/proc/self/fd").length;
    await Bun.sleep(9_000);
    expect(readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(descriptors + 3);
    nats.resume();
    await until(() => a.connected() && b.connected());
    await b.flush();
    expect(a.publish("v", number(1_000_000))).toBe(true);
    await until(() => got.at(-1) === 1_000_000);
    expect(got).toEqual([...new Set(got)].sort((x, y) => x - y));
  }, 40_000);

  for (const ways of ["both", "up", "down"] as const) {
    test(`a partition (${ways}) is noticed on one node only, and heals`, async () => {
      const nats = await server();
      const network = await proxy(nats);
      const [cut, other] = [await bus(network.url), await bus(nats.url)];
      const seen = rowsOf(await cut.table("t"));
      const table = await other.table("t");
      await table.put("k", "1");
      await until(() => seen.rows.get("k") === "1");
      network.stall(ways);
      await until(() => !cut.connected());
      expect(other.connected()).toBe(true);
      await table.put("k", "2");
      network.resume();
      await until(() => cut.connected() && seen.rows.get("k") === "2");
      expect(seen.told).toBe(2);
    }, 30_000);
  }

  test("300 MB through a server that pauses: bounded, none lost, none out of order", async () => {
    const nats = await server();
    const patient = { pingMs: 60_000 };
    const [a, b] = [await bus(nats.url, patient), await bus(nats.url, patient)];
    const payloadBytes = 16 * 1024;
    const total = Math.ceil((300 * 1024 * 1024) / payloadBytes);
    let received = 0;
    let wrong = 0;
    b.subscribe("v", (payload) => {
      if (numberOf(payload) !== received++ || payload.length !== payloadBytes) wrong++;
    });
    await b.flush();
    const pauses = new Set([1, 2, 3].map((n) => Math.floor((n * total) / 4)));
    const beforeBytes = process.memoryUsage().rss;
    let rssMaxBytes = 0;
    for (let sent = 0; sent < total; ) {
      if (pauses.delete(sent)) {
        await nats.pause();
        setTimeout(() => nats.resume(), 1_000);
      }
      if (a.publish("v", number(sent, payloadBytes))) sent++;
      else await Bun.sleep(1);
      if (sent % 64 === 0) await Bun.sleep(0);
      if (sent % 256 !== 0) continue;
      // Garbage that nobody has collected yet is not what is bounded here.
      Bun.gc(true);
      rssMaxBytes = Math.max(rssMaxBytes, process.memoryUsage().rss);
    }
    await until(() => received === total);
    const grownMb = (rssMaxBytes - beforeBytes) / 1024 / 1024;
    console.info(
      `sent ${total}, received ${received}, wrong ${wrong}, refused ${a.refused}, +${grownMb.toFixed(0)} MB`,
    );
    expect(wrong).toBe(0);
    expect(a.refused).toBeGreaterThan(0);
    expect(grownMb).toBeLessThan(200);
  }, 60_000);
});

describe("a stream", () => {
  test("is read in order, each message once, over restarts, cuts and hangs", async () => {
    const nats = await server();
    const network = await proxy(nats);
    const [writer, reader] = [await bus(nats.url), await bus(network.url)];
    const wanted = { name: "numbers", subject: "numbers" };
    await writer.streams.open(wanted);
    const got: number[] = [];
    reader.streams.read({
      name: "numbers",
      from: 1,
      receive: ({ seq, payload }) => got.push(seq, numberOf(payload)),
      prepare: () => reader.streams.ensure(wanted),
    });
    let sent = 0;
    const send = async (count: number): Promise<void> => {
      for (const goal = sent + count; sent < goal; ) {
        await writer.streams.append("numbers", number(sent + 1), 2_000).then(
          ({ seq }) => {
            sent = seq;
          },
          () => Bun.sleep(20),
        );
      }
    };
    await send(300);
    network.cut();
    await send(300);
    await until(() => reader.connected());
    network.stall("down");
    await send(300);
    await until(() => !reader.connected());
    network.resume();
    await until(() => reader.connected());
    await nats.kill();
    await nats.start();
    await send(300);
    await until(() => got.length >= 2 * sent);
    expect(got.filter((_, i) => i % 2 === 0)).toEqual(Array.from({ length: sent }, (_, i) => i + 1));
  }, 30_000);
});

describe("tables", () => {
  test("a bucket that is not as wanted is reported and left alone", async () => {
    const nats = await server();
    const log = memoryLog();
    const a = await bus(nats.url);
    const b = await bus(nats.url, { log });
    const table = await a.table("leases", { leaseMs: 5_000 });
    await table.put("k", "v");
    const error = await rejection(b.table("leases", { leaseMs: 10_000 }));
    expect(error.name).toBe("StreamMismatch");
    expect(error.message).toBe(
      "stream KV_ov_leases: max_age is 5000000000, wanted 10000000000; " +
        "duplicate_window is 5000000000, wanted 10000000000",
    );
    expect(log.lines.some((line) => line.startsWith("error stream differs"))).toBe(true);
    const seen = rowsOf(table);
    await until(() => seen.rows.get("k") === "v");
  });

  test("a hundred restarts of a watch lose no row and leave no consumer behind", async () => {
    const nats = await server();
    const [a, b] = [await bus(nats.url), await bus(nats.url)];
    const table = await a.table("routes");
    const other = await b.table("routes");
    const seen = rowsOf(table);
    const truth = new Map<string, string>();
    let consumersMax = 0;
    const bare = await bareConnect({ servers: nats.url });
    closers.push(() => bare.close());
    await until(() => seen.synced === 1);
    for (let i = 0; i < 100; i++) {
      const { synced } = seen;
      (table as unknown as { disturb(): void }).disturb();
      const key = `v${i % 17}.n${i % 3}`;
      if (i % 4 === 3) {
        await other.remove(key);
        truth.delete(key);
      } else {
        await other.put(key, `${i}`);
        truth.set(key, `${i}`);
      }
      await until(() => seen.synced > synced);
      const answer = await bare.request("$JS.API.STREAM.INFO.KV_ov_routes");
      consumersMax = Math.max(
        consumersMax,
        (answer.json() as { state: { consumer_count: number } }).state.consumer_count,
      );
    }
    await until(() => Bun.deepEquals(new Map([...seen.rows].sort()), new Map([...truth].sort())));
    console.info(`restarts 100, most consumers at once ${consumersMax}, synced ${seen.synced}`);
    expect(seen.synced).toBe(101);
    expect(consumersMax).toBeLessThanOrEqual(3);
  }, 60_000);

  test("markers of removed rows are swept from the bucket, rows put since are not", async () => {
    const nats = await server();
    const a = await bus(nats.url, { markerMs: 200 });
    const table = await a.table("routes");
    await table.put("gone", "1");
    await table.remove("gone");
    await table.put("back", "1");
    await table.remove("back");
    await table.put("back", "2");
    const other = await (await bus(nats.url)).table("routes");
    await other.put("theirs", "1");
    await table.remove("theirs");
    await other.put("theirs", "2");
    const bare = await bareConnect({ servers: nats.url });
    closers.push(() => bare.close());
    const messages = async (): Promise<number> =>
      ((await bare.request("$JS.API.STREAM.INFO.KV_ov_routes")).json() as { state: { messages: number } })
        .state.messages;
    expect(await messages()).toBe(3);
    for (let n = 3; n !== 2; n = await messages()) await Bun.sleep(20);
    await Bun.sleep(1_200);
    const seen = rowsOf(table);
    await until(() => seen.synced === 1);
    expect([...seen.rows].sort()).toEqual([
      ["back", "2"],
      ["theirs", "2"],
    ]);
  });
});

describe("a cluster", () => {
  test("kill the server a node hangs on, then the leader of its table: it goes on elsewhere", async () => {
    const servers = await startCluster(3);
    closers.push(async () => {
      for (const one of servers) await one.close();
    });
    const [first] = servers as [NatsServer];
    const a = await bus(first.url, { replicas: 3 });
    const table = await a.table("t");
    const seen = rowsOf(table);
    let last = 0;
    const put = async (): Promise<void> => {
      for (let done = false; !done; ) {
        done = await table.put("k", `${++last}`).then(
          () => true,
          () => Bun.sleep(20).then(() => false),
        );
      }
    };
    /** Milliseconds until the watch believes in what was put last. */
    const seenMs = async (): Promise<number> => {
      const startMs = performance.now();
      await until(() => seen.rows.get("k") === `${last}`, electionsMs);
      return Math.round(performance.now() - startMs);
    };
    await put();
    await seenMs();
    await first.kill();
    await until(() => !a.connected());
    await put();
    const elsewhereMs = await seenMs();
    await first.start();
    const leader = await leaderOf(first.url, "KV_ov_t");
    await servers[Number(leader.slice(1))]?.kill();
    await put();
    console.info(`puts tried ${last}, seen after ${elsewhereMs} and ${await seenMs()} ms`);
  }, 300_000);
});

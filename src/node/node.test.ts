/** A node as a whole: which parts its role has, its lease, when it is ready, and how it goes. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import { seededPrng } from "../base/prng.ts";
import { BusUnavailable, type Table } from "../bus/bus.ts";
import { memoryHub } from "../bus/memory.ts";
import type { CommentDraft, Kind, Like, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { decodeNodeRow, type Role } from "../core/nodes.ts";
import { FakeViewer } from "../frontend/frontend-kit.ts";
import { openMemoryLedger } from "../ledger/memory.ts";
import { Node } from "./node.ts";

const v = "v" as VideoId;
const log = createLog({ level: "error", format: "json", write: () => {}, now: () => 0 });
const like: Like = { video: v, kind: "heart" as Kind, count: 3, user: undefined, key: undefined };
const draft: CommentDraft = { video: v, text: "hi", user: undefined, key: undefined, atMs: 1 };

async function bench() {
  const clock = new VirtualClock();
  const hub = memoryHub({ clock });
  const watcher = hub.connect();
  const leases = new Map<string, string>();
  /** Keys of rows that nobody may write. */
  const unwritable = new Set<string>();
  const nodes = await watcher.table("nodes", { leaseMs: limits.leaseMs });
  nodes.watch((key, value) => {
    if (value === undefined) leases.delete(key);
    else leases.set(key, decodeNodeRow(key, value)?.incarnation ?? "");
  });
  const start = async (name: string, role: Role) => {
    const bus = hub.connect();
    const open = bus.table.bind(bus);
    bus.table = async (table, options) => {
      const rows = await open(table, options);
      const put: Table["put"] = async (key, value) => {
        if (unwritable.has(key)) throw new BusUnavailable("no permission");
        return rows.put(key, value);
      };
      return { ...rows, put };
    };
    const ledger = role === "frontend" ? undefined : openMemoryLedger({ clock, commentHistory: 50 });
    const node = await Node.start({
      settings: {
        ...{ role, node: name, region: "r", kinds: ["heart"], tickMs: 50, commentTickMs: 20 },
        ...{ commentRate: 100, commentHistory: 50, drainMs: 1_000, beatMs: 15_000, streamAgeMs: 0 },
      },
      ...{ bus, ledger, clock, prng: seededPrng(1), metrics: createMetrics(), log },
    });
    return { node, bus, ledger };
  };
  /** What `promise` comes to when time may pass. */
  const passing = async <T>(promise: Promise<T>): Promise<T> => {
    let open = true;
    void promise.finally(() => {
      open = false;
    });
    while (open) await clock.run(10, 5);
    return promise;
  };
  return { clock, leases, start, passing, unwritable };
}

describe("a node", () => {
  test("has the parts of its role", async () => {
    const { start } = await bench();
    const parts = async (role: Role) => {
      const { node } = await start(role, role);
      return [node.frontend !== undefined, node.dispatcher !== undefined];
    };
    expect(await parts("both")).toEqual([true, true]);
    expect(await parts("frontend")).toEqual([true, false]);
    expect(await parts("dispatcher")).toEqual([false, true]);
  });

  test("alone walks the cluster's path: a like and a comment come back to its viewer", async () => {
    const { clock, start, passing } = await bench();
    const { node } = await start("n1", "both");
    const stream = node.frontend?.open({ videos: [v], lastEventId: undefined });
    const viewer = new FakeViewer(stream as ReadableStream<Uint8Array>);
    await clock.run(20);
    expect(await passing(node.ingest.like(like))).toBeUndefined();
    expect(await passing(node.ingest.comment(draft))).toBeString();
    await clock.run(100);
    expect(viewer.hearts).toEqual([0, 3]);
    expect(viewer.texts).toEqual(["hi"]);
  });

  test("renews its lease, under one incarnation for its whole life", async () => {
    const { clock, leases, start } = await bench();
    const { node } = await start("n1", "both");
    await clock.run(5 * limits.leaseMs, 500);
    expect(leases.get("n1")).toBe(node.incarnation);
    const { node: other } = await start("n2", "frontend");
    expect(other.incarnation).not.toBe(node.incarnation);
  });

  test("loses its lease when it is cut off, and has it again at once when it is back", async () => {
    const { clock, leases, start } = await bench();
    const { node, bus } = await start("n1", "both");
    bus.cut();
    expect(node.ready()).toEqual({ ready: false, reasons: ["bus-disconnected"] });
    await clock.run(limits.leaseMs + 500, 500);
    expect(leases.has("n1")).toBe(false);
    bus.heal();
    await clock.run(1);
    expect(leases.has("n1")).toBe(true);
    expect(node.ready().ready).toBe(true);
  });

  test("a frontend is ready as soon as a dispatcher can be of use to it, and only as long", async () => {
    const { clock, start, passing } = await bench();
    const { node } = await start("f1", "frontend");
    await clock.run(3_000, 10);
    expect(node.ready().reasons).toEqual(["no-dispatcher"]);
    const { node: dispatcher, ledger } = await start("d1", "dispatcher");
    await clock.run(limits.aliveEveryMs + limits.pulseAgainMs, 10);
    expect(node.ready()).toEqual({ ready: true, reasons: [] });
    await ledger?.close();
    await clock.run(limits.pulseMs + limits.pulseAgainMs, 10);
    expect(node.ready().reasons).toEqual(["ledger-unavailable"]);
    await passing(dispatcher.close());
    await clock.run(limits.requestMs + limits.pulseAgainMs, 10);
    expect(node.ready().reasons).toEqual(["no-dispatcher"]);
  });

  test("is not ready while its lease cannot be written, though it is connected", async () => {
    const { clock, start, unwritable } = await bench();
    const { node } = await start("n1", "both");
    unwritable.add("n1");
    await clock.run(limits.leaseMs + limits.leaseRenewMs, 100);
    expect(node.ready().reasons).toEqual(["lease-unwritten"]);
    unwritable.clear();
    await clock.run(limits.leaseRenewMs, 100);
    expect(node.ready().reasons).toEqual([]);
  });

  test("is not ready while it drains or while its ledger is closed", async () => {
    const { start, passing } = await bench();
    const { node, ledger } = await start("n1", "both");
    expect(node.ready()).toEqual({ ready: true, reasons: [] });
    await ledger?.close();
    expect(node.ready().reasons).toEqual(["ledger-unavailable"]);
    await passing(node.drain());
    expect(node.ready().reasons).toEqual(["draining", "ledger-unavailable"]);
  });

  test("that is closed leaves no lease, row, stream or timer, and takes none back", async () => {
    const { clock, leases, start, passing } = await bench();
    const { node, bus } = await start("n1", "both");
    const stream = node.frontend?.open({ videos: [v], lastEventId: undefined });
    const viewer = new FakeViewer(stream as ReadableStream<Uint8Array>);
    await clock.run(50);
    void node.ingest.like(like);
    await passing(node.close());
    expect(leases.size).toBe(0);
    await clock.run(5);
    expect(viewer.of("bye")).toHaveLength(1);
    expect(viewer.ended).toBe(true);
    bus.cut();
    bus.heal();
    await clock.run(5);
    expect(leases.size).toBe(0);
    await clock.run(limits.leaseMs + 5_000, 500);
    expect(clock.next()).toBeUndefined();
  });

  test("that stops has made durable what it accepted", async () => {
    const { clock, start, passing } = await bench();
    const { node, ledger } = await start("n1", "both");
    const verdicts = Array.from({ length: 50 }, () => node.ingest.like(like));
    await passing(node.drain());
    await clock.run(5);
    expect(await Promise.all(verdicts)).toEqual(Array(50).fill(undefined));
    expect(ledger?.totals(v).counts.heart).toBe(150);
  });
});

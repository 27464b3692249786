import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import { memoryHub } from "../bus/memory.ts";
import type { CommentDraft, Kind, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { encodeNodeRow, ownerOf, type Role, routeKey } from "../core/nodes.ts";
import { RecordBuilder } from "../core/record.ts";
import { decodeEntry, decodeState, decodeTick, encodeJson, subjects, type Tick } from "../core/wire.ts";
import { LedgerUnavailable } from "../ledger/ledger.ts";
import { openMemoryLedger } from "../ledger/memory.ts";
import { Dispatcher } from "./dispatcher.ts";

const v = "v" as VideoId;
const log = createLog({ level: "error", format: "json", write: () => {}, now: () => 0 });

async function bench() {
  const clock = new VirtualClock();
  const hub = memoryHub({ clock });
  const frontend = hub.connect();
  const nodes = await frontend.table("nodes", { leaseMs: limits.leaseMs });
  const routes = await frontend.table("routes");
  const lease = (node: string, role: Role) =>
    nodes.put(
      node,
      encodeNodeRow({ node, role, region: "r", incarnation: "one", startedMs: 0, renewals: 0, viewers: 0 }),
    );
  const dispatch = async (node: string) => {
    const bus = hub.connect();
    const ledger = openMemoryLedger({ clock, commentHistory: 50 });
    const metrics = createMetrics();
    await lease(node, "dispatcher");
    const dispatcher = new Dispatcher({
      ...{
        node,
        region: "r",
        kinds: ["heart"],
        tickMs: 50,
        commentRate: 100,
        bus,
        ledger,
        clock,
        metrics,
        log,
      },
      nodes: await bus.table("nodes", { leaseMs: limits.leaseMs }),
      routes: await bus.table("routes"),
    });
    const likes = async (count: number, video = v) => {
      const done = dispatcher.ingest.like({
        video,
        kind: "heart" as Kind,
        count,
        user: "u",
        key: undefined,
      });
      await clock.run(10);
      expect(await done).toBeUndefined();
    };
    const comment = async (text: string) => {
      const draft: CommentDraft = { video: v, text, user: undefined, key: undefined, atMs: 1 };
      const done = dispatcher.ingest.comment(draft);
      await clock.run(10);
      return done;
    };
    return { dispatcher, bus, ledger, metrics, likes, comment };
  };
  const ticks: Tick[] = [];
  frontend.subscribe("tick.*", (payload, subject) => {
    const tick = decodeTick(payload, subject.slice(5) as VideoId);
    if (tick) ticks.push(tick);
  });
  const watch = async (video = v) => {
    await lease("f1", "frontend");
    await routes.put(routeKey(video, "f1"), "one");
  };
  const hearts = () => ticks.splice(0).map(({ totals }) => totals.counts.heart);
  return { clock, hub, frontend, nodes, routes, lease, dispatch, watch, ticks, hearts };
}

describe("a dispatcher", () => {
  test("publishes nothing for a video nobody watches, and its state when somebody begins to", async () => {
    const { clock, dispatch, watch, hearts } = await bench();
    const { likes } = await dispatch("d1");
    await likes(3);
    await clock.run(3_000, 10);
    expect(hearts()).toEqual([]);
    await watch();
    clock.advance(0);
    expect(hearts()).toEqual([3]);
    await likes(2);
    expect(hearts()).toEqual([5]);
  });

  test("echoes the last tick once, without names", async () => {
    const { clock, dispatch, watch, ticks } = await bench();
    await watch();
    const { likes } = await dispatch("d1");
    await likes(3);
    await clock.run(5_000, 10);
    expect(ticks.map(({ totals, by }) => [totals.counts.heart, by.length])).toEqual([
      [3, 1],
      [3, 0],
    ]);
  });

  test("stops when the watching node's lease ends", async () => {
    const { clock, dispatch, watch, hearts } = await bench();
    await watch();
    const { likes } = await dispatch("d1");
    await clock.run(limits.leaseMs + 1, 100);
    await likes(1);
    expect(hearts()).toEqual([]);
  });

  test("publishes only what it owns, and takes over when the owner dies", async () => {
    const { clock, lease, dispatch, watch, hearts } = await bench();
    const mine = ["d1", "d2"].map(
      (node) => `v${[...Array(50).keys()].find((i) => ownerOf(`v${i}` as VideoId, ["d1", "d2"]) === node)}`,
    ) as VideoId[];
    for (const video of mine) await watch(video);
    const { likes } = await dispatch("d1");
    await lease("d2", "dispatcher");
    await likes(1, mine[0]);
    await likes(2, mine[1]);
    expect(hearts()).toEqual([1]);
    for (let ms = 0; ms < limits.leaseMs; ms += 1_000) {
      await clock.run(1_000, 100);
      await watch(mine[0]);
      await lease("d1", "dispatcher");
    }
    await clock.run(1_000, 100);
    expect(hearts()).toContain(2);
  });

  test("publishes where its videos stand when it comes back: its ticks were refused meanwhile", async () => {
    const { clock, dispatch, watch, hearts } = await bench();
    await watch();
    const { bus, likes, metrics } = await dispatch("d1");
    await likes(1);
    bus.cut();
    await likes(2);
    await clock.run(2_000, 10);
    expect(hearts()).toEqual([1]);
    expect(await metrics.registry.metrics()).toContain("ovation_bus_refused_total 2");
    bus.heal();
    clock.advance(0);
    expect(hearts()).toEqual([3]);
  });

  test("takes over thousands of videos turn by turn, and keeps what the bus had no room for", async () => {
    const { clock, dispatch, lease, nodes, routes, ticks } = await bench();
    await lease("f1", "frontend");
    const all = Array.from({ length: 5_000 }, (_, i) => `v${i}` as VideoId);
    for (const video of all) await routes.put(routeKey(video, "f1"), "one");
    const { ledger, bus } = await dispatch("d1");
    await lease("d2", "dispatcher");
    const builder = new RecordBuilder();
    const like = { kind: "heart" as Kind, count: 1, user: undefined, key: undefined };
    const likes = all.map((video) => {
      builder.add({ ...like, video }, 0);
      return builder.take();
    });
    await ledger.append({ likes, comments: [] });
    await clock.run(100, 10);
    ticks.length = 0;
    // Room for a hundred, made again every 10 ms.
    let room = 100;
    clock.every(10, () => {
      room = 100;
    });
    const publish = bus.publish.bind(bus);
    bus.publish = (subject, payload, position) => {
      if (subject.startsWith("tick.") && room-- <= 0) return false;
      return publish(subject, payload, position);
    };
    await nodes.remove("d2");
    await clock.run(5_000);
    expect(new Set(ticks.map(({ video }) => video))).toEqual(new Set(all));
  });

  test("publishes comments with their places, of watched videos", async () => {
    const { dispatch, watch, frontend } = await bench();
    const seen: unknown[] = [];
    frontend.subscribe(subjects.comment(v), (payload, _, position) =>
      seen.push(decodeEntry(payload, v, position?.seq ?? 0, position?.previous ?? 0)),
    );
    const { comment, dispatcher, ledger } = await dispatch("d1");
    await comment("unseen");
    await watch();
    await comment("a");
    await dispatcher.ingest.retract(v, ledger.lineage().idOf(2));
    expect(seen).toMatchObject([
      { type: "comment", seq: 2, previous: 1, text: "a" },
      { type: "retract", seq: 3, target: 2 },
    ]);
  });

  test("answers what the state of a video is", async () => {
    const { clock, dispatch, frontend } = await bench();
    const { likes, comment, ledger, metrics } = await dispatch("d1");
    await likes(4);
    await comment("a");
    frontend.publish(subjects.viewers(v), encodeJson({ node: "f1", incarnation: "one", viewers: 7 }));
    frontend.publish(subjects.viewers(v), encodeJson({ node: "f1" }));
    const ask = (request: object) => frontend.request(subjects.state, encodeJson(request), 1_000);
    const state = decodeState(await ask({ video: v, limit: 10 }), v);
    expect(state).toMatchObject({ log: ledger.epoch, lineage: ledger.lineage(), region: "r", viewers: 7 });
    expect(state?.totals.counts).toEqual({ heart: 4 });
    expect(state?.page).toMatchObject({ floor: 0, head: 1, more: false, entries: [{ text: "a" }] });
    expect(decodeState(await ask({ video: v, after: 1, limit: 0 }), v)?.page.entries).toEqual([]);
    await clock.run(limits.viewersExpireMs + limits.viewersRepeatMs, 100);
    expect(decodeState(await ask({ video: v, limit: 0 }), v)?.viewers).toBe(0);
    expect(ask({ video: "no such", limit: 1 })).rejects.toThrow();
    expect(ask({ video: v, limit: -1 })).rejects.toThrow();
    expect(frontend.request(subjects.ingest, new Uint8Array([1]), 1_000)).rejects.toThrow();
    await clock.run(1);
    expect(await metrics.registry.metrics()).toContain("ovation_invalid_messages_total 4");
  });

  test("tells totals alone only when they are whole, and with entries what is known of them", async () => {
    const { clock, dispatch, frontend } = await bench();
    const { likes, ledger } = await dispatch("d1");
    await likes(4);
    const ask = (limit: number) => frontend.request(subjects.state, encodeJson({ video: v, limit }), 1_000);
    const current = ledger.current.bind(ledger);
    ledger.current = async (video) => ({ ...(await current(video)), counts: { heart: 5 } });
    expect(decodeState(await ask(0), v)?.totals.counts).toEqual({ heart: 5 });
    ledger.current = async () => {
      throw new LedgerUnavailable("the log cannot be read now");
    };
    const refused = ask(0);
    expect(refused).rejects.toThrow();
    await clock.run(1);
    expect(decodeState(await ask(10), v)?.totals.counts).toEqual({ heart: 4 });
  });

  test("takes out the rows of a node that died and did not come back", async () => {
    const { clock, dispatch, watch, lease, routes } = await bench();
    await dispatch("d1");
    await watch();
    await routes.put("w.f2", "long-gone");
    const rows = new Set<string>();
    routes.watch((key, value) => (value === undefined ? rows.delete(key) : rows.add(key)));
    for (let ms = 0; ms <= limits.endedRowsMs + 2 * limits.leaseMs; ms += 5_000) {
      await lease("f1", "frontend");
      await clock.run(5_000, 1_000);
    }
    expect([...rows]).toEqual(["v.f1"]);
    await clock.run(limits.endedRowsMs + 3 * limits.leaseMs, 1_000);
    expect([...rows]).toEqual([]);
  });

  test("closed says and hears nothing, and leaves no timer of its own", async () => {
    const { clock, dispatch, watch, hearts, frontend } = await bench();
    await watch();
    const { likes, dispatcher } = await dispatch("d1");
    await likes(1);
    dispatcher.close();
    expect(frontend.request(subjects.state, encodeJson({ video: v, limit: 0 }), 100)).rejects.toThrow();
    await clock.run(limits.leaseMs + 5_000, 100);
    expect(hearts()).toEqual([1]);
    expect(clock.next()).toBeUndefined();
  });
});

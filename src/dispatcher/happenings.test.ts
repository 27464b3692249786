/** What dispatchers tell, on a hub: once in the cluster, whoever dies, leaves, comes or is cut off. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import { memoryHub } from "../bus/memory.ts";
import type { Happening } from "../core/happening.ts";
import type { Kind, VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { Lineage } from "../core/lineage.ts";
import { encodeNodeRow, ownerOf, type Role, routeKey } from "../core/nodes.ts";
import { openMemoryLedger } from "../ledger/memory.ts";
import { Dispatcher } from "./dispatcher.ts";

const log = createLog({ level: "error", format: "json", write: () => {}, now: () => 0 });
/** A video that d1 owns beside d2, and one the other way round. */
const [ofD1 = "" as VideoId, ofD2 = "" as VideoId] = ["d1", "d2"].map((node) => {
  const n = [...Array(50).keys()].find((n) => ownerOf(`v${n}` as VideoId, ["d1", "d2"]) === node);
  return `v${n}` as VideoId;
});

async function bench() {
  const clock = new VirtualClock();
  const hub = memoryHub({ clock });
  const frontend = hub.connect();
  const nodes = await frontend.table("nodes", { leaseMs: limits.leaseMs });
  const routes = await frontend.table("routes");
  /** Nodes whose leases are renewed while time passes. */
  const alive = new Map<string, Role>();
  let renewals = 0;
  const lease = (node: string, role: Role) => {
    alive.set(node, role);
    const row = { node, role, region: "r", incarnation: "one", startedMs: 0, viewers: 0 };
    return nodes.put(node, encodeNodeRow({ ...row, renewals: renewals++ }));
  };
  const pass = async (ms: number) => {
    for (let doneMs = 0; doneMs < ms; doneMs += 500) {
      for (const [node, role] of alive) await lease(node, role);
      await clock.run(Math.min(500, ms - doneMs), 100);
    }
  };
  const told: string[] = [];
  const ids: string[] = [];
  const dispatch = async (node: string) => {
    const bus = hub.connect();
    const ledger = openMemoryLedger({ clock, commentHistory: 50 });
    const lineage = Lineage.begin("shared");
    Object.assign(ledger, { epoch: "shared", lineage: () => lineage });
    const tell = (happening: Happening): void => {
      const { type, video, ...more } = happening;
      let what = "mark" in more ? ` ${more.kind ?? "all"} ${more.mark}` : "";
      if ("visibleAt" in more) what = ` from ${more.visibleAt}`;
      told.push(`${node} ${type} ${video}${what}`);
      ids.push(happening.id);
    };
    await lease(node, "dispatcher");
    const dispatcher = new Dispatcher({
      ...{ node, region: "r", kinds: ["heart"], tickMs: 50, commentRate: 100, bus, ledger, clock, log },
      metrics: createMetrics(),
      nodes: await bus.table("nodes", { leaseMs: limits.leaseMs }),
      routes: await bus.table("routes"),
      herald: { milestones: [10, 100], moments: true, tell },
    });
    const likes = async (count: number, video: VideoId) => {
      const like = { video, kind: "heart" as Kind, count, user: undefined, key: undefined };
      const done = dispatcher.ingest.like(like);
      await clock.run(10);
      await done;
    };
    return { dispatcher, likes, bus, ledger };
  };
  const watch = (video: VideoId, node = "f1") => routes.put(routeKey(video, node), "one");
  const unwatch = (video: VideoId, node = "f1") => routes.remove(routeKey(video, node));
  const heard = () => told.splice(0);
  return { clock, frontend, alive, lease, pass, dispatch, watch, unwatch, heard, ids };
}

describe("a video", () => {
  test("is told as occupied by its owner, at once, and as vacated after a while", async () => {
    const { lease, dispatch, watch, unwatch, pass, heard } = await bench();
    await Promise.all([dispatch("d1"), dispatch("d2"), lease("f1", "frontend"), lease("f2", "frontend")]);
    for (const video of [ofD1, ofD2]) await watch(video);
    expect(heard()).toEqual([`d1 video_occupied ${ofD1}`, `d2 video_occupied ${ofD2}`]);
    await watch(ofD1, "f2");
    await unwatch(ofD1);
    await unwatch(ofD2);
    await pass(limits.vacantMs - 500);
    expect(heard()).toEqual([]);
    await pass(1_000);
    expect(heard()).toEqual([`d2 video_vacated ${ofD2}`]);
    await watch(ofD2);
    expect(heard()).toEqual([`d2 video_occupied ${ofD2}`]);
  });

  test("whose viewers are back in a moment is no news", async () => {
    const { lease, dispatch, watch, unwatch, pass, heard } = await bench();
    await Promise.all([dispatch("d1"), lease("f1", "frontend"), lease("f2", "frontend")]);
    await watch(ofD1);
    heard();
    for (let n = 0; n < 5; n++) {
      await unwatch(ofD1);
      await pass(limits.vacantMs - 1_000);
      await watch(ofD1, n % 2 === 0 ? "f2" : "f1");
      await unwatch(ofD1, n % 2 === 0 ? "f1" : "f2");
      await pass(2_000);
    }
    expect(heard()).toEqual([]);
  });

  test("is vacated when the only node that watched it dies", async () => {
    const { alive, lease, dispatch, watch, pass, heard } = await bench();
    await Promise.all([dispatch("d1"), lease("f1", "frontend")]);
    await watch(ofD1);
    heard();
    alive.delete("f1");
    await pass(limits.leaseMs + limits.vacantMs + 1_000);
    expect(heard()).toEqual([`d1 video_vacated ${ofD1}`]);
  });

  test("that was watched before a dispatcher came is nothing new to it", async () => {
    const { lease, dispatch, watch, unwatch, pass, heard } = await bench();
    await lease("f1", "frontend");
    await watch(ofD1);
    await dispatch("d1");
    await pass(1_000);
    expect(heard()).toEqual([]);
    await unwatch(ofD1);
    await pass(limits.vacantMs + 1_000);
    expect(heard()).toEqual([`d1 video_vacated ${ofD1}`]);
  });

  test("is not vacated because a dispatcher is cut off and sees every lease run out", async () => {
    const { lease, dispatch, watch, pass, heard } = await bench();
    const [{ bus }] = await Promise.all([dispatch("d1"), dispatch("d2"), lease("f1", "frontend")]);
    await watch(ofD1);
    await pass(limits.handoverMs);
    heard();
    bus.cut();
    await pass(3 * (limits.leaseMs + limits.vacantMs));
    expect(heard()).toEqual([]);
    bus.heal();
    await pass(2 * limits.vacantMs);
    expect(heard()).toEqual([]);
  });

  test("is not vacated while its nodes come back from an outage after the dispatcher", async () => {
    for (let offsetMs = 0; offsetMs < limits.vacantMs; offsetMs += 1_000) {
      const { alive, lease, dispatch, watch, pass, heard } = await bench();
      const [{ bus }] = await Promise.all([dispatch("d1"), lease("f1", "frontend")]);
      await watch(ofD1);
      heard();
      bus.cut();
      alive.clear();
      await pass(3 * limits.leaseMs + offsetMs);
      bus.heal();
      await pass(limits.vacantMs - 1_000);
      await lease("f1", "frontend");
      await pass(3 * limits.vacantMs);
      expect(heard()).toEqual([]);
    }
  });
});

test("a moment is told once, by the owner, under an id that every dispatcher would give it", async () => {
  const { dispatch, pass, heard, ids } = await bench();
  const both = await Promise.all([dispatch("d1"), dispatch("d2")]);
  for (let second = 0; second < 110; second++) {
    const people = second >= 90 && second < 94 ? 30 : 1;
    for (const { likes } of both) for (let i = 0; i < people; i++) await likes(1, ofD1);
    await pass(1_000 - 20 * people > 0 ? 1_000 - 20 * people : 500);
  }
  await pass(10_000);
  expect(heard().filter((what) => what.includes("moment"))).toEqual([`d1 moment ${ofD1}`]);
  expect(ids.filter((id) => id.startsWith("moment"))).toEqual([
    expect.stringMatching(new RegExp(`^moment:shared:${ofD1}:\\d+$`)),
  ]);
});

describe("a milestone", () => {
  test("is told once, by the owner, under an id that every dispatcher would give it", async () => {
    const { dispatch, pass, heard, ids } = await bench();
    const [one, two] = await Promise.all([dispatch("d1"), dispatch("d2")]);
    await pass(500);
    for (const { likes } of [one, two]) await likes(12, ofD1);
    await pass(2 * limits.handoverMs);
    expect(heard()).toEqual([`d1 milestone ${ofD1} heart 10`, `d1 milestone ${ofD1} all 10`]);
    expect(ids).toEqual([`milestone:shared:${ofD1}:heart:10`, `milestone:shared:${ofD1}::10`]);
  });

  test("that its owner took into death is told by the heir", async () => {
    const { alive, dispatch, pass, heard } = await bench();
    const [one, two] = await Promise.all([dispatch("d1"), dispatch("d2")]);
    await pass(1_000);
    await two.likes(12, ofD1);
    one.bus.cut();
    alive.delete("d1");
    expect(heard()).toEqual([]);
    await pass(3_000);
    expect(heard()).toEqual([`d2 milestone ${ofD1} heart 10`, `d2 milestone ${ofD1} all 10`]);
    await pass(3 * limits.leaseMs);
    expect(heard()).toEqual([]);
  });

  test("is not told again when its owner leaves in peace, nor long after it died", async () => {
    const { alive, dispatch, pass, heard } = await bench();
    const [one, two] = await Promise.all([dispatch("d1"), dispatch("d2")]);
    await pass(1_000);
    for (const { likes } of [one, two]) await likes(12, ofD1);
    expect(heard()).toHaveLength(2);
    one.dispatcher.leave();
    await pass(3_000);
    expect(heard()).toEqual([]);

    const third = await bench();
    const [first, second] = await Promise.all([third.dispatch("d1"), third.dispatch("d2")]);
    await third.pass(1_000);
    for (const { likes } of [first, second]) await likes(12, ofD1);
    await third.pass(limits.handoverMs);
    third.heard();
    first.bus.cut();
    third.alive.delete("d1");
    await third.pass(3 * limits.leaseMs);
    expect(third.heard()).toEqual([]);
    expect(alive.has("d1")).toBe(true);
  });
});

describe("a comment", () => {
  test("is told by whoever made it durable, once however often sent, and so is its removal", async () => {
    const { clock, dispatch, heard, ids } = await bench();
    const [, { dispatcher, ledger }] = await Promise.all([dispatch("d1"), dispatch("d2")]);
    const comment = async (key: string | undefined) => {
      const draft = { video: ofD1, text: "hi", user: "Ann", key, atMs: 1 };
      const done = dispatcher.ingest.comment(draft);
      await clock.run(10);
      return String(await done);
    };
    const id = await comment("k");
    expect([await comment("k"), await comment("k")]).toEqual([id, id]);
    expect(heard()).toEqual([`d2 comment_published ${ofD1}`]);
    await comment(undefined);
    expect(heard()).toEqual([`d2 comment_published ${ofD1}`]);
    expect(await dispatcher.ingest.retract(ofD1, id)).toBe(true);
    expect(await dispatcher.ingest.retract(ofD1, id)).toBe(false);
    expect(await dispatcher.ingest.retract(ofD1, "nothing-1")).toBe(false);
    expect(heard()).toEqual([`d2 comment_removed ${ofD1}`]);
    const held = { video: ofD1, text: "hi", user: undefined, key: undefined, atMs: 1.5, holdMs: 700 };
    const done = dispatcher.ingest.comment(held);
    await clock.run(10);
    await done;
    expect(heard()).toEqual([`d2 comment_published ${ofD1} from 702`]);
    const { epoch } = ledger;
    expect(ids.slice(0, 3)).toEqual([
      `comment_published:${epoch}-1`,
      `comment_published:${epoch}-2`,
      `comment_removed:${epoch}-1`,
    ]);
  });
});

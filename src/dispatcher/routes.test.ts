import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Elapsed } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { encodeNodeRow, ownerOf, type Role } from "../core/nodes.ts";
import { Routes } from "./routes.ts";

const v = "v" as VideoId;
const w = "w" as VideoId;
const at = (ms: number): Elapsed => ms as Elapsed;

function bench(self = "d1") {
  const story: string[] = [];
  const came: string[] = [];
  const routes = new Routes(self, {
    watched: (video) => story.push(`watched ${video}`),
    dispatchersChanged: () => story.push("dispatchers"),
    nodeGone: (node) => story.push(`gone ${node}`),
    dispatcherCame: (node) => came.push(node),
    lifeChanged: (rows) => {
      for (const { video, begun } of rows) if (begun) story.push(`watched ${video}`);
    },
  });
  const lease = (node: string, incarnation: string, role: Role = "frontend", renewals = 0) =>
    routes.nodeRow(
      node,
      encodeNodeRow({ node, role, region: "r", incarnation, startedMs: 0, renewals, viewers: 0 }),
      at(0),
    );
  const gone = (node: string) => routes.nodeRow(node, undefined, at(0));
  return { routes, story, came, lease, gone, told: () => story.splice(0) };
}

/** Rows of all videos that are to be removed. */
function ended(routes: Routes, now: Elapsed): string[] {
  routes.forgetEnded(now);
  return [...routes.all].flatMap((video) => routes.ended(video, now));
}

describe("routes", () => {
  test("count while the lease lives and names the incarnation that wrote them", () => {
    const { routes, lease, gone, told } = bench();
    lease("f1", "one");
    routes.routeRow("v.f1", "one");
    expect(told()).toEqual(["watched v"]);
    expect([routes.watched(v), routes.watched(w)]).toEqual([true, false]);
    lease("f1", "one", "frontend", 1);
    routes.routeRow("v.f1", "one");
    expect(told()).toEqual([]);
    gone("f1");
    expect(told()).toEqual(["gone f1"]);
    expect(routes.watched(v)).toBe(false);
    expect([...routes.videos()]).toEqual([]);
  });

  test("may come before the lease that makes them count", () => {
    const { routes, lease, told } = bench();
    routes.routeRow("v.f1", "two");
    routes.routeRow("w.f1", "one");
    expect(told()).toEqual([]);
    lease("f1", "two");
    expect(told()).toEqual(["watched v"]);
    expect([...routes.videos()]).toEqual([v]);
  });

  test("of an old life do not count for the new one", () => {
    const { routes, lease, told } = bench();
    lease("f1", "one");
    routes.routeRow("v.f1", "one");
    routes.routeRow("w.f1", "one");
    told();
    lease("f1", "two");
    expect(told()).toEqual([]);
    expect(routes.watched(v)).toBe(false);
    routes.routeRow("w.f1", "two");
    expect(told()).toEqual(["watched w"]);
    expect([...routes.videos()]).toEqual([w]);
  });

  test("go one by one, and leave nothing", () => {
    const { routes, lease } = bench();
    for (const node of ["f1", "f2"]) lease(node, "one");
    for (const node of ["f1", "f2"]) routes.routeRow(`v.${node}`, "one");
    routes.routeRow("v.f1", undefined);
    expect(routes.watched(v)).toBe(true);
    routes.routeRow("v.f2", undefined);
    routes.routeRow("v.f2", undefined);
    routes.routeRow("w.f2", undefined);
    expect(routes.watched(v)).toBe(false);
    expect(routes.view(at(0))).toMatchObject({ videos: 0, rows: 0 });
  });

  test("that are not ours change nothing", () => {
    const { routes, told } = bench();
    for (const key of ["", "v", ".", "v.", "v.f1.x", "v f.f1", "__proto__"]) routes.routeRow(key, "one");
    routes.nodeRow("f1", "{", at(0));
    routes.nodeRow("f 1", encodeNodeRow({} as never), at(0));
    routes.nodeRow("f1", "null", at(0));
    expect(told()).toEqual([]);
    expect(routes.view(at(0))).toMatchObject({ videos: 0, nodes: [] });
  });

  test("a lease that turns into nonsense has ended", () => {
    const { routes, lease, told } = bench();
    lease("f1", "one");
    routes.routeRow("v.f1", "one");
    told();
    routes.nodeRow("f1", "nonsense", at(0));
    expect(told()).toEqual(["gone f1"]);
    expect(routes.watched(v)).toBe(false);
  });
});

describe("rows of a life that has ended", () => {
  test("are to be removed after a minute by the owner of their video, unless it came back", () => {
    const { routes, lease, gone } = bench();
    lease("d1", "x", "dispatcher");
    lease("f1", "one");
    lease("f2", "one");
    for (const key of ["v.f1", "w.f1", "v.f2"]) routes.routeRow(key, "one");
    routes.routeRow("v.f3", "never-seen");
    expect(ended(routes, at(0))).toEqual([]);
    gone("f1");
    gone("f2");
    expect(ended(routes, at(1_000))).toEqual([]);
    lease("f2", "one");
    expect(ended(routes, at(limits.endedRowsMs))).toEqual(["v.f3"]);
    routes.routeRow("v.f3", undefined);
    expect(ended(routes, at(limits.endedRowsMs + 1_000)).sort()).toEqual(["v.f1", "w.f1"]);
    lease("f1", "two");
    expect(ended(routes, at(limits.endedRowsMs + 1_000)).sort()).toEqual(["v.f1", "w.f1"]);
    routes.routeRow("v.f1", "two");
    expect(ended(routes, at(limits.endedRowsMs + 1_000))).toEqual(["w.f1"]);
    gone("f2");
    expect(ended(routes, at(limits.endedRowsMs + 2_000))).toEqual(["w.f1"]);
    lease("d2", "x", "dispatcher");
    const mine = ownerOf(w, ["d1", "d2"]) === "d1" ? ["w.f1"] : [];
    expect(ended(routes, at(limits.endedRowsMs + 3_000))).toEqual(mine);
  });

  test("are left to the dispatcher that owns their video", () => {
    const { routes, lease } = bench();
    lease("d1", "x", "dispatcher");
    lease("d2", "x", "dispatcher");
    const videos = Array.from({ length: 20 }, (_, i) => `v${i}` as VideoId);
    for (const video of videos) routes.routeRow(`${video}.f1`, "ended");
    const mine = videos.filter((video) => ownerOf(video, ["d1", "d2"]) === "d1");
    expect([mine.length > 0, mine.length < 20]).toEqual([true, true]);
    ended(routes, at(0));
    expect(ended(routes, at(limits.endedRowsMs))).toEqual(mine.map((video) => `${video}.f1`));
  });
});

describe("the owner", () => {
  test("is one dispatcher, named alike by all", () => {
    const all = ["d1", "d2", "d3"].map((self) => bench(self));
    for (const { lease } of all) {
      for (const node of ["d1", "d2"]) lease(node, "x", "dispatcher");
      lease("d3", "x", "both");
      lease("f1", "x", "frontend");
    }
    for (let i = 0; i < 100; i++) {
      const video = `v${i}` as VideoId;
      expect(all.filter(({ routes }) => routes.owns(video))).toHaveLength(1);
      for (const { routes } of all) expect(routes.owner(video)).toBe(ownerOf(video, ["d1", "d2", "d3"]));
    }
  });

  test("is oneself when no other is known", () => {
    const { routes, lease, gone, told } = bench();
    expect(routes.owns(v)).toBe(true);
    lease("d1", "x", "dispatcher");
    expect(routes.owns(v)).toBe(true);
    expect(told()).toEqual(["dispatchers"]);
    lease("d1", "x", "dispatcher", 1);
    expect(told()).toEqual([]);
    lease("d2", "x", "dispatcher");
    expect(told()).toEqual(["dispatchers"]);
    gone("d2");
    expect(told()).toEqual(["gone d2", "dispatchers"]);
  });
});

describe("routes, whatever comes in whatever order", () => {
  const node = fc.constantFrom("f1", "f2", "f3");
  const life = fc.constantFrom("one", "two");
  const step = fc.oneof(
    fc.record({ node, life: fc.option(life) }),
    fc.record({ video: fc.constantFrom(v, w), node, life: fc.option(life) }),
  );
  test("are what the two tables say, and each beginning was told", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { routes, lease, gone, told } = bench();
        const leases = new Map<string, string>();
        const rows = new Map<string, string>();
        const watched = (video: VideoId) =>
          [...rows].some(([key, value]) => key.startsWith(`${video}.`) && leases.get(key.slice(2)) === value);
        for (const one of steps) {
          const before = [watched(v), watched(w)];
          if ("video" in one) {
            const key = `${one.video}.${one.node}`;
            if (one.life) rows.set(key, one.life);
            else rows.delete(key);
            routes.routeRow(key, one.life ?? undefined);
          } else {
            if (one.life) leases.set(one.node, one.life);
            else leases.delete(one.node);
            if (one.life) lease(one.node, one.life);
            else gone(one.node);
          }
          const news = told();
          [v, w].forEach((video, i) => {
            expect(routes.watched(video)).toBe(watched(video));
            if (watched(video) && !before[i]) expect(news).toContain(`watched ${video}`);
          });
          expect(new Set(routes.videos())).toEqual(new Set([v, w].filter(watched)));
          expect(routes.view(at(0)).rows).toBe(rows.size);
        }
      }),
    );
  });
});

describe("the view for people", () => {
  test("tells nodes, their leases and rows, and rows that have ended", () => {
    const { routes, lease } = bench();
    lease("d1", "x", "dispatcher");
    lease("f1", "one");
    routes.routeRow("v.f1", "one");
    routes.routeRow("v.f2", "dead");
    const view = routes.view(at(1_000));
    expect(view).toMatchObject({ seenBy: "d1", videos: 1, rows: 2, leaseMs: limits.leaseMs });
    expect(view.routes).toEqual([{ video: v, owner: "d1", nodes: ["f1"], ended: ["f2"] }]);
    const short = view.nodes.map(({ node, rows, owns, leaseLeftMs }) => [node, rows, owns, leaseLeftMs]);
    expect(short).toEqual([
      ["d1", 0, 1, limits.leaseMs - 1_000],
      ["f1", 1, 0, limits.leaseMs - 1_000],
    ]);
  });
});

describe("a dispatcher that comes", () => {
  test("is expected to be heard, once for each of its lives", () => {
    const { lease, gone, came } = bench();
    lease("f1", "one");
    for (const renewals of [0, 1, 2]) lease("d2", "one", "dispatcher", renewals);
    lease("d2", "two", "both");
    gone("d2");
    lease("d2", "two", "both");
    expect(came).toEqual(["d2", "d2", "d2"]);
  });
});

describe("a silent dispatcher", () => {
  const all = Array.from({ length: 40 }, (_, i) => `v${i}` as VideoId);
  const ownedBy = (routes: Routes, node: string) => all.filter((video) => routes.owner(video) === node);

  test("owns nothing until it is heard, although its lease lives", () => {
    const { routes, lease, told } = bench();
    lease("d1", "one", "dispatcher");
    lease("d2", "one", "dispatcher");
    const before = ownedBy(routes, "d2");
    expect(before.length).toBeGreaterThan(5);
    told();
    routes.silence("d2", true);
    expect(told()).toEqual(["dispatchers"]);
    expect(ownedBy(routes, "d1")).toEqual(all);
    lease("d2", "one", "dispatcher", 1);
    expect(ownedBy(routes, "d2")).toEqual([]);
    routes.silence("d2", false);
    expect(told()).toEqual(["dispatchers"]);
    expect(ownedBy(routes, "d2")).toEqual(before);
  });

  test("owns again at once when it returns as another life", () => {
    const { routes, lease } = bench();
    lease("d1", "one", "dispatcher");
    lease("d2", "one", "dispatcher");
    routes.silence("d2", true);
    lease("d2", "two", "dispatcher");
    expect(ownedBy(routes, "d2").length).toBeGreaterThan(5);
  });
});

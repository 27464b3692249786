/** The frontend as viewers meet it: what a stream begins with, goes on with and ends with. */
import { describe, expect, spyOn, test } from "bun:test";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { Connection } from "../fanout/connection.ts";
import { Review } from "../fanout/review.ts";
import { type FakeViewer, kit, v, w } from "./frontend-kit.ts";

const videos = (count: number) => Array.from({ length: count }, (_, i) => `v${i}` as VideoId);

describe("a stream", () => {
  test("says hello at once, and shows where its video stands", async () => {
    const { log, open, rest } = await kit();
    log.like(v);
    await log.comment(v, "a");
    const viewer = open();
    await rest();
    expect(viewer.seen.map(({ event }) => event)).toEqual(["hello", "snapshot"]);
    expect(viewer.seen[1]).toMatchObject({
      id: log.id(1),
      data: { video: "v", totals: { heart: 10 }, viewers: 1, version: 1, comments: [{ text: "a" }] },
    });
    expect(viewer.hello.connection).toStartWith("f1.");
  });

  test("goes on with likes and comments", async () => {
    const { log, open, rest } = await kit();
    const viewer = open();
    await rest();
    log.like(v);
    await log.comment(v, "a");
    await rest();
    await log.retract(v, 1);
    await rest();
    expect(viewer.hearts).toEqual([0, 10]);
    expect(viewer.of("comment")).toMatchObject([{ id: log.id(1), data: { text: "a" } }]);
    expect(viewer.of("retract")).toMatchObject([{ id: log.id(2), data: { video: "v", id: log.id(1) } }]);
  });

  test("of many videos shows every one of them, however many chunks that takes", async () => {
    const { log, open, rest } = await kit();
    const all = videos(limits.videosPerStreamMax);
    for (const video of all) {
      log.like(video);
      for (let i = 0; i < limits.snapshotCommentsMax; i++) await log.comment(video, "x".repeat(500));
    }
    for (const viewer of [open(all), open(all)]) {
      await rest(300);
      const shown = viewer.of("snapshot").map(({ data }) => data.video as string);
      expect(shown.sort()).toEqual([...all].sort());
    }
  });

  test("of several videos shows comments in the order of their ids, though they share a window", async () => {
    const { log, open, rest } = await kit();
    const [both, one] = [open([v, w]), open([w])];
    await rest();
    for (const video of [v, w, w, v, w, v, v, w]) await log.comment(video, "x");
    await rest();
    const ids = both.of("comment").map(({ id }) => id);
    expect(ids).toEqual(Array.from({ length: 8 }, (_, i) => log.id(i + 1)));
    expect(one.of("comment").map(({ id }) => id)).toEqual([2, 3, 5, 8].map((seq) => log.id(seq)));
  });

  test("whose client left before it began leaves nothing behind", async () => {
    const { frontend, rest } = await kit();
    const stream = frontend.open({
      videos: [v],
      lastEventId: undefined,
      asked: { signal: AbortSignal.abort() },
    });
    expect(frontend.connections).toBe(0);
    await rest(limits.lingerMs + 5_000);
    expect([...frontend.watches()]).toEqual([]);
    await stream.cancel();
  });

  test("of a moderator who leaves while being welcomed leaves nothing behind", async () => {
    const { frontend, open, rest } = await kit();
    open();
    await rest();
    const inside = new Set<unknown>();
    const { join, leave } = Review.prototype;
    const joins = spyOn(Review.prototype, "join").mockImplementation(function (this: Review, ...args) {
      inside.add(args[0]);
      return join.apply(this, args);
    });
    const leaves = spyOn(Review.prototype, "leave").mockImplementation(function (this: Review, ...args) {
      inside.delete(args[0]);
      return leave.apply(this, args);
    });
    // A sink that says that nobody is there ends the connection inside its write: here that of the snapshot.
    const { write } = Connection.prototype;
    let writes = 0;
    const written = spyOn(Connection.prototype, "write").mockImplementation(function (
      this: Connection,
      ...args
    ) {
      if (++writes !== 2) return write.apply(this, args);
      this.end("client");
      return "gone";
    });
    try {
      frontend.open({ videos: [v], lastEventId: undefined, reviews: true });
      await rest();
      expect([frontend.connections, inside.size]).toEqual([1, 0]);
      open([v], undefined, false, true);
      await rest();
      expect([frontend.connections, inside.size]).toEqual([2, 1]);
    } finally {
      for (const spy of [joins, leaves, written]) spy.mockRestore();
    }
  });

  test("that ends by signal, cancel or drain is counted out once", async () => {
    const { frontend, open, rest, metrics } = await kit();
    const abort = new AbortController();
    let told = 0;
    const holder = { opened: () => {}, ended: () => void told++ };
    frontend.open({ videos: [v, w], lastEventId: undefined, asked: abort, holder });
    const [one, two] = [open(), open([w])];
    await rest();
    expect(frontend.connections).toBe(3);
    abort.abort();
    await one.close();
    abort.abort();
    await rest(2_000);
    expect([frontend.connections, told]).toEqual([1, 1]);
    expect(two.of("viewers").at(-1)?.data.viewers ?? two.of("snapshot")[0]?.data.viewers).toBe(1);
    await frontend.drain(0);
    await rest(limits.lingerMs + 5_000);
    expect(two.ended).toBe(true);
    expect([...frontend.watches()]).toEqual([]);
    const text = await metrics.registry.metrics();
    expect(text).toContain('ovation_connections_closed_total{reason="client"} 2');
    expect(text).toContain('ovation_connections_closed_total{reason="drain"} 1');
  });

  test("of too many videos on this node is told to come back", async () => {
    const { frontend, open, rest } = await kit();
    const mutable = limits as { watchesMax: number };
    const before = limits.watchesMax;
    try {
      mutable.watchesMax = 2;
      const [one, two] = [open([v, w]), open(["x" as VideoId])];
      await rest();
      expect(one.of("snapshot")).toHaveLength(2);
      expect(two.seen.map(({ event }) => event)).toEqual(["hello", "bye"]);
      expect(two.ended).toBe(true);
      expect(await frontend.watch(one.hello.connection as string, "y" as VideoId, true)).toMatchObject({
        rejected: "busy",
      });
    } finally {
      mutable.watchesMax = before;
    }
  });

  test("waits for its state while the log is away, and forgets those who do not wait", async () => {
    const { log, open, rest, frontend } = await kit();
    log.beforeAnswer = () => {
      throw new Error("away");
    };
    const patient = open();
    for (let i = 0; i < 200; i++) {
      const viewer = open();
      await rest(20);
      await viewer.close();
    }
    expect(patient.seen.map(({ event }) => event)).toEqual(["hello"]);
    log.beforeAnswer = () => {};
    log.like(v);
    await rest(2_000);
    expect(patient.hearts).toEqual([10]);
    expect(frontend.connections).toBe(1);
  });
});

describe("what a stream watches", () => {
  const shown = (viewer: FakeViewer) => viewer.of("snapshot").map(({ data }) => data.video);

  test("is changed on its own node and from any other", async () => {
    const { log, open, frontend, start, rest } = await kit();
    const other = await start("f2");
    const viewer = open();
    await rest();
    const connection = viewer.hello.connection as string;
    expect(await frontend.watch(connection, w, true)).toBe("done");
    expect(await frontend.watch(connection, w, true)).toBe("done");
    await rest();
    expect(shown(viewer)).toEqual(["v", "w"]);
    expect(await other.frontend.watch(connection, v, false)).toBe("done");
    expect(await other.frontend.watch(connection, v, false)).toBe("done");
    log.like(v);
    log.like(w);
    await rest();
    expect(viewer.of("likes").map(({ data }) => data.video)).toEqual(["w"]);
    expect(await other.frontend.watch(connection, v, true)).toBe("done");
    await rest();
    expect(shown(viewer)).toEqual(["v", "w", "v"]);
  });

  test("is not changed for a stream nobody holds, nor beyond its bound", async () => {
    const { open, frontend, start, rest, bus } = await kit();
    const other = await start("f2");
    const viewer = open(videos(limits.videosPerStreamMax));
    await rest(300);
    const connection = viewer.hello.connection as string;
    for (const wrong of ["", "x", "f1.", "f1.nobody", "f9.nobody", "a b.c", `${connection}x`]) {
      const asked = other.frontend.watch(wrong, v, true);
      await rest(10);
      expect(await asked).toBe("unknown-connection");
    }
    for (const { frontend: any } of [{ frontend }, other]) {
      expect(await any.watch(connection, w, true)).toMatchObject({ rejected: "too-many-videos" });
    }
    other.bus.cut();
    expect(await other.frontend.watch(connection, w, true)).toMatchObject({ rejected: "unavailable" });
    expect(bus.connected()).toBe(true);
  });

  test("counts once, whatever is asked while its state is on the way", async () => {
    const { log, open, frontend, rest } = await kit();
    let answer = () => {};
    log.beforeAnswer = () => new Promise<void>((resolve) => (answer = resolve));
    const viewer = open();
    await rest(10);
    const connection = viewer.hello.connection as string;
    for (const on of [false, true, false, true, true]) await frontend.watch(connection, v, on);
    log.beforeAnswer = () => {};
    answer();
    await rest();
    expect(shown(viewer)).toEqual(["v"]);
    log.like(v);
    await rest();
    expect(viewer.hearts).toEqual([0, 10]);
    expect(viewer.of("snapshot")[0]?.data.viewers).toBe(1);
  });
});

describe("draining", () => {
  test("says bye to each with its own delay, spread over the time given", async () => {
    const { clock, open, frontend, rest } = await kit();
    const viewers = Array.from({ length: 100 }, () => open());
    await rest();
    const drained = frontend.drain(1_000);
    await rest(500);
    const half = viewers.filter(({ ended }) => ended).length;
    expect(half).toBeGreaterThan(30);
    expect(half).toBeLessThan(70);
    await rest(600);
    await drained;
    const delays = viewers.map((viewer) => viewer.of("bye")[0]?.data.retry);
    expect(delays).not.toContain(undefined);
    expect(new Set(delays).size).toBeGreaterThan(50);
    expect(viewers.every(({ ended }) => ended)).toBe(true);
    expect(frontend.draining).toBe(true);
    await frontend.close();
    await clock.run(5_000, 50);
    expect(clock.next()).toBeUndefined();
  });
});

test("so many as are one too many are sent away to come back soon, and nobody else", async () => {
  const { open, frontend, rest } = await kit();
  const viewers = Array.from({ length: 60 }, () => open());
  await rest();
  const shed = frontend.shed(20);
  await rest(limits.shedMs + limits.byeMs + 100);
  await shed;
  const sent = viewers.filter((viewer) => viewer.of("bye").length === 1);
  expect(sent).toHaveLength(20);
  expect(frontend.connections).toBe(40);
  for (const viewer of sent) {
    expect(viewer.of("bye")[0]?.data.reason).toBe("spread");
    expect(viewer.of("bye")[0]?.data.retry as number).toBeLessThanOrEqual(limits.ageRetryMs);
    expect(viewer.seen.at(-1)?.event).toBe("bye");
  }
  const rests = frontend.shed(1_000_000);
  await rest(limits.shedMs + limits.byeMs + 100);
  await rests;
  expect(frontend.connections).toBe(0);
});

describe("viewers hear", () => {
  test("that the bus is away, once that lasts, and that it is back with all they missed", async () => {
    const { log, open, bus, rest } = await kit();
    const viewer = open();
    await rest();
    bus.cut();
    log.like(v);
    await log.comment(v, "missed");
    await rest(500);
    expect(viewer.of("beat")).toEqual([]);
    await rest(1_000);
    expect(viewer.of("beat").at(-1)?.data.stale).toBe(true);
    bus.heal();
    await rest(1_500);
    expect(viewer.of("beat").at(-1)?.data.stale).toBeUndefined();
    expect(viewer.hearts.at(-1)).toBe(10);
    expect(viewer.texts).toEqual(["missed"]);
  });

  test.each([1_000, 4_000, 15_000, 60_000])(
    "a beat before %p ms of silence, and not all at once",
    async (beatMs) => {
      const { open, rest, clock } = await kit({ beatMs });
      const viewers = Array.from({ length: 20 }, () => open());
      await rest();
      for (const viewer of viewers) expect(viewer.of("hello")[0]?.data.beat).toBe(beatMs);
      await clock.run(beatMs * 0.5, beatMs / 200);
      for (const viewer of viewers) expect(viewer.of("beat")).toEqual([]);
      await clock.run(beatMs * 4, beatMs / 200);
      for (const { seen } of viewers) {
        const atMs = seen.map(({ nowMs }) => nowMs);
        const silences = atMs.slice(1).map((ms, index) => ms - (atMs[index] as number));
        expect(Math.max(...silences)).toBeLessThanOrEqual(beatMs);
      }
      const first = viewers.map((viewer) => viewer.of("beat")[0]?.nowMs);
      expect(new Set(first).size).toBeGreaterThan(1);
    },
  );
});

describe("a stream's place", () => {
  test("is in its hello when it was asked for, and in a bye that stands alone", async () => {
    const { open, rest, log, frontend } = await kit();
    open();
    await rest();
    for (const text of ["a", "b", "c"]) await log.comment(v, text);
    await rest();
    const place = log.id(2);
    const resumed = open([v], place);
    await rest();
    expect(resumed.of("hello")[0]?.id).toBe(place);
    expect(resumed.texts).toEqual(["c"]);
    expect(new TextDecoder().decode(frontend.refuse("drain", place))).toEndWith(`\nid: ${place}\n\n`);
    for (const nobodys of [undefined, "", "not-ours", "abcd-1\nevent: x"]) {
      expect(new TextDecoder().decode(frontend.refuse("drain", nobodys))).not.toContain("id:");
    }
  });

  test("is not in the hello of a fresh one: cut off there, it is owed its snapshot", async () => {
    const { open, rest } = await kit();
    const before = open();
    await rest();
    const fresh = open();
    await rest();
    for (const viewer of [before, fresh]) expect(viewer.of("hello")[0]?.id).toBeUndefined();
    expect(fresh.of("snapshot")[0]?.id).toBeDefined();
  });

  test("of several videos comes with the last of their snapshots, as all are owed until then", async () => {
    const { open, rest, log } = await kit();
    const w = "w" as VideoId;
    await log.comment(v, "a");
    const both = open([v, w]);
    await rest();
    expect(both.of("snapshot").map(({ data, id }) => [data.video, id])).toEqual([
      [v, undefined],
      [w, log.id(1)],
    ]);
    // Of one that is told to begin anew, too: its old place goes on meaning what it did.
    const again = open([v, w], "zzzz-1");
    await rest();
    const ids = again.seen.map(({ event, id }) => [event, id]);
    expect(ids.slice(1)).toEqual([
      ["reset", undefined],
      ["snapshot", undefined],
      ["reset", undefined],
      ["snapshot", log.id(1)],
    ]);
  });

  test("that was lost is told, and a snapshot follows", async () => {
    const { open, rest } = await kit();
    const lost = open([v], "");
    await rest();
    expect(lost.seen.map(({ event }) => event)).toEqual(["hello", "reset", "snapshot"]);
  });
});

test("a stream of age is told to come back, each before it is older, and not all at once", async () => {
  const streamAgeMs = 600_000;
  const { open, rest, clock, metrics } = await kit({ streamAgeMs });
  const viewers = Array.from({ length: 20 }, () => open());
  await rest();
  await clock.run(streamAgeMs * 0.74, 1_000);
  expect(viewers.filter(({ ended }) => ended)).toEqual([]);
  await clock.run(streamAgeMs * 0.26 + 1_000, 500);
  const byes = viewers.map(({ ended, seen }) => (ended ? seen.at(-1) : undefined));
  for (const bye of byes) {
    expect(bye).toMatchObject({ event: "bye", data: { reason: "age" } });
    expect(bye?.data.retry).toBeWithin(0, limits.ageRetryMs + 1);
  }
  expect(new Set(byes.map((bye) => bye?.nowMs)).size).toBeGreaterThan(10);
  const closed = await metrics.registry.getSingleMetricAsString("ovation_connections_closed_total");
  expect(closed).toContain('{reason="age"} 20');
});

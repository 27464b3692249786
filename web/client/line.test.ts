/** The line under every fault a browser can meet, on a clock moved by hand. */
import { describe, expect, test } from "bun:test";
import { FakeOutside } from "./fakes.ts";
import { BEAT_MS, createLine, GRACE_MS, type LineOptions, SILENT_MS, tokenEndMs } from "./line.ts";
// There before the line fetches it: on a clock moved by hand, fetching takes no time.
import "./polling.ts";
import type { State } from "./types.ts";

const B = "http://s/";

function lined(more: Partial<LineOptions> = {}) {
  const outside = new FakeOutside();
  const told: State[] = [];
  const taken: [string, string][] = [];
  const known = new Set<string>();
  const line = createLine({
    outside,
    base: B,
    token: undefined,
    lastId: "",
    take: (name, message) => {
      taken.push([name, message.video]);
      if (name === "snapshot") known.add(message.video);
    },
    known: (video) => known.has(video),
    latencyMs: () => undefined,
    told: (state) => told.push(state),
    ...more,
  });
  return { outside, line, told, taken, phases: () => told.map((state) => state.phase) };
}

async function opened(videos = ["v"], more: Partial<LineOptions> = {}) {
  const all = lined(more);
  all.line.want(videos);
  await all.outside.pass(0);
  all.outside.source.say("hello", { connection: "c1", node: "n", now: all.outside.nowMs });
  for (const video of videos) all.outside.source.say("snapshot", { video, version: 1 }, "e-5");
  return all;
}

describe("opening", () => {
  test("watches of one moment share one stream", async () => {
    const { outside, line, phases } = lined();
    line.want(["a"]);
    line.want(["a", "b"]);
    await outside.pass(0);
    expect(outside.sources.length).toBe(1);
    expect(outside.source.query().getAll("video")).toEqual(["a", "b"]);
    expect(phases()).toEqual(["connecting"]);
  });

  test("a video wanted later is added to the open stream, and taken off it again", async () => {
    const { outside, line } = await opened(["a"]);
    line.want(["a", "b"]);
    line.want(["b"]);
    await outside.settle();
    expect(outside.calls.map((call) => [call.method, call.url])).toEqual([
      ["PUT", `${B}v1/connections/c1/videos/b`],
      ["DELETE", `${B}v1/connections/c1/videos/a`],
    ]);
    expect(outside.sources.length).toBe(1);
  });

  test("if adding fails, the line opens anew with both", async () => {
    const { outside, line } = await opened(["a"]);
    outside.answer = () => new Response("", { status: 404 });
    line.want(["a", "b"]);
    await outside.pass(2000);
    expect(outside.sources.length).toBe(2);
    outside.answer = () => new Response("");
    outside.source.say("hello", { connection: "c2" });
    await outside.settle();
    // Known videos resume by id; the new one is added, and so gets its history.
    expect(outside.source.query().getAll("video")).toEqual(["a"]);
    expect(outside.source.query().get("last_event_id")).toBe("e-5");
    expect(outside.calls.at(-1)?.url).toBe(`${B}v1/connections/c2/videos/b`);
  });

  test("wanting nothing closes", async () => {
    const { outside, line } = await opened();
    line.want([]);
    expect(outside.source.readyState).toBe(2);
    await outside.pass(600_000);
    expect(outside.sources.length).toBe(1);
  });
});

describe("breaking", () => {
  for (const readyState of [0, 2] as const) {
    test(`an error (readyState ${readyState}) reopens from the last id, later each time`, async () => {
      const { outside, told } = await opened();
      const waits: number[] = [];
      for (let attempt = 0; attempt < 7; attempt++) {
        const from = outside.nowMs;
        const count = outside.sources.length;
        outside.source.fail(readyState);
        expect(told.at(-1)).toMatchObject({ phase: "reconnecting" });
        expect(told.at(-1)?.retryAt).toBeGreaterThan(from);
        while (outside.sources.length === count) await outside.pass(50);
        waits.push(outside.nowMs - from);
        expect(outside.source.query().get("last_event_id")).toBe("e-5");
      }
      expect(waits).toEqual([...waits].sort((a, b) => a - b));
      expect(waits[0]).toBeGreaterThanOrEqual(1000);
      expect(waits[0]).toBeLessThanOrEqual(2050);
      expect(waits.at(-1)).toBeLessThanOrEqual(30_050);
    });
  }

  test("a first dial that fails is made again within a second, the next ones later", async () => {
    const { outside, line } = lined();
    line.want(["v"]);
    await outside.pass(0);
    for (const [count, ms] of [1_000, 4_000].entries()) {
      outside.source.fail(0);
      await outside.pass(ms / 2 - 1);
      expect(outside.sources.length).toBe(count + 1);
      await outside.pass(ms / 2 + 1);
      expect(outside.sources.length).toBe(count + 2);
    }
  });

  test("after a good while the waits start afresh, at the server's own pace", async () => {
    const { outside } = await opened();
    outside.source.say("hello", { connection: "c", retry: 4321 });
    await outside.pass(20_000);
    outside.source.fail(0);
    await outside.pass(4320);
    expect(outside.sources.length).toBe(1);
    await outside.pass(1);
    expect(outside.sources.length).toBe(2);
  });

  test("bye: comes back when told, not before", async () => {
    const { outside, told } = await opened();
    const closing = outside.source;
    closing.say("bye", { reason: "drain", retry: 7000 });
    expect(closing.readyState).toBe(2);
    expect(told.at(-1)).toMatchObject({ phase: "reconnecting", retryAt: outside.nowMs + 7000 });
    await outside.pass(6999);
    expect(outside.sources.length).toBe(1);
    await outside.pass(1);
    expect(outside.sources.length).toBe(2);
  });

  test.each([undefined, 1000, 15_000, 60_000])(
    "silence: late when one beat is missing, dead and reopened with the second (beat %p)",
    async (beat) => {
      const { outside, phases } = await opened();
      outside.source.say("hello", { connection: "c", ...(beat && { beat }) });
      const beatMs = beat ?? BEAT_MS;
      // It is looked at every five seconds.
      await outside.pass(beatMs + GRACE_MS - 1000);
      expect(phases().at(-1)).toBe("live");
      if (beatMs > GRACE_MS) {
        await outside.pass(7000);
        expect(phases().at(-1)).toBe("lagging");
      }
      expect(outside.sources.length).toBe(1);
      await outside.pass(beatMs + 6000);
      expect(outside.sources.length).toBe(2);
    },
  );

  test("beats keep a quiet line alive, and a stale one says so", async () => {
    const { outside, told } = await opened();
    for (let beat = 0; beat < 20; beat++) {
      await outside.pass(18_000);
      outside.source.say("beat", { now: outside.nowMs });
    }
    expect(outside.sources.length).toBe(1);
    expect(told.at(-1)?.phase).toBe("live");
    outside.source.say("beat", { now: outside.nowMs, stale: true });
    expect(told.at(-1)).toMatchObject({ phase: "lagging", stale: true });
    outside.source.say("beat", { now: outside.nowMs });
    expect(told.at(-1)?.phase).toBe("live");
  });

  test("offline is said as such, and the network's return does not wait for the clock", async () => {
    const { outside, line, told } = await opened();
    outside.isOnline = false;
    outside.source.fail(0);
    expect(told.at(-1)?.phase).toBe("offline");
    outside.isOnline = true;
    line.nudge(true);
    await outside.pass(249);
    expect(outside.sources.length).toBe(1);
    await outside.pass(1);
    expect(outside.sources.length).toBe(2);
  });

  test("showing the page does not jump the queue of a draining server", async () => {
    const { outside, line } = await opened();
    outside.source.say("bye", { reason: "drain", retry: 9000 });
    line.nudge(false);
    await outside.pass(8999);
    expect(outside.sources.length).toBe(1);
  });

  test("what a closed stream still says is not heard", async () => {
    const { outside, taken } = await opened();
    const old = outside.source;
    old.fail(0);
    const before = taken.length;
    old.say("likes", { video: "v", version: 9 });
    expect(taken.length).toBe(before);
  });

  test("closed is closed", async () => {
    const { outside, line, phases } = await opened();
    line.close();
    expect(phases().at(-1)).toBe("closed");
    await outside.pass(600_000);
    expect(outside.sources.length).toBe(1);
  });
});

describe("long poll", () => {
  const answered = (cursor: string, more = {}) =>
    new Response(
      JSON.stringify({ cursor, video: "v", totals: {}, viewers: 1, version: 1, comments: [], ...more }),
    );

  test("a stream that says nothing is replaced by polls that carry the cursor on", async () => {
    const { outside, line, taken, told } = lined();
    let round = 0;
    outside.answer = (call) => {
      round++;
      const body = round === 3 ? { retracted: ["x"], reset: true } : {};
      return new Promise((done) =>
        outside.after(call.url.includes("wait") ? 1000 : 0, () => done(answered(`c${round}`, body))),
      );
    };
    line.want(["v"]);
    await outside.pass(SILENT_MS - 1);
    expect(outside.calls.length).toBe(0);
    await outside.pass(1);
    expect(outside.source.readyState).toBe(2);
    await outside.pass(5000);
    expect(outside.calls[0]?.url).toBe(`${B}v1/videos/v/poll`);
    expect(outside.calls[1]?.url).toBe(`${B}v1/videos/v/poll?wait=25&after=c1`);
    expect(outside.calls[2]?.url).toBe(`${B}v1/videos/v/poll?wait=25&after=c2`);
    expect(taken.map(([name]) => name).slice(0, 5)).toEqual(["snapshot", "poll", "reset", "poll", "retract"]);
    expect(told.at(-1)).toMatchObject({ phase: "live", via: "poll" });
  });

  test("after a while the stream gets another chance, and if it speaks it stays", async () => {
    const { outside, line, told } = lined();
    outside.answer = () => new Promise((done) => outside.after(1000, () => done(answered("c"))));
    line.want(["v"]);
    await outside.pass(SILENT_MS + 121_000);
    expect(outside.sources.length).toBe(2);
    outside.source.say("hello", { connection: "c1" });
    await outside.pass(2000);
    const polls = outside.calls.length;
    await outside.pass(20_000);
    expect(outside.calls.length).toBe(polls);
    expect(told.at(-1)).toMatchObject({ via: "stream" });
  });

  test("if polling fails too, the line is down and waits", async () => {
    const { outside, line, phases } = lined();
    outside.answer = () => new Response("", { status: 503 });
    line.want(["v"]);
    await outside.pass(SILENT_MS);
    expect(phases().at(-1)).toBe("reconnecting");
    await outside.pass(2000);
    expect(outside.sources.length).toBe(2);
  });

  test("a video wanted meanwhile is polled as well", async () => {
    const { outside, line } = lined();
    outside.answer = () => new Promise((done) => outside.after(1000, () => done(answered("c"))));
    line.want(["v"]);
    await outside.pass(SILENT_MS + 500);
    line.want(["v", "w"]);
    await outside.settle();
    expect(outside.calls.at(-1)?.url).toBe(`${B}v1/videos/w/poll`);
  });
});

describe("tokens", () => {
  const jwt = (exp: number) => `h.${btoa(JSON.stringify({ exp })).replace(/=/g, "")}.s`;

  test("the end of a JWT is read, anything else has none", () => {
    expect(tokenEndMs(jwt(1234))).toBe(1_234_000);
    for (const other of [undefined, "", "opaque", "a.b.c", "a.e30.c"])
      expect(tokenEndMs(other)).toBeUndefined();
  });

  test("goes with the stream, is renewed in time, and the stream resumes", async () => {
    const outside = { nowMs: 1_000_000 };
    const asked: boolean[] = [];
    const all = await opened(["v"], {
      token: (refresh) => {
        asked.push(refresh);
        return jwt(outside.nowMs / 1000 + 60 * asked.length);
      },
    });
    expect(all.outside.source.query().get("token")).toBe(jwt(1060));
    for (let beat = 0; beat < 4; beat++) {
      await all.outside.pass(14_000);
      all.outside.source.say("beat", { now: 1 });
    }
    expect(asked).toEqual([false, true]);
    expect(all.outside.sources.length).toBe(2);
    expect(all.outside.source.query().get("last_event_id")).toBe("e-5");
    expect(all.phases()).not.toContain("reconnecting");
  });

  test("a stream refused outright asks for a fresh one", async () => {
    const asked: boolean[] = [];
    const all = await opened(["v"], {
      token: (refresh) => {
        asked.push(refresh);
        return "t";
      },
    });
    all.outside.source.fail(2);
    await all.outside.pass(2000);
    all.outside.source.fail(0);
    await all.outside.pass(5000);
    expect(asked).toEqual([false, true, false]);
  });
});

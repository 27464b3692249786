/** Streams, polls and health against doors with nobody behind them: what is answered, and what was asked. */
import { describe, expect, test } from "bun:test";
import { call, fakeDoors, fakeFrontend, nothingAsked, type Try } from "../system/fake-doors.ts";
import { createServer } from "./server.ts";

describe("hearing", () => {
  const opened = (path: string, headers: Record<string, string> = {}) => call({ path, headers });

  test("a stream is asked for its videos, each once", async () => {
    const { asked, text } = await opened("/v1/events?video=a&video=b&video=a");
    expect(asked.streams.map((stream) => stream.videos as unknown)).toEqual([["a", "b"]]);
    expect(text).toStartWith("event: hello");
  });

  test.each([
    ["its own way", "/v1/videos/v/events"],
    ["the router", "/v1/videos/%76/events"],
    ["the router, with a query", "/v1/videos/v/events?token=any"],
  ])("by %s: the same stream, counted as the same", async (_, path) => {
    const { doors, asked } = fakeDoors();
    const { fetch } = createServer(doors);
    const answer = await fetch(new Request(`http://node${path}`, { headers: { origin: "http://node" } }));
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    expect(asked.streams.map(({ videos }) => videos as unknown)).toEqual([["v"]]);
    expect(await doors.metrics.registry.metrics()).toMatch(
      /^ovation_http_requests_total\{route="\/v1\/videos\/\{video\}\/events",.*\} 1$/m,
    );
  });

  test.each([
    ["no id", "", {}, undefined],
    ["the query", "?last_event_id=abcd-1", {}, "abcd-1"],
    ["its other spelling", "?lastEventId=abcd-2", {}, "abcd-2"],
    ["the header", "", { "last-event-id": "abcd-3" }, "abcd-3"],
    ["the header before the query", "?last_event_id=abcd-1", { "last-event-id": "abcd-3" }, "abcd-3"],
    ["the query behind an empty header", "?last_event_id=abcd-1", { "last-event-id": "" }, "abcd-1"],
    ["a place that was lost", "", { "last-event-id": "" }, ""],
    ["no place for an empty query", "?last_event_id=", {}, undefined],
  ])("resumes at %s", async (_, query, headers, id) => {
    const { asked } = await opened(`/v1/videos/v/events${query}`, headers as Record<string, string>);
    expect(asked.streams[0]?.lastEventId).toBe(id);
  });

  test("through a proxy that nobody told of is logged once, and not where one is expected", async () => {
    const logged = async (trustProxy: number, from: (index: number) => string, streams: number) => {
      const { doors, asked } = fakeDoors();
      const { fetch } = createServer({ ...doors, settings: { ...doors.settings, trustProxy } });
      for (let i = 0; i < streams; i++) {
        const request = new Request("http://node/v1/events?video=a", {
          headers: { "x-forwarded-for": `192.0.2.${i}` },
        });
        await fetch(request, { requestIP: () => ({ address: from(i) }) });
      }
      return asked.logged.map((line) => JSON.parse(line));
    };
    expect(await logged(0, () => "10.0.0.7", 50)).toMatchObject([{ level: "warn", address: "10.0.0.7" }]);
    expect(await logged(0, () => "10.0.0.7", 4)).toEqual([]);
    // Viewers who write the header themselves come from many places.
    expect(await logged(0, (i) => `10.0.${i}.1`, 50)).toEqual([]);
    expect(await logged(1, () => "10.0.0.7", 50)).toEqual([]);
  });

  test("HEAD answers with the headers of a stream and opens none", async () => {
    const head = await call({ method: "HEAD", path: "/v1/videos/v/events" });
    expect([head.status, head.text]).toEqual([200, ""]);
    expect(head.response.headers.get("content-type")).toBe("text/event-stream");
    const poll = await call({ method: "HEAD", path: "/v1/videos/v/poll?wait=25" });
    expect([poll.status, poll.text]).toEqual([200, ""]);
    nothingAsked(head.asked);
    nothingAsked(poll.asked);
  });

  test("a draining node answers a stream with 200 and bye", async () => {
    const asked = fakeDoors().asked;
    const frontend = { ...fakeFrontend(asked), draining: true };
    const { status, text, response } = await call({ path: "/v1/events?video=a", doors: { frontend } });
    expect([status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    expect(text).toBe('retry: 5000\nevent: bye\ndata: {"reason":"drain"}\n\n');
    expect(asked.streams).toEqual([]);
  });

  test("a node without streams points to those with them", async () => {
    const calls: Try[] = [
      { path: "/v1/videos/v/events" },
      { path: "/v1/events?video=v" },
      { path: "/v1/videos/v/poll" },
    ];
    for (const tried of calls) {
      const { status, text } = await call({ ...tried, doors: { frontend: undefined } });
      expect(status).toBe(404);
      expect(JSON.parse(text).error).toMatchObject({ code: "no-streams" });
      expect(text).toContain("--role=frontend");
    }
  });

  test("an open stream changes what it watches, through a node without streams too", async () => {
    const path = "/v1/connections/n1.open/videos/w";
    const doors = { frontend: undefined };
    expect((await call({ method: "PUT", path, doors })).asked.watched).toEqual(["+w"]);
    expect((await call({ method: "PUT", path })).asked.watched).toEqual(["+w"]);
    const stopped = await call({ method: "DELETE", path });
    expect([stopped.status, stopped.text]).toEqual([204, ""]);
    expect(stopped.asked.watched).toEqual(["-w"]);
  });

  test("a poll waits as long as it is told, at most 25 s", async () => {
    const { asked, status, text } = await call({ path: "/v1/videos/v/poll?after=c0&wait=25" });
    expect(status).toBe(200);
    expect(asked.polls[0]?.slice(0, 3)).toEqual(["v", "c0", 25_000]);
    expect(JSON.parse(text)).toMatchObject({ cursor: "c1", totals: { heart: 7 }, version: 3 });
    const first = await call({ path: "/v1/videos/v/poll" });
    expect(first.asked.polls[0]?.slice(0, 3)).toEqual(["v", undefined, 0]);
  });
});

describe("health", () => {
  test("alive, and ready or not and why", async () => {
    expect((await call({ path: "/health/live" })).status).toBe(200);
    expect((await call({ path: "/health/ready" })).status).toBe(200);
    const ready = () => ({ ready: false, reasons: ["the log is away"] });
    const away = await call({ path: "/health/ready", doors: { ready } });
    expect([away.status, away.response.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(JSON.parse(away.text)).toEqual({
      error: { code: "not-ready", message: "the log is away" },
      reasons: ["the log is away"],
    });
    const frontend = { ...fakeFrontend(fakeDoors().asked), draining: true };
    const draining = await call({ path: "/health/ready", doors: { frontend } });
    expect([draining.status, JSON.parse(draining.text).reasons]).toEqual([503, ["draining"]]);
  });
});

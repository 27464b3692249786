/**
 * The SSE table of a real node, wherever it runs: its bytes as a socket sees them, and its events as a viewer
 * hears them.
 *
 * Mostly waits: for beats, and for streams to end.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Heard, post, Viewer } from "./events.ts";
import { Raw, readChunked } from "./raw.ts";
import { hosts, hows, type Running, startServer } from "./server.ts";

const adminKey = "s3cret-of-this-test";
const named =
  (event: string) =>
  (heard: Heard): boolean =>
    heard.event === event;

/** A frame with what differs each time named instead of shown; only what has the documented form is. */
function masked(frame: string | undefined): string | undefined {
  return frame
    ?.replace(/^retry: [1-5]\d{3}$/m, "retry: RETRY")
    .replace(/"sse-test\.[0-9a-z]{23,}"/, '"CONNECTION"')
    .replace(/"(at|now)":\d{13}(\.\d{1,2})?(?=[,}])/g, '"$1":MS')
    .replace(/"us":\d{1,3}(?=[,}])/, '"us":US')
    .replace(/"retry":[1-5]\d{3}(?=[,}])/, '"retry":RETRY')
    .replace(/^id: [a-z0-9]{4,16}-\d+$/m, "id: ID")
    .replace(/"id":"[a-z0-9]{4,16}-\d+"/g, '"id":"ID"');
}

for (const how of [...hows, ...hosts]) {
  describe(how, () => {
    let node: Running;
    beforeAll(async () => {
      node = await startServer(how, [`--admin-key=${adminKey}`, "--node=sse-test"]);
    });
    afterAll(() => node.stop());

    const events = (video: string) => `${node.url}/v1/videos/${video}/events`;
    const like = (video: string, count = 1, more: object = {}) =>
      post(`${node.url}/v1/videos/${video}/likes`, { kind: "heart", count, ...more });
    const say = async (video: string, text: string) =>
      String((await post(`${node.url}/v1/videos/${video}/comments`, { text })).says?.id);

    test("the head of a stream, exactly, and its first bytes at once", async () => {
      const raw = await Raw.get(node.port, "/v1/videos/bytes/events");
      const received = await raw.until(
        (text) => text.includes("event: snapshot") && text.endsWith("\n\n\r\n"),
      );
      const { head, chunks, complete } = readChunked(received);
      // Node says by itself what it does with the connection; that is no header of ours.
      const itsOwn = how === "node" ? /^(Date|Connection|Keep-Alive): /i : /^Date: /;
      const [status, ...headers] = head.filter((line) => !itsOwn.test(line));
      expect(status).toBe("HTTP/1.1 200 OK");
      expect(headers.map((line) => line.toLowerCase()).sort()).toEqual([
        "cache-control: no-cache, no-transform",
        "content-type: text/event-stream",
        "transfer-encoding: chunked",
        "x-accel-buffering: no",
        "x-content-type-options: nosniff",
      ]);
      expect(complete).toBe(false);
      const [hello, snapshot] = chunks.join("").split("\n\n");
      expect(masked(hello)).toBe(
        "retry: RETRY\nevent: hello\n" +
          'data: {"connection":"CONNECTION","node":"sse-test","now":MS,"beat":15000,"retry":RETRY}',
      );
      const empty = '{"video":"bytes","totals":{},"viewers":1,"comments":[],"version":0}';
      expect(masked(snapshot)).toBe(`event: snapshot\ndata: ${empty}\nid: ID`);
      raw.close();
    });

    test("likes and comments, exactly as bytes", async () => {
      const raw = await Raw.get(node.port, "/v1/videos/exact/events");
      await raw.until((text) => text.includes("event: snapshot"));
      await like("exact", 3, { user: "Zoë" });
      // A comment that comes before the like's tick takes its total along, and no names.
      await raw.until((text) => text.includes("event: likes"));
      const id = await say("exact", "👏 é");
      const received = await raw.until(
        (text) => text.includes("event: comment") && text.endsWith("\n\n\r\n"),
      );
      const { chunks } = readChunked(received);
      const frames = Buffer.from(chunks.join(""), "latin1").toString("utf8").split("\n\n");
      const by = '[{"user":"Zoë","kind":"heart","count":3}]';
      expect(masked(frames.find((frame) => frame.startsWith("event: likes")))).toBe(
        `event: likes\ndata: {"video":"exact","totals":{"heart":3},"version":1,"at":MS,"us":US,"by":${by}}`,
      );
      const comment = frames.find((frame) => frame.includes("event: comment"));
      expect(comment?.match(new RegExp(id, "g"))).toHaveLength(2);
      expect(masked(comment)).toBe(
        'event: comment\ndata: {"video":"exact","id":"ID","text":"👏 é","at":MS,"us":US}\nid: ID',
      );
      raw.close();
    });

    test("a like after quiet, its totals and its time", async () => {
      const viewer = await Viewer.open(events("time"));
      await viewer.until(named("snapshot"));
      const beforeMs = Date.now();
      await like("time", 2);
      const { says } = await viewer.until(named("likes"));
      expect(says).toMatchObject({ video: "time", totals: { heart: 2 }, version: 1 });
      expect(Number(says.at)).toBeGreaterThan(beforeMs - 100);
      expect(Number(says.at)).toBeLessThan(Date.now() + 100);
      viewer.close();
    });

    test("one stream of several videos hears each of them, and only them", async () => {
      const viewer = await Viewer.open(`${node.url}/v1/events?video=many-a&video=many-b`);
      await viewer.until(({ event, says }) => event === "snapshot" && says.video === "many-b");
      await like("many-c");
      await like("many-b");
      await like("many-a");
      await viewer.until(({ event, says }) => event === "likes" && says.video === "many-a");
      expect(new Set(viewer.named("likes").map(({ says }) => says.video))).toEqual(
        new Set(["many-a", "many-b"]),
      );
      viewer.close();
    });

    test("an open stream starts and stops watching a video", async () => {
      const viewer = await Viewer.open(events("start"));
      await viewer.until(named("snapshot"));
      const change = (method: string, video: string) =>
        fetch(`${node.url}/v1/connections/${viewer.connection}/videos/${video}`, { method });
      expect((await change("PUT", "second")).status).toBe(204);
      await viewer.until(({ event, says }) => event === "snapshot" && says.video === "second");
      await like("second");
      await viewer.until(({ event, says }) => event === "likes" && says.video === "second");
      expect((await change("DELETE", "second")).status).toBe(204);
      await like("second");
      await like("start");
      await viewer.until(({ event, says }) => event === "likes" && says.video === "start");
      expect(viewer.named("likes").filter(({ says }) => says.video === "second")).toHaveLength(1);
      for (let i = 1; i < 32; i++) expect((await change("PUT", `more-${i}`)).status).toBe(204);
      const beyond = await change("PUT", "more-32");
      expect(beyond.status).toBe(422);
      expect(await beyond.json()).toMatchObject({ error: { code: "too-many-videos" } });
      viewer.close();
    });

    test("viewers are counted as they come and go", async () => {
      const first = await Viewer.open(events("count"));
      await first.until(named("snapshot"));
      const second = await Viewer.open(events("count"));
      const two = await first.until(({ says }) => says.viewers === 2);
      expect(two).toEqual({ event: "viewers", id: undefined, says: { video: "count", viewers: 2 } });
      second.close();
      await first.until(({ event, says }) => event === "viewers" && says.viewers === 1);
      first.close();
    });

    test("a removed comment is taken back everywhere", async () => {
      const viewer = await Viewer.open(events("retract"));
      const id = await say("retract", "oops");
      await viewer.until(named("comment"));
      const removed = await fetch(`${node.url}/v1/videos/retract/comments/${id}`, {
        method: "DELETE",
        headers: { "x-api-key": adminKey },
      });
      expect(removed.status).toBe(204);
      const { says, id: place } = await viewer.until(named("retract"));
      expect(says).toEqual({ video: "retract", id });
      expect(place).not.toBe(id);
      const late = await Viewer.open(events("retract"));
      expect((await late.until(named("snapshot"))).says.comments).toEqual([]);
      viewer.close();
      late.close();
    });

    test.each(["header", "last_event_id", "lastEventId"])(
      "resumes by %s: exactly what was missed",
      async (way) => {
        const video = `resume-${way}`;
        const ids: string[] = [];
        for (let i = 0; i < 30; i++) ids.push(await say(video, `comment ${i}`));
        const at = ids[4] as string;
        const viewer = await (way === "header"
          ? Viewer.open(events(video), { "last-event-id": at })
          : Viewer.open(`${events(video)}?${way}=${at}`));
        ids.push(await say(video, "live"));
        await viewer.until(({ says }) => says.text === "live");
        expect(viewer.named("comment").map(({ id }) => id)).toEqual(ids.slice(5));
        expect(viewer.named("reset")).toEqual([]);
        viewer.close();
      },
    );

    test.each([
      ["garbage", "garbage"],
      ["another epoch", "zzzzzzzz-1"],
      ["the future", "future"],
      ["very long", "x".repeat(4000)],
      ["an injection", "a%0aevent: likes"],
    ])("an id that is %s gives reset, then a snapshot", async (_, given) => {
      const id = await say("reset", "kept");
      const lastEventId = given === "future" ? `${id.split("-")[0]}-9000000` : given;
      const viewer = await Viewer.open(events("reset"), { "last-event-id": lastEventId });
      // Just written, it is in the snapshot or follows it.
      await viewer.until((heard) => heard.id === id);
      expect(viewer.heard.map(({ event }) => event).slice(0, 3)).toEqual(["hello", "reset", "snapshot"]);
      expect(viewer.heard[1]?.says).toEqual({ video: "reset", reason: expect.any(String) });
      viewer.close();
    });

    test("joining while comments pour in neither loses nor repeats one", async () => {
      const ids: Promise<string>[] = [];
      const viewers: Viewer[] = [];
      for (let i = 0; i < 60; i++) {
        ids.push(say("pour", `${i}`));
        if (i % 10 === 5) viewers.push(await Viewer.open(events("pour")));
      }
      const all = (await Promise.all(ids)).sort((a, b) => Number(a.split("-")[1]) - Number(b.split("-")[1]));
      for (const viewer of viewers) {
        await viewer.until(({ event, id }) => event !== "hello" && id === all.at(-1));
        const snapshot = viewer.named("snapshot")[0]?.says.comments as { id: string }[];
        const shown = [
          ...snapshot.map(({ id }) => id),
          ...viewer.named("comment").map(({ id }) => String(id)),
        ];
        expect(shown).toEqual(all.slice(-shown.length));
        viewer.close();
      }
    });

    test("two hundred viewers see the same total", async () => {
      const viewers = await Promise.all(Array.from({ length: 200 }, () => Viewer.open(events("crowd"))));
      await Promise.all(Array.from({ length: 50 }, (_, i) => like("crowd", (i % 50) + 1)));
      const totals = { heart: (50 * 51) / 2 };
      await Promise.all(
        viewers.map((viewer) =>
          viewer.until(({ says }) => JSON.stringify(says.totals) === JSON.stringify(totals)),
        ),
      );
      for (const viewer of viewers) viewer.close();
    });
  });

  describe(`${how}, draining`, () => {
    test("ready turns 503, each viewer gets bye with a retry of its own, new streams too", async () => {
      const node = await startServer(how, ["--drain=1500ms"]);
      const viewers = await Promise.all(
        Array.from({ length: 20 }, () => Viewer.open(`${node.url}/v1/videos/drain/events`)),
      );
      await Promise.all(viewers.map((viewer) => viewer.until(named("snapshot"))));
      node.drain();
      await Promise.race(viewers.map((viewer) => viewer.until(named("bye"))));
      const ready = await fetch(`${node.url}/health/ready`);
      expect([ready.status, ready.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(await ready.json()).toMatchObject({ reasons: ["draining"] });
      const late = await Viewer.open(`${node.url}/v1/videos/drain/events`);
      await late.untilEnd();
      expect(late.heard.map(({ event }) => event)).toEqual(["bye"]);
      const liked = await post(`${node.url}/v1/videos/drain/likes`, { kind: "heart" });
      expect(liked.status).toBe(202);
      for (const viewer of viewers) {
        await viewer.untilEnd();
        const { event, says } = viewer.heard.at(-1) as Heard;
        expect([event, says.reason]).toEqual(["bye", "drain"]);
        expect(viewer.retries.at(-1)).toBe(Number(says.retry));
      }
      expect(new Set(viewers.map((viewer) => viewer.retries.at(-1))).size).toBeGreaterThan(5);
      expect(await node.stop()).toBe(0);
    });
  });
}

/** The document about events, against the streams of the table and the frames that sse.ts makes. */
import { describe, expect, test } from "bun:test";
import { createParser } from "eventsource-parser";
import type { CommentEntry } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { Lineage } from "../core/lineage.ts";
import * as sse from "../core/sse.ts";
import { mistakesOf } from "../system/events.ts";
import { call } from "../system/fake-doors.ts";
import { asyncapi } from "./asyncapi.ts";
import { eventSchemas } from "./event-schemas.ts";
import { rows } from "./routes.ts";

interface Document {
  readonly asyncapi: string;
  readonly channels: Readonly<Record<string, { address: string; messages: Record<string, object> }>>;
  readonly operations: Readonly<Record<string, { channel: { $ref: string } }>>;
  readonly components: {
    readonly messages: Readonly<Record<string, object>>;
    readonly schemas: Readonly<Record<string, object>>;
  };
}
const text = asyncapi("1.2.3");
const document = JSON.parse(text) as Document;

describe("asyncapi.json", () => {
  test("is served, and has every stream of the table and nothing else", async () => {
    const served = await call({ path: "/asyncapi.json" });
    expect(served.response.headers.get("content-type")).toBe("application/json");
    expect(JSON.parse(served.text)).toMatchObject({ asyncapi: "3.0.0", info: { version: "0.0.0" } });
    const streams = rows.filter(({ answer }) => answer.type === "text/event-stream");
    expect(Object.keys(document.channels).sort()).toEqual(streams.map(({ id }) => id).sort());
    expect(Object.keys(document.operations)).toEqual(Object.keys(document.channels));
    expect(document.channels.streamVideo?.address).toBe("/v1/videos/{video}/events");
  });

  test("knows every message that it points to, and every event there is", () => {
    for (const [, kind, name] of text.matchAll(/#\/components\/(\w+)\/(\w+)/g)) {
      expect(Object.keys(document.components[kind as "messages"])).toContain(name as string);
    }
    expect(Object.keys(document.components.messages).sort()).toEqual(Object.keys(eventSchemas).sort());
  });
});

const video = "v" as VideoId;
const lineage = Lineage.begin("abcd");
const entry = (of: Partial<CommentEntry> = {}): CommentEntry => {
  const plain = { seq: 7, previous: 3, text: "hi", user: undefined, atMs: 1_700_000_000_000.126 };
  return { type: "comment", video, ...plain, ...of };
};
const said = entry({ user: "Zoë" });
const retract = { type: "retract", video, seq: 9, previous: 7, target: 7 } as never;
const shown = { video, totals: { heart: 3 }, version: 2 };
const greeting = { connection: "n.1", node: "n", nowMs: 5.1, beatMs: 15_000, retryMs: 1500 };

/** What a stranger's parser makes of one frame. */
function heard(frame: string) {
  const events: { event: string; says: Record<string, unknown> }[] = [];
  const parser = createParser({
    onEvent: ({ event = "", data }) => events.push({ event, says: JSON.parse(data) }),
  });
  parser.feed(frame);
  return events[0] ?? { event: "", says: {} };
}

describe("every frame has the shape that the document gives it", () => {
  test.each([
    ["hello", sse.helloFrame({ ...greeting, place: undefined })],
    ["hello", sse.helloFrame({ ...greeting, place: "abcd-7" })],
    ["snapshot", sse.snapshotFrame(shown, 4, [sse.commentJson(lineage, said)], "abcd-7")],
    ["likes", sse.likesFrame(shown, 5.1, [])],
    ["likes", sse.likesFrame(shown, 5.1, [{ user: "u", kind: "heart", count: 3 }])],
    ["comment", sse.entryFrame(lineage, entry())],
    ["comment", sse.entryFrame(lineage, said)],
    ["held", sse.heldFrame(lineage, said, 1_700_000_000_000)],
    ["retract", sse.entryFrame(lineage, retract)],
    ["retract", sse.earlyRetractFrame(lineage, retract)],
    ["viewers", sse.viewersFrame(video, 3)],
    ["reset", sse.resetFrame(video, "history")],
    ["beat", sse.beatFrame(5.1, false)],
    ["beat", sse.beatFrame(5.1, true)],
    ["bye", sse.byeFrame("drain", 1000)],
    ["bye", sse.byeFrame("share", 1000, "abcd-7", { url: "live", everyMs: 2000 })],
    ["bye", sse.byeFrame("limit", 1000, undefined, { url: "u", urls: { [video]: "v" }, everyMs: 2000 })],
  ])("%s: %j", (event, frame) => {
    expect(heard(frame).event).toBe(event);
    expect(mistakesOf(heard(frame))).toEqual([]);
  });

  test("one that has not is told by its member", () => {
    expect(mistakesOf({ event: "viewers", says: { video, viewers: -1, more: 1 } })).toEqual([
      "event-schemas.ts, viewers: $.viewers is -1",
      "event-schemas.ts, viewers: $.more is not in the document",
    ]);
    expect(mistakesOf({ event: "applause", says: {} })).toEqual(["event-schemas.ts knows no applause"]);
  });
});

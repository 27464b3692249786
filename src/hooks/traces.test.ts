import { expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { contextIn, Traces } from "./traces.ts";

function collector() {
  const clock = new VirtualClock();
  const sent: { url: string; body: string }[] = [];
  const answers = { status: 200 };
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    sent.push({ url, body: String(init.body) });
    return new Response("{}", answers);
  };
  const lines: string[] = [];
  const log = createLog({
    ...{ level: "info", format: "json", now: () => 0 },
    write: (line) => lines.push((JSON.parse(line) as { event: string }).event),
  });
  const url = "http://collector:4318/";
  const traces = new Traces({ url, node: "n1", region: "eu", version: "1.0", fetch, clock, log });
  return { clock, sent, traces, answers, lines };
}

const way = { video: "v", atMs: 1_000, durableMs: 1_004, tickedMs: 1_050.5, receivedMs: 1_049 };

test("a like's way is a trace of five spans that follow each other", async () => {
  const { clock, sent, traces } = collector();
  traces.received(way);
  traces.written(999, 2_000);
  traces.written(1_000, 1_060);
  traces.written(1_000, 1_070);
  clock.advance(5_000);
  await traces.close();
  expect(sent.map(({ url }) => url)).toEqual(["http://collector:4318/v1/traces"]);
  const [resource] = JSON.parse(sent[0]?.body ?? "").resourceSpans;
  expect(JSON.stringify(resource.resource.attributes)).toContain(
    '"service.name","value":{"stringValue":"ovation"',
  );
  const { spans } = resource.scopeSpans[0];
  const times = spans.map((span: Record<string, string>) => [
    span.name,
    ...[span.startTimeUnixNano, span.endTimeUnixNano].map((nanos) => Number(nanos) / 1e6),
  ]);
  expect(times).toEqual([
    ["publish", 1_000, 1_060],
    ["log", 1_000, 1_004],
    ["tick", 1_004, 1_050.5],
    ["bus", 1_050.5, 1_050.5],
    ["frame", 1_050.5, 1_060],
  ]);
  const [root, ...parts] = spans;
  expect(root.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set(spans.map(({ spanId }: { spanId: string }) => spanId)).size).toBe(5);
  for (const part of parts) expect([part.traceId, part.parentSpanId]).toEqual([root.traceId, root.spanId]);
});

test("a few ticks a second are taken, and what cannot be sent is bounded", async () => {
  const { clock, sent, traces } = collector();
  for (let i = 0; i < 10_000; i++) {
    traces.received({ ...way, atMs: i });
    traces.written(i, 2_000);
    clock.advance(10);
  }
  await traces.close();
  const spans = sent.map(({ body }) => JSON.parse(body).resourceSpans[0].scopeSpans[0].spans.length);
  const all = spans.reduce((sum: number, count: number) => sum + count, 0);
  expect(all).toBeGreaterThan(0);
  expect(all).toBeLessThanOrEqual(5 * 1_001);
});

const [trace, span] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"];

test("a trace context is read as W3C has it, and only where its trace is kept", () => {
  const context = { traceId: trace, spanId: span };
  expect(contextIn(`00-${trace}-${span}-01`)).toEqual(context);
  expect(contextIn(`cc-${trace}-${span}-03-what the future holds`)).toEqual(context);
  const none = [
    null,
    "",
    `00-${trace}-${span}-00`,
    `00-${trace}-${span}-01-more`,
    `ff-${trace}-${span}-01`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `00-${"0".repeat(32)}-${span}-01`,
    `00-${trace}-${"0".repeat(16)}-01`,
    `00-${trace}-${span}`,
  ];
  for (const text of none) expect(contextIn(text)).toBeUndefined();
});

test("a call's trace has the call, and the way of its like", async () => {
  const { clock, sent, traces } = collector();
  const nowMs = clock.date();
  const answered = traces.called(`00-${trace}-${span}-01`, "v");
  // Another video's, and one of before: neither is this call's.
  traces.received({ ...way, video: "w", atMs: nowMs });
  traces.received({ ...way, atMs: nowMs - 1_000 });
  clock.advance(4);
  answered?.("POST", "/v1/videos/{video}/likes", 202);
  traces.received({
    ...way,
    atMs: nowMs + 1,
    durableMs: nowMs + 3,
    tickedMs: nowMs + 5,
    receivedMs: nowMs + 6,
  });
  traces.written(nowMs + 1, nowMs + 9);
  await traces.close();
  const { spans } = JSON.parse(sent[0]?.body ?? "").resourceSpans[0].scopeSpans[0];
  const [call, publish, ...parts] = spans;
  expect([call.traceId, call.parentSpanId, call.name, call.kind]).toEqual([
    ...[trace, span, "POST /v1/videos/{video}/likes", 2],
  ]);
  expect(call.attributes.at(-1)).toEqual({ key: "http.response.status_code", value: { intValue: "202" } });
  expect([publish.traceId, publish.parentSpanId]).toEqual([trace, call.spanId]);
  for (const part of parts) expect([part.traceId, part.parentSpanId]).toEqual([trace, publish.spanId]);
  expect(parts.map(({ name }: { name: string }) => name)).toEqual(["log", "tick", "bus", "frame"]);
});

test("calls of traces are told a hundred times a second at most", () => {
  const { clock, traces } = collector();
  let told = 0;
  for (let i = 0; i < 10_000; i++) {
    if (traces.called(`00-${trace}-${span}-01`, `v${i}`)) told++;
    clock.advance(1);
  }
  expect(told).toBe(1_000);
});

test("a collector that takes nothing is told of once, and when it takes something again", async () => {
  const { clock, traces, answers, lines } = collector();
  for (const status of [404, 404, 503, 200, 200]) {
    answers.status = status;
    traces.received({ ...way, atMs: clock.date() });
    traces.written(clock.date(), clock.date() + 5);
    clock.advance(5_000);
    await Bun.sleep(0);
  }
  await traces.close();
  expect(lines).toEqual(["the collector takes no traces", "the collector takes traces again"]);
});

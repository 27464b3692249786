import { expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { Traces } from "./traces.ts";

function collector() {
  const clock = new VirtualClock();
  const sent: { url: string; body: string }[] = [];
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    sent.push({ url, body: String(init.body) });
    return new Response("{}");
  };
  const url = "http://collector:4318/";
  const traces = new Traces({ url, node: "n1", region: "eu", version: "1.0", fetch, clock });
  return { clock, sent, traces };
}

const way = { atMs: 1_000, durableMs: 1_004, tickedMs: 1_050.5, receivedMs: 1_049 };

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

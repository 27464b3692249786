/** A like that a viewer sees is a trace at a collector, as OTLP over HTTP has it. */
import { expect, test } from "bun:test";
import { Viewer } from "./events.ts";
import { startServer } from "./server.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";

test("the way of a like is told to a collector", async () => {
  const told: { readonly path: string; readonly type: string | null; readonly text: string }[] = [];
  const collector = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname: path } = new URL(request.url);
      told.push({ path, type: request.headers.get("content-type"), text: await request.text() });
      return new Response("{}");
    },
  });
  const node = await startServer("here", [`--otlp-url=http://127.0.0.1:${collector.port}`, "--node=n1"]);
  try {
    const viewer = await Viewer.open(`${node.url}/v1/videos/v/events`);
    await viewer.until(({ event }) => event === "snapshot");
    await fetch(`${node.url}/v1/videos/v/likes`, {
      method: "POST",
      headers: { "content-type": "application/json", traceparent: `00-${trace}-00f067aa0ba902b7-01` },
      body: JSON.stringify({ kind: "heart" }),
    });
    await viewer.until(({ event }) => event === "likes");
    viewer.close();
  } finally {
    await node.stop();
    await collector.stop(true);
  }
  expect(told.map(({ path, type }) => [path, type])).toEqual([["/v1/traces", "application/json"]]);
  const { spans } = JSON.parse(told[0]?.text ?? "").resourceSpans[0].scopeSpans[0];
  const names = spans.map(({ name }: { name: string }) => name);
  expect(names.sort()).toEqual([
    ...["POST /v1/videos/{video}/likes", "bus", "frame", "log", "publish", "tick"],
  ]);
  expect(new Set(spans.map(({ traceId }: { traceId: string }) => traceId))).toEqual(new Set([trace]));
});

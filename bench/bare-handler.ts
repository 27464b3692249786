/**
 * The yardstick of `bench:ingest`: the least a JSON call over HTTP costs in this runtime. It parses the body
 * as JSON, and answers.
 */
import { serveOrders } from "./link.ts";

if (import.meta.main) {
  await serveOrders<"open", { port: number }>(() => {
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      development: false,
      async fetch(request) {
        const { kind } = (await request.json()) as { kind?: unknown };
        return new Response(null, { status: typeof kind === "string" ? 202 : 422 });
      },
    });
    return { port: server.port ?? 0 };
  });
}

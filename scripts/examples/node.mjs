/**
 * Ovation inside a Hono program under plain Node: `PORT=8080 node scripts/examples/node.mjs`.
 *
 * An optional argument holds settings as JSON: `node node.mjs '{"kinds":["heart"],"tickMs":100}'`.
 */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createOvation } from "ovation";

const ovation = await createOvation(JSON.parse(process.argv[2] ?? "{}"));

const app = new Hono();
app.get("/hello", (context) => context.text("this page is ours"));
// The demo page, /ovation.js and the calls of /v1.
app.route("/", ovation.app);

const server = serve(
  { fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env.PORT ?? 8080) },
  ({ port }) => console.log(`http://127.0.0.1:${port}/`),
);

// Viewers are told to come back elsewhere before their streams end.
process.once("SIGTERM", async () => {
  await ovation.drain();
  server.close();
  await ovation.close();
  server.closeAllConnections();
});

/**
 * Ovation inside a Hono program under Bun: `PORT=8080 bun scripts/examples/bun.ts`.
 *
 * An optional argument holds settings as JSON: `bun bun.ts '{"data":"./likes","kinds":["heart"]}'`.
 */
import { Hono } from "hono";
import { createOvation } from "ovation";

const ovation = await createOvation(JSON.parse(process.argv[2] ?? "{}"));

const app = new Hono();
app.get("/hello", (context) => context.text("this page is ours"));
// The demo page, /ovation.js and the calls of /v1.
app.route("/", ovation.app);

const server = Bun.serve({
  fetch: app.fetch,
  hostname: "127.0.0.1",
  port: Number(process.env.PORT ?? 8080),
  // Errors are for logs, not for strangers.
  development: false,
  // Bun ends a stream that is quiet for longer; a beat goes out every 15 to 20 s.
  idleTimeout: 60,
});
console.log(`http://127.0.0.1:${server.port}/`);

// Viewers are told to come back elsewhere before their streams end.
process.once("SIGTERM", async () => {
  await ovation.drain();
  await ovation.close();
  await server.stop(true);
});

#!/usr/bin/env bash
# Hono's stream() and streamText(): a callback that throws in the middle ends the answer as a complete one.
#
# Guess:    the status is long gone, so an error in the middle of a body can only be shown by breaking the
#           connection: no last chunk. That is what a ReadableStream that errors does on Bun and on Node, and
#           what every client (curl 18, "terminated", IncompleteRead) is built to notice.
# Versions: hono 4.13.19 on @hono/node-server 2.1.9 (Node 20.20.2) and on Bun 1.4.5.
# Seen:     ten rows to send, the source throws after three. What a client sees, the same on both runtimes:
#             ReadableStream that errors        3 rows, connection broken, fetch rejects
#             async generator that throws       3 rows, connection broken, fetch rejects
#             hono stream()                     3 rows, 200, last chunk sent: fetch resolves
#             hono streamText()                 3 rows, 200, last chunk sent: fetch resolves
#             hono streamSSE()                  3 events, clean end
#             stream() with an onError handler that throws the error again: 3 rows, last chunk sent
#           The error is printed on the server's console and nowhere else.
# Matters:  a download of all comments (NDJSON, CSV), a backup or a proxied body that lost its source in the
#           middle is stored as whole. Caches keep it. A client that resumes only after an error never does.
# Do:       for anything whose completeness counts return a Response over a ReadableStream that errors, or end
#           the body with a line that says how many there were. Ovation streams over its own ReadableStream.
#
# Run: bash findings/hono-stream-failed-looks-complete.sh   (needs node, npm)
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --prefix . hono@4.13.19 @hono/node-server@2.1.9 bun@1.4.5 >/dev/null
node node_modules/bun/install.js >/dev/null 2>&1 || true

cat >serve.mjs <<'JS'
import { Hono } from "hono";
import { stream, streamSSE, streamText } from "hono/streaming";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const encoder = new TextEncoder();

/** Rows of a table whose source goes away after three. */
async function* rows() {
  for (let row = 1; row <= 10; row++) {
    await pause(20);
    if (row > 3) throw new Error("the source went away");
    yield `row ${row}\n`;
  }
}

async function* bytes() {
  for await (const row of rows()) yield encoder.encode(row);
}

function erroring() {
  const source = bytes();
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await source.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

async function all(out) {
  for await (const row of rows()) await out.write(row);
}

const app = new Hono();
app.get("/ReadableStream", () => new Response(erroring()));
app.get("/generator", () => new Response(bytes()));
app.get("/stream", (c) => stream(c, all));
app.get("/streamText", (c) => streamText(c, all));
app.get("/streamSSE", (c) =>
  streamSSE(c, async (out) => {
    for await (const data of rows()) await out.writeSSE({ data: data.trim() });
  }),
);
app.get("/stream-onError", (c) =>
  stream(c, all, (error) => {
    throw error;
  }),
);

process.on("unhandledRejection", () => {});
console.error = () => {};
const runtime = process.versions.bun ? "bun" : "node";
const port = await (runtime === "bun"
  ? Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch, development: false }).port
  : import("@hono/node-server").then(
      ({ serve }) =>
        new Promise((resolve) =>
          serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, (info) => resolve(info.port)),
        ),
    ));

const paths = ["ReadableStream", "generator", "stream", "streamText", "streamSSE", "stream-onError"];
for (const path of paths) {
  const { status, body } = await fetch(`http://127.0.0.1:${port}/${path}`);
  let text = "";
  let end = "complete";
  try {
    const decoder = new TextDecoder();
    for await (const part of body) text += decoder.decode(part, { stream: true });
  } catch {
    end = "broken";
  }
  console.log(`${runtime} ${path}: ${status}, ${text.match(/row/g).length} of 10, ${end}`);
}
process.exit(0);
JS

timeout 20 node serve.mjs | tee seen
timeout 20 node_modules/.bin/bun serve.mjs | tee -a seen
diff seen - <<'WANTED' && echo "as described"
node ReadableStream: 200, 3 of 10, broken
node generator: 200, 3 of 10, broken
node stream: 200, 3 of 10, complete
node streamText: 200, 3 of 10, complete
node streamSSE: 200, 3 of 10, complete
node stream-onError: 200, 3 of 10, complete
bun ReadableStream: 200, 3 of 10, broken
bun generator: 200, 3 of 10, broken
bun stream: 200, 3 of 10, complete
bun streamText: 200, 3 of 10, complete
bun streamSSE: 200, 3 of 10, complete
bun stream-onError: 200, 3 of 10, complete
WANTED

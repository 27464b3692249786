#!/usr/bin/env bash
# Hono's etag() in front of an event stream: nothing arrives before the stream has ended, and nobody is told.
#
# Guess:    like compress(), which leaves text/event-stream alone, etag() lets a stream through: a body that
#           is not finished has no digest. At worst the events come without an ETag.
# Versions: hono 4.13.19 on @hono/node-server 2.1.9 (Node 20.20.2) and on Bun 1.4.5.
# Seen:     a stream of five events, one every 300 ms, then its end; the first byte (the status line even)
#           arrives after
#                                            Node       Bun
#             without etag()                 0.01 s     0.01 s
#             with etag()                    1.5 s      1.5 s     with all five events at once
#             with etag() and an own ETag    0.01 s     0.01 s
#           A viewer who leaves after half a second: without etag() the source is cancelled at once, with it
#           the source runs on to its own end. A stream without an end never sends its status line and is
#           never cancelled. No error, no log line.
# Matters:  `app.use(etag())` at the top of an application that mounts an event stream switches the stream off,
#           in silence; viewers time out, come again, and each one left behind stays counted on the server.
# Do:       give the stream's answer an ETag of its own (any constant: etag() then passes it on untouched), or
#           use etag() on paths without streams. Who mounts Ovation in a Hono application does the latter.
#
# Run: bash findings/hono-etag-holds-a-stream-back.sh   (needs node, npm)
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --prefix . hono@4.13.19 @hono/node-server@2.1.9 bun@1.4.5 >/dev/null
node node_modules/bun/install.js >/dev/null 2>&1 || true

cat >serve.mjs <<'JS'
import { connect } from "node:net";
import { Hono } from "hono";
import { etag } from "hono/etag";

const encoder = new TextEncoder();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let said = 0;
let cancelled = false;

/** Five events, one every 300 ms. */
function stream(headers) {
  said = 0;
  cancelled = false;
  let timer;
  const body = new ReadableStream({
    start(controller) {
      timer = setInterval(() => {
        controller.enqueue(encoder.encode(`data: ${++said}\n\n`));
        if (said < 5) return;
        clearInterval(timer);
        controller.close();
      }, 300);
      controller.enqueue(encoder.encode("retry: 1000\n\n"));
    },
    cancel() {
      cancelled = true;
      clearInterval(timer);
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream", ...headers } });
}

const app = new Hono();
app.get("/plain", () => stream());
app.get("/etag", etag(), () => stream());
app.get("/etag-own", etag(), () => stream({ etag: '"a-stream"' }));

const runtime = process.versions.bun ? "bun" : "node";
const port = await (runtime === "bun"
  ? Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch }).port
  : import("@hono/node-server").then(
      ({ serve }) =>
        new Promise((resolve) =>
          serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, (info) => resolve(info.port)),
        ),
    ));

/** Asks for `path`, stays `ms`; when the first byte came, in ms, or undefined. */
async function visit(path, ms) {
  const from = performance.now();
  let first;
  const socket = connect(port, "127.0.0.1", () => socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`));
  socket.on("data", () => {
    first ??= performance.now() - from;
  });
  await pause(ms);
  socket.destroy();
  return first;
}

await visit("/plain", 100);
for (const path of ["/plain", "/etag", "/etag-own"]) {
  const first = await visit(path, 2_500);
  await visit(path, 500);
  const then = said;
  await pause(1_500);
  const after = cancelled ? "cancelled" : said === 5 && then < 5 ? "runs on to its end" : "?";
  const when = first < 250 ? "at once" : first > 1_300 ? "at the end" : "?";
  console.error(`${runtime} ${path}: first byte after ${first?.toFixed(0)} ms`);
  console.log(`${runtime} ${path}: ${when}; left: ${after}`);
}
process.exit(0);
JS

timeout 30 node serve.mjs | tee seen
timeout 30 node_modules/.bin/bun serve.mjs | tee -a seen
diff seen - <<'WANTED' && echo "as described"
node /plain: at once; left: cancelled
node /etag: at the end; left: runs on to its end
node /etag-own: at once; left: cancelled
bun /plain: at once; left: cancelled
bun /etag: at the end; left: runs on to its end
bun /etag-own: at once; left: cancelled
WANTED

#!/usr/bin/env bash
# Bun.serve: a second request on a connection, while the first handler still waits, leaves both without an answer.
#
# Guess:    HTTP/1.1 lets a client send its next request before the last answer has come (RFC 9112, section
#           9.3.2). A server that cannot work on both keeps the second until the first is answered, as Node, nginx
#           and Bun's own node:http do.
# Versions: Bun 1.4.5 (npm).
# Seen:     two GETs in one packet; the handler awaits 20 ms:
#             Bun.serve, handler that answers at once         2 answers
#             Bun.serve, handler that awaits                  0 answers; ran once, its signal aborted, socket closed
#             Bun.serve, one GET and a stray CR LF behind it  0 answers; the same
#             node:http of the same Bun, that awaits          2 answers
#           The first handler runs to its end: what it wrote to a database stays, and its client never hears.
# Matters:  a test with an immediate handler passes. Then a POST that waits for its commit is done and not
#           answered as often as a client pipelines (wrk scripts, ab-like loaders, IoT stacks, HTTP/1.1 pools that
#           were told to), or ends a body with one CR LF too many, as old clients do.
# Do:       make writes repeatable under a key; put a proxy in front, none of which pipelines upstream; or take
#           node:http where pipelining clients must be served.
#
# Run: bash findings/bun-serve-pipelined-request-kills-the-first.sh   (needs node, npm)
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --prefix . bun@1.4.5 >/dev/null
node node_modules/bun/install.js >/dev/null 2>&1 || true

cat >serve.mjs <<'JS'
import { createServer } from "node:http";
import { connect } from "node:net";

let ran = 0;
let aborted = 0;
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  development: false,
  async fetch(request) {
    request.signal.addEventListener("abort", () => aborted++);
    if (request.url.endsWith("/awaits")) await Bun.sleep(20);
    ran++;
    return new Response("answer");
  },
});
const node = createServer((_, response) => setTimeout(() => response.end("answer"), 20));
await new Promise((resolve) => node.listen(0, "127.0.0.1", resolve));

const get = (path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

/** Answers to what is sent in one packet. */
function answers(port, text) {
  return new Promise((resolve) => {
    let said = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    const done = () => resolve(said.split("answer").length - 1);
    socket.on("data", (piece) => {
      said += piece;
      if (said.split("answer").length > 2) done();
    });
    socket.on("close", done);
    socket.on("error", done);
    setTimeout(() => socket.destroy(), 1000);
  });
}

console.log(`at once: ${await answers(server.port, get("/") + get("/"))} answers`);
ran = aborted = 0;
console.log(`awaits: ${await answers(server.port, get("/awaits") + get("/awaits"))} answers`);
await Bun.sleep(100);
console.log(`        ran ${ran}, aborted ${aborted}`);
ran = aborted = 0;
console.log(`awaits, stray CR LF: ${await answers(server.port, `${get("/awaits")}\r\n`)} answers`);
await Bun.sleep(100);
console.log(`        ran ${ran}, aborted ${aborted}`);
console.log(`node:http, awaits: ${await answers(node.address().port, get("/") + get("/"))} answers`);
process.exit(0);
JS

timeout 20 node_modules/.bin/bun serve.mjs | tee seen
diff seen - <<'WANTED' && echo "as described"
at once: 2 answers
awaits: 0 answers
        ran 1, aborted 1
awaits, stray CR LF: 0 answers
        ran 1, aborted 1
node:http, awaits: 2 answers
WANTED

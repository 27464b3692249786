#!/usr/bin/env bash
# Proxies made of Node packages: the server behind is killed, and the viewer's stream stays open and silent.
#
# Guess:    a proxy passes on how its upstream ended. After a crash of the server the viewer's connection is
#           cut within moments, EventSource sees an error and comes again; and when a viewer leaves, the
#           server is told.
# Versions: http-proxy 1.18.1, http-proxy-middleware 2.0.9, 3.0.11 and 4.2.2, http-proxy-3 1.23.3, httpxy 0.5.6,
#           Vite 8.4.0 (server.proxy), @fastify/http-proxy 11.6.3, express-http-proxy 2.1.2, hono 4.13.19 proxy()
#           on @hono/node-server 2.1.9, node:http with pipe(); Node 20.20.2.
# Seen:     an event stream with an event every 200 ms; the server behind gets SIGKILL; one viewer had left
#           before.
#                                           viewer, 5 s after      server, 2 s after
#                                           the server's death     the viewer left
#             http-proxy 1.18.1             OPEN                   STILL HELD
#             http-proxy-middleware 2.0.9   OPEN                   STILL HELD
#             node:http, response.pipe()    OPEN                   STILL HELD
#             http-proxy-middleware 3.0.11  OPEN                   told
#             http-proxy-3 1.23.3           OPEN                   told
#             Vite 8.4.0                    OPEN                   told
#             express-http-proxy 2.1.2      OPEN                   told
#             httpxy 0.5.6                  cut                    told
#             http-proxy-middleware 4.2.2   cut                    told
#             @fastify/http-proxy 11.6.3    cut                    told
#             hono proxy()                  cut                    told
#           A stream that the server ends properly is ended properly by all of them (Vite not tried). The
#           difference is pipe(): it does not end its target when its source breaks off. Half of it is in
#           reports, e.g. http-party/node-http-proxy#1520 (server not told) and vitejs/vite#20712 (viewer not cut).
# Matters:  restarting the server by hand (a proper end) tests well. After a crash, an out-of-memory kill or a
#           power cut every viewer behind such a proxy keeps readyState OPEN, no error event, and never comes
#           again. Vite is a row above, webpack-dev-server 5 has http-proxy-middleware 2 in it, and pipe() is
#           what one writes by hand. "Still held" is the other half: viewer counts that only rise.
# Do:       do not trust the connection: watch for the server's own sign of life. Ovation sends a `beat` event
#           after 15 to 20 s of silence, and its client opens a new stream when none came; a page with a
#           plain EventSource needs that timer of its own. Behind these proxies by choice: the last four rows.
#
# Run: bash findings/node-proxies-hide-a-dead-server.sh   (needs node, npm)
set -euo pipefail

dir=$(mktemp -d)
behind=
tidy() {
  [ -z "$behind" ] || kill -9 "$behind" 2>/dev/null || true
  rm -rf "$dir"
}
trap tidy EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --prefix . http-proxy@1.18.1 http-proxy-3@1.23.3 httpxy@0.5.6 \
  hpm2@npm:http-proxy-middleware@2.0.9 hpm3@npm:http-proxy-middleware@3.0.11 \
  hpm4@npm:http-proxy-middleware@4.2.2 fastify@5.12.8 @fastify/http-proxy@11.6.3 express@5.3.0 \
  express-http-proxy@2.1.2 hono@4.13.19 @hono/node-server@2.1.9 vite@8.4.0 >/dev/null

# The server behind: who watches is printed by path, so that the other process can read it.
cat >behind.mjs <<'JS'
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";

const held = {};
const server = createServer((request, response) => {
  const path = request.url;
  held[path] = (held[path] ?? 0) + 1;
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-transform" });
  const timer = setInterval(() => response.write("data: event\n\n"), 200);
  response.on("close", () => {
    clearInterval(timer);
    held[path]--;
  });
});
server.listen(0, "127.0.0.1", () => writeFileSync("port", `${server.address().port}`));
setInterval(() => writeFileSync("held.json", JSON.stringify(held)), 100);
JS

cat >proxies.mjs <<'JS'
import { readFileSync } from "node:fs";
import { createServer, request as ask } from "node:http";
import { connect } from "node:net";
import fastifyProxy from "@fastify/http-proxy";
import { serve } from "@hono/node-server";
import express from "express";
import expressProxy from "express-http-proxy";
import fastify from "fastify";
import { Hono } from "hono";
import { proxy } from "hono/proxy";
import { createProxyMiddleware as createMiddleware2 } from "hpm2";
import { createProxyMiddleware as createMiddleware3 } from "hpm3";
import { createProxyMiddleware as createMiddleware4 } from "hpm4";
import httpProxy from "http-proxy";
import { createProxyServer as createProxyServer3 } from "http-proxy-3";
import { createProxyServer as createHttpxy } from "httpxy";
import { createServer as createVite } from "vite";

const target = `http://127.0.0.1:${process.argv[2]}`;
const pid = Number(process.argv[3]);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const listen = (handle) =>
  new Promise((resolve) => {
    const server = createServer(handle);
    server.listen(0, "127.0.0.1", () => resolve(server.address().port));
  });

/** A proxy that logs nothing and lets no error end the program. */
function quiet(made) {
  made.on("error", () => {});
  return (request, response) => made.web(request, response);
}
const middleware = (made) => (request, response) => made(request, response, () => response.end());
function piped(request, response) {
  const out = ask(target + request.url, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  out.on("error", () => response.destroy());
  request.pipe(out);
}

const silent = { logLevel: "silent" };
const xy = createHttpxy({ target });
const app = new Hono().get("*", (c) => proxy(target + c.req.path));
const gate = fastify();
await gate.register(fastifyProxy, { upstream: target });
await gate.listen({ port: 0, host: "127.0.0.1" });
const vite = await createVite({
  root: process.cwd(),
  configFile: false,
  logLevel: "silent",
  server: { host: "127.0.0.1", port: 20_000 + Math.floor(Math.random() * 8_000), proxy: { "/": target } },
});
await vite.listen();

const ports = {
  "http-proxy 1.18.1": await listen(quiet(httpProxy.createProxyServer({ target }))),
  "http-proxy-middleware 2.0.9": await listen(middleware(createMiddleware2({ target, ...silent }))),
  "node:http, pipe()": await listen(piped),
  "http-proxy-middleware 3.0.11": await listen(middleware(createMiddleware3({ target }))),
  "http-proxy-3 1.23.3": await listen(quiet(createProxyServer3({ target }))),
  "vite 8.4.0": vite.httpServer.address().port,
  "express-http-proxy 2.1.2": await listen(express().use(expressProxy(target))),
  "httpxy 0.5.6": await listen((request, response) => xy.web(request, response).catch(() => {})),
  "http-proxy-middleware 4.2.2": await listen(middleware(createMiddleware4({ target }))),
  "@fastify/http-proxy 11.6.3": gate.server.address().port,
  "hono 4.13.19 proxy()": await new Promise((resolve) =>
    serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, (info) => resolve(info.port)),
  ),
};

function view(port, path) {
  const viewer = { bytes: 0, ended: false };
  const head = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  const socket = connect(port, "127.0.0.1", () => socket.write(head));
  socket.on("data", (data) => {
    viewer.bytes += data.length;
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    viewer.ended = true;
  });
  viewer.leave = () => socket.destroy();
  return viewer;
}

const names = Object.keys(ports);
const leaving = names.map((name, i) => view(ports[name], `/leaves/${i}`));
const staying = names.map((name, i) => view(ports[name], `/stays/${i}`));
await pause(2_500);
for (const viewer of leaving) viewer.leave();
await pause(2_000);
const held = JSON.parse(readFileSync("held.json", "utf8"));
const allWatch = staying.every(({ bytes, ended }) => bytes > 0 && !ended);
process.kill(pid, "SIGKILL");
await pause(5_000);
names.forEach((name, i) => {
  const told = held[`/leaves/${i}`] === 0 ? "told" : "still held";
  console.log(`${name}: viewer ${staying[i].ended ? "cut" : "open"}, server ${told}`);
});
if (!allWatch) console.log("some never watched");
process.exit(0);
JS

node behind.mjs &
behind=$!
disown
for _ in $(seq 50); do
  [ -s port ] && break
  sleep 0.1
done
timeout 40 node proxies.mjs "$(cat port)" "$behind" 2>/dev/null | tee seen
diff seen - <<'WANTED' && echo "as described"
http-proxy 1.18.1: viewer open, server still held
http-proxy-middleware 2.0.9: viewer open, server still held
node:http, pipe(): viewer open, server still held
http-proxy-middleware 3.0.11: viewer open, server told
http-proxy-3 1.23.3: viewer open, server told
vite 8.4.0: viewer open, server told
express-http-proxy 2.1.2: viewer open, server told
httpxy 0.5.6: viewer cut, server told
http-proxy-middleware 4.2.2: viewer cut, server told
@fastify/http-proxy 11.6.3: viewer cut, server told
hono 4.13.19 proxy(): viewer cut, server told
WANTED

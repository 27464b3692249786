#!/usr/bin/env bash
# An HLS stream out of a folder: whose name for a segment and a playlist is right, and what a compressor does then.
#
# Guess:    a server library from after 2015 knows what .m3u8, .ts, .m4s and .mpd are; and should a name be wrong,
#           players do not mind.
# Versions: Bun 1.4.5, Hono 4.13.19, sirv 3.0.2 and Express 5.3.0 on Node 20.20.2.
# Seen:                      .ts                            .m3u8
#             Bun.file       text/javascript;charset=utf-8  application/vnd.apple.mpegurl
#             Hono static    video/mp2t                     application/octet-stream   (.m4s, .mpd and .vtt, too)
#             sirv           video/mp2t                     an empty one
#             Express        video/mp2t                     application/vnd.apple.mpegurl
#           Players do not mind. A compressor does: behind Hono's compress(), "bytes=0-187" of a segment by Bun.file
#           is 200 with the whole of it, squeezed, without its length; by serveStatic it is 206 with 188 bytes.
# Matters:  playlists with EXT-X-BYTERANGE (one file, many segments) hand the player the file's beginning for each
#           of them, or fail, once `compress()` is put in front for the pages' sake; and every segment is squeezed
#           anew for every viewer.
# Do:       give the type oneself: new Response(Bun.file(path), { headers: { "content-type": "video/mp2t" } }).
#           Ovation's --media does (src/http/media.ts; it did not until this was seen).
#
# Run: bash findings/bun-file-takes-a-segment-for-a-script.sh   (needs node, npm)
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --prefix . bun@1.4.5 hono@4.13.19 sirv@3.0.2 express@5.3.0 >/dev/null
bun=$(ls node_modules/bun/bin/bun.exe node_modules/.bin/bun 2>/dev/null | head -1)
mkdir film
head -c $((73 * 188)) /dev/urandom >film/a.ts
printf '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n' >film/a.m3u8
for end in m4s mpd vtt; do echo text >film/a.$end; done

cat >bun.mjs <<'JS'
import { Hono } from "hono";
import { serveStatic } from "hono/bun";
import { compress } from "hono/compress";

const app = new Hono();
app.use("/squeezed/*", compress());
const file = (c) => new Response(Bun.file(`film/${c.req.param("name")}`));
app.get("/file/:name", file).get("/squeezed/file/:name", file);
for (const at of ["/static", "/squeezed/static"]) {
  app.use(`${at}/*`, serveStatic({ root: "film", rewriteRequestPath: (path) => path.slice(at.length) }));
}
const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch });
const get = (path, headers = {}) => fetch(new URL(path, server.url), { headers, decompress: false });
for (const [who, at] of [["Bun.file", "file"], ["Hono static", "static"]]) {
  const types = [];
  for (const end of ["ts", "m3u8", "m4s", "mpd", "vtt"]) {
    types.push((await get(`${at}/a.${end}`)).headers.get("content-type"));
  }
  console.log(`${who}: ${types.join(", ")}`);
  const part = await get(`squeezed/${at}/a.ts`, { range: "bytes=0-187", "accept-encoding": "gzip" });
  const { length } = new Uint8Array(await part.arrayBuffer());
  console.log(
    `${who} behind compress(), bytes=0-187: ${part.status}, ${part.headers.get("content-encoding") ?? "plain"}, ` +
      `${length === 188 ? "188 bytes" : "all of it"}`,
  );
}
server.stop(true);
JS

cat >node.mjs <<'JS'
import express from "express";
import sirv from "sirv";

for (const [who, serve] of [["sirv", sirv("film", { dev: true })], ["Express", express.static("film")]]) {
  const server = express().use(serve).listen(0, "127.0.0.1");
  await new Promise((done) => server.on("listening", done));
  const at = `http://127.0.0.1:${server.address().port}`;
  const types = [];
  for (const end of ["ts", "m3u8"]) types.push((await fetch(`${at}/a.${end}`)).headers.get("content-type") || "an empty one");
  console.log(`${who}: ${types.join(", ")}`);
  server.close();
  server.closeAllConnections();
}
JS

timeout 20 "$bun" bun.mjs | tee seen
timeout 20 node node.mjs | tee -a seen
diff seen - <<'WANTED' && echo "as described"
Bun.file: text/javascript;charset=utf-8, application/vnd.apple.mpegurl, video/iso.segment, application/dash+xml, text/vtt
Bun.file behind compress(), bytes=0-187: 200, gzip, all of it
Hono static: video/mp2t, application/octet-stream, application/octet-stream, application/octet-stream, application/octet-stream
Hono static behind compress(), bytes=0-187: 206, plain, 188 bytes
sirv: video/mp2t, an empty one
Express: video/mp2t, application/vnd.apple.mpegurl
WANTED

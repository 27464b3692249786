#!/usr/bin/env bash
# Bun.file kept in a constant: asked once whether it exists, it serves a growing HLS playlist cut at its old end.
#
# Guess:    Bun.file(path) is a reference; the file is read when it is served. So one constant for a playlist
#           that ffmpeg rewrites every two seconds, and `if (!(await file.exists()))` before each answer, serve
#           what is there now, with 200.
# Versions: Bun 1.4.5 (npm), a playlist written beside and renamed, as ffmpeg does it.
# Seen:     first answered with 3 segments, then the playlist grows to 8:
#             constant, exists() before each answer            206 Content-Range: bytes 0-112/*, 3 of 8 segments
#             the same, with a content-type of one's own       200, 3 of 8 segments
#             constant, nothing asked                          200, 8 of 8
#             Bun.file(path) made for each answer              200, 8 of 8
#           The request carries no Range. `.size` does the same as exists(), and text() of the constant is cut
#           too. A file that became shorter is served whole; when it grows again, it is cut at the old size.
# Matters:  the playlist never ends in an error: players see a live stream that stands still, a cache keeps a
#           206 nobody asked for. Playlists of sliding windows keep about one length, so that a test passes;
#           the event playlist of a whole show, or one with longer names after segment 9, does not. A line may
#           be cut in the middle. (Reported in oven-sh/bun#33657, closed; so in 1.4.5.)
# Do:       make the Bun.file for each answer, and ask node:fs stat() for its size. Ovation's --media does.
#
# Run: bash findings/bun-file-freezes-a-live-playlist.sh   (needs node, npm)
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --prefix . bun@1.4.5 >/dev/null
node node_modules/bun/install.js >/dev/null 2>&1 || true

cat >serve.mjs <<'JS'
import { renameSync, writeFileSync } from "node:fs";

const path = `${process.cwd()}/live.m3u8`;

/** As an encoder does it: beside the old one, then in its place. */
function write(segments) {
  const lines = Array.from({ length: segments }, (_, i) => `#EXTINF:2.0,\ns${i}.ts\n`);
  writeFileSync(`${path}.new`, `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n${lines.join("")}`);
  renameSync(`${path}.new`, path);
}

write(3);
const [asked, typed, untouched] = [Bun.file(path), Bun.file(path), Bun.file(path)];
const absent = () => new Response("", { status: 404 });
const headers = { "content-type": "application/vnd.apple.mpegurl" };
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  development: false,
  routes: {
    "/asked": async () => ((await asked.exists()) ? new Response(asked) : absent()),
    "/typed": async () => ((await typed.exists()) ? new Response(typed, { headers }) : absent()),
    "/untouched": () => new Response(untouched),
    "/each": () => new Response(Bun.file(path)),
  },
});

async function look(name) {
  const answer = await fetch(`http://127.0.0.1:${server.port}/${name}`);
  const segments = (await answer.text()).match(/\.ts\n/g).length;
  return `${answer.status}${answer.headers.has("content-range") ? " with Content-Range" : ""}, ${segments} segments`;
}

const names = ["asked", "typed", "untouched", "each"];
for (const segments of [3, 8, 2, 6]) {
  write(segments);
  for (const name of names) console.log(`${segments} written, ${name}: ${await look(name)}`);
}
process.exit(0);
JS

timeout 20 node_modules/.bin/bun serve.mjs | tee seen
diff seen - <<'WANTED' && echo "as described"
3 written, asked: 200, 3 segments
3 written, typed: 200, 3 segments
3 written, untouched: 200, 3 segments
3 written, each: 200, 3 segments
8 written, asked: 206 with Content-Range, 3 segments
8 written, typed: 200, 3 segments
8 written, untouched: 200, 8 segments
8 written, each: 200, 8 segments
2 written, asked: 200, 2 segments
2 written, typed: 200, 2 segments
2 written, untouched: 200, 2 segments
2 written, each: 200, 2 segments
6 written, asked: 206 with Content-Range, 3 segments
6 written, typed: 200, 3 segments
6 written, untouched: 200, 6 segments
6 written, each: 200, 6 segments
WANTED

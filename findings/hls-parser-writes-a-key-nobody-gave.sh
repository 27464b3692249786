#!/usr/bin/env bash
# hls-parser: a low-latency playlist that is parsed and written again says that its newest part is encrypted.
#
# Guess:    parse() and stringify() of one library give back what was there, in another order at most. So a
#           small proxy can add EXT-X-DATERANGE lines for reactions to a live playlist that way.
# Versions: hls-parser 0.16.1; read again by m3u8-parser 7.2.0 (the one of video.js) and hls.js 1.7.4;
#           Node 20.20.2.
# Seen:     a clear playlist with EXT-X-MAP:URI="init.mp4", whole segments and then EXT-X-PARTs of the next one
#           comes back with
#             #EXT-X-KEY:METHOD=undefined,URI="init.mp4"
#           before the parts: the map, written as a key. Without parts, or without a map: nothing of the kind.
#           From then on
#             hls-parser itself    every segment from there on has a key, also after the next writing
#             m3u8-parser          the segment has key {"method":"undefined","uri":"init.mp4"}
#             hls.js               leaves the line out of account
#           RFC 8216 lets a client play no segment whose METHOD it does not know.
# Matters:  it is exactly the live edge of exactly the low-latency streams with fMP4, and only in some players:
#           a test with whole segments, with MPEG-TS or with hls.js passes.
# Do:       add lines to the text and leave the rest as it came; or take the line out again after stringify().
#           Ovation rewrites no playlists: reactions travel beside the video and carry its date.
#
# Run: bash findings/hls-parser-writes-a-key-nobody-gave.sh   (needs node, npm)
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --prefix . hls-parser@0.16.1 m3u8-parser@7.2.0 hls.js@1.7.4 >/dev/null

cat >again.mjs <<'JS'
import HLS from "hls-parser";
import { Parser } from "m3u8-parser";

globalThis.self = globalThis; // hls.js looks for a browser
const { M3U8Parser } = await import("hls.js");

/** A live playlist of four-second segments, with one-second parts of the next one. */
function playlist({ map, parts }) {
  return [
    "#EXTM3U",
    "#EXT-X-VERSION:9",
    "#EXT-X-TARGETDURATION:4",
    "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3.0",
    "#EXT-X-PART-INF:PART-TARGET=1.0",
    "#EXT-X-MEDIA-SEQUENCE:10",
    map && '#EXT-X-MAP:URI="init.mp4"',
    "#EXTINF:4.0,",
    "ten.mp4",
    parts && '#EXT-X-PART:DURATION=1.0,URI="eleven.0.mp4"',
    parts && '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="eleven.1.mp4"',
    "",
  ]
    .filter((line) => line !== false)
    .join("\n");
}

const again = (text) => HLS.stringify(HLS.parse(text));
const keys = (text) => text.split("\n").filter((line) => line.startsWith("#EXT-X-KEY"));

for (const map of [false, true]) {
  for (const parts of [false, true]) {
    const written = keys(again(playlist({ map, parts })));
    console.log(`map ${map}, parts ${parts}: ${written.join() || "no key"}`);
  }
}

const written = again(playlist({ map: true, parts: true }));
console.log(`hls-parser, written twice: ${keys(again(written)).length} key`);

const whole = `${written}\n#EXTINF:4.0,\neleven.mp4\n`;
const parser = new Parser();
parser.push(whole);
parser.end();
const { uri, key } = parser.manifest.segments.at(-1);
console.log(`m3u8-parser: ${uri} has key ${JSON.stringify(key)}`);
const { fragments } = M3U8Parser.parseLevelPlaylist(whole, "http://127.0.0.1/live.m3u8", 0, "main", 0, null);
console.log(`hls.js: ${fragments.at(-1).relurl} encrypted ${fragments.at(-1).encrypted}`);
JS

timeout 20 node again.mjs | tee seen
diff seen - <<'WANTED' && echo "as described"
map false, parts false: no key
map false, parts true: no key
map true, parts false: no key
map true, parts true: #EXT-X-KEY:METHOD=undefined,URI="init.mp4"
hls-parser, written twice: 1 key
m3u8-parser: eleven.mp4 has key {"method":"undefined","uri":"init.mp4"}
hls.js: eleven.mp4 encrypted false
WANTED

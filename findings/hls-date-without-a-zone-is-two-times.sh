#!/usr/bin/env bash
# An HLS date without a time zone: hls.js and video.js say the viewer's own zone, Shaka says UTC.
#
# Guess:    RFC 8216 says of EXT-X-PROGRAM-DATE-TIME that it SHOULD indicate a time zone, so it may lack one;
#           players that show one stream then at least agree with each other on what time it is.
# Versions: hls.js 1.7.4, shaka-player 5.2.12, video.js 8.24.1 (npm), Chromium 156, Node 20, ffmpeg 5.1.9 (Debian).
# Seen:     #EXT-X-PROGRAM-DATE-TIME:2026-11-28T16:00:00.000 and a viewer in Kolkata (+5:30):
#             hls.js    2026-11-28T10:30:00Z      video.js  2026-11-28T10:30:00Z
#             Shaka     2026-11-28T16:00:00Z
#           With a viewer in UTC all say 16:00:00Z, which is where such a thing is tested. With +0000 behind the
#           date, as ffmpeg writes it, all agree everywhere.
# Matters:  anything that is put beside the picture by its date, reactions, subtitles, statistics, is hours off
#           between two viewers of one stream, by where they live and by which player their page has, and in
#           whole half hours, so that no rule for small skews catches it.
# Do:       write the zone. A server that is told the time of a picture by its viewers must not believe them:
#           Ovation judges such a time by the middle of all those of the video, and ignores and counts the others.
#
# Run: bash findings/hls-date-without-a-zone-is-two-times.sh   (needs node, npm, ffmpeg and chromium)
set -euo pipefail

command -v chromium >/dev/null || { echo "chromium is not installed: apt-get install chromium"; exit 2; }
command -v ffmpeg >/dev/null || { echo "ffmpeg is not installed: apt-get install ffmpeg"; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --prefix . hls.js@1.7.4 shaka-player@5.2.12 video.js@8.24.1 >/dev/null
ffmpeg -v error -f lavfi -i testsrc=size=160x90:rate=25:duration=8 -c:v libx264 -pix_fmt yuv420p -g 50 \
  -hls_time 2 -hls_segment_type fmp4 -hls_playlist_type vod plain.m3u8
sed '0,/#EXTINF/s//#EXT-X-PROGRAM-DATE-TIME:2026-11-28T16:00:00.000\n#EXTINF/' plain.m3u8 >bare.m3u8
sed '0,/#EXTINF/s//#EXT-X-PROGRAM-DATE-TIME:2026-11-28T16:00:00.000+0000\n#EXTINF/' plain.m3u8 >zoned.m3u8

cat >ask.mjs <<'JS'
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { extname } from "node:path";

const page = `<title>dates</title><video id="v" muted></video><video id="w" muted></video>
<script src="/node_modules/hls.js/dist/hls.js"></script>
<script src="/node_modules/shaka-player/dist/shaka-player.compiled.js"></script>
<script src="/node_modules/video.js/dist/video.js"></script>
<script>
const byHls = (url) => new Promise((resolve) => {
  const hls = new Hls();
  hls.on(Hls.Events.LEVEL_LOADED, (_, { details }) => resolve(details.fragments[0].programDateTime));
  hls.loadSource(url);
});
const byShaka = async (url) => {
  const player = new shaka.Player();
  await player.attach(v);
  await player.load(url);
  const date = player.getPresentationStartTimeAsDate();
  await player.destroy();
  return date;
};
const byVideoJs = (url) => new Promise((resolve) => {
  const player = videojs(document.body.appendChild(document.createElement("video-js")),
    { html5: { vhs: { overrideNative: true } }, preload: "auto", muted: true });
  player.src({ src: url, type: "application/x-mpegURL" });
  player.on("loadedmetadata", () => {
    const { segments } = player.tech({ IWillNotUseThisInPlugins: true }).vhs.playlists.media();
    resolve(segments[0].programDateTime);
  });
});
(async () => {
  const seen = {};
  for (const list of ["bare", "zoned"]) {
    seen[list] = {};
    for (const [name, ask] of Object.entries({ "hls.js": byHls, Shaka: byShaka, "video.js": byVideoJs }))
      seen[list][name] = new Date(await ask("/" + list + ".m3u8")).toISOString();
  }
  await fetch("/seen", { method: "POST", body: JSON.stringify(seen) });
})().catch((error) => fetch("/seen", { method: "POST", body: JSON.stringify({ error: String(error) }) }));
</script>`;
const types = { ".js": "text/javascript", ".m3u8": "application/x-mpegURL", ".mp4": "video/mp4", ".m4s": "video/mp4" };
let told;
const server = http.createServer(async (request, response) => {
  if (request.url === "/") return response.writeHead(200, { "content-type": "text/html" }).end(page);
  if (request.url === "/seen") {
    let text = "";
    for await (const chunk of request) text += chunk;
    response.end();
    return told(JSON.parse(text));
  }
  const bytes = await readFile(`.${request.url}`).catch(() => undefined);
  if (!bytes) return response.writeHead(404).end();
  response.writeHead(200, { "content-type": types[extname(request.url)] ?? "text/plain" }).end(bytes);
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));

async function visit(zone) {
  const seen = new Promise((resolve) => {
    told = resolve;
  });
  const user = `--user-data-dir=${process.cwd()}/user-${zone.replace("/", "-")}`;
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", user];
  const env = { ...process.env, TZ: zone };
  const browser = spawn("chromium", [...flags, `http://127.0.0.1:${server.address().port}/`], { stdio: "ignore", env });
  const dates = await seen;
  browser.kill("SIGKILL");
  if (dates.error) throw new Error(dates.error);
  for (const [list, byPlayer] of Object.entries(dates))
    for (const [player, date] of Object.entries(byPlayer)) console.log(`${zone} ${list} ${player}: ${date}`);
  return dates;
}

const utc = await visit("UTC");
const kolkata = await visit("Asia/Kolkata");
const right = "2026-11-28T16:00:00.000Z";
const off = "2026-11-28T10:30:00.000Z";
const all = [...Object.values(utc.bare), ...Object.values(utc.zoned), ...Object.values(kolkata.zoned)];
const { bare } = kolkata;
const asDescribed =
  all.every((date) => date === right) && bare["hls.js"] === off && bare["video.js"] === off && bare.Shaka === right;
console.log(asDescribed ? "still so" : "CHANGED");
process.exit(asDescribed ? 0 : 1);
JS

timeout 90 node ask.mjs

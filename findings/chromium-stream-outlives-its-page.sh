#!/usr/bin/env bash
# Chromium: a viewer who has left the page keeps its event stream for a minute, and coming back gets all of it.
#
# Guess:    who follows a link away ends the page's EventSource at that moment; who comes back has a page that
#           opens a new one, or is told by an error event that the old one is gone.
# Versions: Chromium 156 (Debian), Node 20.20.2.
# Seen:     one event a second; the page goes to another one of the same site
#             stays there               the stream is closed after 60 s, without an error event in between
#             comes back after 10 s     same connection; the ten events of that time come at once, one after
#                                       the other; no error, no open; pageshow says persisted
#           Such a page is kept to go back to, and so is what it reads, up to a minute or 1 MB (an event of
#           10 KB ten times a second: closed after 11 s). A silent stream is kept as long.
# Matters:  the number of people watching is too high by everyone who left in the last minute, and a server that
#           writes to them pays for it. Whoever comes back within the minute sees ten seconds of hearts in one
#           frame. A page that closes its stream on pagehide, to be counted right, and does not open one on
#           pageshow, comes back dead: nothing runs its scripts again.
# Do:       close on pagehide, open on pageshow when event.persisted, with the last id. Ovation's client does.
#
# Run: bash findings/chromium-stream-outlives-its-page.sh   (needs node and chromium; takes 75 s)
set -euo pipefail

command -v chromium >/dev/null || { echo "chromium is not installed: apt-get install chromium"; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >leave.mjs <<'JS'
import { spawn } from "node:child_process";
import http from "node:http";

/** Listens for two seconds, then goes elsewhere; tells what came while it was away when it is shown again. */
const page = `<title>stream</title><script>
const name = location.pathname.slice(1);
let away = 0, back = 0, errors = 0;
const stream = new EventSource("/events-" + name);
stream.onmessage = () => { if (back && performance.now() - back < 100) away++; };
stream.onerror = () => { errors++; };
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  back = performance.now();
  setTimeout(() => fetch("/seen", { method: "POST", body: JSON.stringify({ away, errors }) }), 1500);
});
addEventListener("load", () => setTimeout(() => { location.href = "/elsewhere-" + name; }, 2000));
</script>`;
const elsewhere = (name) =>
  `<title>elsewhere</title>${name === "returns" ? "<script>setTimeout(() => history.back(), 10000)</script>" : ""}`;

const began = {};
const ends = {};
let connections = 0;
const told = Promise.withResolvers?.() ?? (() => {
  const all = {};
  all.promise = new Promise((resolve) => (all.resolve = resolve));
  return all;
})();
const gone = new Promise((resolve) => (ends.stays = resolve));
const server = http.createServer(async (request, response) => {
  const [what, name] = request.url.slice(1).split("-");
  if (what === "events") {
    if (name === "returns") connections++;
    response.writeHead(200, { "content-type": "text/event-stream" });
    const timer = setInterval(() => response.write("data: one\n\n"), 1_000);
    return response.on("close", () => {
      clearInterval(timer);
      ends[name]?.((Date.now() - began[name]) / 1_000);
    });
  }
  if (what === "seen") {
    let text = "";
    for await (const chunk of request) text += chunk;
    response.end();
    return told.resolve(JSON.parse(text));
  }
  response.writeHead(200, { "content-type": "text/html" });
  if (what === "elsewhere") began[name] = Date.now();
  response.end(what === "elsewhere" ? elsewhere(name) : page);
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const browsers = ["stays", "returns"].map((name) => {
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${process.cwd()}/${name}`];
  return spawn("chromium", [...flags, `http://127.0.0.1:${server.address().port}/${name}`], { stdio: "ignore" });
});
const { away, errors } = await told.promise;
console.log(`back after 10 s: ${away} events at once, ${errors} errors, ${connections} connection`);
const seconds = await gone;
console.log(`not back: closed after ${seconds.toFixed(0)} s`);
for (const browser of browsers) browser.kill("SIGKILL");
const asDescribed = away >= 8 && errors === 0 && connections === 1 && seconds > 50 && seconds < 70;
console.log(asDescribed ? "still so" : "CHANGED");
process.exit(asDescribed ? 0 : 1);
JS

chromium --version
timeout 120 node leave.mjs

#!/usr/bin/env bash
# Chromium with stale-while-revalidate: whoever polls is shown, each time, what came for the poll before.
#
# Guess:    an answer with `max-age=1, stale-while-revalidate=5` that a page fetches every 2 s is a second old at most,
#           plus its way: the directive is for the caches in between, which have many who ask.
# Versions: Chromium 156.0.8078.108, server on Node 20.20.2.
# Seen:     ages of what `fetch` gives a page that asks six times, 2 s apart, of a server that answers at once:
#             default:             first 0.0 s, then 2.0 s each time
#             cache: "no-cache":   0.0 s each time
#           The browser's own cache obeys it as well: at 2 s the answer of before is older than max-age and younger than
#           both together, so it is handed out and a new one fetched behind the page's back, for the next time.
# Matters:  a live state sent with these headers, as a cache before the origin wants them, is shown one whole pace late,
#           beside what the cache adds; with a pace of 5 s, five seconds. Nothing looks wrong in the server's log: each
#           poll reaches it. In Bun and Node, which keep nothing, a test does not see it.
# Do:       poll with `cache: "no-cache"`: the browser asks with what it has (`If-None-Match`) and gets 304. Its
#           `Cache-Control: max-age=0` must not count at the cache in between; nginx, Varnish and most CDNs pass over it.
#
# Run: bash findings/chromium-stale-while-revalidate-shows-the-poll-before.sh   (needs node and chromium of Debian 12)
set -euo pipefail

command -v chromium >/dev/null || { echo "chromium is not installed: apt-get install chromium"; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >ask.mjs <<'JS'
import { spawn } from "node:child_process";
import http from "node:http";

const page = `<title>polls</title><script>
const ages = {};
const poll = async (cache) => {
  ages[cache] = [];
  for (let i = 0; i < 6; i++) {
    const made = Number(await (await fetch("/state-" + cache, { cache })).text());
    ages[cache].push(Date.now() - made);
    await new Promise((resume) => setTimeout(resume, 2000));
  }
};
Promise.all([poll("default"), poll("no-cache")]).then(() =>
  fetch("/seen", { method: "POST", body: JSON.stringify(ages) }));
</script>`;
let told;
const seen = new Promise((resolve) => {
  told = resolve;
});
const server = http.createServer(async (request, response) => {
  if (request.url === "/") return response.writeHead(200, { "content-type": "text/html" }).end(page);
  if (request.url === "/seen") {
    let text = "";
    for await (const chunk of request) text += chunk;
    response.end();
    return told(JSON.parse(text));
  }
  const headers = { "cache-control": "public, max-age=1, stale-while-revalidate=5" };
  response.writeHead(200, headers).end(String(Date.now()));
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${process.cwd()}/user`];
const browser = spawn("chromium", [...flags, `http://127.0.0.1:${server.address().port}/`], { stdio: "ignore" });
const ages = await seen;
browser.kill("SIGKILL");
for (const [cache, row] of Object.entries(ages)) console.log(`${cache}: ${row.map((ms) => `${ms} ms`).join(", ")}`);
const asDescribed = ages.default.slice(1).every((ms) => ms >= 1_500) && ages["no-cache"].every((ms) => ms < 1_000);
console.log(asDescribed ? "as described" : "not as described");
process.exit(asDescribed ? 0 : 1);
JS

chromium --version
timeout 60 node ask.mjs

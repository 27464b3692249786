#!/usr/bin/env bash
# nginx before an answer that lives a second and one day is refused: with `proxy_cache_use_stale updating` the refusal
# is never told, for as long as somebody asks.
#
# Guess:    an origin that answers 403, 404 or 410 from now on is asked in the background once the answer of before has
#           expired, and its refusal is what the next one gets: a signed address that ends, a film taken off, is gone
#           for everybody after a second, or after the `stale-while-revalidate` that the origin gave.
# Versions: nginx 1.22.1 (Debian 12, 1.22.1-9+deb12u*), an origin on Node 20.20.2.
# Seen:     asked five times a second; `max-age=1, stale-while-revalidate=2` for two seconds, then a refusal for ten:
#             403, 404 or 410 with `no-store`, or without a word about caches: 200 with the old body to the last, ten
#             seconds on, though the origin is asked each time, and refuses each time.
#             the same with `max-age=5`: the refusal within two seconds.
#             `proxy_cache_use_stale error` (no `updating`), refused with `no-store`: after some 3 s, when the second
#             and the two of `stale-while-revalidate` are over.
# Matters:  the refusals that must not be shared are the ones written with `no-store`, and just they never replace what
#           is stale. Somebody's page that polls is told yesterday's state with 200 and sees nothing wrong; whoever
#           lost the right keeps reading; a test without a second request after the end sees the refusal at once.
#           (What is stale is served at once, and the answer in the background is kept or thrown away, not told.)
# Do:       let caches keep the refusal for some seconds (`Cache-Control: max-age=5`, or `proxy_cache_valid 403 404 410
#           5s`), or drop `updating` and have the origin bound it by `stale-while-revalidate`.
#
# Run: bash findings/nginx-stale-outlives-a-refusal.sh   (needs node, nginx of Debian 12)
set -euo pipefail

dir=$(mktemp -d)
server=
tidy() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap tidy EXIT
chmod 711 "$dir" # the worker is another user
cd "$dir"
nginx=$(command -v nginx || echo /usr/sbin/nginx)
[ -x "$nginx" ] || { echo "nginx is not installed: apt-get install nginx"; exit 2; }
"$nginx" -v 2>&1 | grep -q "nginx/1\.22\.1" || { echo "not nginx 1.22.1"; exit 2; }

port=$((20000 + RANDOM % 8000))
origin=$((port + 1))
cat >nginx.conf <<CONF
daemon off;
worker_processes 1;
pid $dir/pid;
error_log $dir/error.log;
events {}
http {
  access_log off;
  proxy_cache_path $dir/cache keys_zone=state:1m;
  client_body_temp_path $dir/a; proxy_temp_path $dir/b; fastcgi_temp_path $dir/c;
  uwsgi_temp_path $dir/d; scgi_temp_path $dir/e;
  proxy_cache state;
  proxy_cache_background_update on;
  server {
    listen 127.0.0.1:$port;
    location /updating/ { proxy_pass http://127.0.0.1:$origin; proxy_cache_use_stale updating; }
    location /error/ { proxy_pass http://127.0.0.1:$origin; proxy_cache_use_stale error; }
  }
}
CONF

cat >ask.mjs <<'JS'
import http from "node:http";

const port = Number(process.argv[2]);
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const begun = performance.now();
const fineMs = 2_000;
const refused = new Map();
// /HOW/STATUS/WHAT: fine at first, then STATUS with WHAT as its Cache-Control.
const server = http.createServer(({ url }, response) => {
  const [, , status, cache] = url.split("/");
  if (performance.now() - begun < fineMs) {
    response.writeHead(200, { "cache-control": "public, max-age=1, stale-while-revalidate=2" }).end("state");
    return;
  }
  refused.set(url, (refused.get(url) ?? 0) + 1);
  response.writeHead(Number(status), cache === "nothing" ? {} : { "cache-control": cache }).end("refused");
});
await new Promise((done) => server.listen(port + 1, "127.0.0.1", done));
const agent = new http.Agent({ keepAlive: true });
const get = (path) =>
  new Promise((resolve, reject) => {
    http.get({ port, path, agent }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode));
    }).on("error", reject);
  });

const paths = ["/error/403/no-store", "/updating/403/max-age=5"];
for (const status of [403, 404, 410]) for (const cache of ["no-store", "nothing"]) paths.push(`/updating/${status}/${cache}`);
/** When the refusal was told first, s after it began; undefined: never. */
const told = new Map();
const askAll = async (path) => {
  while (performance.now() - begun < fineMs + 10_000) {
    const status = await get(path);
    const afterS = (performance.now() - begun - fineMs) / 1000;
    if (status !== 200 && !told.has(path)) told.set(path, afterS);
    await later(200);
  }
};
for (let tries = 0; ; tries++) {
  if ((await get("/updating/200/no-store").catch(() => 0)) === 200) break;
  if (tries > 100) throw new Error("nginx does not answer");
  await later(20);
}
await Promise.all(paths.map(askAll));
for (const path of paths) {
  const when = told.has(path) ? `told after ${told.get(path).toFixed(1)} s` : "never told";
  console.log(`${path.padEnd(28)} ${when}; the origin refused ${refused.get(path) ?? 0} times`);
}
const never = paths.filter((path) => !told.has(path));
const isSo =
  never.length === 6 &&
  never.every((path) => path.startsWith("/updating/") && refused.get(path) >= 5) &&
  told.get("/updating/403/max-age=5") < 3 &&
  told.get("/error/403/no-store") < 5;
console.log(isSo ? "as found" : "it changed");
process.exit(isSo ? 0 : 1);
JS

"$nginx" -p "$dir" -e "$dir/error.log" -c "$dir/nginx.conf" &
server=$!
node ask.mjs "$port"

#!/usr/bin/env bash
# nginx before an answer that lives a second: proxy_cache_lock keeps nobody back when it expires, and half a second
# when it does.
#
# Guess:    with `proxy_cache_lock on` one request at a time goes to the origin for an answer that is missing or has
#           expired; the others wait for it and get it when it is there.
# Versions: nginx 1.22.1 (Debian 12, 1.22.1-9+deb12u*), clients on Node 20.20.2.
# Seen:     an origin that needs 30 ms, `max-age=1`, 100 clients that ask ten times a second for 6 s:
#             nothing in the cache yet: 49 of 50 who ask together wait 500 ms for what was there after 30 ms.
#             afterwards, lock alone: some 120 to 150 requests reach the origin in 6 s (5 expiries), as many as without
#             it (88 to 114): whoever comes while the answer is being made anew goes to the origin too.
#             `proxy_cache_use_stale updating` and `proxy_cache_background_update on`: 3 to 4.
# Matters:  the origin of a cached live state is planned for one request a second and cache, and gets one for every
#           viewer who asks within its answer time, at each second's turn; with 100,000 of them that is a storm a
#           second. The lock looks tested, as the first fill shows a single request.
#           (The manual says "populate a new cache element"; waiting requests look again every 500 ms.)
# Do:       `proxy_cache_use_stale updating` with background update for what expires by the second, and the lock only
#           for the first time; or `stale-while-revalidate` from the origin, which switches the former on.
#
# Run: bash findings/nginx-cache-lock-is-for-the-first-time.sh   (needs node, nginx of Debian 12)
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
  server {
    listen 127.0.0.1:$port;
    location /plain { proxy_pass http://127.0.0.1:$origin; }
    location /lock { proxy_pass http://127.0.0.1:$origin; proxy_cache_lock on; }
    location /stale {
      proxy_pass http://127.0.0.1:$origin;
      proxy_cache_lock on;
      proxy_cache_use_stale updating;
      proxy_cache_background_update on;
    }
  }
}
CONF

cat >ask.mjs <<'JS'
import http from "node:http";

const port = Number(process.argv[2]);
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let asked = 0;
const origin = http.createServer(async (_, response) => {
  asked++;
  await later(30);
  response.writeHead(200, { "cache-control": "public, max-age=1" }).end("state");
});
await new Promise((done) => origin.listen(port + 1, "127.0.0.1", done));
const agent = new http.Agent({ keepAlive: true, maxSockets: 200 });
/** Milliseconds until the whole answer is here. */
const get = (path) =>
  new Promise((resolve, reject) => {
    const startMs = performance.now();
    const request = http.get({ host: "127.0.0.1", port, path, agent }, (response) => {
      response.resume().on("end", () => resolve(performance.now() - startMs));
    });
    request.on("error", reject);
  });

const first = await Promise.all(Array.from({ length: 50 }, () => get("/lock/first")));
const waited = first.filter((ms) => ms > 300).length;
console.log(`first time, lock: ${waited} of 50 waited longer than 300 ms, origin asked ${asked} times`);

const counts = {};
for (const path of ["/plain", "/lock", "/stale"]) {
  await get(path);
  asked = 0;
  const took = [];
  const viewer = async () => {
    await later(Math.random() * 100);
    for (const endMs = performance.now() + 6_000; performance.now() < endMs; ) {
      took.push(await get(path));
      await later(90 + Math.random() * 20);
    }
  };
  await Promise.all(Array.from({ length: 100 }, viewer));
  counts[path] = asked;
  console.log(`${path}: origin asked ${asked} times for ${took.length} requests in 6 s`);
}
const asDescribed =
  waited >= 40 && counts["/lock"] > 3 * counts["/stale"] && counts["/lock"] > counts["/plain"] / 3;
console.log(asDescribed ? "as described" : "not as described");
process.exit(asDescribed ? 0 : 1);
JS

"$nginx" -c "$dir/nginx.conf" &
server=$!
sleep 1
timeout 60 node ask.mjs "$port"

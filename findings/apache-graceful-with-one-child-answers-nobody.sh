#!/usr/bin/env bash
# Apache, event MPM with one child of many threads: a graceful restart answers nobody until the last stream ends.
#
# Guess:    "graceful" lets running requests finish and serves new ones at once: that is what it is for. One
#           child with 64 threads, 63 of them idle, has room enough.
# Versions: apache2-bin 2.4.71-1~deb12u1 (Debian 12), a stream of Server-Sent Events through mod_proxy_http.
# Seen:     one open stream, SIGUSR1, a new request 1 s later:
#             ServerLimit 1   no answer in 4 s; answered once the stream has ended
#             ServerLimit 2   answered at once, the stream goes on
#           The old child keeps its place on the scoreboard until its last connection ends, and with a limit of
#           one there is no other place for the new child. Nothing is said in the error log.
# Matters:  viewers' streams last for hours, and certbot and logrotate restart Apache gracefully by themselves.
#           One child of many threads is what one ends up with to hold many streams.
# Do:       ServerLimit at least one above MaxRequestWorkers / ThreadsPerChild, as in Ovation's
#           deploy/proxies/apache.conf.
#
# Run, as root on Debian 12: bash findings/apache-graceful-with-one-child-answers-nobody.sh   (needs apt, node, curl)
set -euo pipefail

dir=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait || true; rm -rf "$dir"' EXIT
chmod 755 "$dir"
version=2.4.71-1~deb12u1
# Unpacked beside the system, whose libraries it needs; those come with the package where it is not installed.
if ! dpkg -s libaprutil1 >/dev/null 2>&1; then
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libaprutil1 liblua5.3-0 >/dev/null
fi
(cd "$dir" && apt-get download "apache2-bin=$version" >/dev/null 2>&1 && dpkg -x apache2-bin_*.deb root)

cat >"$dir/upstream.mjs" <<'JS'
import { createServer } from "node:http";
const server = createServer((request, response) => {
  if (request.url !== "/stream") return response.end("here");
  response.writeHead(200, { "content-type": "text/event-stream" });
  const timer = setInterval(() => response.write(`data: ${Date.now()}\n\n`), 200);
  response.on("close", () => clearInterval(timer));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
JS
node "$dir/upstream.mjs" >"$dir/port" &
pids+=($!)
until [ -s "$dir/port" ]; do sleep 0.05; done

# try LIMIT PORT
try() {
  local limit=$1 port=$2 modules="$dir/root/usr/lib/apache2/modules"
  cat >"$dir/$limit.conf" <<CONF
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule proxy_module $modules/mod_proxy.so
LoadModule proxy_http_module $modules/mod_proxy_http.so
ThreadsPerChild 64
StartServers 1
ServerLimit $limit
MaxRequestWorkers 64
ServerName localhost
Listen 127.0.0.1:$port
PidFile $dir/$limit.pid
ErrorLog $dir/$limit.log
ProxyPass / http://127.0.0.1:$(cat "$dir/port")/
CONF
  "$dir/root/usr/sbin/apache2" -DFOREGROUND -f "$dir/$limit.conf" >/dev/null 2>&1 &
  pids+=($!)
  until curl -sf "http://127.0.0.1:$port/" >/dev/null; do sleep 0.1; done
  curl -sN --max-time 9 "http://127.0.0.1:$port/stream" >"$dir/$limit.stream" &
  local stream=$!
  sleep 0.5
  kill -USR1 "$(cat "$dir/$limit.pid")"
  sleep 1
  local during after
  during=$(curl -s --max-time 4 "http://127.0.0.1:$port/" || echo "no answer in 4 s")
  wait $stream || true
  after=$(curl -s --max-time 4 "http://127.0.0.1:$port/" || echo "no answer in 4 s")
  local events
  events=$([ "$(grep -c data: "$dir/$limit.stream")" -gt 30 ] && echo "goes on" || echo "was cut")
  echo "ServerLimit $limit: beside the stream: $during; after it: $after; the stream $events"
}

# Two ports of this machine that nobody listens on.
read -r first second < <(node -e '
  const { createServer } = require("node:net");
  const servers = [createServer(), createServer()];
  let left = 2;
  for (const server of servers) server.listen(0, "127.0.0.1", () => {
    if (--left) return;
    console.log(servers.map((one) => one.address().port).join(" "));
    for (const one of servers) one.close();
  });
')
try 1 "$first" >"$dir/seen"
try 2 "$second" >>"$dir/seen"
cat "$dir/seen"
diff "$dir/seen" - <<'WANTED' && echo "as described"
ServerLimit 1: beside the stream: no answer in 4 s; after it: here; the stream goes on
ServerLimit 2: beside the stream: here; after it: here; the stream goes on
WANTED

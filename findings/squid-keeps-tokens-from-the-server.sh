#!/usr/bin/env bash
# Squid as accelerator: `Authorization` does not reach the server behind it, every other header does.
#
# Guess:    a reverse proxy that asks for no password of its own passes a client's token on. The documents of
#           `login=` speak of passwords for peers that want one.
# Versions: Squid 5.7 (Debian 12), `http_port … accel`, `cache_peer … originserver`.
# Seen:     what a server behind it gets of `Authorization`, `X-API-Key` and a token in the query:
#             without `login=`          no Authorization, be it Bearer or Basic; the other two
#             login=PASS, PASSTHRU      all of them
#           Nothing is said anywhere: the server answers 401 to whoever had a right to be let in.
# Matters:  viewers who bring their token in the query of a stream are let in, so all looks well until somebody
#           moderates, or a program comes with a bearer token.
# Do:       `login=PASSTHRU` on the peer, as in Ovation's deploy/proxies/squid.conf. It asks nobody for anything.
#
# Run, on Debian 12 with squid installed: bash findings/squid-keeps-tokens-from-the-server.sh   (needs node, curl)
set -euo pipefail
export PATH=$PATH:/usr/sbin

dir=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait || true; rm -rf "$dir"' EXIT
chmod 777 "$dir"
squid -v | grep -q "Version 5.7" || { echo "another Squid: $(squid -v | head -1)"; exit 1; }

cat >"$dir/upstream.mjs" <<'JS'
import { createServer } from "node:http";
const server = createServer(({ url, headers }, response) => {
  const told = { authorization: headers.authorization, key: headers["x-api-key"], query: url.split("?")[1] };
  response.end(JSON.stringify(told));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
JS
node "$dir/upstream.mjs" >"$dir/port" &
pids+=($!)
until [ -s "$dir/port" ]; do sleep 0.05; done

# try NAME OPTION...: what the server is told, by a bearer's request and by one with a password
try() {
  local name=$1 option=${2-} port
  port=$(node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => {
    console.log(s.address().port); s.close(); })')
  cat >"$dir/$name.conf" <<CONF
http_port 127.0.0.1:$port accel defaultsite=example.com no-vhost
cache_peer 127.0.0.1 parent $(cat "$dir/port") 0 no-query originserver $option
http_access allow all
cache deny all
access_log none
cache_log stdio:/dev/null
pid_filename $dir/$name.pid
shutdown_lifetime 1 second
CONF
  squid -N -n "finding$port" -f "$dir/$name.conf" >/dev/null 2>&1 &
  pids+=($!)
  until curl -sf "http://127.0.0.1:$port/" >/dev/null; do sleep 0.1; done
  for kind in Bearer Basic; do
    local proof="$kind $(printf 'ada:secret' | base64)"
    echo "$name, $kind: $(curl -s "http://127.0.0.1:$port/?token=t" -H "authorization: $proof" -H "x-api-key: k")"
  done
}

{
  try plain
  try PASS login=PASS
  try PASSTHRU login=PASSTHRU
} >"$dir/seen"
cat "$dir/seen"
diff "$dir/seen" - <<'WANTED' && echo "as described"
plain, Bearer: {"key":"k","query":"token=t"}
plain, Basic: {"key":"k","query":"token=t"}
PASS, Bearer: {"authorization":"Bearer YWRhOnNlY3JldA==","key":"k","query":"token=t"}
PASS, Basic: {"authorization":"Basic YWRhOnNlY3JldA==","key":"k","query":"token=t"}
PASSTHRU, Bearer: {"authorization":"Bearer YWRhOnNlY3JldA==","key":"k","query":"token=t"}
PASSTHRU, Basic: {"authorization":"Basic YWRhOnNlY3JldA==","key":"k","query":"token=t"}
WANTED

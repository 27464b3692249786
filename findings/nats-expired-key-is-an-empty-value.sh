#!/usr/bin/env bash
# A key that expired is still there for other clients: with an empty value, in the list of keys, and in the way.
#
# Guess:    a key created with a time to live is gone for everybody once its time is over: get() finds nothing,
#           keys() leaves it out, a watcher is told of its end, create() takes its place.
# Versions: nats-server 2.15.2 (Go proxy), @nats-io/kv 3.4.0, nats 2.29.3 (npm), nats-py 2.16.0 (PyPI), Node 20.
# Seen:     bucket with markerTTL 60 s, key created with "1s" by @nats-io/kv, two seconds later:
#                            @nats-io/kv   nats 2.29.3     nats-py
#             watch          PURGE         PUT, empty      -
#             get            PURGE         PUT, empty      no error, an entry with no value and no operation
#             keys           the key       the key         none
#             create         succeeds      refused         refused
#           The end of a key is a marker that the server writes, with a header Nats-Marker-Reason that clients
#           from before it do not read: it has no KV-Operation, and an entry without one is a value. (The new
#           client knows it in get, watch and create, and forgets it in keys.) For as long as the marker stays,
#           which is the bucket's setting and can be days, the others' create() fails, so a lock whose holder
#           died can be taken by new clients only.
# Matters:  a table of who is there, read by services of two languages or two ages: some see a node with an empty
#           row for a minute or a day after the others have buried it. The bucket is what changed; the reader that
#           breaks is one nobody touched.
# Do:       before markers are switched on, bring every reader of the bucket to a client that knows them; treat an
#           empty value as an end (never write one). Ovation's tables use buckets without markers.
#
# Run: bash findings/nats-expired-key-is-an-empty-value.sh   (needs node, npm, go, python3 with pip; builds nats-server)
set -euo pipefail

dir=$(mktemp -d)
server=
tidy() {
  [ -z "$server" ] || kill -9 "$server" 2>/dev/null || true
  rm -rf "$dir"
}
trap tidy EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --prefix . @nats-io/transport-node@3.4.0 @nats-io/jetstream@3.4.0 \
  @nats-io/kv@3.4.0 nats@2.29.3 >/dev/null
python3 -m pip install --quiet --root-user-action=ignore --target "$dir/py" nats-py==2.16.0
GOBIN="$dir/go" go install github.com/nats-io/nats-server/v2@v2.15.2 2>/dev/null

cat >new.mjs <<'JS'
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { connect as connectOld } from "nats";

const at = { servers: `127.0.0.1:${process.argv[2]}` };
const bucket = await new Kvm(await connect(at)).create("T", { markerTTL: 60_000 });
const old = await (await connectOld(at)).jetstream().views.kv("T", { bindOnly: true });

const told = [];
let ended;
const end = new Promise((resolve) => {
  ended = resolve;
});
(async () => {
  for await (const entry of await old.watch()) {
    told.push(`${entry.operation} ${JSON.stringify(entry.string())}`);
    if (told.length === 2) ended();
  }
})();
const all = async (keys) => {
  const names = [];
  for await (const name of keys) names.push(name);
  return names.join() || "none";
};
const show = (entry) => (entry ? `${entry.operation} ${JSON.stringify(entry.string())}` : "nothing");
const can = (promise) => promise.then(() => "succeeds", () => "refused");

for (const key of ["lease", "other"]) await bucket.create(key, "holder", "1s");
await new Promise((resolve) => setTimeout(resolve, 2_500));
await end;
console.log(`new get: ${show(await bucket.get("lease"))}`);
console.log(`old get: ${show(await old.get("lease"))}`);
console.log(`old watch, at its end: ${[...told].pop()}`);
console.log(`new keys: ${await all(await bucket.keys())}`);
console.log(`old keys: ${await all(await old.keys())}`);
console.log(`old create: ${await can(old.create("lease", "me"))}`);
console.log(`new create: ${await can(bucket.create("lease", "me"))}`);
await bucket.purge("lease");
process.exit();
JS
cat >ask.py <<'PY'
import asyncio, sys
import nats

async def main():
    nc = await nats.connect(f"nats://127.0.0.1:{sys.argv[1]}")
    bucket = await nc.jetstream().key_value("T")
    try:
        entry = await bucket.get("other")
        print(f"py get: {entry.value} {entry.operation}")
    except Exception as error:
        print(f"py get: {type(error).__name__}")
    try:
        print(f"py keys: {','.join(await bucket.keys())}")
    except Exception as error:
        print(f"py keys: {type(error).__name__}")
    try:
        await bucket.create("other", b"me")
        print("py create: succeeds")
    except Exception as error:
        print("py create: refused")
    await nc.close()

asyncio.run(main())
PY

port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
"$dir/go/nats-server" -a 127.0.0.1 -p "$port" -js -sd "$dir/data" >"$dir/log" 2>&1 &
server=$!
for _ in $(seq 100); do grep -q "Server is ready" "$dir/log" && break; sleep 0.1; done
{ timeout 60 node new.mjs "$port"; PYTHONPATH="$dir/py" timeout 60 python3 ask.py "$port"; } | tee seen
cat >expected <<'TXT'
new get: PURGE ""
old get: PUT ""
old watch, at its end: PUT ""
new keys: lease,other
old keys: lease,other
old create: refused
new create: succeeds
py get: None None
py keys: NoKeysError
py create: refused
TXT
cmp -s seen expected && echo "still so" || { echo "CHANGED"; exit 1; }

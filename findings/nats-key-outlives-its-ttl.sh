#!/usr/bin/env bash
# A key with a time to live: with more than one value of history it lives as long as a marker, updated for ever.
#
# Guess:    kv.create(key, value, "2s") makes a lease: without renewal it is gone after two seconds, whatever
#           else the bucket does; kv.update() of a live lease renews it or leaves its time as it is.
#           markerTTL, which the bucket needs for this, says how long the note of a key's end stays.
# Versions: nats-server 2.15.3 (Go proxy), @nats-io/kv 3.4.0, @nats-io/jetstream 3.4.0, Node 20.20.2.
# Seen:     markerTTL 8 s, keys created with "2s":
#             history 1                                       gone after 2.0 s
#             history 2 and more                              gone after 8 s: the marker's time, not the key's
#             history 1, updated once by kv.update()          still there after 12 s, and for good
#             history 1, renewed by a publish with ttl "2s"   gone 2 s after the last renewal
#           The stored message shows it: its Nats-TTL header was written as 2s and is read as 8. No error, no
#           warning; the bucket's status says nothing.
# Matters:  who keeps a day of markers, so that watchers that were away learn of every end, gets locks that last
#           a day as soon as somebody raises the history "for debugging". And the usual lock, create and then
#           update every second, becomes permanent with its first renewal: the holder's death frees nothing.
#           (Asked about in nats-server#6814 and nats.go#1994.)
# Do:       history 1 for leases; renew with a conditional publish that carries the time again (below), or by
#           age of the whole bucket. Ovation's leases are rows of a bucket with one age for all, renewed by
#           writing them again, which works on 2.9 as well.
#
# Run: bash findings/nats-key-outlives-its-ttl.sh   (needs node, npm, go; builds nats-server)
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
  @nats-io/kv@3.4.0 >/dev/null
GOBIN="$dir/go" go install github.com/nats-io/nats-server/v2@v2.15.3 2>/dev/null

cat >lease.mjs <<'JS'
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const nc = await connect({ servers: `127.0.0.1:${process.argv[2]}` });
const js = jetstream(nc);
const jsm = await jetstreamManager(nc);
const buckets = new Kvm(nc);

/** Whole seconds until the key "lease" is gone, looked at for 12. */
async function lives(name, history, renew = async () => {}) {
  const bucket = await buckets.create(name, { history, markerTTL: 8_000 });
  const revision = await bucket.create("lease", "holder", "2s");
  await renew(bucket, revision);
  const from = performance.now();
  const { header } = await jsm.streams.getMessage(`KV_${name}`, { last_by_subj: `$KV.${name}.lease` });
  const ttl = header.get("Nats-TTL") || "none";
  for (;;) {
    const seconds = (performance.now() - from) / 1_000;
    const entry = await bucket.get("lease");
    if (entry?.operation !== "PUT") return `Nats-TTL ${ttl}, gone after ${Math.round(seconds)} s`;
    if (seconds > 12) return `Nats-TTL ${ttl}, still there after 12 s`;
    await pause(100);
  }
}

const updated = (bucket, revision) => bucket.update("lease", "holder", revision);
/** Renewed twice, a second apart: the same condition as an update, and the time again. */
async function renewed(_, revision) {
  for (let i = 0; i < 2; i++) {
    await pause(1_000);
    const options = { ttl: "2s", expect: { lastSubjectSequence: revision } };
    ({ seq: revision } = await js.publish("$KV.renewed.lease", "holder", options));
  }
}

const seen = await Promise.all([
  lives("one", 1),
  lives("two", 2),
  lives("five", 5),
  lives("updated", 1, updated),
  lives("renewed", 1, renewed),
]);
const names = ["history 1", "history 2", "history 5", "history 1, updated", "history 1, renewed with ttl"];
names.forEach((name, i) => console.log(`${name}: ${seen[i]}`));
await nc.close();
JS

port=$((20000 + RANDOM % 8000))
go/nats-server -a 127.0.0.1 -p "$port" -js -sd "$dir/store" >log 2>&1 &
server=$!
disown
sleep 2
timeout 40 node lease.mjs "$port" | tee seen
diff seen - <<'WANTED' && echo "as described"
history 1: Nats-TTL 2s, gone after 2 s
history 2: Nats-TTL 8, gone after 8 s
history 5: Nats-TTL 8, gone after 8 s
history 1, updated: Nats-TTL none, still there after 12 s
history 1, renewed with ttl: Nats-TTL 2s, gone after 2 s
WANTED

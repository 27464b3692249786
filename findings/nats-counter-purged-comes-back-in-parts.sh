#!/usr/bin/env bash
# A JetStream counter that sums regions, purged: the old total comes back, one region at a time.
#
# Guess:    a counter is a sum of increments. Purged, it is 0, and the next +1 makes it 1; a stream that sums two
#           regions adds what each region adds; a region that starts over changes nothing of what was summed.
# Versions: nats-server 2.15.2 (Go proxy), nats 2.29.3 (npm), Node 20.20.2.
# Seen:     EU counts 100, US counts 40, a third stream has both as sources:   140
#             its subject purged, then EU +1                                 101, not 1
#             then US +1                                                     142: everything is back
#             EU's own subject purged (its counter starts over), then EU +1    42: the sum fell by 100
#           The sum adds no increments: with every message it takes over its source's own total (as written in
#           Nats-Counter-Sources) in the place of that source's last. A purge of the sum forgets them all, and
#           each returns when its region counts next; the sum is wrong by whole regions until then.
#           Besides: an increment sent again under its message id is a success without "val"; who reads the new
#           total from the answer reads nothing.
# Matters:  "reset the counter after the show" by purging where one sees it resets nothing, and for as long as a
#           region is quiet shows a number that never was the total. A region restored from nothing takes its
#           share of history out of the world's total, without an error anywhere.
# Do:       reset by counting down by the value, or by a new subject; before a
#           region is rebuilt, add its last total to the new one. Ovation sums records with keys, so that what a
#           region adds and what it repeats are told apart, and a total never falls.
#
# Run: bash findings/nats-counter-purged-comes-back-in-parts.sh   (needs node, npm, go; builds nats-server)
set -euo pipefail

dir=$(mktemp -d)
server=
tidy() {
  [ -z "$server" ] || kill -9 "$server" 2>/dev/null || true
  rm -rf "$dir"
}
trap tidy EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --prefix . nats@2.29.3 >/dev/null
GOBIN="$dir/go" go install github.com/nats-io/nats-server/v2@v2.15.2 2>/dev/null

cat >count.mjs <<'JS'
import { connect, headers } from "nats";

const nc = await connect({ servers: `127.0.0.1:${process.argv[2]}` });
const api = async (name, body) =>
  JSON.parse((await nc.request(`$JS.API.${name}`, body ? JSON.stringify(body) : "")).string());
const counter = { storage: "file", allow_msg_counter: true, allow_direct: true };
const source = (name) => ({
  name,
  subject_transforms: [{ src: `likes.${name}.>`, dest: "likes.>" }],
});

/** Adds; the server's answer. */
async function add(subject, count, id) {
  const given = headers();
  given.append("Nats-Incr", String(count));
  if (id) given.append("Nats-Msg-Id", id);
  return JSON.parse((await nc.request(subject, "", { headers: given })).string());
}
/** The sum, once it holds what both regions hold now or has stood still for a second. */
async function sum() {
  let value;
  for (let still = 0; still < 10; still++) {
    const text = (await nc.request("$JS.API.DIRECT.GET.ALL.likes.final")).string();
    const now = text ? JSON.parse(text).val : "nothing";
    if (now !== value) still = 0;
    value = now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return value;
}

for (const name of ["EU", "US"]) await api(`STREAM.CREATE.${name}`, { ...counter, name, subjects: [`likes.${name}.>`] });
await api("STREAM.CREATE.ALL", { ...counter, name: "ALL", sources: [source("EU"), source("US")] });
await add("likes.EU.final", 100);
await add("likes.US.final", 40);
console.log(`EU 100, US 40: ${await sum()}`);
await api("STREAM.PURGE.ALL", { filter: "likes.final" });
await add("likes.EU.final", 1);
console.log(`the sum purged, EU +1: ${await sum()}`);
await add("likes.US.final", 1);
console.log(`US +1: ${await sum()}`);
await api("STREAM.PURGE.EU", { filter: "likes.EU.final" });
await add("likes.EU.final", 1);
console.log(`EU purged, EU +1: ${await sum()}`);
await add("likes.US.other", 3, "k");
const { duplicate, val } = await add("likes.US.other", 3, "k");
console.log(`an increment again under its id: duplicate ${duplicate}, val ${val}`);
await nc.close();
JS

port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
"$dir/go/nats-server" -a 127.0.0.1 -p "$port" -js -sd "$dir/data" >"$dir/log" 2>&1 &
server=$!
for _ in $(seq 100); do grep -q "Server is ready" "$dir/log" && break; sleep 0.1; done
node count.mjs "$port" | tee seen
cat >expected <<'TXT'
EU 100, US 40: 140
the sum purged, EU +1: 101
US +1: 142
EU purged, EU +1: 42
an increment again under its id: duplicate true, val undefined
TXT
cmp -s seen expected && echo "still so" || { echo "CHANGED"; exit 1; }

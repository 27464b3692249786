#!/usr/bin/env bash
# An atomic batch whose answer was lost, sent again with the same message ids, is refused, though it was stored.
#
# Guess:    message ids make a repeat safe in a batch as they do alone: whoever lost the answer sends the batch
#           again, and is told "duplicate", a success. A batch of which a part was stored before adds the rest.
# Versions: nats-server 2.15.2 (Go proxy), nats 2.29.3 (npm), Node 20.20.2; one replica here, three the same.
# Seen:     one message sent again with its id          stored once, "duplicate": true, a success
#           the last message of a batch sent again      error 10176 "atomic publish batch is incomplete"
#           the batch sent again, with the same ids     error 10201 "contains duplicate message id"
#           one new message beside one that was stored  error 10201, and the new one is not stored
#           The stream holds everything once in the end, so nothing is doubled. But the error that says "this was
#           stored long ago" is the one that says "none of this was stored", and the answer names neither which
#           message was the repeat nor its sequence.
# Matters:  a retry loop around a batch that treats errors as "not stored" reports a loss that did not happen, or
#           sends without ids to get through, and then doubles; a batcher that mixes retries with fresh messages
#           refuses the fresh ones for as long as the window of duplicates remembers the old.
# Do:       a batch keeps its members for good: never put a repeat and something new in one. On 10201 look for
#           the last message by its subject and take what is found for the answer, or publish the members alone.
#           Ovation writes what came within ten milliseconds as one message with one id, and repeats that.
#
# Run: bash findings/nats-atomic-batch-repeated-is-an-error.sh   (needs node, npm, go; builds nats-server)
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

cat >batch.mjs <<'JS'
import { connect, headers } from "nats";

const nc = await connect({ servers: `127.0.0.1:${process.argv[2]}` });
const settings = { name: "B", subjects: ["b.>"], storage: "file", allow_atomic: true };
await nc.request("$JS.API.STREAM.CREATE.B", JSON.stringify(settings));

/** Publishes one message; what the server says of it, in short. */
async function send(subject, fields) {
  const given = headers();
  for (const [name, value] of Object.entries(fields)) given.append(name, value);
  const text = (await nc.request(subject, "x", { headers: given, timeout: 5_000 })).string();
  const { error, duplicate } = JSON.parse(text || "{}");
  return error ? `error ${error.err_code}` : duplicate ? "duplicate" : "ok";
}
/** Publishes messages with these ids as one batch; what is said of the last. */
async function batch(name, ids) {
  let said = "";
  for (const [i, id] of ids.entries()) {
    const last = i === ids.length - 1 ? { "Nats-Batch-Commit": "1" } : {};
    const place = { "Nats-Batch-Id": name, "Nats-Batch-Sequence": String(i + 1) };
    said = await send(`b.${id}`, { ...place, ...last, "Nats-Msg-Id": id });
  }
  return said;
}

const seen = [];
await send("b.alone", { "Nats-Msg-Id": "alone" });
seen.push(`one message again: ${await send("b.alone", { "Nats-Msg-Id": "alone" })}`);
seen.push(`a batch: ${await batch("first", ["one", "two"])}`);
const end = { "Nats-Batch-Id": "first", "Nats-Batch-Sequence": "2", "Nats-Batch-Commit": "1" };
seen.push(`its last message again: ${await send("b.two", { ...end, "Nats-Msg-Id": "two" })}`);
seen.push(`all of it again: ${await batch("again", ["one", "two"])}`);
seen.push(`one of it beside a new one: ${await batch("mixed", ["one", "three"])}`);
const info = JSON.parse((await nc.request("$JS.API.STREAM.INFO.B")).string());
seen.push(`messages stored: ${info.state.messages}`);
console.log(seen.join("\n"));
await nc.close();
JS

port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
"$dir/go/nats-server" -a 127.0.0.1 -p "$port" -js -sd "$dir/data" >"$dir/log" 2>&1 &
server=$!
for _ in $(seq 100); do grep -q "Server is ready" "$dir/log" && break; sleep 0.1; done
node batch.mjs "$port" | tee seen
cat >expected <<'TXT'
one message again: duplicate
a batch: ok
its last message again: error 10176
all of it again: error 10201
one of it beside a new one: error 10201
messages stored: 3
TXT
cmp -s seen expected && echo "still so" || { echo "CHANGED"; exit 1; }

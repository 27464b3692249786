#!/usr/bin/env bash
# Bun: a small Uint8Array that was once asked for its buffer costs four times as much, for as long as it lives.
#
# Guess:    a view is free: reading a number with new DataView(bytes.buffer, bytes.byteOffset) leaves nothing
#           behind, and bytes.subarray(8) keeps less than a copy does.
# Versions: bun 1.4.5 (npm), Node 20.20.2 beside it; Linux x64.
# Seen:     half a million arrays of 40 bytes, kept, resident memory for each:
#                                               Bun     Node
#             new Uint8Array(40)               ~120     ~320
#             its slice(8) kept instead        ~120     ~320
#             its subarray(8) kept instead     ~285     ~470
#             kept, after new DataView(b.buffer) was made of it and dropped
#                                              ~465     ~470
#           In JavaScriptCore a small array holds its bytes in itself and has no buffer. Asked for one, by a
#           DataView, subarray() or postMessage, it moves them out and keeps both objects from then on. In Node
#           the same look costs half as much again.
# Matters:  caches of small encoded things: rows of SQLite, keys, messages. Decoding a header with a DataView on
#           the way in makes every one of a million entries three hundred bytes heavier. Ovation held 0.9 KB more
#           for each of a million videos for reading a number of eight bytes so, and starts with 1.1 GB in place
#           of 2.1.
# Do:       copy the bytes to be looked at into a scratch array that has a DataView for good; keep slice(), not
#           subarray(), of what came in.
#
# Run: bash findings/bun-small-bytes-pay-for-a-look-at-their-buffer.sh   (needs node and npm)
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --prefix . bun@1.4.5 >/dev/null
bun="$dir/node_modules/bun/bin/bun.exe"

cat >keep.mjs <<'JS'
const how = process.argv[2];
const count = 500_000;
const collect = globalThis.Bun ? () => Bun.gc(true) : globalThis.gc;
const kept = new Array(count);
collect();
const before = process.memoryUsage().rss;
for (let i = 0; i < count; i++) {
  const bytes = new Uint8Array(40);
  if (how === "looked-at") new DataView(bytes.buffer).getFloat64(0);
  kept[i] = how === "slice" ? bytes.slice(8) : how === "subarray" ? bytes.subarray(8) : bytes;
}
collect();
collect();
console.log(Math.round((process.memoryUsage().rss - before) / kept.length));
JS

for how in whole slice subarray looked-at; do
  declare "bun_${how//-/_}=$("$bun" keep.mjs $how)"
  declare "node_${how//-/_}=$(node --expose-gc keep.mjs $how)"
  b="bun_${how//-/_}" n="node_${how//-/_}"
  echo "$how: Bun ${!b} B, Node ${!n} B each"
done
if [ "$bun_looked_at" -gt $((3 * bun_whole)) ] && [ "$bun_subarray" -gt $((3 * bun_slice / 2)) ] &&
  [ "$node_looked_at" -lt $((2 * node_whole)) ]; then echo "still so"; else echo "CHANGED"; exit 1; fi

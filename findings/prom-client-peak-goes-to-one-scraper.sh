#!/usr/bin/env bash
# prom-client: the longest stall of the event loop is told to whoever scrapes first, and to nobody after.
#
# Guess:    /metrics is read, not taken: two Prometheus servers (the usual pair), or one and a curl by hand, see
#           the same gauges, and nodejs_eventloop_lag_max_seconds is the longest of some time.
# Versions: prom-client 15.1.3, default metrics; Node 20.20.2 and Bun 1.4.5.
# Seen:     the loop stalls for 700 ms, then two scrapers ask, a third of a second apart:
#                                                  first scraper   second scraper
#             nodejs_eventloop_lag_max_seconds     0.69 to 0.71    0.00 to 0.06
#             (Node and Bun the same; so for min, mean, stddev and the percentiles)
#           collect() empties the histogram behind them (prometheus/client_js#459, so that a gauge speaks of
#           the time since the last scrape: any scrape, by anyone).
#           On Bun nodejs_gc_duration_seconds is missing altogether, without a word; on Node it is there.
# Matters:  of a pair of Prometheus servers each sees a part of the stalls; an alert fires on one and is taken
#           back when the other is asked; a health check or a person that reads /metrics hides the peak from
#           both. It reads as "the peaks come and go".
# Do:       measure stalls in a histogram or counter that only grows, and let Prometheus form the rate. Or let
#           one scraper ask and pass on. Ovation's event_loop_lag_seconds is a histogram and nothing empties it.
#
# Run: bash findings/prom-client-peak-goes-to-one-scraper.sh   (needs node, npm)
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --prefix . prom-client@15.1.3 bun@1.4.5 >/dev/null
node node_modules/bun/install.js >/dev/null 2>&1 || true

cat >stall.mjs <<'JS'
import { createServer } from "node:http";
import client from "prom-client";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
client.collectDefaultMetrics();
const server = createServer(async (_, response) => response.end(await client.register.metrics()));
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

async function scrape() {
  const text = await (await fetch(`http://127.0.0.1:${server.address().port}/metrics`)).text();
  return { max: Number(/^nodejs_eventloop_lag_max_seconds (.+)$/m.exec(text)[1]), text };
}

await scrape();
await pause(500);
const from = performance.now();
while (performance.now() - from < 700);
await pause(200);
const first = await scrape();
await pause(300);
const second = await scrape();
const garbage = [];
for (let i = 0; i < 3_000_000; i++) garbage[i % 1_000] = { i };
await pause(500);
const collections = /^nodejs_gc_duration_seconds_count/m.test((await scrape()).text);
const runtime = process.versions.bun ? "bun" : "node";
console.error(`${runtime}: first ${first.max.toFixed(3)} s, second ${second.max.toFixed(3)} s`);
const is = (max) => (max > 0.5 ? "the stall" : max < 0.3 ? "nothing of it" : "?");
console.log(`${runtime}: first sees ${is(first.max)}, second ${is(second.max)}; gc metric ${collections}`);
process.exit(0);
JS

timeout 20 node stall.mjs | tee seen
timeout 20 node_modules/.bin/bun stall.mjs | tee -a seen
diff seen - <<'WANTED' && echo "as described"
node: first sees the stall, second nothing of it; gc metric true
bun: first sees the stall, second nothing of it; gc metric false
WANTED

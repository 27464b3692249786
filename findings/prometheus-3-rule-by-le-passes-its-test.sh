#!/usr/bin/env bash
# A Prometheus rule that names a bucket, le="1": its unit test passes, its check passes, and it never fires.
#
# Guess:    a label has the value that the exporter wrote. prom-client writes le="1"; a rule about the share of
#           answers under a second selects le="1"; `promtool test rules` fed with le="1" says whether it fires.
# Versions: Prometheus and promtool 3.16.0 (Go proxy, v0.316.0), prom-client 15.1.3 (npm), Node 20.20.2.
# Seen:     /metrics                                     age_seconds_bucket{le="1"} 1
#           promtool check rules --lint=all              SUCCESS
#           promtool test rules, series with le="1"      SUCCESS, the alert fires
#           the server, asked for {le="1"}               nothing: it stores le="1.0"
#           the server, asked for {le="1.0"}             1
#           promtool test rules, series with le="1.0"    FAILED: the rule does not match
#           Prometheus 3 writes whole bounds as floats when it scrapes, so that all clients agree. Its test tool
#           takes series as they are given. (Prometheus 2.42, Debian's, stores "1" and has nothing for "1.0".)
# Matters:  alerts on a service level (good events = a bucket) are written exactly like this. After the upgrade
#           from 2 to 3 they are silent, with tests that are green in both; the migration guide says it in a line.
# Do:       le=~"1(\\.0)?" in rules that both must read, histogram_quantile() where it will do, bounds that are no
#           whole numbers, and in rule tests the series as the server stores them. Ovation's rules name no bucket.
#
# Run: bash findings/prometheus-3-rule-by-le-passes-its-test.sh   (needs node, npm, go; builds Prometheus: minutes)
set -euo pipefail

dir=$(mktemp -d)
pids=
tidy() {
  [ -z "$pids" ] || kill -9 $pids 2>/dev/null || true
  rm -rf "$dir"
}
trap tidy EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --prefix . prom-client@15.1.3 >/dev/null
for tool in promtool prometheus; do
  GOBIN="$dir/go" go install "github.com/prometheus/prometheus/cmd/$tool@v0.316.0" 2>/dev/null
done
free() { node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
app=$(free)
web=$(free)

cat >app.mjs <<'JS'
import http from "node:http";
import { Histogram, register } from "prom-client";

new Histogram({ name: "age_seconds", help: "Age.", buckets: [0.1, 1, 2.5] }).observe(0.5);
http
  .createServer(async (_, response) => {
    response.writeHead(200, { "content-type": register.contentType }).end(await register.metrics());
  })
  .listen(Number(process.argv[2]), "127.0.0.1");
JS
cat >prometheus.yml <<YAML
global: { scrape_interval: 1s }
scrape_configs: [{ job_name: app, static_configs: [{ targets: ["127.0.0.1:$app"] }] }]
YAML
cat >rules.yml <<'YAML'
groups:
  - name: ages
    rules:
      - alert: TooOld
        expr: rate(age_seconds_bucket{le="1"}[1m]) / ignoring(le) rate(age_seconds_count[1m]) < 0.9
YAML
case_of() {
  cat <<YAML
rule_files: [rules.yml]
tests:
  - interval: 15s
    input_series:
      - { series: 'age_seconds_bucket{le="$1"}', values: 0+1x20 }
      - { series: age_seconds_count, values: 0+3x20 }
    alert_rule_test:
      - { eval_time: 4m, alertname: TooOld, exp_alerts: [{ exp_labels: {} }] }
YAML
}
case_of 1 >as-written.yml
case_of 1.0 >as-stored.yml

node app.mjs "$app" &
pids="$pids $!"
"$dir/go/prometheus" --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address="127.0.0.1:$web" \
  >log 2>&1 &
pids="$pids $!"
ask() { curl -sG "127.0.0.1:$web/api/v1/query" --data-urlencode "query=$1" | grep -o '"value":\[[^]]*\]' | grep -o '"[0-9]*"\]' || echo nothing; }
for _ in $(seq 100); do [ "$(ask age_seconds_count)" != nothing ] && break; sleep 0.2; done
verdict() { if "$dir/go/promtool" "$@" >/dev/null 2>&1; then echo SUCCESS; else echo FAILED; fi; }
{
  echo "written: $(curl -s "127.0.0.1:$app/metrics" | grep -o 'le="1"} 1')"
  echo "check: $(verdict check rules --lint=all rules.yml)"
  echo "test with 1: $(verdict test rules as-written.yml)"
  echo "test with 1.0: $(verdict test rules as-stored.yml)"
  echo "asked for 1: $(ask 'age_seconds_bucket{le="1"}')"
  echo "asked for 1.0: $(ask 'age_seconds_bucket{le="1.0"}' | tr -d '"]')"
} | tee seen
cat >expected <<'TXT'
written: le="1"} 1
check: SUCCESS
test with 1: SUCCESS
test with 1.0: FAILED
asked for 1: nothing
asked for 1.0: 1
TXT
cmp -s seen expected && echo "still so" || { echo "CHANGED"; exit 1; }

#!/usr/bin/env bash
# A conditional publish that is repeated with its own Nats-Msg-Id: success or conflict, by version and replicas.
#
# Guess:    JetStream looks for the message id first. A writer that lost the answer to a publish with both
#           Nats-Msg-Id and Nats-Expected-Last-Subject-Sequence may send the very same message again and is
#           told `duplicate: true`, as for any other repeated message.
# Versions: nats-server 2.9.10 (Debian 12, 2.9.10-1+b3) and 2.15.3 (Go proxy), nats 2.29.3, Node 20.20.2.
# Seen:     the order of the two checks is another one for 1 and for 3 replicas, and it turned round between
#           the versions:
#             2.9.10  1 replica   duplicate
#             2.9.10  3 replicas  refused (10071 wrong last sequence: 2)
#             2.15.3  1 replica   refused (10071 wrong last sequence: 2)
#             2.15.3  3 replicas  duplicate
#           The message was stored once in all four.
# Matters:  "refused" reads as "somebody else was first". A writer that believes it drops what it has in
#           fact written, or reads the new value and adds its own change a second time. A test on one server
#           says nothing about the cluster of three, nor the other way round, nor after an upgrade.
# Do:       after a refusal that follows a time-out, read the newest message of the subject and look for your
#           own id in it before you call it a conflict. Ovation puts a message id or a condition on a message,
#           never both, and treats a refused condition as "read again".
#
# Run: bash findings/nats-conditional-publish-repeated.sh   (needs node, npm, go, apt-get; builds nats-server)
set -euo pipefail

dir=$(mktemp -d)
started=()
tidy() {
  for pid in "${started[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
  rm -rf "$dir"
}
trap tidy EXIT
cd "$dir"

npm install --silent --no-audit --no-fund --prefix . nats@2.29.3 >/dev/null
apt-get download nats-server=2.9.10-1+b3 >/dev/null 2>&1
dpkg -x nats-server_*.deb debian
GOBIN="$dir/go" go install github.com/nats-io/nats-server/v2@v2.15.3 2>/dev/null

cat >ask.cjs <<'JS'
const { connect } = require("nats");

/** Does `work` until the young cluster has a leader. */
async function once(work) {
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === 40) throw error;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
}

(async () => {
  const nc = await connect({ servers: `127.0.0.1:${process.argv[2]}` });
  const jsm = await once(() => nc.jetstreamManager());
  const js = nc.jetstream({ timeout: 15_000 });
  for (const replicas of [1, 3]) {
    const name = `R${replicas}`;
    await once(() => jsm.streams.add({ name, subjects: [`${name}.>`], num_replicas: replicas }));
    await js.publish(`${name}.x`, "one", { msgID: "first" });
    const publish = () =>
      js.publish(`${name}.x`, "two", { msgID: "second", expect: { lastSubjectSequence: 1 } });
    if ((await publish()).seq !== 2) throw new Error("the first one was not taken");
    const again = await publish().then(
      (ack) => (ack.duplicate && ack.seq === 2 ? "duplicate" : `stored again as ${ack.seq}`),
      (error) => `refused ${error.api_error.err_code} ${error.api_error.description}`,
    );
    const { messages } = (await jsm.streams.info(name)).state;
    console.log(`${nc.info.version} R${replicas} ${again}; messages ${messages}`);
  }
  await nc.close();
})();
JS

# cluster BINARY FIRST-PORT: three servers that know each other; their streams live in the temp folder.
cluster() {
  local routes="" i
  for i in 1 2 3; do routes="$routes, nats://127.0.0.1:$(($2 + 10 + i))"; done
  for i in 1 2 3; do
    cat >"$2-$i.conf" <<CONF
server_name: n$i
listen: 127.0.0.1:$(($2 + i))
jetstream { store_dir: $dir/$2-$i }
cluster { name: c, listen: 127.0.0.1:$(($2 + 10 + i)), routes: [${routes#, }] }
CONF
    "$1" -c "$2-$i.conf" >"$2-$i.log" 2>&1 &
    started+=($!)
    disown
  done
  sleep 4
}

base=$((20000 + RANDOM % 8000))
cluster debian/usr/sbin/nats-server "$base"
timeout 40 node ask.cjs $((base + 1)) | tee seen
cluster go/nats-server $((base + 100))
timeout 40 node ask.cjs $((base + 101)) | tee -a seen

diff seen - <<'WANTED' && echo "as described"
2.9.10 R1 duplicate; messages 2
2.9.10 R3 refused 10071 wrong last sequence: 2; messages 2
2.15.3 R1 refused 10071 wrong last sequence: 2; messages 2
2.15.3 R3 duplicate; messages 2
WANTED

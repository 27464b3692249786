#!/usr/bin/env bash
# A NATS connection that is drained in JavaScript: what is under way is not waited for, and says it went well.
#
# Guess:    drain() is the polite end: no new messages, those who were asked answer, those who asked get their
#           answer, then the connection closes. A reply that can no longer be sent is told: respond() is false.
# Versions: nats 2.29.3 and @nats-io/transport-node 3.4.0 with @nats-io/jetstream 3.4.0, Node 20.20.2,
#           nats-server 2.9.10 (Debian 12, 2.9.10-1+b3).
# Seen:     one who asks, with 3 s to wait, drains while the other thinks for 400 ms: the request fails within
#           a few milliseconds, as TIMEOUT (2.29.3) or "connection closed" (3.4.0).
#           One who serves drains while its callback still works: drain() is done before the callback is, and the
#           answer, given to respond() afterwards, comes back as `true` and never leaves: the other waits in vain.
#           A JetStream publish under way is refused the same way, and is stored all the same.
#           subscription.drain(), then one's own wait for what is under way, then close(): all answered.
# Matters:  a rolling restart that calls drain() on SIGTERM, as examples do, fails the requests of that second, in
#           services whose handlers await anything; a `TIMEOUT` after 5 ms sends people to look for a slow server.
# Do:       stop the subscriptions, count what is under way oneself, close when it is none or late. Ovation's
#           nodes refuse new work, wait for their batches, then close; they never drain a connection.
#
# Run: bash findings/nats-drain-drops-what-is-under-way.sh   (needs node, npm, apt-get)
set -euo pipefail

dir=$(mktemp -d)
server=
tidy() {
  [ -z "$server" ] || kill -9 "$server" 2>/dev/null || true
  rm -rf "$dir"
}
trap tidy EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --prefix . nats@2.29.3 @nats-io/transport-node@3.4.0 \
  @nats-io/jetstream@3.4.0 >/dev/null
apt-get download nats-server=2.9.10-1+b3 >/dev/null 2>&1
dpkg -x nats-server_*.deb debian

cat >drain.mjs <<'JS'
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect as connectThree } from "@nats-io/transport-node";
import { connect as connectTwo } from "nats";

const servers = `127.0.0.1:${process.argv[2]}`;
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const clients = {
  "nats 2": { connect: connectTwo, js: (nc) => nc.jetstream(), jsm: (nc) => nc.jetstreamManager() },
  "nats 3": { connect: connectThree, js: jetstream, jsm: jetstreamManager },
};

/** One who serves `subject` and needs 400 ms for it; `told` are the answers of respond(). */
async function slow(connect, subject) {
  const nc = await connect({ servers });
  const told = [];
  const work = async (message) => {
    await later(400);
    told.push(message.respond("done"));
  };
  const subscription = nc.subscribe(subject, { callback: (_, message) => work(message) });
  await nc.flush();
  return { nc, told, subscription };
}

for (const [name, { connect, js, jsm }] of Object.entries(clients)) {
  const nc = await connect({ servers });
  const ask = (from, subject) => {
    const startMs = Date.now();
    const when = () => (Date.now() - startMs < 300 ? "at once" : "in time");
    const asked = from.request(subject, "", { timeout: 3_000 });
    return asked.then(() => `answered ${when()}`, () => `failed ${Date.now() - startMs < 300 ? "at once" : "late"}`);
  };

  const served = await slow(connect, "a");
  const asker = await connect({ servers });
  const first = ask(asker, "a");
  await later(50);
  await asker.drain();
  console.log(`${name}: who asks drains: ${await first}`);
  await served.nc.close();

  const leaving = await slow(connect, "b");
  const second = ask(nc, "b");
  await later(50);
  await leaving.nc.drain();
  console.log(`${name}: who serves drains: ${await second}, respond() said ${leaving.told}`);

  const careful = await slow(connect, "c");
  const third = ask(nc, "c");
  await later(50);
  await careful.subscription.drain();
  while (careful.told.length === 0) await later(20);
  await careful.nc.flush();
  await careful.nc.close();
  console.log(`${name}: subscription drained, work waited for: ${await third}`);

  const stream = name.replace(" ", "");
  const manager = await jsm(nc);
  await manager.streams.add({ name: stream, subjects: [`${stream}.>`] });
  const publisher = await connect({ servers });
  const published = js(publisher).publish(`${stream}.x`, "text").then(() => "acknowledged", () => "refused");
  await publisher.drain();
  const { state } = await manager.streams.info(stream);
  console.log(`${name}: publish under way: ${await published}, stored ${state.messages}`);
  await nc.close();
}
JS

port=$((20000 + RANDOM % 8000))
debian/usr/sbin/nats-server -a 127.0.0.1 -p "$port" -js -sd "$dir/store" >log 2>&1 &
server=$!
disown
sleep 2
timeout 60 node drain.mjs "$port" | tee seen
diff seen - <<'WANTED' && echo "as described"
nats 2: who asks drains: failed at once
nats 2: who serves drains: failed late, respond() said true
nats 2: subscription drained, work waited for: answered in time
nats 2: publish under way: refused, stored 1
nats 3: who asks drains: failed at once
nats 3: who serves drains: failed late, respond() said true
nats 3: subscription drained, work waited for: answered in time
nats 3: publish under way: refused, stored 1
WANTED

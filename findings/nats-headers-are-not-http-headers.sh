#!/usr/bin/env bash
# Headers carried from HTTP into NATS: through a Headers object JetStream's own lose their meaning, in silence.
#
# Guess:    NATS headers look like HTTP's ("NATS/1.0", Name: value, names repeatable), so names are without
#           case, as everywhere else, or a wrong one is refused; and one who reads a repeated name gets the
#           same of its values in every client.
# Versions: nats-server 2.9.10 (Debian 12, 2.9.10-1+b3), nats 2.29.3 on Node 20.20.2, nats-py 2.16.0.
#           (Nats-Msg-Id: 2.15.3 the same.)
# Seen:     set by hand as JetStream writes them / copied out of a Headers object (a gateway's request.headers,
#           whose names are lower case):
#             Nats-Msg-Id twice                            1 stored           / 2 stored, no `duplicate`
#             Nats-Expected-Last-Subject-Sequence: 99      refused (10071)    / stored
#             Nats-Expected-Stream: OTHER                  refused (10060)    / stored
#           A header "User: ann", "User: bob" sent by nats.js is read
#             in nats.js by get()                          ann   (values(): ann, bob)
#             in nats-py by headers["User"]                bob   (nothing of ann)
# Matters:  a gateway from HTTP to JetStream that copies headers accepts every retry a second time and every
#           conditional write without its condition, and all acknowledgements are good ones. Two services that
#           disagree about who "User" is both think themselves right.
#           (That names keep their case stands in NATS' ADR-4; the server ignores a wrong one without a word.)
# Do:       write the few Nats- headers oneself, by the client's options (msgID, expect), from checked values;
#           never copy a Headers object; send each name once. Ovation writes its own headers and copies none.
#
# Run: bash findings/nats-headers-are-not-http-headers.sh   (needs node, npm, python3 with venv, apt-get)
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
python3 -m venv python
python/bin/pip --quiet --disable-pip-version-check install nats-py==2.16.0
apt-get download nats-server=2.9.10-1+b3 >/dev/null 2>&1
dpkg -x nats-server_*.deb debian

cat >send.cjs <<'JS'
const { connect, headers } = require("nats");

/** These headers as a gateway copies them out of a request. */
function copied(fields) {
  const to = headers();
  for (const [name, value] of new Headers(fields)) to.set(name, value);
  return to;
}

/** The same, each name as it is written here. */
function written(fields) {
  const to = headers();
  for (const [name, value] of Object.entries(fields)) to.set(name, value);
  return to;
}

(async () => {
  const nc = await connect({ servers: `127.0.0.1:${process.argv[2]}` });
  const jsm = await nc.jetstreamManager();
  const js = nc.jetstream();
  const publish = (name, head) =>
    js.publish(`${name}.x`, "text", { headers: head }).then(
      (ack) => (ack.duplicate ? "duplicate" : "stored"),
      (error) => `refused ${error.api_error.err_code}`,
    );
  for (const [name, make] of Object.entries({ written, copied })) {
    await jsm.streams.add({ name, subjects: [`${name}.>`] });
    const said = [];
    for (let i = 0; i < 2; i++) said.push(await publish(name, make({ "Nats-Msg-Id": "one" })));
    said.push(await publish(name, make({ "Nats-Expected-Last-Subject-Sequence": "99" })));
    said.push(await publish(name, make({ "Nats-Expected-Stream": "OTHER" })));
    console.log(`${name}: ${said.join(", ")}`);
  }

  await jsm.streams.add({ name: "people", subjects: ["people.>"] });
  const people = headers();
  people.append("User", "ann");
  people.append("User", "bob");
  await js.publish("people.x", "text", { headers: people });
  const { header } = await jsm.streams.getMessage("people", { seq: 1 });
  console.log(`nats.js: User ${header.get("User")} of ${header.values("User").join("+")}`);
  await nc.close();
})();
JS

cat >read.py <<'PY'
import asyncio
import sys

import nats


async def main():
    nc = await nats.connect(f"nats://127.0.0.1:{sys.argv[1]}")
    js = nc.jetstream()
    subscription = await js.subscribe("people.x", ordered_consumer=True)
    message = await subscription.next_msg(timeout=5)
    print(f"nats-py: User {message.headers['User']}")
    await nc.close()


asyncio.run(main())
PY

port=$((20000 + RANDOM % 8000))
debian/usr/sbin/nats-server -a 127.0.0.1 -p "$port" -js -sd "$dir/store" >log 2>&1 &
server=$!
disown
sleep 2
timeout 20 node send.cjs "$port" | tee seen
timeout 20 python/bin/python read.py "$port" | tee -a seen
diff seen - <<'WANTED' && echo "as described"
written: stored, duplicate, refused 10071, refused 10060
copied: stored, stored, stored, stored
nats.js: User ann of ann+bob
nats-py: User bob
WANTED

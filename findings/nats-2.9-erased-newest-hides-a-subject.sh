#!/usr/bin/env bash
# nats-server 2.9: erase the newest message of a subject, and its older ones cannot be found by subject.
#
# Guess:    after STREAM.MSG.DELETE of the newest of four messages on a subject, "the last message of this
#           subject" is the third. It still is in the stream, and the stream's own count says so.
# Versions: nats-server 2.9.10 (Debian 12, 2.9.10-1+b3), nats 2.29.3, Node 20.20.2. 2.15.3 answers as guessed.
# Seen:     file storage, four messages on a subject (1 to 4), one on another, 4 erased:
#             messages of the subject by STREAM.INFO           3
#             STREAM.MSG.GET last_by_subj                      no message found
#             direct get of the same                           message not found
#             consumer with deliver_policy last_per_subject    nothing
#             publish with Expected-Last-Subject-Sequence 3    wrong last sequence: 0
#             republished Nats-Last-Sequence of the next one   0, as if it were the first of its subject
#           The same after a restart of the server. With memory storage the two reads find 3; the consumer
#           delivers nothing there either.
# Matters:  a moderator who erases the newest comment of a room empties the room for everybody who asks
#           "what is the newest, then read back from there"; whoever looks for holes by Nats-Last-Sequence
#           sees none in front of the next message; an optimistic writer is refused for ever with the right
#           number, and let in with 0.
# Do:       never erase the newest message of a subject: publish something behind it first. Ovation puts the
#           removal into the video's order and erases the comment after that, so what goes is never the newest.
#           Whoever erases by hand (nats stream rmm) on such a server should publish on the subject afterwards.
#
# Run: bash findings/nats-2.9-erased-newest-hides-a-subject.sh   (needs node, npm, apt-get)
set -euo pipefail

dir=$(mktemp -d)
server=
tidy() {
  [ -z "$server" ] || kill -9 "$server" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap tidy EXIT
cd "$dir"

npm install --silent --no-audit --no-fund --prefix . nats@2.29.3 >/dev/null
apt-get download nats-server=2.9.10-1+b3 >/dev/null 2>&1
dpkg -x nats-server_*.deb debian

cat >look.cjs <<'JS'
const { connect } = require("nats");
const [port, step] = process.argv.slice(2);

(async () => {
  const nc = await connect({ servers: `127.0.0.1:${port}` });
  const jsm = await nc.jetstreamManager();
  const js = nc.jetstream();

  /** What `work` gives, or why it does not. */
  const ask = (work) => work().catch((error) => error.message);

  async function look(name, when) {
    const last = { last_by_subj: `${name}.room` };
    const { subjects } = (await jsm.streams.info(name, { subjects_filter: last.last_by_subj })).state;
    const got = await ask(async () => (await jsm.streams.getMessage(name, last)).seq);
    const direct = await ask(async () => (await jsm.direct.getMessage(name, last)).seq);
    const { name: consumer } = await jsm.consumers.add(name, {
      deliver_policy: "last_per_subject",
      filter_subject: last.last_by_subj,
      ack_policy: "none",
    });
    const delivered = [];
    const messages = await (await js.consumers.get(name, consumer)).fetch({ max_messages: 2, expires: 1_000 });
    for await (const { seq } of messages) delivered.push(seq);
    console.log(`${name} ${when}: counted ${subjects[last.last_by_subj]}, last ${got}, direct ${direct},`,
      `delivered ${delivered.join() || "nothing"}`);
  }

  if (step === "erase") {
    for (const storage of ["file", "memory"]) {
      await jsm.streams.add({
        name: storage,
        subjects: [`${storage}.>`],
        storage,
        allow_direct: true,
        republish: { src: `${storage}.>`, dest: `again.${storage}.>` },
      });
      for (let i = 0; i < 4; i++) await js.publish(`${storage}.room`, "a comment");
      await js.publish(`${storage}.other`, "a comment");
      await jsm.streams.deleteMessage(storage, 4);
      await look(storage, "erased");
    }
  } else {
    await look("file", "restarted");
    const places = [];
    nc.subscribe("again.file.room", {
      callback: (_, message) => places.push(message.headers.get("Nats-Last-Sequence")),
    });
    const conditional = (lastSubjectSequence) =>
      ask(async () => (await js.publish("file.room", "next", { expect: { lastSubjectSequence } })).seq);
    console.log(`file, publish behind 3: ${await conditional(3)}`);
    console.log(`file, publish behind 0: ${await conditional(0)}`);
    await nc.flush();
    console.log(`file, Nats-Last-Sequence of it: ${places.join()}`);
  }
  await nc.close();
})();
JS

port=$((20000 + RANDOM % 8000))
start() {
  debian/usr/sbin/nats-server -a 127.0.0.1 -p "$port" -js -sd "$dir/store" >log 2>&1 &
  server=$!
  sleep 2
}
start
timeout 20 node look.cjs "$port" erase | tee seen
kill "$server"
wait "$server" 2>/dev/null || true
start
timeout 20 node look.cjs "$port" restarted | tee -a seen

diff seen - <<'WANTED' && echo "as described"
file erased: counted 3, last no message found, direct message not found, delivered nothing
memory erased: counted 3, last 3, direct 3, delivered nothing
file restarted: counted 3, last no message found, direct message not found, delivered nothing
file, publish behind 3: wrong last sequence: 0
file, publish behind 0: 6
file, Nats-Last-Sequence of it: 0
WANTED

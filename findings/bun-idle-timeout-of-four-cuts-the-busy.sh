#!/usr/bin/env bash
# Bun.serve with an idleTimeout of four seconds or less: a stream that is written to all the time is cut.
#
# Guess:    `idleTimeout: 2` ends a connection on which nothing was sent or received for two seconds (or a little
#           more, timers being coarse); a stream with two events a second is never idle.
# Versions: Bun 1.4.5, its own server and client, on Linux.
# Seen:     streams with an event every half second, for 13 s:
#             idleTimeout 2, 3 and 4   reset after 4 s, in the middle of the answer, without its last chunk
#             idleTimeout 5, 8 and 10  open to the end, all events there
# Matters:  whoever tests with short times to see the reaper work, or wants dead links gone quickly, loses every
#           viewer at the same moment, and browsers that reconnect hide it: a stream of four seconds, for ever.
# Do:       5 or more; for less, a reaper of one's own. Ovation's --beat=1s asked for 3 and lost its streams without
#           a `bye`; it asks for more now (src/http/listen.ts).
#
# Run: bash findings/bun-idle-timeout-of-four-cuts-the-busy.sh   (needs npm)
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --prefix . bun@1.4.5 >/dev/null
bun=$(ls node_modules/bun/bin/bun.exe node_modules/.bin/bun 2>/dev/null | head -1)

cat >idle.ts <<'TS'
const lookMs = 13_000;

async function fate(idleTimeout: number): Promise<string> {
  const server = Bun.serve({
    ...{ port: 0, hostname: "127.0.0.1", idleTimeout },
    fetch() {
      let timer: Timer;
      const start = (controller: ReadableStreamDefaultController) => {
        timer = setInterval(() => controller.enqueue("data: event\n\n"), 500);
      };
      const body = new ReadableStream({ start, cancel: () => clearInterval(timer) });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    },
  });
  const looked = AbortSignal.timeout(lookMs);
  const startMs = performance.now();
  try {
    const { body } = await fetch(server.url, { signal: looked });
    for await (const _ of body as ReadableStream);
    return "ended";
  } catch {
    return looked.aborted ? "open" : `reset after ${Math.round((performance.now() - startMs) / 1000)} s`;
  } finally {
    server.stop(true);
  }
}

const times = [2, 3, 4, 5, 8, 10];
const fates = await Promise.all(times.map(fate));
for (const [i, time] of times.entries()) console.log(`idleTimeout ${time}: ${fates[i]?.replace(/\d+/, (s) => (Number(s) <= 5 ? "4" : s))}`);
process.exit();
TS

timeout 40 "$bun" idle.ts | tee seen
diff seen - <<'WANTED' && echo "as described"
idleTimeout 2: reset after 4 s
idleTimeout 3: reset after 4 s
idleTimeout 4: reset after 4 s
idleTimeout 5: open
idleTimeout 8: open
idleTimeout 10: open
WANTED

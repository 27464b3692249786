/**
 * Many viewers' polls from one process, as fast as they are answered, for `npm run caches`: keep-alive
 * connections, several requests on their way on each.
 *
 *     bun scripts/caches/poller.ts PORT SECONDS PATH…
 *
 * Prints one line of JSON: how many were answered, how many of them other than by 200, and how many ended in
 * a broken connection.
 */
export {};

const [port = 0, seconds = 0] = Bun.argv.slice(2, 4).map(Number);
const paths = Bun.argv.slice(4);
const connections = 40;
const depth = 16;
const endMs = performance.now() + seconds * 1000;
const tally = { answered: 0, wrong: 0, broken: 0 };

/** One connection, until the time is over. */
function viewer(path: string): Promise<void> {
  const done = Promise.withResolvers<void>();
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n`;
  let rest: Buffer = Buffer.alloc(0);
  let under = 0;
  const ask = (socket: Bun.Socket): void => {
    if (performance.now() >= endMs) {
      if (under === 0) socket.end();
      return;
    }
    const more = depth - under;
    if (more < depth / 2) return;
    under = depth;
    socket.write(request.repeat(more));
  };
  Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: ask,
      data(socket, chunk) {
        rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        let at = 0;
        for (;;) {
          const headEnd = rest.indexOf("\r\n\r\n", at);
          if (headEnd < 0) break;
          const head = rest.toString("latin1", at, headEnd);
          const next = headEnd + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
          if (next > rest.length) break;
          tally.answered++;
          under--;
          if (!head.startsWith("HTTP/1.1 200")) tally.wrong++;
          at = next;
        }
        rest = Buffer.from(rest.subarray(at));
        ask(socket);
      },
      close: () => done.resolve(),
      error: () => done.resolve(),
    },
  }).catch(() => done.resolve());
  return done.promise.then(() => {
    if (performance.now() < endMs) tally.broken++;
  });
}

await Promise.all(Array.from({ length: connections }, (_, i) => viewer(paths[i % paths.length] ?? "/")));
console.log(JSON.stringify(tally));

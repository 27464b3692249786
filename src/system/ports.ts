/**
 * Ports for tests that must know one before somebody listens on it: one after the other out of a range that
 * is this process' own, so that test files that run side by side never take each other's.
 *
 * `npm test` gives each file a range (TEST_PORTS); a test by itself takes one by its process id. All
 * are below those that the system gives to whoever asks for any port, also for the near end of a connection:
 * a port from there that was free a moment ago may be somebody's when it is listened on.
 */
import { createServer } from "node:net";

const ownFrom = 26_000;
const ownEach = 100;
const ownRanges = 60;

const [from, to] = range(process.env.TEST_PORTS);
// A test and a script that it runs share a range: each begins at a place of its own.
let next = from + (process.pid % (to - from + 1));

/** The first and the last port of this process. */
function range(given: string | undefined): readonly [number, number] {
  const [first = 0, last = 0] = (given ?? "").split("-").map(Number);
  if (first > 0 && last > first) return [first, last];
  const own = ownFrom + (process.pid % ownRanges) * ownEach;
  return [own, own + ownEach - 1];
}

/** `count` ports of the loopback address that nobody listens on; none comes twice before all others did. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries++) {
    if (tries > to - from) throw new Error(`no ${count} free ports from ${from} to ${to}`);
    const port = next;
    next = next === to ? from : next + 1;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

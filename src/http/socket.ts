/**
 * Two things that Bun does not tell the kernel about a listening socket, on Linux: a longer queue for
 * connections that have not been accepted yet, and how long an accepted one may go unanswered.
 *
 * Bun asks for 512 places. When a node dies, ten thousand viewers knock at the others within a second, and
 * whoever finds the queue full waits a second or more for the next try. Calling listen(2) again on a
 * listening socket only changes the length of its queue; the kernel's own bound is net.core.somaxconn.
 *
 * A viewer whose link died takes no byte and says nothing. What is written to it waits in the kernel, which
 * tries for a quarter of an hour; TCP_USER_TIMEOUT ends that sooner, and accepted connections inherit it.
 * Both are done through the C library; where they cannot be done nothing is lost but time.
 */
import { dlopen } from "bun:ffi";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Places asked for; the kernel gives at most net.core.somaxconn. */
const backlog = 65_535;
const libraries = ["libc.so.6", "libc.so", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];
/** The state of a listening socket in /proc/net/tcp. */
const listening = "0A";

/** In <netinet/in.h> and <netinet/tcp.h> of Linux. */
const tcp = 6;
const userTimeout = 18;

/**
 * Lengthens the queue of this process's listener on `port`, and ends what it accepts from now on after
 * `unansweredMs` without an acknowledgement of what was written; whether it did. Never throws.
 */
export function tuneListener(port: number, unansweredMs: number): boolean {
  try {
    const fd = listenerOn(port);
    return fd !== undefined && tell(fd, unansweredMs);
  } catch {
    return false;
  }
}

/** The descriptor of our socket that listens on `port`: other processes may listen on the same one. */
function listenerOn(port: number): number | undefined {
  const inodes = new Set([...inodesIn("/proc/self/net/tcp", port), ...inodesIn("/proc/self/net/tcp6", port)]);
  for (const fd of readdirSync("/proc/self/fd")) {
    const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/self/fd/${fd}`))?.[1];
    if (inode !== undefined && inodes.has(inode)) return Number(fd);
  }
  return undefined;
}

function inodesIn(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = textOf(table).split("\n").slice(1);
  const columns = rows.map((row) => row.trim().split(/\s+/));
  const ours = columns.filter((row) => row[1]?.endsWith(suffix) && row[3] === listening);
  return ours.flatMap((row) => row[9] ?? []);
}

function tell(fd: number, unansweredMs: number): boolean {
  const value = new Int32Array([unansweredMs]);
  for (const library of libraries) {
    try {
      const { symbols, close } = dlopen(library, {
        listen: { args: ["int", "int"], returns: "int" },
        setsockopt: { args: ["int", "int", "int", "ptr", "u32"], returns: "int" },
      });
      const queued = symbols.listen(fd, backlog) === 0;
      const told = symbols.setsockopt(fd, tcp, userTimeout, value, value.byteLength) === 0;
      close();
      return queued && told;
    } catch {
      // Another C library, or another name for it.
    }
  }
  return false;
}

/** A descriptor may be closed while we look. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** There is no second table where IPv6 is off. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

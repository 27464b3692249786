/**
 * A longer queue for connections that have not been accepted yet, on Linux.
 *
 * Bun asks the kernel for 512 places. When a node dies, ten thousand viewers knock at the others within a
 * second, and whoever finds the queue full waits a second or more for the next try. Calling listen(2) again
 * on a listening socket only changes the length of its queue, so that is done here, through the C library;
 * where it cannot be done nothing is lost. The kernel's own bound is net.core.somaxconn.
 */
import { dlopen } from "bun:ffi";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Places asked for; the kernel gives at most net.core.somaxconn. */
const backlog = 65_535;
const libraries = ["libc.so.6", "libc.so", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];
/** The state of a listening socket in /proc/net/tcp. */
const listening = "0A";

/** Lengthens the queue of this process's listener on `port`; whether it did. Never throws. */
export function lengthenBacklog(port: number): boolean {
  try {
    const fd = listenerOn(port);
    return fd !== undefined && listenAgain(fd);
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

function listenAgain(fd: number): boolean {
  for (const library of libraries) {
    try {
      const { symbols, close } = dlopen(library, { listen: { args: ["int", "int"], returns: "int" } });
      const done = symbols.listen(fd, backlog) === 0;
      close();
      return done;
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

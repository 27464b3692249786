/**
 * Four things that Bun does not tell the kernel about a listening socket, on Linux: a longer queue for
 * connections that have not been accepted yet, how long an accepted one may go unanswered, how much may wait
 * in it, and to which of several processes that share a port new ones go. And one that it does not ask: how
 * many wait in that queue.
 *
 * Bun asks for 512 places. When a node dies, ten thousand viewers knock at the others within a second, and
 * whoever finds the queue full waits a second or more for the next try. Calling listen(2) again on a
 * listening socket only changes the length of its queue; the kernel's own bound is net.core.somaxconn.
 *
 * A viewer whose link died takes no byte and says nothing. What is written to it waits in the kernel, which
 * tries for a quarter of an hour; TCP_USER_TIMEOUT ends that sooner, and accepted connections inherit it.
 *
 * A viewer that stops reading would hold three to four megabytes of the kernel's memory: what is written to
 * it waits there, in a buffer that grows by itself. TCP_NOTSENT_LOWAT bounds what waits to be sent and not
 * what is on its way, so it slows nobody down; it is inherited too (listen.test.ts).
 *
 * Processes that share a port get new connections by chance. A program of one instruction in the kernel's
 * classic packet filter, which takes no privilege, names one of them instead (SO_ATTACH_REUSEPORT_CBPF).
 *
 * All is done through the C library; where it cannot be done nothing is lost but time.
 */
import { ptr } from "bun:ffi";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { openLibrary } from "../base/libc.ts";
import { limits } from "../core/limits.ts";

/** The C library, under the names that it may have. */
/** Places asked for; the kernel gives at most net.core.somaxconn. */
const backlog = 65_535;
/** The state of a listening socket in /proc/net/tcp. */
const listening = "0A";

/** In <netinet/in.h> and <netinet/tcp.h> of Linux. */
const tcp = 6;
const userTimeout = 18;
const notSentLowat = 25;
const tcpInfo = 11;
/** Where tcpi_unacked stands in tcp_info: of a listening socket that is the length of its queue. */
const unackedAt = 24;
const infoBytes = 32;
/** In <asm/socket.h> and <linux/bpf_common.h>. */
const socketLevel = 1;
const attachFilter = 51;
const detachFilter = 68;
const returnConstant = 0x06;
/** Bytes of sock_fprog where a pointer has eight. */
const filterBytes = 16;

/**
 * Lengthens the queue of this process's listener on `port`, ends what it accepts from now on after
 * `unansweredMs` without an acknowledgement of what was written, and lets no more than
 * `limits.notSentBytesMax` wait in it; whether it did. Never throws.
 */
export function tuneListener(port: number, unansweredMs: number): boolean {
  try {
    const fd = listenerOn(port);
    return fd !== undefined && tell(fd, unansweredMs);
  } catch {
    return false;
  }
}

/**
 * New connections to `port` go to the listener that came in this place, of all that share it, counted from 0;
 * to all by chance without one. Whether the kernel took it. Never throws.
 */
export function steerListeners(port: number, place: number | undefined): boolean {
  try {
    const fd = listenerOn(port);
    if (fd === undefined) return false;
    const option = place === undefined ? detachFilter : attachFilter;
    const value = place === undefined ? new Uint8Array(filterBytes) : filterOf(place);
    return withLibrary(({ setsockopt }) => setsockopt(fd, socketLevel, option, value, filterBytes) === 0);
  } catch {
    return false;
  }
}

/**
 * How many connections wait to be accepted by this process's listener on `port`, as often as it is asked;
 * always 0 where that cannot be known. Never throws.
 */
export function queueBefore(port: number): () => number {
  try {
    const fd = listenerOn(port);
    // Left open: it is asked for as long as the process lives.
    const library = openLibrary(asking);
    if (fd === undefined || library === undefined) return () => 0;
    const info = new DataView(new ArrayBuffer(infoBytes));
    const size = new Uint32Array(1);
    return () => {
      size[0] = infoBytes;
      const answered = library.symbols.getsockopt(fd, tcp, tcpInfo, ptr(info), ptr(size)) === 0;
      return answered ? info.getUint32(unackedAt, true) : 0;
    };
  } catch {
    return () => 0;
  }
}

/** The program that answers `place`: sock_fprog of <linux/filter.h>, and behind it its only instruction. */
function filterOf(place: number): Uint8Array {
  const bytes = new Uint8Array(filterBytes + 8);
  const program = new DataView(bytes.buffer);
  program.setUint16(0, 1, true);
  program.setBigUint64(8, BigInt(ptr(bytes) + filterBytes), true);
  program.setUint16(filterBytes, returnConstant, true);
  program.setUint32(filterBytes + 4, place, true);
  return bytes;
}

/** The descriptor of our socket that listens on `port`: other processes may listen on the same one. */
export function listenerOn(port: number): number | undefined {
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
  return withLibrary(({ listen, setsockopt }) => {
    const queued = listen(fd, backlog) === 0;
    const set = (option: number, value: number): boolean => {
      const bytes = new Int32Array([value]);
      return setsockopt(fd, tcp, option, bytes, bytes.byteLength) === 0;
    };
    const told = [set(userTimeout, unansweredMs), set(notSentLowat, limits.notSentBytesMax)];
    return queued && told.every(Boolean);
  });
}

const functions = {
  listen: { args: ["int", "int"], returns: "int" },
  setsockopt: { args: ["int", "int", "int", "ptr", "u32"], returns: "int" },
} as const;
const asking = { getsockopt: { args: ["int", "int", "int", "ptr", "ptr"], returns: "int" } } as const;
type Library = NonNullable<ReturnType<typeof openLibrary<typeof functions>>>["symbols"];

/** What `use` answers; false where there is no C library. */
function withLibrary(use: (library: Library) => boolean): boolean {
  const library = openLibrary(functions);
  if (!library) return false;
  try {
    return use(library.symbols);
  } finally {
    library.close();
  }
}

/** A descriptor may be closed while we look. */
export function linkOf(path: string): string {
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

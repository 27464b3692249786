/**
 * Tells the service manager how the program is: READY=1 when it listens, STOPPING=1 when it drains, and how
 * long that may take (sd_notify(3): one datagram to the Unix socket named by NOTIFY_SOCKET).
 *
 * Done through the C library, as Bun has no such sockets; without that variable, elsewhere than on Linux, or
 * where it cannot be done, nothing happens. Held by announce.test.ts.
 */
import { openLibrary } from "../base/libc.ts";

const functions = {
  socket: { args: ["int", "int", "int"], returns: "int" },
  sendto: { args: ["int", "ptr", "u64", "int", "ptr", "u32"], returns: "i64" },
  close: { args: ["int"], returns: "int" },
} as const;
/** In <sys/socket.h> of Linux. */
const unix = 1;
const datagram = 2;
const closeOnExec = 0x80000;
/** Bytes of a path in sockaddr_un, its end included. */
const pathBytesMax = 108;

/**
 * Sends `state`, lines like READY=1, to `address` (a path, or @ and an abstract name); whether it was sent.
 * Never throws.
 */
export function announce(address: string | undefined, state: string): boolean {
  const to = address === undefined ? undefined : socketAddress(address);
  if (!to) return false;
  try {
    return send(to, new TextEncoder().encode(state));
  } catch {
    return false;
  }
}

/** What a stop takes beyond --drain, at most, in ms. */
const stopMs = 20_000;

/**
 * What to say when it begins to drain: a manager that would kill it sooner than --drain is over (systemd's
 * TimeoutStopSec) waits as long as that takes, and one that waits longer goes on doing so.
 */
export function stopping(drainMs: number): string {
  return `STOPPING=1\nEXTEND_TIMEOUT_USEC=${(drainMs + stopMs) * 1_000}`;
}

/** A sockaddr_un; undefined for what is no address. */
function socketAddress(address: string): Uint8Array | undefined {
  const path = new TextEncoder().encode(address);
  if (!/^[/@]./.test(address) || path.length >= pathBytesMax) return undefined;
  const isAbstract = address.startsWith("@");
  if (isAbstract) path[0] = 0;
  const bytes = new Uint8Array(2 + path.length + (isAbstract ? 0 : 1));
  new DataView(bytes.buffer).setUint16(0, unix, true);
  bytes.set(path, 2);
  return bytes;
}

function send(to: Uint8Array, message: Uint8Array): boolean {
  const library = openLibrary(functions);
  if (!library) return false;
  const { socket, sendto, close } = library.symbols;
  const fd = socket(unix, datagram | closeOnExec, 0);
  const sent = fd < 0 ? -1 : Number(sendto(fd, message, message.length, 0, to, to.length));
  if (fd >= 0) close(fd);
  library.close();
  return sent === message.length;
}

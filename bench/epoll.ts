/**
 * Sockets straight from the C library: connect, send, receive and wait for thousands of them at a few hundred
 * nanoseconds each.
 *
 * Server and audience share the cores of one machine, so whatever the audience costs is missing to the
 * server. A viewer of a benchmark needs its bytes counted and nothing else: `discard` takes them out of the
 * socket without copying them (MSG_TRUNC, tcp(7)). Real viewers, which read and check every byte, are
 * `ovation load`. Linux only, IPv4 loopback only.
 */
import { dlopen, ptr } from "bun:ffi";

const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  send: { args: ["i32", "ptr", "usize", "i32"], returns: "i32" },
  // The length fits 32 bits: nothing longer is asked for.
  recv: { args: ["i32", "ptr", "usize", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  epoll_create1: { args: ["i32"], returns: "i32" },
  epoll_ctl: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  epoll_wait: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
});

const AF_INET = 2;
const SOCK_STREAM_NONBLOCK = 0o4001;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_LINGER = 13;
const IP_BIND_ADDRESS_NO_PORT = 24;
const TCP_NODELAY = 1;
const MSG_TRUNC = 0x20;
const MSG_NOSIGNAL = 0x4000;
const [EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD] = [1, 2, 3];
const [EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLRDHUP] = [1, 4, 8, 0x10, 0x2000];
/** struct epoll_event is packed on x86-64 only. */
const eventBytes = process.arch === "x64" ? 12 : 16;
const eventFd = eventBytes - 8;
const eventsMax = 1024;
/** Bytes taken out of a socket at once. */
const pieceBytesMax = 1 << 20;

export interface SocketEvents {
  /** The connection stands. */
  opened(fd: number): void;
  /** Bytes wait: take them with `discard` or `receive`, at least once. */
  readable(fd: number): void;
  /** The other side has left, or the connection never stood. The socket is closed already. */
  closed(fd: number): void;
}

export class Sockets {
  readonly #events: SocketEvents;
  readonly #epoll = libc.epoll_create1(0);
  readonly #ready = Buffer.alloc(eventsMax * eventBytes);
  readonly #readyAt = ptr(this.#ready);
  readonly #view = new DataView(this.#ready.buffer, this.#ready.byteOffset);
  readonly #order = Buffer.alloc(eventBytes);
  readonly #address = Buffer.alloc(16);
  readonly #option = Buffer.alloc(8);
  readonly #piece = Buffer.alloc(64 * 1024);
  readonly #dialling = new Set<number>();

  constructor(events: SocketEvents) {
    this.#events = events;
  }

  /**
   * Begins to connect from the `source`-th address of 127.0.0.0/8; its buffers are left to the kernel, or
   * set.
   */
  dial(source: number, port: number, buffers: { receiveBytes?: number; sendBytes?: number } = {}): number {
    const fd = libc.socket(AF_INET, SOCK_STREAM_NONBLOCK, 0);
    if (fd < 0) throw new Error("no socket: are descriptors used up?");
    this.#set(fd, 0, IP_BIND_ADDRESS_NO_PORT, 1);
    this.#set(fd, 6, TCP_NODELAY, 1);
    if (buffers.receiveBytes) this.#set(fd, SOL_SOCKET, SO_RCVBUF, buffers.receiveBytes);
    if (buffers.sendBytes) this.#set(fd, SOL_SOCKET, SO_SNDBUF, buffers.sendBytes);
    this.#addressOf(sourceOf(source), 0);
    if (libc.bind(fd, ptr(this.#address), 16) < 0) throw new Error("cannot bind");
    this.#addressOf([127, 0, 0, 1], port);
    libc.connect(fd, ptr(this.#address), 16);
    this.#dialling.add(fd);
    this.#watch(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
    return fd;
  }

  /** Sends all of `bytes`; a request always fits the buffer of its connection. */
  send(fd: number, bytes: Buffer): void {
    const sent = libc.send(fd, ptr(bytes), bytes.length, MSG_NOSIGNAL);
    if (sent !== bytes.length && sent >= 0) throw new Error("a request did not fit the socket's buffer");
  }

  /** Takes waiting bytes out unseen; how many. */
  discard(fd: number): number {
    return Math.max(0, libc.recv(fd, null, pieceBytesMax, MSG_TRUNC));
  }

  /** Takes waiting bytes out; valid until the next call. */
  receive(fd: number): Buffer {
    return this.#piece.subarray(0, Math.max(0, libc.recv(fd, ptr(this.#piece), this.#piece.length, 0)));
  }

  /** Leaves a socket unread from now on. */
  stall(fd: number): void {
    this.#watch(EPOLL_CTL_DEL, fd, 0);
  }

  /** Closes; `abruptly` as a process that is killed with unread bytes does, by RST. */
  close(fd: number, abruptly: boolean): void {
    if (abruptly) {
      this.#option.writeInt32LE(1, 0);
      this.#option.writeInt32LE(0, 4);
      libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, ptr(this.#option), 8);
    }
    this.#dialling.delete(fd);
    libc.close(fd);
  }

  /** Waits for events for at most `ms` and tells them; how many there were. */
  wait(ms: number): number {
    const count = libc.epoll_wait(this.#epoll, this.#readyAt, eventsMax, ms);
    for (let i = 0; i < count; i++) {
      const at = i * eventBytes;
      this.#tell(this.#view.getUint32(at, true), this.#view.getInt32(at + eventFd, true));
    }
    return count;
  }

  #tell(flags: number, fd: number): void {
    if (flags & (EPOLLERR | EPOLLHUP)) {
      this.#lost(fd);
      return;
    }
    if (flags & EPOLLOUT && this.#dialling.delete(fd)) {
      this.#watch(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLRDHUP);
      this.#events.opened(fd);
    }
    if (flags & EPOLLIN) this.#events.readable(fd);
    if (flags & EPOLLRDHUP) this.#lost(fd);
  }

  #lost(fd: number): void {
    this.close(fd, false);
    this.#events.closed(fd);
  }

  #watch(order: number, fd: number, flags: number): void {
    this.#order.writeUInt32LE(flags, 0);
    this.#order.writeInt32LE(fd, eventFd);
    libc.epoll_ctl(this.#epoll, order, fd, ptr(this.#order));
  }

  #set(fd: number, level: number, option: number, value: number): void {
    this.#option.writeInt32LE(value, 0);
    libc.setsockopt(fd, level, option, ptr(this.#option), 4);
  }

  #addressOf(ip: readonly number[], port: number): void {
    this.#address.fill(0);
    this.#address.writeUInt16LE(AF_INET, 0);
    this.#address.writeUInt16BE(port, 2);
    this.#address.set(ip, 4);
  }
}

/** 127.1.0.1 … : a pair of addresses shares about 28,000 ports, an audience needs more. */
function sourceOf(index: number): readonly number[] {
  return [127, (Math.floor(index / (254 * 256)) % 250) + 1, Math.floor(index / 254) % 256, (index % 254) + 1];
}

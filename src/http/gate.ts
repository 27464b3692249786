/**
 * A gate before a listening socket: closed, new connections wait in the kernel's queue and nobody is asked to
 * accept them. Linux only.
 *
 * Bun has no such thing, and when descriptors have run out it needs one: accept(2) then fails without
 * taking the connection out of the queue, so epoll tells of it again at once, and a core is busy with
 * nothing. The socket is left in Bun's epoll, and only what it is watched for is changed (EPOLL_CTL_MOD);
 * what stands there is told by /proc/self/fdinfo. All that takes a descriptor is done when the gate is
 * made. Held by system/descriptors.test.ts.
 */
import { ptr } from "bun:ffi";
import { readdirSync, readFileSync } from "node:fs";
import { arch } from "node:os";
import { openLibrary } from "../base/libc.ts";
import { linkOf, listenerOn } from "./socket.ts";

export interface Gate {
  /** False when the kernel refused. */
  set(open: boolean): boolean;
}

const functions = { epoll_ctl: { args: ["int", "int", "int", "ptr"], returns: "int" } } as const;
/** EPOLL_CTL_MOD of <sys/epoll.h>. */
const modify = 3;
/** struct epoll_event is packed on x86-64 only: its 64 bits of data stand behind four bytes, or eight. */
const dataAt = arch() === "x64" ? 4 : 8;

/** The gate before this process's listener on `port`; undefined where there can be none. Never throws. */
export function gateBefore(port: number): Gate | undefined {
  try {
    const fd = listenerOn(port);
    const place = fd === undefined ? undefined : placeOf(fd);
    // Left open: to open it again would take a descriptor.
    const library = openLibrary(functions);
    if (fd === undefined || place === undefined || library === undefined) return undefined;
    const { epoll, events, data } = place;
    const [opened, closed] = [eventOf(events, data), eventOf(0, data)];
    return {
      set: (isOpen) => library.symbols.epoll_ctl(epoll, modify, fd, ptr(isOpen ? opened : closed)) === 0,
    };
  } catch {
    return undefined;
  }
}

interface Place {
  readonly epoll: number;
  readonly events: number;
  readonly data: bigint;
}

/** Where `fd` is watched, for what, and under what name. */
function placeOf(fd: number): Place | undefined {
  for (const epoll of readdirSync("/proc/self/fd")) {
    if (linkOf(`/proc/self/fd/${epoll}`) !== "anon_inode:[eventpoll]") continue;
    for (const line of readFileSync(`/proc/self/fdinfo/${epoll}`, "utf8").split("\n")) {
      const [, target, events, data] =
        /^tfd:\s*(\d+) events:\s*([0-9a-f]+) data:\s*([0-9a-f]+)/.exec(line) ?? [];
      if (Number(target) !== fd || events === undefined) continue;
      return { epoll: Number(epoll), events: Number.parseInt(events, 16), data: BigInt(`0x${data}`) };
    }
  }
  return undefined;
}

function eventOf(events: number, data: bigint): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, events, true);
  view.setBigUint64(dataAt, data, true);
  return bytes;
}

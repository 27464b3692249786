/** What a service manager hears: datagrams on a socket of ours, as systemd's is. */

import { dlopen } from "bun:ffi";
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { announce, stopping } from "./announce.ts";

const unix = 1;
const datagram = 2;
const doNotWait = 0x40;

/** A datagram socket at `path`, and what comes to it. */
function listenAt(path: string) {
  const { symbols, close } = dlopen("libc.so.6", {
    socket: { args: ["int", "int", "int"], returns: "int" },
    bind: { args: ["int", "ptr", "u32"], returns: "int" },
    recv: { args: ["int", "ptr", "u64", "int"], returns: "i64" },
    close: { args: ["int"], returns: "int" },
  });
  const fd = symbols.socket(unix, datagram, 0);
  const address = new Uint8Array(2 + path.length + 1);
  address[0] = unix;
  address.set(new TextEncoder().encode(path), 2);
  expect(symbols.bind(fd, address, address.length)).toBe(0);
  return {
    heard(): string | undefined {
      const bytes = new Uint8Array(256);
      const length = Number(symbols.recv(fd, bytes, bytes.length, doNotWait));
      return length < 0 ? undefined : new TextDecoder().decode(bytes.subarray(0, length));
    },
    end() {
      symbols.close(fd);
      close();
    },
  };
}

describe.skipIf(process.platform !== "linux")("the service manager", () => {
  test("hears each state as one message", () => {
    const folder = mkdtempSync(join(tmpdir(), "ovation-notify-"));
    const path = join(folder, "socket");
    const manager = listenAt(path);
    expect(announce(path, "READY=1")).toBeTrue();
    expect(announce(path, stopping(60_000))).toBeTrue();
    expect([manager.heard(), manager.heard(), manager.heard()]).toEqual([
      "READY=1",
      "STOPPING=1\nEXTEND_TIMEOUT_USEC=80000000",
      undefined,
    ]);
    manager.end();
    expect(announce(path, "READY=1")).toBeFalse();
    rmSync(folder, { recursive: true });
  });

  test("is not asked where there is none, or its name is none", () => {
    for (const address of [undefined, "", "no/path", "/", "@", `/${"x".repeat(200)}`, "/no/such/socket"]) {
      expect(announce(address, "READY=1")).toBeFalse();
    }
  });
});

/** The listener: its queue, its idle time, and the addresses it tells. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { systemClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { listen } from "./listen.ts";

const log = createLog({ level: "error", format: "json", write: () => {}, now: () => 0 });
const open = (host: string) =>
  listen(() => new Response("ok"), { port: 0, host, reusePort: false, log, beatMs: 15_000 });

/** Connections of this machine that found a queue full, since it started. */
function overflows(): number {
  const rows = readFileSync("/proc/net/netstat", "utf8")
    .split("\n")
    .filter((row) => row.startsWith("TcpExt:"));
  const [names, values] = rows.map((row) => row.split(" "));
  return Number(values?.[names?.indexOf("ListenOverflows") ?? -1]);
}

describe("a listener", () => {
  test("lets more than 512 wait while the event loop is busy", async () => {
    const somaxconn = Number(readFileSync("/proc/sys/net/core/somaxconn", "utf8"));
    const wanted = Math.min(900, somaxconn);
    const listener = open("127.0.0.1");
    const knock = `
      const { connect } = require("node:net");
      let connected = 0;
      for (let i = 0; i < ${wanted}; i++) {
        const socket = connect(${listener.port}, "127.0.0.1", () => {
          // The kernel queues a connection of Bun's only once it has sent something.
          socket.write("GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n");
          if (++connected === ${wanted}) setTimeout(() => process.exit(0), 100);
        });
        socket.on("error", () => {});
      }
    `;
    const before = overflows();
    // This blocks the event loop, so nobody accepts meanwhile.
    expect(Bun.spawnSync([process.execPath, "-e", knock]).exitCode).toBe(0);
    expect(overflows() - before).toBe(0);
    await listener.stop(systemClock(), 0);
  });

  test.each(["127.0.0.1", "0.0.0.0", "::1", "::", "localhost"])(
    "on %s says where it can be reached",
    async (host) => {
      const listener = open(host);
      expect(await (await fetch(listener.url)).text()).toBe("ok");
      await listener.stop(systemClock(), 0);
    },
  );

  test("that stopped takes nobody", async () => {
    const listener = open("127.0.0.1");
    await listener.stop(systemClock(), 0);
    expect(fetch(listener.url)).rejects.toThrow();
  });
});

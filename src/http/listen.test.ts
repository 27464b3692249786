/** The listener: its queue, its idle time, and the addresses it tells. */
import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { longAgo, systemClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { DirectConnection } from "../fanout/direct.ts";
import { fakeDoors } from "../system/fake-doors.ts";
import { listen } from "./listen.ts";
import { createServer } from "./server.ts";

const log = createLog({ level: "error", format: "json", write: () => {}, now: () => 0 });
const options = { port: 0, reusePort: false, log, beatMs: 15_000 };
const open = (host: string) => listen(() => new Response("ok"), { ...options, host });

/** Connections of this machine that found a queue full, since it started. */
function overflows(): number {
  const rows = readFileSync("/proc/net/netstat", "utf8")
    .split("\n")
    .filter((row) => row.startsWith("TcpExt:"));
  const [names, values] = rows.map((row) => row.split(" "));
  return Number(values?.[names?.indexOf("ListenOverflows") ?? -1]);
}

describe("a listener", () => {
  test("answers HTTP/1.0 without a Host as a request to itself, a stream and a body too", async () => {
    const { doors, asked } = fakeDoors();
    const listener = listen(createServer(doors).fetch, { ...options, host: "127.0.0.1" });
    const raw = async (text: string): Promise<string> => {
      const socket = connect(listener.port, "127.0.0.1", () => socket.write(text));
      let answer = "";
      socket.on("data", (piece) => {
        answer += String(piece);
      });
      await once(socket, "close");
      return answer;
    };
    expect(await raw("GET /health/ready HTTP/1.0\r\n\r\n")).toStartWith("HTTP/1.1 200 ");
    expect(await raw("GET /nothing HTTP/1.0\r\n\r\n")).toStartWith("HTTP/1.1 404 ");
    expect(await raw("GET /v1/events?video=a HTTP/1.0\r\n\r\n")).toContain("event: hello");
    const body = '{"kind":"heart"}';
    const fields = `Content-Type: application/json\r\nContent-Length: ${body.length}`;
    const like = `POST /v1/videos/v/likes HTTP/1.0\r\n${fields}\r\n\r\n${body}`;
    expect(await raw(like)).toStartWith("HTTP/1.1 202 ");
    expect(asked.likes).toHaveLength(1);
    await listener.stop(systemClock(), 0);
  });

  test("lets little wait in the kernel for a viewer that does not read", async () => {
    const opened = Promise.withResolvers<DirectConnection>();
    const listener = listen(
      () => {
        const connection = new DirectConnection({ ended: () => {} }, 15_000, longAgo);
        opened.resolve(connection);
        return new Response(connection.stream());
      },
      { ...options, host: "127.0.0.1" },
    );
    const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    const socket = connect(listener.port, "127.0.0.1", () => socket.write(request));
    socket.pause();
    const connection = await opened.promise;
    const piece = new Uint8Array(4 * 1024);
    let taken = 0;
    while (connection.write(piece, longAgo) === "ok" && taken < 2 ** 26) {
      taken += piece.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    // What its own side takes is not ours; without a bound three megabytes more wait here.
    expect(taken).toBeLessThan(1024 * 1024);
    socket.destroy();
    await listener.stop(systemClock(), 0);
  });

  test("of several on one port can be the only one that new connections come to", async () => {
    const shared = { ...options, host: "127.0.0.1", reusePort: true };
    const first = listen(() => new Response("first"), shared);
    const second = listen(() => new Response("second"), { ...shared, port: first.port });
    const answered = async (): Promise<string[]> => {
      const all = new Set<string>();
      for (let i = 0; i < 40; i++) {
        const answer = await fetch(`http://127.0.0.1:${first.port}/`, { keepalive: false });
        all.add(await answer.text());
      }
      return [...all].sort();
    };
    expect(await answered()).toEqual(["first", "second"]);
    for (const [place, only] of ["first", "second"].entries()) {
      expect(first.steer(place)).toBe(true);
      expect(await answered()).toEqual([only]);
    }
    expect(second.steer(7)).toBe(true);
    expect(await answered()).toEqual(["first", "second"]);
    first.steer(0);
    expect(second.steer(undefined)).toBe(true);
    expect(await answered()).toEqual(["first", "second"]);
    await Promise.all([first, second].map((one) => one.stop(systemClock(), 0)));
  });

  test("tells how many connections wait to be accepted", async () => {
    const listener = listen(() => new Response("answered"), { ...options, host: "127.0.0.1" });
    expect(listener.waiting()).toBe(0);
    // Others connect while this loop stands still, so that nobody accepts them.
    const there = `/dev/tcp/127.0.0.1/${listener.port}`;
    const dials = `exec 3<>${there} 4<>${there}; sleep 5`;
    const child = Bun.spawn(["bash", "-c", dials]);
    let waiting = 0;
    for (const untilMs = performance.now() + 4_000; waiting < 2 && performance.now() < untilMs; ) {
      waiting = listener.waiting();
    }
    expect(waiting).toBe(2);
    await Bun.sleep(1);
    while (listener.waiting() > 0) await Bun.sleep(1);
    child.kill("SIGKILL");
    await child.exited;
    await listener.stop(systemClock(), 0);
  });

  // What docs/promises.md says of Bun 1.4.5. When this fails, the runtime has got better: take the line out.
  test("loses the answer of a request that waits when more comes, and no other", async () => {
    let aborted = 0;
    const listener = listen(
      async (request) => {
        request.signal.addEventListener("abort", () => aborted++);
        if (request.url.endsWith("/waits")) await Bun.sleep(50);
        return new Response("answered");
      },
      { ...options, host: "127.0.0.1" },
    );
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const answers = async (text: string): Promise<number> => {
      const socket = connect(listener.port, "127.0.0.1", () => socket.write(text));
      let said = "";
      socket.on("data", (piece) => {
        said += String(piece);
        if (said.split("answered").length > 2) socket.destroy();
      });
      await once(socket, "close");
      return said.split("answered").length - 1;
    };
    expect(await answers(get("/at-once") + get("/at-once"))).toBe(2);
    expect(await answers(get("/waits") + get("/waits"))).toBe(0);
    expect(await answers(`${get("/waits")}\r\n`)).toBe(0);
    expect(aborted).toBe(2);
    await listener.stop(systemClock(), 0);
  });

  test("answers HEAD with the length that GET has, and none for a stream", async () => {
    const listener = listen(createServer(fakeDoors().doors).fetch, { ...options, host: "127.0.0.1" });
    for (const path of [
      "/health/ready",
      "/v1/videos/v",
      "/openapi.json",
      "/metrics",
      "/nothing",
      "/v1/likes",
    ]) {
      const [get, head] = await Promise.all(
        ["GET", "HEAD"].map((method) => fetch(`${listener.url}${path}`, { method })),
      );
      const length = (await get?.arrayBuffer())?.byteLength;
      const said = Number(head?.headers.get("content-length"));
      // Metrics count these very requests.
      if (path !== "/metrics") expect([path, head?.status, said]).toEqual([path, get?.status, length]);
      expect(said).toBeGreaterThan(10);
    }
    for (const [path, type] of [
      ["/v1/events?video=a", "text/event-stream"],
      ["/v1/videos/v/poll?wait=25", "application/json; charset=utf-8"],
    ]) {
      const { status, headers } = await fetch(`${listener.url}${path}`, { method: "HEAD" });
      expect([path, status, headers.get("content-type")]).toEqual([path, 200, type]);
      expect([path, headers.get("content-length")]).toEqual([path, null]);
    }
    await listener.stop(systemClock(), 0);
  });

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

  test("keeps a stream that is never silent for long, also with the shortest beat", async () => {
    // Longer than the 4 s after which the runtime looks at idle connections.
    const wanted = 12;
    const body = () => {
      let beats = 0;
      return new ReadableStream({
        async pull(controller) {
          await Bun.sleep(450);
          controller.enqueue(new TextEncoder().encode("b"));
          if (++beats === wanted) controller.close();
        },
      });
    };
    const beating = { ...options, host: "127.0.0.1", beatMs: 1_000 };
    const listener = listen(() => new Response(body()), beating);
    expect(await (await fetch(listener.url)).text()).toBe("b".repeat(wanted));
    await listener.stop(systemClock(), 0);
  }, 20_000);

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

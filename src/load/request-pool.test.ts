import { afterEach, describe, expect, test } from "bun:test";
import type { Socket, TCPSocketListener } from "bun";
import { type Answer, RequestPool } from "./request-pool.ts";

const ok = "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok";
const request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server that does `answer` with whatever arrives; counts its connections. */
function serve(answer: (socket: Socket<undefined>, text: string) => void): {
  port: number;
  connections: () => number;
} {
  let connections = 0;
  const listener: TCPSocketListener<undefined> = Bun.listen<undefined>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: () => {
        connections++;
      },
      data: (socket, bytes) => answer(socket, bytes.toString()),
    },
  });
  closers.push(() => listener.stop(true));
  return { port: listener.port, connections: () => connections };
}

function poolTo(port: number, connectionsMax = 4, timeoutMs = 5000): RequestPool {
  const target = { host: "127.0.0.1", port, authority: `127.0.0.1:${port}` };
  const pool = new RequestPool({ target, connectionsMax, timeoutMs, source: () => undefined });
  closers.push(() => pool.close());
  return pool;
}

function send(pool: RequestPool): Promise<Answer> {
  return new Promise((resolve) => pool.send(request, resolve));
}

describe("request pool", () => {
  test("uses a connection again, and opens no more than it may", async () => {
    const server = serve((socket) => socket.write(ok));
    const pool = poolTo(server.port, 2);
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(pool)));
    expect(
      answers.every((answer) => answer.kind === "answer" && answer.status === 202 && answer.body === "ok"),
    ).toBe(true);
    expect(server.connections()).toBe(2);
  });

  test("reads answers that come in pieces, are chunked, or end with the connection", async () => {
    const answers = [
      ["HTTP/1.1 201 Created\r\nContent-Le", "ngth: 4\r\n\r\na", "bcd"],
      ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", "c\r\n1\r\nd\r\n0\r\n\r\n"],
      ["HTTP/1.1 200 OK\r\n\r\nab", "cd", ""],
    ];
    const server = serve((socket) => {
      const pieces = answers.shift() ?? [];
      const next = (): void => {
        const piece = pieces.shift();
        if (piece === "") socket.end();
        else if (piece !== undefined) {
          socket.write(piece);
          setTimeout(next, 5);
        }
      };
      next();
    });
    const pool = poolTo(server.port, 1);
    for (let left = answers.length; left > 0; left--) {
      const answer = await send(pool);
      expect(answer.kind === "answer" ? answer.body : answer.kind).toBe("abcd");
    }
  });

  test("a request that left and got no answer is lost", async () => {
    const pool = poolTo(serve((socket) => socket.end()).port);
    expect((await send(pool)).kind).toBe("lost");
    const half = poolTo(
      serve((socket) => socket.end("HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\nha")).port,
    );
    expect((await send(half)).kind).toBe("lost");
    const nonsense = poolTo(serve((socket) => socket.write("hello\r\n\r\n")).port);
    expect((await send(nonsense)).kind).toBe("lost");
  });

  test("a request that is not answered in time is lost", async () => {
    const pool = poolTo(serve(() => undefined).port, 1, 50);
    expect((await send(pool)).kind).toBe("lost");
  });

  test("a request that could not leave is unsent", async () => {
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
    const { port } = listener;
    listener.stop(true);
    expect((await send(poolTo(port))).kind).toBe("unsent");
    const busy = poolTo(serve(() => undefined).port, 1);
    const first = send(busy);
    const second = send(busy);
    while (busy.queued > 1) await Bun.sleep(1);
    busy.cut();
    expect([(await first).kind, (await second).kind]).toEqual(["lost", "unsent"]);
  });

  test("closes what the server asked to close, and goes on over a new connection", async () => {
    const server = serve((socket) => socket.write(ok.replace("Content", "Connection: close\r\nContent")));
    const pool = poolTo(server.port, 1);
    expect((await send(pool)).kind).toBe("answer");
    expect((await send(pool)).kind).toBe("answer");
    expect(server.connections()).toBe(2);
  });
});

/** Direct connections over real sockets: readers that read, stall, leave, and come too late. */
import { heapStats } from "bun:jsc";
import { afterAll, expect, test } from "bun:test";
import type { Elapsed } from "../base/clock.ts";
import { limits } from "../core/limits.ts";
import type { Connection, EndReason } from "./connection.ts";
import { DirectConnection } from "./direct.ts";

const at = (ms: number) => ms as Elapsed;

interface Opened {
  readonly connection: DirectConnection;
  readonly ended: Promise<EndReason>;
}

const opened: Opened[] = [];
const waiting: ((one: Opened) => void)[] = [];
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  development: false,
  fetch() {
    const { promise, resolve } = Promise.withResolvers<EndReason>();
    const owner = { ended: (_: Connection, reason: EndReason) => resolve(reason) };
    const connection = new DirectConnection(owner, 15_000, at(1));
    const stream = connection.stream();
    expect(connection.write(bytes("hello "), at(2))).toBe("ok");
    const one = { connection, ended: promise };
    const next = waiting.shift();
    if (next) next(one);
    else opened.push(one);
    return new Response(stream);
  },
});
afterAll(() => server.stop(true));

const bytes = (text: string) => new TextEncoder().encode(text);

/** A client that reads only when told to, and the connection that serves it. */
async function open() {
  const served = new Promise<Opened>((resolve) => {
    const one = opened.shift();
    if (one) resolve(one);
    else waiting.push(resolve);
  });
  let text = "";
  let size = 0;
  const chunks: Uint8Array[] = [];
  const closed = Promise.withResolvers<void>();
  const heard = new Set<() => void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: server.port as number,
    socket: {
      data(_, chunk) {
        size += chunk.length;
        chunks.push(chunk.slice());
        if (text.length < 10_000) text += new TextDecoder().decode(chunk);
        for (const hear of heard) hear();
      },
      close: () => closed.resolve(),
      error: () => closed.resolve(),
    },
  });
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const until = async (met: () => boolean): Promise<void> => {
    await new Promise<void>((resolve) => {
      const hear = (): void => {
        if (!met()) return;
        heard.delete(hear);
        resolve();
      };
      heard.add(hear);
      hear();
    });
  };
  const { connection, ended } = await served;
  const body = () => unchunked(Buffer.concat(chunks));
  return {
    socket,
    connection,
    ended,
    closed: closed.promise,
    until,
    text: () => text,
    size: () => size,
    body,
  };
}

/** The body of an answer in chunks, as far as it has come. */
function unchunked(answer: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = answer.indexOf("\r\n\r\n") + 4; at < answer.length; ) {
    const head = answer.indexOf("\r\n", at);
    const size = Number.parseInt(answer.toString("latin1", at, head), 16);
    if (!(size > 0)) break;
    parts.push(answer.subarray(head + 2, head + 2 + size));
    at = head + 2 + size + 2;
  }
  return Buffer.concat(parts);
}

/** Writes until the reader counts as behind; each turn of the loop gives the socket its chance. */
async function stall(connection: DirectConnection): Promise<number> {
  const piece = new Uint8Array(256 * 1024);
  let written = 0;
  while (connection.write(piece, at(3)) === "ok") {
    written += piece.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return written;
}

test("what is written before and after the response began arrives in order, then the end", async () => {
  const { connection, until, text, ended } = await open();
  await until(() => text().includes("hello "));
  expect(connection.write(bytes("a"), at(5))).toBe("ok");
  expect(connection.write(bytes("b"), at(7))).toBe("ok");
  expect(connection.lastMs).toBe(at(7));
  await until(() => text().includes("ab"));
  connection.end("drain", bytes("bye"));
  expect(connection.gone).toBe(true);
  expect(connection.write(bytes("x"), at(9))).toBe("gone");
  await until(() => text().endsWith("0\r\n\r\n"));
  expect(text()).toContain("bye");
  expect(await ended).toBe("drain");
});

test("a reader that stalls is refused further writes until it reads on", async () => {
  const { connection, socket, until, size } = await open();
  socket.pause();
  const written = await stall(connection);
  expect(connection.lagging).toBe(true);
  expect(connection.write(bytes("x"), at(9))).toBe("lagging");
  socket.resume();
  await until(() => size() > written);
  // Its last bytes have arrived; that the sink has noticed comes with a later turn.
  while (connection.lagging) await new Promise((resolve) => setImmediate(resolve));
  expect(connection.write(bytes("on"), at(10))).toBe("ok");
  socket.terminate();
});

test("what a long write holds comes whole and in order, however late its reader reads on", async () => {
  const { connection, socket, until, body } = await open();
  await until(() => body().length >= 6);
  socket.pause();
  const piece = Uint8Array.from({ length: 250_001 }, (_, i) => i % 251);
  let count = 0;
  while (connection.write(piece, at(3)) === "ok") {
    count++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.resume();
  await until(() => body().length >= 6 + count * piece.length);
  const got = body().subarray(6);
  expect(got.length).toBe(count * piece.length);
  for (let i = 0; i < count; i++) {
    expect(got.subarray(i * piece.length, (i + 1) * piece.length).equals(piece)).toBe(true);
  }
  socket.terminate();
});

test("what was written before the response began goes over in one: the sink would keep a second", () => {
  const written: string[] = [];
  const connection = new DirectConnection({ ended: () => {} }, 15_000, at(1));
  connection.write(bytes("hello "), at(1));
  connection.write(bytes("snapshot"), at(1));
  const sink = { end: () => {}, close: () => {} };
  connection.pull({ ...sink, write: (piece) => written.push(new TextDecoder().decode(piece)) });
  expect(written).toEqual(["hello snapshot"]);
  connection.write(bytes("tick"), at(2));
  expect(written.slice(1)).toEqual(["tick"]);
  const silent = new DirectConnection({ ended: () => {} }, 15_000, at(1));
  silent.pull({ ...sink, write: (piece) => written.push(`${piece.length}`) });
  expect(written).toHaveLength(2);
});

test("of a long write that is not taken no more than a piece is copied", async () => {
  const sizes: number[] = [];
  const { promise, resolve } = Promise.withResolvers<number>();
  const owner = { ended: () => {} };
  const connection = new DirectConnection(owner, 15_000, at(1));
  const full = 3;
  connection.pull({
    write: (piece) => (sizes.push(piece.length) === full ? promise : piece.length),
    end: () => {},
    close: () => {},
  });
  const size = 10 * limits.writePieceBytes - 1;
  expect(connection.write(new Uint8Array(size), at(2))).toBe("ok");
  expect(sizes).toEqual([limits.writePieceBytes, limits.writePieceBytes, limits.writePieceBytes]);
  expect([connection.lagging, connection.write(bytes("x"), at(3))]).toEqual([true, "lagging"]);
  resolve(limits.writePieceBytes);
  await promise;
  expect(connection.lagging).toBe(false);
  expect(sizes.reduce((sum, one) => sum + one, 0)).toBe(size);
  expect(connection.write(bytes("x"), at(4))).toBe("ok");
});

test("a reader that is behind is cut off when its stream ends", async () => {
  const { connection, socket, closed, ended } = await open();
  socket.pause();
  await stall(connection);
  connection.end("slow", bytes("never read"));
  expect(await ended).toBe("slow");
  socket.resume();
  await closed;
});

test("one that ends with its socket tells its last bytes before, and nothing after", async () => {
  for (const leaves of [false, true]) {
    const { connection, socket, closed, until, text, ended } = await open();
    await until(() => text().includes("hello "));
    let cut = (): void => {};
    connection.end("spread", bytes("bye"), (run) => {
      cut = run;
    });
    expect(connection.write(bytes("x"), at(9))).toBe("gone");
    await until(() => text().includes("bye"));
    expect(text()).not.toEndWith("0\r\n\r\n");
    if (leaves) {
      socket.terminate();
      await closed;
    }
    cut();
    await closed;
    expect(text()).toEndWith("bye\r\n");
    expect(await ended).toBe("spread");
  }
});

test("a reader that leaves ends the connection, once", async () => {
  const { connection, socket, ended, until, text } = await open();
  await until(() => text().includes("hello "));
  socket.terminate();
  expect(await ended).toBe("client");
  expect(connection.write(bytes("x"), at(9))).toBe("gone");
  connection.end("drain", bytes("bye"));
});

test("before the response begins only a few writes are held, and an end then is told", async () => {
  const ends: EndReason[] = [];
  const owner = { ended: (_: Connection, reason: EndReason) => ends.push(reason) };
  const connection = new DirectConnection(owner, 15_000, at(1));
  for (let i = 0; i < limits.streamChunksMax; i++) expect(connection.write(bytes(`${i}`), at(1))).toBe("ok");
  expect(connection.write(bytes("x"), at(1))).toBe("lagging");
  connection.end("limit", bytes("bye"));
  expect(ends).toEqual(["limit"]);
});

test("a client that left before its answer was there ends the connection", async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<EndReason>();
  const late = Bun.serve({
    ...{ port: 0, hostname: "127.0.0.1", development: false },
    async fetch() {
      ask();
      await left;
      const owner = { ended: (_: Connection, reason: EndReason) => ended.resolve(reason) };
      const connection = new DirectConnection(owner, 15_000, at(1));
      connection.write(bytes("hello "), at(2));
      return new Response(connection.stream());
    },
  });
  const nothing = { data() {}, close() {}, error() {} };
  const socket = await Bun.connect({ hostname: "127.0.0.1", port: late.port as number, socket: nothing });
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await asked;
  socket.terminate();
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  leave();
  expect(await ended.promise).toBe("client");
  await late.stop(true);
});

test("streams outlive full collections, and what has ended is let go of", async () => {
  const held = (): number => heapStats().protectedObjectTypeCounts.Response ?? 0;
  const collected = async (): Promise<number> => {
    Bun.gc(true);
    await new Promise((resolve) => setImmediate(resolve));
    return held();
  };
  const before = await collected();
  const all = await Promise.all(Array.from({ length: 40 }, open));
  for (let i = 0; i < 3; i++) expect(await collected()).toBe(before + all.length);
  for (const { connection } of all) expect(connection.write(bytes("still here"), at(5))).toBe("ok");
  for (const { until, text } of all) await until(() => text().includes("still here"));
  const [left, sent, behind] = [all.slice(0, 10), all.slice(10, 30), all.slice(30)];
  for (const { socket } of left) socket.terminate();
  for (const { connection } of sent) connection.end("drain", bytes("bye"));
  for (const { socket, connection } of behind) {
    socket.pause();
    await stall(connection);
    connection.end("slow");
    socket.resume();
  }
  await Promise.all(all.map(({ ended }) => ended));
  await Promise.all(behind.map(({ closed }) => closed));
  while ((await collected()) > before);
  for (const { socket } of all) socket.terminate();
});

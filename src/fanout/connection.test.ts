/** A connection over real ReadableStreams, with readers that read, stall and leave. */
import { describe, expect, test } from "bun:test";
import type { Elapsed } from "../base/clock.ts";
import { limits } from "../core/limits.ts";
import { Connection, type EndReason } from "./connection.ts";

const at = (ms: number) => ms as Elapsed;

function bench() {
  const ends: EndReason[] = [];
  const owner = { ended: (_: Connection, reason: EndReason) => ends.push(reason) };
  const connection = new Connection(owner, 15_000, at(1));
  return { connection, ends };
}
const bytes = (text: string) => new TextEncoder().encode(text);
async function readAll(stream: ReadableStream<Uint8Array>): Promise<string> {
  return new Response(stream).text();
}

describe("a connection", () => {
  test("hands over what is written, in order, and when it was", async () => {
    const { connection, ends } = bench();
    const stream = connection.stream(undefined);
    expect(connection.write(bytes("a"), at(5))).toBe("ok");
    expect(connection.write(bytes("b"), at(7))).toBe("ok");
    expect(connection.lastMs).toBe(at(7));
    connection.end("drain", bytes("bye"));
    expect(connection.gone).toBe(true);
    expect(connection.write(bytes("c"), at(9))).toBe("gone");
    expect(connection.lastMs).toBe(at(7));
    expect(await readAll(stream)).toBe("abbye");
    expect(ends).toEqual(["drain"]);
  });

  test("refuses, and does not queue, what a stalled reader does not take, until it reads", async () => {
    const { connection } = bench();
    const reader = connection.stream(undefined).getReader();
    let taken = 0;
    while (connection.write(bytes(String(taken)), at(taken)) === "ok") taken++;
    expect(taken).toBe(limits.streamChunksMax);
    expect(connection.lagging).toBe(true);
    for (let i = 0; i < 1_000; i++) expect(connection.write(bytes("x"), at(99))).toBe("lagging");
    expect(connection.lastMs).toBe(at(taken - 1));
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("0");
    expect(connection.lagging).toBe(false);
    expect(connection.write(bytes("8"), at(100))).toBe("ok");
    for (let i = 1; i <= 8; i++)
      expect(new TextDecoder().decode((await reader.read()).value)).toBe(String(i));
  });

  test("cuts off a reader that is behind when it ends", async () => {
    const { connection, ends } = bench();
    const reader = connection.stream(undefined).getReader();
    while (connection.write(bytes("x"), at(1)) === "ok");
    connection.end("slow", bytes("last"));
    expect(ends).toEqual(["slow"]);
    expect(reader.read()).rejects.toThrow("slow");
  });

  test("that the reader leaves is gone at once", async () => {
    const { connection, ends } = bench();
    const reader = connection.stream(undefined).getReader();
    await reader.cancel();
    expect(connection.gone).toBe(true);
    expect(connection.lagging).toBe(false);
    expect(connection.write(bytes("x"), at(1))).toBe("gone");
    connection.end("drain");
    expect(ends).toEqual(["client"]);
  });

  test("ends once, whichever of signal, cancel and end comes first and second", async () => {
    const abort = new AbortController();
    const ways = {
      signal: () => abort.abort(),
      cancel: (_: Connection, stream: ReadableStream) => stream.cancel(),
      end: (connection: Connection) => connection.end("age"),
    };
    for (const first of Object.values(ways)) {
      for (const second of Object.values(ways)) {
        const { connection, ends } = bench();
        const stream = connection.stream(abort);
        await first(connection, stream);
        await second(connection, stream);
        expect(ends).toHaveLength(1);
        expect(connection.gone).toBe(true);
      }
    }
  });

  test("whose client had left already never begins", () => {
    const { connection, ends } = bench();
    connection.stream({ signal: AbortSignal.abort() });
    expect(connection.gone).toBe(true);
    expect(ends).toEqual(["client"]);
  });

  test("writes shared bytes without copying or changing them", async () => {
    const shared = bytes("shared");
    const streams = Array.from({ length: 3 }, () => {
      const { connection } = bench();
      const stream = connection.stream(undefined);
      connection.write(shared, at(1));
      connection.end("drain");
      return stream;
    });
    expect(await Promise.all(streams.map(readAll))).toEqual(["shared", "shared", "shared"]);
    expect(shared).toEqual(bytes("shared"));
  });
});

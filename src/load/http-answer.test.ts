import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BodyReader, type Framing, framingOf, parseHead } from "./http-answer.ts";

function headOf(text: string): Framing | "bad" | undefined {
  const head = parseHead(Buffer.from(text));
  return head === "bad" || head === undefined ? head : framingOf(head);
}

function read(framing: Framing, pieces: readonly Buffer[]): { text: string; taken: number; done: boolean } {
  const reader = new BodyReader(framing);
  let text = "";
  let taken = 0;
  for (const piece of pieces) {
    const took = reader.push(piece, (bytes) => {
      text += bytes.toString("latin1");
    });
    if (took < 0) return { text, taken: -1, done: false };
    taken += took;
  }
  return { text, taken, done: reader.done };
}

describe("HTTP answer", () => {
  test("reads status, headers in lower case and where the body starts", () => {
    const head = parseHead(
      Buffer.from("HTTP/1.1 200 OK\r\nContent-Type:  text/plain \r\nX: a\r\nx: b\r\n\r\nbody"),
    );
    if (head === "bad" || head === undefined) throw new Error("unread");
    expect(head.status).toBe(200);
    expect(Object.fromEntries(head.headers)).toEqual({ "content-type": "text/plain", x: "b" });
    expect(head.bodyAt).toBe(59);
  });

  test("waits for a whole head, and refuses what is none", () => {
    expect(headOf("HTTP/1.1 200 OK\r\nA: b\r\n")).toBeUndefined();
    expect(headOf("SMTP ready\r\n\r\n")).toBe("bad");
    expect(headOf("HTTP/1.1 200 OK\r\nno colon\r\n\r\n")).toBe("bad");
    expect(headOf(`HTTP/1.1 200 OK\r\nA: ${"b".repeat(17_000)}`)).toBe("bad");
  });

  test("knows how a body ends", () => {
    expect(headOf("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n")).toBe("chunked");
    expect(headOf("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n")).toEqual({ lengthBytes: 12 });
    expect(headOf("HTTP/1.1 200 OK\r\n\r\n")).toBe("close");
    expect(headOf("HTTP/1.1 204 No Content\r\n\r\n")).toEqual({ lengthBytes: 0 });
    expect(headOf("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")).toBeUndefined();
    expect(headOf("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n")).toBeUndefined();
  });

  test("puts chunks together however they are cut", () => {
    const chunk = fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.array(chunk), fc.array(fc.nat()), fc.boolean(), (chunks, places, extra) => {
        const lines = chunks.map(
          (text) => `${text.length.toString(16)}${extra ? ";a=b" : ""}\r\n${text}\r\n`,
        );
        const whole = Buffer.from(`${lines.join("")}0\r\n${extra ? "T: x\r\n" : ""}\r\nNEXT`, "latin1");
        const ends = [...new Set(places.map((place) => place % whole.length))].sort((a, b) => a - b);
        const pieces = [...ends, whole.length].map((end, index) => whole.subarray(ends[index - 1] ?? 0, end));
        expect(read("chunked", pieces)).toEqual({
          text: chunks.join(""),
          taken: whole.length - 4,
          done: true,
        });
      }),
    );
  });

  test("refuses broken chunks", () => {
    for (const text of [
      "x\r\n",
      "2\r\nabc\r\n",
      "2\nab\r\n",
      "-1\r\n",
      "123456789\r\n",
      `${"0".repeat(80)}`,
    ]) {
      expect(read("chunked", [Buffer.from(text)]).taken).toBe(-1);
    }
  });

  test("takes no more than the length", () => {
    expect(read({ lengthBytes: 3 }, [Buffer.from("ab"), Buffer.from("cde")])).toEqual({
      text: "abc",
      taken: 3,
      done: true,
    });
    expect(read("close", [Buffer.from("ab"), Buffer.from("c")])).toEqual({
      text: "abc",
      taken: 3,
      done: false,
    });
  });
});

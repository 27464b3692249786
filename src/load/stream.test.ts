import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Signal } from "./events.ts";
import { Repeats, StreamReader } from "./stream.ts";

const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const likes = (n: number, video = "v"): string =>
  `event: likes\ndata: {"video":"${video}","totals":{"heart":${n}},"version":${n},"at":5}\n\n`;
const comment = (n: number): string =>
  `event: comment\ndata: {"video":"v","id":"e-${n}","text":"⚽ ${n}","at":5,"us":250}\nid: e-${n}\n\n`;
const beat = 'event: beat\ndata: {"now":1}\n\n';

function readAll(reader: StreamReader, repeats: Repeats, pieces: readonly Buffer[]): Signal[] {
  return pieces.flatMap((piece) => {
    const read = reader.read(piece, repeats);
    if ("broken" in read) throw new Error(read.broken);
    return [...read];
  });
}

/** What a viewer is told by the first bytes of a stream. */
function firstRead(text: string): unknown {
  return new StreamReader().read(Buffer.from(text), new Repeats("v"));
}

describe("stream", () => {
  test("gives the same signals however its bytes are cut and whoever read them before", () => {
    const event = fc.oneof(
      fc.nat(3).map((n) => likes(n)),
      fc.nat(3).map(comment),
      fc.constant(beat),
    );
    const chunks = fc.array(fc.array(event, { minLength: 1, maxLength: 3 }).map((events) => events.join("")));
    fc.assert(
      fc.property(
        chunks,
        fc.array(fc.array(fc.nat(), { maxLength: 8 }), { minLength: 2, maxLength: 4 }),
        (texts, viewers) => {
          const whole = Buffer.from(head + texts.map(chunk).join(""));
          const alone = readAll(new StreamReader(), new Repeats("v"), [whole]);
          const repeats = new Repeats("v");
          for (const places of viewers) {
            const ends = [...new Set(places.map((place) => place % whole.length))].sort((a, b) => a - b);
            const pieces = [...ends, whole.length].map((end, index) =>
              whole.subarray(ends[index - 1] ?? 0, end),
            );
            expect(readAll(new StreamReader(), repeats, pieces)).toEqual(alone);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    ["whole ms and microseconds", '"at":1700000000000,"us":126'],
    ["decimals, as older nodes do", '"at":1700000000000.126'],
  ])("knows to the microsecond when something was accepted, told in %s", (_, told) => {
    const all = [
      `event: likes\ndata: {"video":"v","totals":{},"version":1,${told}}\n\n`,
      `event: comment\ndata: {"video":"v","id":"e-1","text":"t",${told}}\nid: e-1\n\n`,
    ];
    const read = readAll(new StreamReader(), new Repeats("v"), [Buffer.from(head + all.map(chunk).join(""))]);
    for (const signal of read) expect("atMs" in signal && signal.atMs).toBeCloseTo(1_700_000_000_000.126, 3);
    expect(read.map(({ kind }) => kind)).toEqual(["likes", "comment"]);
  });

  test("recognises a frame that another viewer was sent", () => {
    const repeats = new Repeats("v");
    const viewers = Array.from({ length: 100 }, () => new StreamReader());
    for (const viewer of viewers) readAll(viewer, repeats, [Buffer.from(head), Buffer.from(chunk(beat))]);
    const before = repeats.hits;
    const frame = Buffer.from(chunk(likes(7)));
    const signals = viewers.flatMap((viewer) => readAll(viewer, repeats, [frame]));
    expect(repeats.hits - before).toBe(99);
    expect(new Set(signals).size).toBe(1);
  });

  test("does not take equal bytes for equal signals in the middle of a block", () => {
    const repeats = new Repeats("v");
    const rest = chunk('data: "at":5}\n\n');
    const viewer = new StreamReader();
    readAll(viewer, repeats, [Buffer.from(head), Buffer.from(chunk(beat)), Buffer.from(chunk(likes(1)))]);
    readAll(viewer, repeats, [
      Buffer.from(chunk('event: likes\ndata: {"video":"v","totals":{},"version":2,\n')),
    ]);
    expect(readAll(viewer, repeats, [Buffer.from(rest)]).map((signal) => signal.kind)).toEqual(["likes"]);
    expect(readAll(viewer, repeats, [Buffer.from(rest)]).map((signal) => signal.kind)).toEqual(["bad"]);
  });

  test("does not take the bytes of a body without chunks for chunks", () => {
    const repeats = new Repeats("v");
    const plain = head.replace("Transfer-Encoding: chunked\r\n", "");
    const frame = Buffer.from(likes(3));
    const first = readAll(new StreamReader(), repeats, [Buffer.from(plain), Buffer.from(beat), frame]);
    expect(first.map((signal) => signal.kind)).toEqual(["beat", "likes"]);
    const other = new StreamReader();
    readAll(other, repeats, [Buffer.from(head), Buffer.from(chunk(beat))]);
    expect(other.read(frame, repeats)).toEqual({ broken: "its chunks are broken" });
  });

  test("refuses what is not an event stream", () => {
    expect(firstRead("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")).toEqual({
      broken: "the answer is 503",
    });
    expect(firstRead("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")).toEqual({
      broken: 'the answer\'s type is "text/html"',
    });
    expect(firstRead("hello\r\n\r\n")).toEqual({ broken: "the answer is not HTTP/1.1" });
    expect(firstRead(`${head}zz\r\n`)).toEqual({ broken: "its chunks are broken" });
  });

  test("calls an event bad that is not as documented", () => {
    const bad = [
      likes(1, "other"),
      'event: likes\ndata: {"video":"v","totals":{"heart":-1},"version":1,"at":1}\n\n',
      "event: likes\ndata: {\n\n",
      'event: comment\ndata: {"video":"v","id":"e-1","text":"x","at":1}\n\n',
      "event: beat\ndata: {}\n\n",
    ];
    for (const text of bad) {
      const signals = readAll(new StreamReader(), new Repeats("v"), [Buffer.from(head + chunk(text))]);
      expect(signals.map((signal) => signal.kind)).toEqual(["bad"]);
    }
  });
});

import { describe, expect, test } from "bun:test";
import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { type Block, SseParser } from "./sse-parser.ts";

function blocksOf(pieces: readonly Buffer[]): Block[] {
  const parser = new SseParser();
  const blocks: Block[] = [];
  for (const piece of pieces) expect(parser.push(piece, (block) => blocks.push(block))).toBe(true);
  return blocks;
}

function eventsOf(text: string): (string | undefined)[][] {
  return blocksOf([Buffer.from(text)])
    .filter((block) => block.data !== undefined)
    .map((block) => [block.event, block.data, block.id]);
}

/** Cuts `bytes` at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}

const word = fc.string({
  unit: fc.constantFrom("a", "é", "⚽", "\u0000", " ", ":", "\t", "\ufeff"),
  maxLength: 6,
});
const line = fc.oneof(
  fc
    .tuple(fc.constantFrom("data", "event", "id", "retry", "DATA", "x", ""), word)
    .map(([name, value]) => `${name}:${value}`),
  fc.constantFrom(
    "data",
    "event",
    "id",
    "retry",
    "retry: 1500",
    "id: e-1",
    "event: likes",
    'data: {"a":1}',
    ": beat",
    "",
  ),
);
const ending = fc.constantFrom("\n", "\r", "\r\n");
const stream = fc
  .array(fc.tuple(line, ending), { maxLength: 30 })
  .map((lines) => `${lines.flat().join("")}\n\n: end\n`);

describe("SSE parser", () => {
  test("reads what eventsource-parser reads, however the bytes are cut", () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat()), fc.boolean(), (text, places, mark) => {
        const bytes = Buffer.from(mark ? `\ufeff${text}` : text);
        const blocks = blocksOf(cut(bytes, places));
        const theirs: (string | undefined)[][] = [];
        const retries: number[] = [];
        const reference = createParser({
          onEvent: ({ event, data, id }) => theirs.push([event ?? "", data, id]),
          onRetry: (ms) => retries.push(ms),
        });
        reference.feed(mark ? `\ufeff${text}` : text);
        const ours = blocks.filter((block) => block.data !== undefined);
        expect(ours.map((block) => [block.event, block.data, block.id])).toEqual(theirs);
        expect(blocks.findLast((block) => block.retryMs !== undefined)?.retryMs).toBe(retries.at(-1));
      }),
      { numRuns: 2000 },
    );
  });

  test("knows the cases of the web platform tests", () => {
    expect(eventsOf("data:1\r:\u0000\n:\r\ndata:2\n:x\rdata\u0000:3\ndata:4\n\n")).toEqual([
      ["", "1\n2\n4", undefined],
    ]);
    expect(eventsOf("data: a\n\ndata: b\n")).toEqual([["", "a", undefined]]);
    expect(eventsOf("data\n\ndata:\ndata:\n\n")).toEqual([
      ["", "", undefined],
      ["", "\n", undefined],
    ]);
    expect(eventsOf("event:test\ndata:x\n\ndata:y\n\n").map(([event]) => event)).toEqual(["test", ""]);
    expect(eventsOf("data:\ttab\ndata:  two\n\n")).toEqual([["", "\ttab\n two", undefined]]);
    expect(eventsOf("id: a\u0000b\ndata: x\n\n")).toEqual([["", "x", undefined]]);
    expect(eventsOf("\ufeff\ufeffdata:1\n\ndata:2\n\n")).toEqual([["", "2", undefined]]);
    expect(blocksOf([Buffer.from("retry: 03000\n\nretry: 1x\n\n")]).map((block) => block.retryMs)).toEqual([
      3000,
    ]);
    expect(blocksOf([Buffer.from("id: 7\n\n")])).toEqual([
      { event: "", data: undefined, id: "7", retryMs: undefined },
    ]);
  });

  test("is idle between two blocks only", () => {
    const parser = new SseParser();
    const idle = (text: string): boolean => {
      parser.push(Buffer.from(text), () => undefined);
      return parser.idle;
    };
    expect(idle("data: x")).toBe(false);
    expect(idle("\n")).toBe(false);
    expect(idle("\n")).toBe(true);
    expect(idle(": comment\r")).toBe(false);
    expect(idle("\n")).toBe(true);
  });

  test("gives up on a line or a block without end", () => {
    const piece = Buffer.alloc(400_000, "x");
    const endless = new SseParser();
    expect([1, 2, 3].map(() => endless.push(piece, () => undefined))).toEqual([true, true, false]);
    const lines = Buffer.from(`data: ${"x".repeat(400_000)}\n`);
    const growing = new SseParser();
    expect([1, 2, 3].map(() => growing.push(lines, () => undefined))).toEqual([true, true, false]);
  });
});

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { limits } from "../core/limits.ts";
import { encodeFrame, type Frame, FrameReader, FrameRefused, kinds } from "./frames.ts";

const frame = fc.record({
  kind: fc.constantFrom(...kinds),
  id: fc.nat(2 ** 32 - 1),
  more: fc.nat(2 ** 32 - 1),
  flag: fc.boolean(),
  text: fc.string({ unit: "binary-ascii", maxLength: 300 }),
  position: fc.option(fc.record({ seq: fc.maxSafeNat(), previous: fc.maxSafeNat() }), { nil: undefined }),
  body: fc.uint8Array({ maxLength: 400 }),
});

const bytesOf = (frames: readonly Frame[]): Uint8Array =>
  Buffer.concat(frames.map(({ kind, ...parts }) => encodeFrame(kind, parts)));

/** What a reader makes of a stream that arrives in pieces of these lengths, and the rest at once. */
function read(stream: Uint8Array, lengths: readonly number[] = []): Frame[] {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  let at = 0;
  for (const length of [...lengths, stream.length]) {
    frames.push(...reader.read(stream.subarray(at, at + length)));
    at += length;
  }
  return frames.map((one) => ({ ...one, body: Uint8Array.from(one.body) }));
}

describe("frames", () => {
  test("arrive as they were sent, however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 12 }),
        fc.array(fc.nat(40), { maxLength: 200 }),
        (frames, lengths) => {
          expect(read(bytesOf(frames), lengths)).toEqual(frames);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("arrive byte by byte", () => {
    const frames = fc.sample(frame, { numRuns: 6, seed: 1 });
    const stream = bytesOf(frames);
    expect(read(stream, Array(stream.length).fill(1))).toEqual(frames);
  });

  test("that are unfinished are kept back, however long they are", () => {
    const long = encodeFrame("publish", { text: "v", body: new Uint8Array(700_000).fill(3) });
    expect(read(long.subarray(0, -1))).toEqual([]);
    const [only] = read(long, [1, 5, 300_000]);
    expect(only?.body).toHaveLength(700_000);
    expect(only?.body.every((byte) => byte === 3)).toBe(true);
  });

  test("of a hostile length are refused when their length is known, and nothing is kept of them", () => {
    const claims = (length: number) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(length);
      return bytes;
    };
    for (const length of [0, 1, 11, limits.localFrameBytesMax, 2 ** 31, 2 ** 32 - 1]) {
      expect(() => read(claims(length))).toThrow(FrameRefused);
      expect(() => read(claims(length), [1, 1, 1])).toThrow(FrameRefused);
    }
    expect(read(claims(limits.localFrameBytesMax - 4))).toEqual([]);
    expect(() => encodeFrame("put", { body: new Uint8Array(limits.localFrameBytesMax) })).toThrow(
      FrameRefused,
    );
  });

  test("a stream of anything is refused or read, and never more than that", () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 3 }),
        fc.uint8Array({ maxLength: 80 }),
        fc.nat(400),
        fc.nat(255),
        (frames, noise, at, byte) => {
          const stream = Buffer.concat([bytesOf(frames), noise]);
          if (stream.length > 0) stream[at % stream.length] = byte;
          try {
            for (const one of read(stream)) expect(kinds).toContain(one.kind);
          } catch (error) {
            expect(error).toBeInstanceOf(FrameRefused);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

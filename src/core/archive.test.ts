import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ArchiveBroken, ArchiveReader, ArchiveWriter, type Frame } from "./archive.ts";

function written(parts: readonly (readonly [string, Uint8Array])[]): Buffer {
  const writer = new ArchiveWriter();
  const frames = parts.map(([part, body]) => writer.frame({ part }, body));
  return Buffer.concat([new ArchiveWriter().begin("folder"), ...frames]);
}

function archive(parts: readonly (readonly [string, Uint8Array])[]): Buffer {
  const writer = new ArchiveWriter();
  const begin = writer.begin("folder");
  const frames = parts.map(([part, body]) => writer.frame({ part }, body));
  return Buffer.concat([begin, ...frames, writer.end()]);
}

function readAll(bytes: Uint8Array, step = bytes.length): Frame[] {
  const reader = new ArchiveReader();
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; at += step) {
    for (const frame of reader.read(bytes.subarray(at, at + step))) frames.push(frame);
  }
  reader.end();
  return frames;
}

const parts = fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.uint8Array({ maxLength: 60 })), {
  maxLength: 6,
});

describe("an archive", () => {
  test("gives back what was written, in pieces of any size", () => {
    fc.assert(
      fc.property(parts, fc.integer({ min: 1, max: 90 }), (given, step) => {
        const read = readAll(archive(given), step).map(({ part, body }) => [part, [...body]]);
        expect(read).toEqual(given.map(([part, body]) => [part, [...body]]));
      }),
    );
  });

  test("is refused when it is cut short, wherever, or one of its bytes is another", () => {
    fc.assert(
      fc.property(parts, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, where, other) => {
        const whole = archive(given);
        const at = where % whole.length;
        expect(() => readAll(whole.subarray(0, at))).toThrow(ArchiveBroken);
        const bad = Buffer.from(whole);
        bad[at] = (bad[at] as number) ^ other;
        expect(() => readAll(bad)).toThrow();
      }),
    );
  });

  test("says why it was given up, and what is none", () => {
    const given = Buffer.concat([written([["a", Buffer.from("x")]]), new ArchiveWriter().fail("no room")]);
    expect(() => readAll(given)).toThrow("no room");
    expect(() => readAll(Buffer.from("SQLite format 3"))).toThrow("it is no backup of ovation");
    const later = Buffer.from("ovation backup 12 folder\n");
    expect(() => readAll(later)).toThrow("it is of version 12, this program knows 1");
    expect(() => readAll(Buffer.concat([archive([]), archive([])]))).toThrow("behind its end");
  });
});

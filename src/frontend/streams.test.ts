/** Streams are found by the id they were given, by no other, and not after they have ended. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { VirtualClock } from "../base/clock.ts";
import { seededPrng } from "../base/prng.ts";
import { Connection } from "../fanout/connection.ts";
import type { Home } from "../fanout/slot.ts";
import { Stream, Streams } from "./streams.ts";
import { Words } from "./words.ts";

const shard = { ended: () => {} } as unknown as Home;
const nowMs = new VirtualClock().elapsed();
const prng = seededPrng(1);
const words = new Words({ node: "a.b", prng, beatMs: 15_000, streamAgeMs: 0, streams: () => 0 });
const stream = () => new Stream({ connection: Connection, words, shard, holder: undefined, nowMs });

test("a stream is found by its id while it is open", () => {
  const steps = fc.array(fc.nat(9), { maxLength: 100 });
  fc.assert(
    fc.property(steps, (all) => {
      const streams = new Streams("a.b");
      const open = new Map<number, { one: Stream; id: string }>();
      const over: string[] = [];
      for (const which of all) {
        const there = open.get(which);
        if (there) {
          open.delete(which);
          over.push(there.id);
          expect(streams.delete(there.one)).toBe(true);
          expect(streams.delete(there.one)).toBe(false);
        } else {
          const one = stream();
          streams.add(one);
          open.set(which, { one, id: streams.idOf(one) });
        }
        expect(streams.size).toBe(open.size);
        for (const { one, id } of open.values()) expect(streams.find(id)).toBe(one);
        for (const id of over) expect(streams.find(id)).toBe(undefined);
        expect(new Set(streams.all())).toEqual(new Set([...open.values()].map(({ one }) => one)));
      }
    }),
    { numRuns: 50 },
  );
});

test("an id is only found whole, on its own node", () => {
  const streams = new Streams("a.b");
  const one = stream();
  streams.add(one);
  const id = streams.idOf(one);
  expect(id).toMatch(/^a\.b\.[0-9a-z]{22}0$/);
  for (const other of [
    id.slice(0, -1),
    `${id}0`,
    id.replace("a.b", "a.c"),
    "a.b.0",
    `a.b.${"0".repeat(23)}`,
    "",
    "a.b.",
  ]) {
    expect(streams.find(other)).toBe(undefined);
  }
});

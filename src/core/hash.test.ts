import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Hash64, hash32, hash64 } from "./hash.ts";

function hashed(scope: string, text: string): string {
  const out: Hash64 = { hi: 0, lo: 0 };
  hash64(scope, text, out);
  return `${out.hi.toString(16).padStart(8, "0")}${out.lo.toString(16).padStart(8, "0")}`;
}

/** Keys as clients make them: close to each other, so a weak hash would show. */
const families: Readonly<Record<string, (n: number) => string>> = {
  numbers: (n) => `${n}`,
  "padded numbers": (n) => `${n}`.padStart(12, "0"),
  "viewer and tap": (n) => `viewer-${n % 1_000}:tap-${Math.floor(n / 1_000)}`,
  "ids with a random look": (n) => `${(n * 2654435761) >>> 0}-${((n ^ 0x5bd1e995) * 40503) >>> 0}`,
  "two letters apart": (n) => String.fromCharCode(33 + (n % 94), 33 + (Math.floor(n / 94) % 94)) + (n >>> 13),
};

describe("hash64", () => {
  test("gives on every node and runtime what it gave when the first log was written", () => {
    expect(hashed("", "")).toBe("e54a1f4427dbcd97");
    expect(hashed("v", "a")).toBe("e12521a358071096");
    expect(hashed("world-cup-final", "3f2504e0-4f89-11d3-9a0c-0305e82c3301")).toBe("5931cbe45cc9d10f");
  });

  test("depends on where the scope ends", () => {
    expect(hashed("ab", "c")).not.toBe(hashed("a", "bc"));
    expect(hashed("", "abc")).not.toBe(hashed("abc", ""));
  });

  test("gives two unsigned halves, the same for the same text", () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: "binary" }), (scope, text) => {
        const out: Hash64 = { hi: -1, lo: -1 };
        hash64(scope, text, out);
        for (const half of [out.hi, out.lo]) {
          expect(Number.isInteger(half) && half >= 0 && half <= 0xffffffff).toBe(true);
        }
        expect(hashed(scope, text)).toBe(hashed(scope, text));
      }),
    );
  });

  test.each(Object.keys(families))(
    "never meets twice in 300,000 keys that are %s, and spreads both halves",
    (name) => {
      const keyOf = families[name] as (n: number) => string;
      const count = 300_000;
      const out: Hash64 = { hi: 0, lo: 0 };
      const whole = new Set<bigint>();
      const his = new Set<number>();
      const los = new Set<number>();
      for (let n = 0; n < count; n++) {
        hash64("video", keyOf(n), out);
        whole.add((BigInt(out.hi) << 32n) | BigInt(out.lo));
        his.add(out.hi);
        los.add(out.lo);
      }
      expect(whole.size).toBe(count);
      // A fair 32-bit half meets itself about count² / 2^33 = 10.5 times.
      expect(count - his.size).toBeLessThan(40);
      expect(count - los.size).toBeLessThan(40);
    },
  );

  test("turns about half of all bits when one character changes", () => {
    let bits = 0;
    const out: Hash64 = { hi: 0, lo: 0 };
    for (let n = 0; n < 2_000; n++) {
      hash64("v", `key-${n}-a`, out);
      const { hi, lo } = out;
      hash64("v", `key-${n}-b`, out);
      for (let rest = hi ^ out.hi; rest !== 0; rest &= rest - 1) bits++;
      for (let rest = lo ^ out.lo; rest !== 0; rest &= rest - 1) bits++;
    }
    expect(bits / 2_000).toBeGreaterThan(28);
    expect(bits / 2_000).toBeLessThan(36);
  });
});

describe("hash32", () => {
  test("gives on every node and runtime what it gave first", () => {
    expect(hash32("")).toBe(2786964252);
    expect(hash32("world-cup-final")).toBe(1787659451);
  });

  test("spreads similar names evenly over a few places", () => {
    const places = new Array<number>(8).fill(0);
    for (let n = 0; n < 80_000; n++) {
      const place = hash32(`video-${n}`) % 8;
      places[place] = (places[place] as number) + 1;
    }
    for (const count of places) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });
});

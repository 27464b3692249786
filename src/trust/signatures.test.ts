import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { VideoId } from "../core/interaction.ts";
import { Signatures } from "./signatures.ts";

const secrets = ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"];
const signatures = new Signatures(secrets);
const [a, b] = ["a", "b"] as VideoId[] as [VideoId, VideoId];
const nowMs = 1_700_000_123_456;
const windowMs = 300_000;
const parts = (query: string) => {
  const said = new URLSearchParams(query);
  return [said.get("until"), said.get("sig")] as const;
};

describe("a signed address", () => {
  test("is the same for all who ask within five minutes, and holds for one to two times that", () => {
    const fromMs = Math.floor(nowMs / windowMs) * windowMs;
    const query = signatures.query(a, fromMs);
    expect(signatures.query(a, fromMs + windowMs - 1)).toBe(query);
    expect(signatures.query(a, fromMs + windowMs)).not.toBe(query);
    const [until, sig] = parts(query);
    expect(signatures.holds(a, until, sig, fromMs + 2 * windowMs - 1)).toBe(true);
    expect(signatures.holds(a, until, sig, fromMs + 2 * windowMs)).toBe(false);
  });

  test("holds for its video and its end alone", () => {
    const [until, sig] = parts(signatures.query(a, nowMs));
    expect(signatures.holds(a, until, sig, nowMs)).toBe(true);
    expect(signatures.holds(b, until, sig, nowMs)).toBe(false);
    expect(signatures.holds(a, String(Number(until) + 300), sig, nowMs)).toBe(false);
    for (const wrong of [null, "", "AAAA", `${sig}A`, sig?.slice(1) ?? ""]) {
      expect(signatures.holds(a, until, wrong, nowMs)).toBe(false);
    }
    for (const wrong of [null, "", "-1", "1e20", ` ${until}`]) {
      expect(signatures.holds(a, wrong, sig, nowMs)).toBe(false);
    }
  });

  test("is taken while its secret is one of those known, whichever it is", () => {
    const [first = "", second = ""] = secrets;
    const [until, sig] = parts(new Signatures([second]).query(a, nowMs));
    expect(signatures.holds(a, until, sig, nowMs)).toBe(true);
    expect(new Signatures([first]).holds(a, until, sig, nowMs)).toBe(false);
    expect(new Signatures([]).holds(a, until, sig, nowMs)).toBe(false);
  });

  test("is none, whatever else it is", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (until, sig) => !signatures.holds(a, until, sig, nowMs)),
      { numRuns: 300 },
    );
  });
});

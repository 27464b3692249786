import { expect, test } from "bun:test";
import { limits } from "./limits.ts";
import { assertLimits } from "./relations.ts";

test("no two limits contradict each other", () => expect(assertLimits).not.toThrow());

test("every limit is a positive number, and whole", () => {
  for (const [name, value] of Object.entries(limits)) {
    expect([name, Number.isSafeInteger(value) && value > 0]).toEqual([name, true]);
  }
});

test("two that contradict each other are a bug", () => {
  const mutable = limits as { leaseMs: number };
  const before = limits.leaseMs;
  try {
    mutable.leaseMs = limits.leaseRenewMs;
    expect(assertLimits).toThrow("a lease survives two lost renewals");
  } finally {
    mutable.leaseMs = before;
  }
});

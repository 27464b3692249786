import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { Spread, type SpreadOrder } from "./spread.ts";

const log = createLog({ level: "error", format: "json", write: () => {}, now: () => 0 });

function bench(count = 3) {
  const clock = new VirtualClock();
  const told: [string, SpreadOrder][] = [];
  const tell = (worker: string, order: SpreadOrder): void => {
    told.push([worker, order]);
  };
  const spread = new Spread({ count, clock, log, tell });
  const names = Array.from({ length: count }, (_, index) => `w${index + 1}`);
  for (const name of names) spread.came(name, false);
  const holds = (...viewers: number[]): void => {
    for (const [index, name] of names.entries()) spread.holds(name, viewers[index] ?? 0, 0);
  };
  return { clock, told, spread, holds };
}

describe("a worker that takes the place of another", () => {
  test("gets all who come until it has its share", () => {
    const { clock, told, spread, holds } = bench();
    holds(1_000, 1_000, 1_000);
    spread.went("w2");
    spread.came("w2", true);
    expect(told).toEqual([["w2", { kind: "steer", place: 2 }]]);
    holds(1_000, 500, 1_000);
    clock.advance(1_000);
    expect(told).toHaveLength(1);
    holds(1_000, 960, 1_000);
    clock.advance(1_000);
    expect(told.slice(1)).toEqual([["w2", { kind: "steer" }]]);
  });

  test("gets them for so long only, and nobody is sent away while they come", () => {
    const { clock, told, spread, holds } = bench();
    spread.went("w3");
    spread.came("w3", true);
    for (let second = 1; second < 15; second++) {
      holds(1_000, 1_000, 50 * second);
      clock.advance(1_000);
    }
    expect(told).toHaveLength(1);
    clock.advance(1_000);
    expect(told[1]).toEqual(["w3", { kind: "steer" }]);
  });

  test("gets them only as far as it keeps up, while the others could", () => {
    const { clock, told, spread, holds } = bench();
    spread.went("w2");
    spread.came("w2", true);
    holds(1_000, 300, 1_000);
    spread.holds("w2", 400, 1_000);
    spread.holds("w1", 1_000, 2_000);
    expect(told).toHaveLength(1);
    spread.holds("w2", 500, 2_000);
    expect(told.slice(1)).toEqual([["w2", { kind: "steer" }]]);
    for (const waiting of [2_000, 500]) spread.holds("w2", 600, waiting);
    expect(told).toHaveLength(2);
    spread.holds("w2", 700, 0);
    expect(told.slice(2)).toEqual([["w2", { kind: "steer", place: 2 }]]);
    holds(1_000, 960, 1_000);
    clock.advance(1_000);
    expect(told.slice(3)).toEqual([["w2", { kind: "steer" }]]);
  });

  test("gets those too, when no more come, whom the others hold beyond their share", () => {
    const { clock, told, spread, holds } = bench();
    spread.went("w3");
    spread.came("w3", true);
    holds(1_300, 1_100, 600);
    clock.advance(4_000);
    expect(told.slice(1)).toEqual([["w1", { kind: "shed", viewers: 300 }]]);
    clock.advance(12_000);
    expect(told).toHaveLength(2);
    holds(1_000, 1_100, 900);
    clock.advance(2_000);
    expect(told).toHaveLength(2);
    holds(1_000, 1_050, 950);
    clock.advance(1_000);
    expect(told[2]).toEqual(["w3", { kind: "steer" }]);
    holds(1_150, 1_250, 600);
    clock.advance(4_000);
    expect(told.slice(3)).toEqual([
      ["w3", { kind: "steer", place: 2 }],
      ["w1", { kind: "shed", viewers: 150 }],
      ["w2", { kind: "shed", viewers: 250 }],
    ]);
  });

  test("that dies too is no reason to go on, nor is one that comes while another is away", () => {
    const { told, spread } = bench();
    spread.went("w1");
    spread.came("w1", true);
    spread.went("w1");
    expect(told[1]).toEqual(["w2", { kind: "steer" }]);
    spread.went("w2");
    spread.came("w1", true);
    expect(told).toHaveLength(2);
  });

  test("is nothing at the first start, or where there is one only", () => {
    expect(bench().told).toEqual([]);
    const { told, spread } = bench(1);
    spread.went("w1");
    spread.came("w1", true);
    expect(told).toEqual([]);
  });
});

describe("a worker that holds too many", () => {
  test("sends those beyond its share away, once, and again only when that was seen", () => {
    const { clock, told, holds } = bench();
    holds(1_400, 1_000, 600);
    clock.advance(3_000);
    expect(told).toEqual([]);
    clock.advance(1_000);
    expect(told).toEqual([["w1", { kind: "shed", viewers: 400 }]]);
    clock.advance(14_000);
    expect(told).toHaveLength(1);
    clock.advance(1_000);
    expect(told).toHaveLength(2);
  });

  test("is left alone while others leave, who may be told of first", () => {
    const { clock, told, holds } = bench();
    holds(1_000, 1_000, 1_000);
    clock.advance(10_000);
    holds(1_000, 0, 0);
    clock.advance(2_000);
    holds(0, 0, 0);
    clock.advance(10_000);
    expect(told).toEqual([]);
  });

  test("is left alone within a tenth, with few viewers, and while one is missing", () => {
    const { clock, told, spread, holds } = bench();
    holds(1_099, 1_000, 901);
    clock.advance(10_000);
    holds(60, 10, 0);
    clock.advance(10_000);
    holds(2_000, 1_000, 0);
    spread.went("w3");
    clock.advance(10_000);
    expect(told).toEqual([]);
  });

  test("is given up when they always come back to it, until it was well", () => {
    const { clock, told, holds } = bench();
    holds(3_000, 0, 0);
    clock.advance(600_000);
    expect(told).toHaveLength(5);
    holds(1_000, 1_000, 1_000);
    clock.advance(1_000);
    holds(3_000, 0, 0);
    clock.advance(10_000);
    expect(told).toHaveLength(6);
  });
});

import { describe, expect, test } from "bun:test";
import { barChart, lineChart, short } from "./chart.ts";

const line = lineChart({
  title: "A & <b>",
  x: { label: "viewers", log: true },
  y: { label: "ms" },
  lines: [
    {
      name: "p50",
      points: [
        [100, 5],
        [10_000, 50],
      ],
    },
    {
      name: "p99",
      points: [
        [100, 9],
        [10_000, 90],
      ],
    },
  ],
});

function circles(svg: string): { x: number; y: number }[] {
  return [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map((found) => ({
    x: Number(found[1]),
    y: Number(found[2]),
  }));
}

describe("charts", () => {
  test("words cannot break the document", () => {
    expect(line).toContain("A &amp; &lt;b>");
    expect(line.match(/<svg/g)).toHaveLength(1);
    expect(line.trimEnd().endsWith("</svg>")).toBe(true);
  });

  test("a line has its points inside, in order, larger values higher", () => {
    const [a, b, c, d] = circles(line);
    expect(circles(line)).toHaveLength(4);
    for (const { x, y } of circles(line)) {
      expect(x).toBeGreaterThanOrEqual(76);
      expect(x).toBeLessThanOrEqual(696);
      expect(y).toBeGreaterThanOrEqual(64);
      expect(y).toBeLessThanOrEqual(308);
    }
    expect(a?.x).toBeLessThan(b?.x ?? 0);
    expect(b?.y).toBeLessThan(a?.y ?? 0);
    expect(d?.y).toBeLessThan(c?.y ?? 0);
  });

  test("on a logarithmic axis equal factors are equal distances", () => {
    const points = [1, 10, 100, 1000].map((x) => [x, 1] as const);
    const svg = lineChart({
      title: "t",
      x: { label: "", log: true },
      y: { label: "" },
      lines: [{ name: "", points }],
    });
    const xs = circles(svg).map(({ x }) => x);
    const steps = xs.slice(1).map((x, index) => x - (xs[index] ?? 0));
    for (const step of steps) expect(step).toBeCloseTo(steps[0] ?? 0, 0);
  });

  test("bars are as high as their values", () => {
    const svg = barChart({
      title: "t",
      y: { label: "frames/s" },
      bars: ["a", "b"],
      groups: [{ name: "g", values: [50, 100] }],
    });
    const heights = [...svg.matchAll(/<rect x="[^"]*" y="[^"]*" width="[^"]*" height="([\d.]+)" fill/g)].map(
      (found) => Number(found[1]),
    );
    expect(heights[1]).toBeCloseTo(2 * (heights[0] ?? 0), 0);
  });

  test("numbers are short", () => {
    expect([0.5, 9, 1234, 12_345, 1_234_567].map(short)).toEqual(["0.5", "9", "1,230", "12.3k", "1.23M"]);
  });
});

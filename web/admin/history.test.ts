/** What the control room remembers, and the moments it finds in it. */
import { describe, expect, test } from "bun:test";
import { addRow, createColumns, createVideoHistories, peaksOf, SECONDS_MAX } from "./history.ts";

const top = (video: string, heart: number) => ({
  video,
  viewers: 1,
  likes: heart,
  likesPerS: heart,
  commentsPerS: 0,
  totals: { heart },
});

describe("columns", () => {
  test("stay as long as time, whatever comes and goes, and forget the oldest", () => {
    const columns = createColumns();
    for (let second = 0; second < SECONDS_MAX + 20; second++) {
      addRow(columns, second, second % 2 ? { a: second } : { a: second, b: second });
    }
    expect(columns.time.length).toBe(SECONDS_MAX);
    for (const column of columns.values.values()) expect(column.length).toBe(SECONDS_MAX);
    expect(columns.time[0]).toBe(20);
    expect(columns.values.get("b")?.slice(0, 2)).toEqual([20, null]);
  });
});

describe("videos", () => {
  test("rates by kind are what totals grew by, per second", () => {
    const histories = createVideoHistories();
    histories.add(10, [top("v", 100)]);
    histories.add(11, [top("v", 130)]);
    histories.add(13, [top("v", 150)]);
    expect(histories.kinds("v")?.values.get("heart")).toEqual([30, 10]);
    expect(histories.rates("v")).toEqual([100, 130, 150]);
  });

  test("a video long gone is forgotten", () => {
    const histories = createVideoHistories();
    histories.add(0, [top("v", 1)]);
    histories.add(SECONDS_MAX + 1, [top("w", 1)]);
    expect(histories.rates("v")).toEqual([]);
    expect(histories.rates("w")).toEqual([1]);
  });
});

describe("peaks", () => {
  test("the highest first, apart from each other, nothing in a calm", () => {
    const values = Array.from({ length: 100 }, () => 10);
    for (const [index, value] of [
      [20, 200],
      [22, 180],
      [60, 300],
    ] as const) {
      values[index] = value;
    }
    expect(peaksOf(values).map(({ index }) => index)).toEqual([60, 20]);
    expect(peaksOf(Array.from({ length: 50 }, () => 5))).toEqual([]);
    expect(peaksOf([])).toEqual([]);
  });
});

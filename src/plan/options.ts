/** The flags of `ovation plan` and of `ovation calibrate`: tables read as a node's settings are. */
import { accepted, duration, oneLine, onOff, share, wholeNumber } from "../settings/kinds.ts";
import { defineSettings, group, type Parsed, parseTable, type SettingsOf } from "../settings/table.ts";
import { helpText } from "../settings/text.ts";
import type { Audience, Machine } from "./model.ts";

const amountPattern = /^(\d{1,12}(?:\.\d{1,6})?)([kMG])?$/;
const unit = { k: 1e3, M: 1e6, G: 1e9 } as const;

/** A number as people write them: 18M, 2.5k. Both bounds included. */
function amount(min: number, max: number, isWhole = false) {
  const expects = `a ${isWhole ? "whole " : ""}number from ${min} to ${max}, like 250, 40k or 18M`;
  const isOne = (text: string): boolean => {
    const value = amountOf(text);
    return value >= min && value <= max && (!isWhole || Number.isInteger(value));
  };
  const { schema, ...rest } = accepted(expects, "n", isOne);
  return { ...rest, schema: schema.transform(amountOf) };
}

function amountOf(text: string): number {
  const [, digits, letter] = amountPattern.exec(text) ?? [];
  return Number(digits) * (letter === undefined ? 1 : unit[letter as keyof typeof unit]);
}

const price = accepted("a price, like 0.17", "price", (text) => /^\d{1,9}(\.\d{1,6})?$/.test(text));

export const planTable = defineSettings({
  command: "ovation plan",
  about: "Works out nodes, memory, network and what breaks first, for an audience at its peak.",
  prefix: "OVATION_PLAN_",
  foreignPrefixes: [],
  rows: {
    ...group("Audience", {
      viewers: { kind: amount(1, 10e9, true), fallback: "100k", help: "people watching at the same time" },
      videos: { kind: amount(1, 10e6, true), fallback: "1", help: "videos they are spread over evenly" },
      likes: { kind: amount(0, 1e9), fallback: "100", help: "taps a second in all" },
      likesBatch: { kind: wholeNumber(1, 50), fallback: "1", help: "taps that a client puts in one request" },
      comments: { kind: amount(0, 1e6), fallback: "5", help: "comments a second in all" },
      regions: { kind: wholeNumber(1, 100), fallback: "1", help: "regions they are spread over evenly" },
      streamShare: { kind: share, fallback: "1", help: "part of the viewers with a stream; the others poll" },
      poll: { kind: duration(500, 600_000), fallback: "2s", help: "how often the others poll" },
      caches: { kind: wholeNumber(1, 100_000), fallback: "1", help: "caches that they poll through" },
    }),
    ...group("Node", {
      cores: { kind: wholeNumber(1, 1_024), fallback: "4", help: "cores, one process each" },
      memoryGb: { kind: wholeNumber(1, 10_000), fallback: "8", help: "memory in gigabytes" },
      networkGbit: { kind: amount(0.01, 1_000), fallback: "5", help: "gigabits a second outward" },
      nodeStreams: { kind: amount(100, 10e6, true), fallback: "100k", help: "most streams of one node" },
      tick: {
        kind: duration(1, 60_000),
        fallback: "50ms",
        help: "the nodes' --tick: new totals are shown at most once in this time",
      },
      priceNode: { kind: price, fallback: "0", help: "price of a node's hour" },
      priceGb: { kind: price, fallback: "0", help: "price of a gigabyte sent" },
    }),
    ...group("Coefficients", {
      coefficients: {
        kind: oneLine(4_096, "path"),
        fallback: "",
        fallbackShown: "those of bench/RESULTS.md",
        help: "file that `ovation calibrate` wrote",
      },
    }),
    ...group("Report", {
      json: { kind: onOff(), fallback: "false", help: "one JSON object in place of text" },
    }),
  },
  rules: [
    {
      uses: ["viewers", "videos"],
      mistake: ({ viewers, videos }) => (videos > viewers ? "--videos: more than --viewers" : undefined),
    },
    {
      uses: ["viewers", "regions"],
      mistake: ({ viewers, regions }) => (regions > viewers ? "--regions: more than --viewers" : undefined),
    },
    {
      uses: ["viewers", "streamShare"],
      mistake: ({ viewers, streamShare }) =>
        viewers * Number(streamShare) < 1 ? "--stream-share: nobody holds a stream" : undefined,
    },
  ],
});

export const calibrateTable = defineSettings({
  command: "ovation calibrate",
  about: "Measures on this machine, in half a minute, what `ovation plan` works with, and prints it as JSON.",
  prefix: "OVATION_CALIBRATE_",
  foreignPrefixes: [],
  rows: {
    ...group("Run", {
      viewers: { kind: wholeNumber(500, 15_000), fallback: "4000", help: "viewers of the runs" },
    }),
  },
  rules: [],
});

type Env = Readonly<Record<string, string | undefined>>;
type ReadFile = (path: string) => string;
export type PlanOptions = SettingsOf<typeof planTable.rows>;
export type CalibrateOptions = SettingsOf<typeof calibrateTable.rows>;
const machine = { hostname: "", suffix: "" };

/** Reads the flags after `plan`; every mistake at once. */
export function parsePlanOptions(
  argv: readonly string[],
  env: Env,
  readFile: ReadFile,
): Parsed<typeof planTable.rows> {
  return parseTable(planTable, { argv, env, readFile, machine });
}

/** Reads the flags after `calibrate`; every mistake at once. */
export function parseCalibrateOptions(
  argv: readonly string[],
  env: Env,
  readFile: ReadFile,
): Parsed<typeof calibrateTable.rows> {
  return parseTable(calibrateTable, { argv, env, readFile, machine });
}

export function planHelp(): string {
  return helpText(
    planTable,
    "\nExample: ovation plan --viewers=18M --likes=100k --likes-batch=10 --tick=1s\n",
  );
}

export function calibrateHelp(): string {
  return helpText(
    calibrateTable,
    "\nExample: ovation calibrate > here.json && ovation plan --coefficients=here.json\n",
  );
}

/** The options as the model wants them. */
export function audienceOf(options: PlanOptions): Audience {
  const { viewers, videos, likes, likesBatch, comments, regions, caches } = options;
  const streamShare = Number(options.streamShare);
  return { viewers, videos, likes, likesBatch, comments, regions, caches, streamShare, pollMs: options.poll };
}

export function machineOf(options: PlanOptions): Machine {
  return {
    cores: options.cores,
    memoryBytes: options.memoryGb * 1e9,
    bitsPerS: options.networkGbit * 1e9,
    streams: options.nodeStreams,
    tickMs: options.tick,
    pricePerHour: Number(options.priceNode),
    pricePerGb: Number(options.priceGb),
  };
}

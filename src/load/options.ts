/**
 * The flags of `ovation load`: one table, read by the same machinery as a node's settings (base/settings.ts),
 * with variables of its own (OVATION_LOAD_…).
 */
import { randomBytes } from "node:crypto";
import {
  accepted,
  choice,
  durationOrNone,
  listOf,
  matching,
  oneLine,
  onOff,
  seconds,
  wholeNumber,
  wholeNumberOr,
} from "../settings/kinds.ts";
import {
  defineSettings,
  group,
  type Machine,
  type Parsed,
  parseTable,
  type SettingsOf,
  withAddress,
} from "../settings/table.ts";
import { helpText } from "../settings/text.ts";
import { isLoopback, readTarget } from "./target.ts";

/** Viewers of one process. Beyond: more processes; a process may often hold 20,000 descriptors only. */
const viewersPerProcess = 15_000;
const viewersPerProcessMax = 18_000;
/** Comments of one run: every audience process remembers each one. Beyond: refused. */
const commentsMax = 1_000_000;

const node = accepted(
  "a node like http://127.0.0.1:8080",
  "url",
  (url) => typeof readTarget(url) !== "string",
);
const kind = matching(/^[a-z][a-z0-9_-]{0,15}$/, "1 to 16 of a-z 0-9 _ -, a letter first", "kind");
const token = oneLine(4096, "token");

export const loadTable = defineSettings({
  command: "ovation load",
  about: "Brings an audience over real sockets, and proves that every like and comment reached it.",
  prefix: "OVATION_LOAD_",
  foreignPrefixes: [],
  rows: {
    ...group("Where", {
      url: {
        kind: listOf(node, 1, 64),
        fallback: "http://127.0.0.1:8080",
        help: "nodes; viewers and publishers are spread over them",
      },
      allowRemote: {
        kind: onOff(),
        fallback: "false",
        help: "allows nodes on other machines: make sure that they are yours",
      },
      token: { kind: token, fallback: "", help: "bearer token of the viewers", secret: true },
      key: {
        kind: token,
        fallback: "",
        help: "bearer key of the publishers; without one, --token",
        secret: true,
      },
      sourceSpread: {
        kind: onOff(),
        fallback: "true",
        help: "on loopback, every viewer comes from its own address in 127.0.0.0/8",
      },
    }),
    ...group("Audience", {
      viewers: { kind: wholeNumber(0, 1_000_000), fallback: "1000", help: "viewers with a stream each" },
      videos: { kind: wholeNumber(1, 100_000), fallback: "1", help: "videos they are spread over evenly" },
      videoPrefix: {
        kind: matching(/^[A-Za-z0-9_-]{1,48}$/, "1 to 48 of A-Z a-z 0-9 _ -", "name"),
        fallback: ({ suffix }: Machine) => `load-${suffix}`,
        fallbackShown: "a new one each run",
        help: "id of the video; with several videos, -1, -2 … are appended",
      },
      ramp: { kind: wholeNumber(1, 100_000), fallback: "2000", help: "most viewers connecting per second" },
      reconnect: { kind: onOff(), fallback: "true", help: "viewers that lose their stream come back" },
      stall: {
        kind: wholeNumber(0, 1_000_000),
        fallback: "0",
        help: "of the viewers, how many stop reading",
      },
      processes: {
        kind: wholeNumberOr("auto", 1, 256),
        fallback: "auto",
        help: `processes that hold the viewers; auto is one per ${viewersPerProcess}`,
      },
    }),
    ...group("Reactions", {
      likes: { kind: wholeNumber(0, 10_000_000), fallback: "100", help: "taps per second in total" },
      likesBatch: { kind: wholeNumber(1, 50), fallback: "1", help: "taps sent in one request" },
      comments: { kind: wholeNumber(0, 100_000), fallback: "0", help: "comments per second in total" },
      behindMs: {
        kind: durationOrNone(1, 120_000),
        fallback: "0",
        help: "how far viewers are behind the picture at most; they then say which one they see",
      },
      kinds: { kind: listOf(kind, 1, 16), fallback: "heart,clap,laugh,wow,fire", help: "kinds of like" },
      arrivals: {
        kind: choice("poisson", "even"),
        fallback: "poisson",
        help: "how requests are spaced: as a crowd does, or exactly",
      },
      repeat: {
        kind: wholeNumber(0, 100),
        fallback: "0",
        help: "percent of likes sent a second time under the same key, to the next node",
      },
      duration: { kind: seconds(1, 86_400), fallback: "10", help: "seconds of publishing" },
      settle: {
        kind: seconds(1, 600),
        fallback: "20",
        help: "most seconds to wait afterwards for answers, totals and viewers, each",
      },
    }),
    ...group("Report", {
      json: { kind: onOff(), fallback: "false", help: "one JSON object in place of text" },
      quiet: { kind: onOff(), fallback: "false", help: "no progress line" },
      seed: {
        kind: wholeNumber(0, 4_294_967_295),
        fallback: ({ suffix }: Machine) => String(Number.parseInt(suffix, 16)),
        fallbackShown: "a new one each run",
        help: "makes schedule, kinds and jitter repeatable",
      },
    }),
  },
  rules: [
    {
      uses: ["url", "allowRemote"],
      mistake: ({ url, allowRemote }) => {
        const far = url.find((each) => !isNear(each));
        return far === undefined || allowRemote
          ? undefined
          : `--url=${far} is another machine: add --allow-remote`;
      },
    },
    {
      uses: ["viewers", "stall"],
      mistake: ({ viewers, stall }) => (stall > viewers ? "--stall: more than --viewers" : undefined),
    },
    {
      uses: ["viewers", "processes"],
      mistake: ({ viewers, processes }) =>
        processes !== "auto" && viewers > processes * viewersPerProcessMax
          ? `--processes=${processes} cannot hold ${viewers} viewers: at most ${viewersPerProcessMax} each`
          : undefined,
    },
    {
      uses: ["comments", "duration"],
      mistake: ({ comments, duration }) =>
        comments * duration > commentsMax
          ? `--comments × --duration: at most ${commentsMax} in a run`
          : undefined,
    },
  ],
});

export type LoadOptions = SettingsOf<typeof loadTable.rows>;

/**
 * Reads the flags after `load`, among which the nodes may stand alone (`load http://127.0.0.1:8080`); every
 * mistake at once. `readFile` answers a file's text or throws.
 */
export function parseLoadOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): Parsed<typeof loadTable.rows> {
  const machine = { suffix: randomBytes(2).toString("hex") };
  return parseTable(loadTable, { argv: withAddress(argv), env, readFile, machine });
}

/** The text of `ovation load --help`. */
export function loadHelp(): string {
  return helpText(
    loadTable,
    "\nExit: 0 exact, 1 something is missing or too much, 2 a bad flag, 130 interrupted.\n",
  );
}

/** Audience processes for these options. */
export function processesOf({ viewers, processes }: Pick<LoadOptions, "viewers" | "processes">): number {
  return processes === "auto" ? Math.ceil(viewers / viewersPerProcess) : Math.min(processes, viewers);
}

/** Ids of the videos of a run. */
export function videosOf({ videos, videoPrefix }: Pick<LoadOptions, "videos" | "videoPrefix">): string[] {
  if (videos === 1) return [videoPrefix];
  return Array.from({ length: videos }, (_, index) => `${videoPrefix}-${index + 1}`);
}

function isNear(url: string): boolean {
  const target = readTarget(url);
  return typeof target !== "string" && isLoopback(target);
}

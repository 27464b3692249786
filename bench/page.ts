/**
 * `npm run bench:page`: bench/RESULTS.md and its charts, from the last line of every file in bench/results/.
 *
 * It only tells what runs have measured: no figure is written here by hand, a run that has no line is named
 * as missing. What each run does stands at the head of its own file. The sections are in page-rates.ts and
 * page-audience.ts.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { against } from "./page-against.ts";
import { latency, likesCost, memory, scale, siege, storm, workers } from "./page-audience.ts";
import type { Line, Section } from "./page-kit.ts";
import { peers } from "./page-peers.ts";
import { fanout, ingest, million } from "./page-rates.ts";
import { replay } from "./page-replay.ts";
import { siegeAll } from "./page-siege.ts";
import type { Place } from "./place.ts";
import { neighboursMax } from "./proc.ts";
import { resultsFolder, say } from "./run.ts";

const sections: readonly Section[] = [
  against,
  fanout,
  million,
  latency,
  likesCost,
  ingest,
  memory,
  workers,
  scale,
  storm,
  siege,
  siegeAll,
  peers,
  replay,
];
const page = join(import.meta.dir, "RESULTS.md");
const charts = join(import.meta.dir, "charts");

/** The last line of a run, and of those beside loud neighbours the last, where all others are older. */
function linesOf(run: string): { quiet: Line | undefined; loud: Line | undefined } {
  const path = join(resultsFolder, `${run}.jsonl`);
  const text = existsSync(path) ? readFileSync(path, "utf8").trimEnd() : "";
  const lines = text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
  const quiet = lines.findLast(({ neighbours = 0 }) => neighbours <= neighboursMax);
  const last = lines.at(-1);
  return { quiet, loud: last === quiet ? undefined : last };
}

function placeText({ cpu, cores, memoryGB, kernel, runtime }: Place): string {
  return `${cpu}, ${cores} cores, ${memoryGB} GB, Linux ${kernel}, ${runtime}`;
}

function apartText(section: Section, line: Line): string {
  const { aims, text } = section.tell(line);
  const told = aims.map(({ aim, measured, met }) => `- ${aim}: ${measured}${met ? "" : ", not met"}`);
  const share = Math.round(100 * (line.neighbours ?? 0));
  const when = `\`npm run bench:${section.run}\`, ${line.at.slice(0, 10)}, ${line.place.commit}`;
  return [
    `### ${section.title}`,
    `${when}, ${line.rounds} rounds; neighbours took ${share} % of the machine.`,
    text,
    ...(told.length > 0 ? [told.join("\n")] : []),
  ].join("\n\n");
}

export function render(): void {
  mkdirSync(charts, { recursive: true });
  const parts: string[] = [];
  const aims: string[] = [];
  const places = new Set<string>();
  const missing: string[] = [];
  const apart: string[] = [];
  for (const section of sections) {
    const { quiet, loud } = linesOf(section.run);
    if (loud) apart.push(apartText(section, loud));
    const line = quiet;
    if (!line) {
      missing.push(`\`bench:${section.run}\``);
      continue;
    }
    places.add(placeText(line.place));
    const { text, aims: own, charts: drawn } = section.tell(line);
    for (const { aim, measured, met } of own) aims.push(`| ${aim} | ${measured} | ${met ? "yes" : "no"} |`);
    for (const [name, svg] of Object.entries(drawn)) writeFileSync(join(charts, `${name}.svg`), svg);
    const images = Object.keys(drawn).map((name) => `![${name}](charts/${name}.svg)`);
    const { commit } = line.place;
    const command = `\`${section.command ?? `npm run bench:${section.run}`}\``;
    const when = `${command}, ${line.at.slice(0, 10)}, ${commit}, ${line.rounds} rounds`;
    parts.push([`## ${section.title}`, section.about, ...images, text, `<sub>${when}</sub>`].join("\n\n"));
  }
  const head = [
    "# What was measured",
    "Made by `npm run bench:all`; do not edit. Server, audience and publishers share one machine, so " +
      "every figure is one of a machine that does all three. Where something was at its limit, it is " +
      "named: `server` is the one server process, `audience` the processes of the viewers, `machine` all " +
      "cores. Figures are medians of the rounds.",
    ...[...places].map((place) => `Measured on: ${place}.`),
    ...(missing.length > 0 ? [`Not measured yet: ${missing.join(", ")}.`] : []),
    ["| aim | measured | met |", "|---|---|---|", ...aims].join("\n"),
  ];
  if (apart.length > 0) {
    const why =
      "Neighbours took more than a tenth of the machine meanwhile: kept apart, and no aim is judged by them.";
    parts.push(["## Beside loud neighbours", why, ...apart].join("\n\n"));
  }
  writeFileSync(page, `${[...head, ...parts].join("\n\n")}\n`);
  say(`wrote ${page}`);
}

if (import.meta.main) render();

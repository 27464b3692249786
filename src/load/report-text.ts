/**
 * A report and a progress line for people. Everything said here is in the report object too (report.ts).
 */
import type { Percentiles } from "./latency.ts";
import type { LoadReport } from "./report.ts";

/** 12345678 → "12,345,678". */
function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Three digits or so, and the unit: 0.42 ms, 7.3 ms, 142 ms, 12.3 s. */
export function milliseconds(value: number): string {
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  return `${value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(2)} ms`;
}

function percentiles({ count, p50, p90, p99, p999, max }: Percentiles): string {
  if (count === 0) return "none";
  const named = [
    ["p50", p50],
    ["p90", p90],
    ["p99", p99],
    ["p99.9", p999],
    ["max", max],
  ] as const;
  return named.map(([name, value]) => `${name} ${milliseconds(value)}`).join("   ");
}

function bytes(value: number): string {
  return value >= 1e6 ? `${(value / 1e6).toFixed(1)} MB` : `${(value / 1e3).toFixed(1)} kB`;
}

/** The report as text, ending in a newline. */
export function renderReport(report: LoadReport): string {
  const { run, audience, published, delivered, generator } = report;
  const rows: [string, string][] = [
    [
      "run",
      `${whole(run.viewers)} viewers, ${whole(run.videos)} × "${run.videoPrefix}", ${run.urls.join(" ")}`,
    ],
    ["", `${whole(run.likesPerS)} likes/s, ${whole(run.commentsPerS)} comments/s, ${run.durationS} s`],
    ["connected", `${whole(audience.connected)} of ${whole(run.viewers)}`],
    ["connect", percentiles(audience.connectMs)],
    ["accepted", `${whole(published.likes)} likes, ${whole(published.likesPerS)}/s`],
    ["", `${whole(published.comments)} comments`],
    ["accept", percentiles(published.acceptMs)],
    ["delivered", `${whole(delivered.likesPerS)} likes/s (${whole(delivered.likes)} likes)`],
    ["", `${whole(delivered.framesPerS)} frames/s, ${bytes(delivered.bytesPerS)}/s`],
    ["likes", percentiles(delivered.likesMs)],
    ["comments", percentiles(delivered.commentsMs)],
    ...streamRows(audience),
  ];
  if (published.retries > 0) {
    rows.push(["retries", `${whole(published.retries)}; answers ${statuses(published.statuses)}`]);
  }
  rows.push(["generator", generatorLine(generator)], ...exactRows(report.exact));
  for (const note of report.notes) rows.push(["note", note]);
  if (report.run.interrupted) rows.push(["note", "interrupted: figures cover what was played"]);
  for (const failure of report.failures) rows.push(["FAILED", failure]);
  if (report.ok) rows.push(["ok", "everything accepted was shown to everyone, once"]);
  return rows.map(([name, value]) => `  ${name.padEnd(10)} ${value}\n`).join("");
}

function streamRows(audience: LoadReport["audience"]): [string, string][] {
  const { byes, cuts, broken, refused, reconnected, reconnectMs, stalled, stalledReset } = audience;
  const losses = [
    [byes, "told bye"],
    [cuts, "cut"],
    [broken, "unreadable"],
    [refused, "refused"],
  ] as const;
  const named = losses.filter(([count]) => count > 0).map(([count, name]) => `${whole(count)} ${name}`);
  const lost = named.length === 0 ? "none lost" : `${named.join(", ")}; ${whole(reconnected)} came back`;
  const rows: [string, string][] = [["streams", lost]];
  if (reconnectMs.count > 0) rows.push(["reconnect", percentiles(reconnectMs)]);
  if (stalled > 0) rows.push(["stalled", `${whole(stalled)}, ${whole(stalledReset)} reset by the server`]);
  return rows;
}

function exactRows(exact: LoadReport["exact"]): [string, string][] {
  const lost = `likes lost ${whole(exact.likesLost)}, doubled ${whole(exact.likesDoubled)}`;
  const rows: [string, string][] = [
    ["exact", `${lost}; ${whole(exact.viewersWrong)} of ${whole(exact.viewersChecked)} viewers are off`],
    [
      "",
      `comments lost ${whole(exact.commentsLost)}, repeated ${whole(exact.commentsRepeated)}, ` +
        `out of order ${whole(exact.commentsDisordered)}, doubled ${whole(exact.commentsDoubled)}`,
    ],
  ];
  if (exact.resets > 0) {
    rows.push(["", `${whole(exact.resets)} resets, passing over ${whole(exact.commentsPassed)} comments`]);
  }
  return rows;
}

function statuses(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([status, count]) => `${status} × ${whole(count)}`)
    .join(", ");
}

function generatorLine(generator: LoadReport["generator"]): string {
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const cores = generator.audience.map(({ cores }) => percent(cores)).join(" + ") || "none";
  const late = milliseconds(generator.slipMs.p99);
  return (
    `audience ${cores} of a core, publishers ${percent(generator.publishers.cores)}, ` +
    `machine ${percent(generator.machineBusy)}; requests left ${late} late (p99)`
  );
}

/** What the progress line shows; rates per second. */
export interface Glance {
  readonly phase: string;
  readonly open: number;
  readonly viewers: number;
  readonly likesIn: number;
  readonly likesOut: number;
  readonly frames: number;
  readonly p50: number;
  readonly p99: number;
}

/** One line for a terminal of `columns`, without line end. */
export function renderGlance(glance: Glance, columns: number): string {
  const { phase, open, viewers, likesIn, likesOut, frames, p50, p99 } = glance;
  const line =
    `${phase.padEnd(10)} ${whole(open)}/${whole(viewers)} viewers  in ${whole(likesIn)} likes/s  ` +
    `out ${whole(likesOut)} likes/s  ${whole(frames)} frames/s  ` +
    `p50 ${milliseconds(p50)}  p99 ${milliseconds(p99)}`;
  return line.slice(0, Math.max(20, columns - 1));
}

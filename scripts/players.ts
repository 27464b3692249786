/**
 * `npm run players`: two viewers of one live stream, ten seconds apart, by the players that people use, in a
 * real Chromium, with a stream that ffmpeg makes: whether both see the same comment at the same picture.
 *
 * The pictures carry their number (players/stream.ts), so what is compared is what the two viewers saw. Needs
 * `ffmpeg` and `chromium` of the system; the players come from npm into a folder that goes with the run.
 * `npm run players -- 2` measures the second pair alone. Ends with 1 when a pair is further off than allowed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { openWindow, startBrowser, until } from "../src/system/browser.ts";
import { post } from "../src/system/events.ts";
import { startServer } from "../src/system/server.ts";
import type { PlayersPage } from "./players/page.ts";
import { encode, FRAMES_PER_SECOND, serveStream } from "./players/stream.ts";

const packages = ["hls.js@1.7.4", "dashjs@5.2.1", "shaka-player@5.2.12", "video.js@8.24.1"];
const scripts = [
  "hls.js/dist/hls.min.js",
  "dashjs/dist/modern/umd/dash.all.min.js",
  "shaka-player/dist/shaka-player.compiled.js",
  "video.js/dist/video.min.js",
];
const pairs: readonly (readonly [string, string])[] = [
  ["hls.js", "hls.js"],
  ["hls.js", "shaka (HLS)"],
  ["hls.js", "video.js"],
  ["shaka (DASH)", "dash.js"],
  ["dash.js", "dash.js"],
];
const APART_MS = 10_000;
const ALLOWED_MS = 100;
const COMMENTS = 80;
const FRAME_MS = 1000 / FRAMES_PER_SECOND;
/** Until the stream is long enough for the viewer who is behind. */
const STREAM_MS = 26_000;

type Global = typeof globalThis & { players: PlayersPage };

interface Measured {
  readonly pair: string;
  readonly apartMs: number;
  /** Difference of the pictures at which the two were told somebody's comment, ms, ascending. */
  readonly off: readonly number[];
  /** Between the picture that the first saw when he wrote, and that of the second when he was told. */
  readonly offOwn: readonly number[];
  readonly lost: number;
  readonly jumped: number;
  /** Pictures that the machine was too slow to show, of both: each puts the other's off by 40 ms. */
  readonly dropped: number;
}

function percentile(ascending: readonly number[], part: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(part * ascending.length))] ?? Number.NaN;
}

async function measure(browser: Browser, page: string, node: string, n: number): Promise<Measured> {
  const [first, second] = pairs[n] as readonly [string, string];
  const video = `players-${n}`;
  const {
    page: tab,
    context,
    wrong,
  } = await openWindow(browser, page, { viewport: { width: 760, height: 460 } });
  await tab.evaluate(([names, url, id]) => (globalThis as Global).players.start(names, url, id), [
    [first, second],
    node,
    video,
  ] as const);
  const seen = () => tab.evaluate(() => (globalThis as Global).players.seen());
  const playheads = () => tab.evaluate(() => (globalThis as Global).players.playheads());
  await until(
    "both to know their picture",
    async () => (await playheads()).every((at) => at !== null),
    40_000,
  );
  await tab.evaluate((ms) => (globalThis as Global).players.apart(ms), APART_MS);
  const distance = async () => {
    const { pictures, seeking } = await seen();
    return seeking.some(Boolean) ? Number.NaN : ((pictures[0] ?? 0) - (pictures[1] ?? 0)) * FRAME_MS;
  };
  await until("ten seconds apart", async () => Math.abs((await distance()) - APART_MS) < 2500, 20_000);
  const apartMs = await distance();
  const { dropped: before } = await seen();
  /** What the first viewer saw when he wrote it, by text; of others' comments, when he was told it. */
  const atFirst = new Map<string, number>();
  for (let comment = 0; comment < COMMENTS; comment++) {
    const text = `${comment % 2 ? "own" : "other"} ${comment}`;
    if (comment % 2) {
      const say = (said: string) => (globalThis as Global).players.say(said);
      atFirst.set(text, await tab.evaluate(say, text));
    } else await post(`${node}/v1/videos/${video}/comments`, { text, user: "Ada" });
    await Bun.sleep(120 + Math.random() * 160);
  }
  const all = async () => (await seen()).told.every((told) => told.length >= COMMENTS);
  await until("all of it to be told", all, 30_000).catch(() => {});
  const { told, passed, dropped: after } = await seen();
  await context.close();
  if (wrong.length) console.error(wrong.join("\n"));
  for (const { text, picture } of told[0] ?? []) if (!atFirst.has(text)) atFirst.set(text, picture);
  const off: number[] = [];
  const offOwn: number[] = [];
  for (const { text, picture } of told[1] ?? []) {
    const there = atFirst.get(text);
    if (there !== undefined) (text.startsWith("own") ? offOwn : off).push((picture - there) * FRAME_MS);
  }
  const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
  const jumped = sum(passed);
  const dropped = sum(after) - sum(before);
  const pair = `${first} - ${second}`;
  const lost = COMMENTS - off.length - offOwn.length;
  return { pair, apartMs, off: off.sort(up), offOwn: offOwn.sort(up), lost, jumped, dropped };
}

const up = (a: number, b: number) => a - b;

/** `p5 / p50 / p95 (min..max)` of differences, ms. */
function spread(off: readonly number[]): string {
  const [p5, p50, p95] = [0.05, 0.5, 0.95].map((part) => Math.round(percentile(off, part)));
  const [least, most] = [off[0], off.at(-1)].map((ms) => Math.round(ms ?? Number.NaN));
  return `${p5} / ${p50} / ${p95} (${least}..${most})`;
}

const isNear = (off: readonly number[]) =>
  [0.05, 0.95].every((part) => Math.abs(percentile(off, part)) <= ALLOWED_MS);

function tell({ pair, apartMs, off, offOwn, lost, jumped, dropped }: Measured): boolean {
  const isGood = lost === 0 && isNear(off) && isNear(offOwn);
  const apart = `${(apartMs / 1000).toFixed(2)} s`;
  const cells = [pair, apart, spread(off), spread(offOwn), lost, jumped, dropped, isGood ? "yes" : "NO"];
  console.log(`| ${cells.join(" | ")} |`);
  return isGood;
}

async function pageOf(): Promise<{ html: string; script: string }> {
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, "players/page.ts")],
    target: "browser",
  });
  const tags = scripts.map((path) => `<script src="/players/${path}"></script>`).join("\n");
  const own = '<script type="module" src="/page.js"></script>';
  const html = `<!doctype html><title>Players</title><body>${tags}${own}`;
  return { html, script: (await built.outputs[0]?.text()) ?? "" };
}

async function run(wanted: readonly number[]): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "ovation-players-"));
  const stop: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  try {
    await Bun.write(join(folder, "package.json"), "{}");
    const install = [process.execPath, "install", "--silent", "--ignore-scripts", "--no-save", ...packages];
    const added = Bun.spawn(install, { cwd: folder, stderr: "inherit" });
    if ((await added.exited) !== 0) throw new Error("the players could not be installed");
    stop.unshift(encode(folder));
    const { html, script } = await pageOf();
    const stream = serveStream(folder, join(folder, "node_modules"), html, script);
    stop.unshift(() => stream.stop(true));
    const node = await startServer("here", [`--cors-origins=${stream.url.origin}`, "--comment-rate=1000"]);
    stop.unshift(() => node.stop());
    const browser = await startBrowser();
    stop.unshift(() => browser.close());
    await Bun.sleep(STREAM_MS);
    const heads = [
      "pair",
      "apart",
      "others' comments, ms",
      "the first's own, ms",
      "lost",
      "jumped",
      "dropped",
    ];
    console.log(`| ${[...heads, "within 100 ms"].join(" | ")} |
|${"---|".repeat(heads.length + 1)}`);
    let good = true;
    for (const n of wanted) {
      // One pair that does not play is not the end of the others.
      const measured = await measure(browser, stream.url.href, node.url, n).catch((error: Error) => error);
      if (measured instanceof Error) console.error(`${pairs[n]?.join(" - ")}: ${measured.message}`);
      good = !(measured instanceof Error) && tell(measured) && good;
    }
    return good;
  } finally {
    for (const end of stop) await end();
  }
}

const asked = process.argv.slice(2).map((text) => Number(text) - 1);
if (!Bun.which("ffmpeg")) {
  console.error("npm run players needs ffmpeg: apt install ffmpeg");
  process.exit(1);
}
process.exit((await run(asked.length ? asked : [...pairs.keys()])) ? 0 : 1);

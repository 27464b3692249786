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
  readonly told: number;
  /** Of the difference of pictures, ms, ascending. */
  readonly off: readonly number[];
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
  for (let comment = 0; comment < COMMENTS; comment++) {
    await post(`${node}/v1/videos/${video}/comments`, { text: `comment ${comment}`, user: "Ada" });
    await Bun.sleep(120 + Math.random() * 160);
  }
  const all = async () => (await seen()).told.every((told) => told.length >= COMMENTS);
  await until("all of it to be told", all, 30_000).catch(() => {});
  const { told, passed, dropped: after } = await seen();
  await context.close();
  if (wrong.length) console.error(wrong.join("\n"));
  const atFirst = new Map(told[0]?.map(({ id, picture }) => [id, picture]));
  const off: number[] = [];
  for (const { id, picture } of told[1] ?? []) {
    const there = atFirst.get(id);
    if (there !== undefined) off.push((picture - there) * FRAME_MS);
  }
  const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
  const jumped = sum(passed);
  const dropped = sum(after) - sum(before);
  const pair = `${first} - ${second}`;
  return {
    pair,
    apartMs,
    told: off.length,
    off: off.sort((a, b) => a - b),
    lost: COMMENTS - off.length,
    dropped,
    jumped,
  };
}

function tell({ pair, apartMs, told, off, lost, jumped, dropped }: Measured): boolean {
  const [p5, p50, p95] = [0.05, 0.5, 0.95].map((part) => Math.round(percentile(off, part)));
  const range = `${Math.round(off[0] ?? Number.NaN)}..${Math.round(off.at(-1) ?? Number.NaN)}`;
  const isGood = lost === 0 && Math.abs(p5 ?? 1e9) <= ALLOWED_MS && Math.abs(p95 ?? 1e9) <= ALLOWED_MS;
  const cells = [
    pair,
    `${(apartMs / 1000).toFixed(2)} s`,
    told,
    `${p5} / ${p50} / ${p95} ms`,
    range,
    lost,
    jumped,
    dropped,
  ];
  console.log(`| ${[...cells, isGood ? "yes" : "NO"].join(" | ")} |`);
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
    console.log(
      "| pair | apart | told | p5 / p50 / p95 | min..max | lost | jumped | dropped | within 100 ms |",
    );
    console.log("|---|---|---|---|---|---|---|---|---|");
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

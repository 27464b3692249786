/**
 * `npm run bench:replay`: a match with five million likes, wound to and fro in a real Chromium: how long its
 * viewer waits for the first of it and after each seek, and what the page holds and works beside an empty
 * one.
 *
 * Twice, three hours with 200,000 comments each: answers of a server's in shape and size, drawn from a seed
 * (web/client/recording.ts), which cost nobody anything; and a real node's that has just been started with
 * the match in its folder (replay-node.ts).
 */
import { join } from "node:path";
import type { Browser, CDPSession } from "playwright-core";
import { openWindow, startBrowser } from "../src/system/browser.ts";
import { createRecording } from "../web/client/recording.ts";
import { startMatch } from "./replay-node.ts";
import type { ReplayPage } from "./replay-page.ts";
import { type Ends, play, type RunFlags, say } from "./run.ts";
import { median, percentilesOf, round } from "./stats.ts";

const seconds = 3 * 3600;
const match = { start: 1_800_000_000_000, seconds, likesPerSecond: 463, commentsPerSecond: 18.5 };
const seeks = 40;
/** In a real node. */
const real = { seconds, likes: 5_000_000, comments: 200_000 };

type Global = typeof globalThis & { bench: ReplayPage };

/** Serves the page and the match; counts what was asked for. */
async function serve() {
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, "replay-page.ts")],
    target: "browser",
    minify: true,
  });
  const script = (await built.outputs[0]?.text()) ?? "";
  const recording = createRecording(match);
  const timeline = recording.answer("timeline") ?? "";
  const { likes, comments } = JSON.parse(timeline) as { likes: Record<string, number[]>; comments: number[] };
  const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
  const asked = { bytes: 0, requests: 0 };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const { pathname, search } = new URL(request.url);
      const html = (body: string) =>
        new Response(`<!doctype html><title>0</title><body>${body}`, {
          headers: { "content-type": "text/html" },
        });
      if (pathname === "/empty") return html("");
      if (pathname === "/") return html('<script type="module" src="/page.js"></script>');
      if (pathname === "/page.js") {
        return new Response(script, { headers: { "content-type": "text/javascript" } });
      }
      const path = pathname.split("/").slice(4).join("/") + search;
      const body = path === "timeline" ? timeline : (recording.answer(path) ?? "");
      asked.requests++;
      asked.bytes += body.length;
      return new Response(body);
    },
  });
  const totals = { likes: sum(Object.values(likes).flat()), comments: sum(comments) };
  return { url: server.url.href, asked, totals, end: () => server.stop(true) };
}

/** JS heap after a collection, MB, and processor ms of the page's thread so far. */
async function costOf(session: CDPSession): Promise<{ heapMB: number; taskMs: number }> {
  await session.send("HeapProfiler.collectGarbage");
  const { metrics } = await session.send("Performance.getMetrics");
  const named = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
  return { heapMB: named("JSHeapUsedSize") / 1e6, taskMs: named("TaskDuration") * 1000 };
}

/** Where a page is, and the match that it shows. */
interface Case {
  readonly page: string;
  readonly server: string;
  readonly seconds: number;
}

async function round1(browser: Browser, { page: url, server, seconds }: Case, forSeconds: number) {
  const { page, context } = await openWindow(browser, url);
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable");
  const startMs = await page.evaluate(([from, length]) => (globalThis as Global).bench.start(from, length), [
    server,
    seconds,
  ] as const);
  const seekMs: number[] = [];
  for (let seek = 0; seek < seeks; seek++) {
    // Golden ratio: all over the match, never twice the same minute.
    const second = Math.floor(((seek * 0.618034) % 1) * (seconds - 120));
    seekMs.push(await page.evaluate((to) => (globalThis as Global).bench.seek(to), second));
  }
  await page.evaluate(() => (globalThis as Global).bench.play());
  const before = await costOf(session);
  await Bun.sleep(forSeconds * 1000);
  const after = await costOf(session);
  const kept = await page.evaluate(() => (globalThis as Global).bench.kept());
  await context.close();
  return { startMs, seekMs, heapMB: after.heapMB, taskMs: (after.taskMs - before.taskMs) / forSeconds, kept };
}

async function emptyPage(browser: Browser, url: string, forSeconds: number) {
  const { page, context } = await openWindow(browser, `${url}empty`);
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable");
  const before = await costOf(session);
  await Bun.sleep(forSeconds * 1000);
  const after = await costOf(session);
  await context.close();
  return { heapMB: after.heapMB, taskMs: (after.taskMs - before.taskMs) / forSeconds };
}

async function measureCase(browser: Browser, shown: Case, { rounds, seconds: each }: RunFlags) {
  const all: Awaited<ReturnType<typeof round1>>[] = [];
  for (let n = 0; n < rounds; n++) {
    all.push(await round1(browser, shown, each));
    say(`  start ${round(all.at(-1)?.startMs ?? 0)} ms`);
  }
  const waits = percentilesOf(all.flatMap(({ seekMs }) => seekMs));
  const middle = (of: (one: (typeof all)[number]) => number) => round(median(all.map(of)));
  return {
    startMs: middle(({ startMs }) => startMs),
    startWorstMs: round(Math.max(...all.map(({ startMs }) => startMs))),
    seekP50Ms: round(waits.p50),
    seekP99Ms: round(waits.p99),
    seekWorstMs: round(waits.max),
    heapMB: middle(({ heapMB }) => heapMB),
    taskMsPerS: middle(({ taskMs }) => taskMs),
    minutesKept: Math.max(...all.map(({ kept }) => kept)),
  };
}

async function measure(flags: RunFlags, ends: Ends) {
  const served = ends.add(await serve());
  const browser = await startBrowser();
  ends.add({ end: () => browser.close() });
  const page = served.url;
  const empty = await emptyPage(browser, page, flags.seconds);
  const three = await measureCase(browser, { page, server: page, seconds }, flags);
  const kbPerRequest = round(served.asked.bytes / served.asked.requests / 1000);
  const match = ends.add(await startMatch(real, new URL(page).origin));
  const server = `http://127.0.0.1:${match.server.port}/`;
  const told = await measureCase(browser, { page, server, seconds: match.seconds }, flags);
  return {
    cases: [
      { name: "stand-in, 3 h", ...served.totals, ...three },
      { name: "a node, 3 h", likes: match.likes, comments: match.comments, ...told },
    ],
    emptyHeapMB: round(empty.heapMB),
    emptyTaskMsPerS: round(empty.taskMs),
    kbPerRequest,
  };
}

await play({ name: "replay", rounds: 5, seconds: 10, minutesMax: 8 }, measure);

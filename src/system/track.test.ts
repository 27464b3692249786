/** A replay as WebVTT in a real Chromium: it loads as a track of a `<video>`, each cue as it was said. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { openWindow, startBrowser } from "./browser.ts";
import { post } from "./events.ts";
import { type Running, startExecutable } from "./server.ts";

let browser: Browser;
let server: Running;
beforeAll(async () => {
  const flags = ["--comment-rate=1000", "--media-ahead=1h", "--media-behind=1h"];
  [browser, server] = await Promise.all([startBrowser(), startExecutable(flags)]);
}, 60_000);
afterAll(async () => {
  await browser.close();
  await server.stop();
});

const nasty = ["a --> b", "<b>bold</b> & <v Bob>me", "WEBVTT", "  00:00:01.000 --> 00:00:02.000", "🎉 גול"];

/** The cues of the track `src`, as a Chromium has them. */
async function loaded(src: string) {
  const { page, context, wrong } = await openWindow(browser, server.url);
  const cues = await page.evaluate(async (src) => {
    const video = document.createElement("video");
    const element = document.createElement("track");
    const loaded = new Promise<void>((resolve, reject) => {
      element.onload = () => resolve();
      element.onerror = () => reject(new Error("the track was refused"));
    });
    Object.assign(element, { kind: "metadata", src });
    video.append(element);
    document.body.append(video);
    element.track.mode = "hidden";
    await loaded;
    const list = [...(element.track.cues ?? [])] as VTTCue[];
    return list.map(({ id, startTime, endTime, text }) => ({ id, startTime, endTime, text }));
  }, src);
  await context.close();
  return { cues, wrong };
}

test("loads as a track: comments as text, likes as JSON, at the times of the recording", async () => {
  const startMs = Date.now() - 5_000;
  const like = { kind: "heart", count: 3, mediaTime: startMs + 1_500 };
  expect((await post(`${server.url}/v1/videos/v/likes`, like)).status).toBe(202);
  expect((await post(`${server.url}/v1/videos/v/likes`, { ...like, kind: "clap" })).status).toBe(202);
  for (const [i, text] of nasty.entries()) {
    const comment = { text, user: `Ann ${i}`, mediaTime: startMs + 2_000 + i };
    expect((await post(`${server.url}/v1/videos/v/comments`, comment)).status).toBe(201);
  }
  const { cues, wrong } = await loaded(`/v1/videos/v/replay.vtt?start=${startMs}`);
  const likes = cues.filter(({ id }) => id.startsWith("likes"));
  expect(likes).toHaveLength(1);
  const [{ text = "", startTime = -1, endTime = -1 } = {}] = likes;
  expect(JSON.parse(text)).toMatchObject({ likes: { heart: 3, clap: 3 } });
  expect(Math.abs(startTime - 1.5)).toBeLessThanOrEqual(1);
  expect(endTime - startTime).toBeCloseTo(1, 6);
  const said = cues.filter(({ id }) => id.startsWith("comment"));
  const shown = (html: string): string =>
    html.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
  expect(said.map(({ text }) => shown(text))).toEqual(
    nasty.map((text, i) => `Ann ${i}: ${text.trim()}`.replace(/\s+/g, " ")),
  );
  for (const [i, cue] of said.entries()) expect(cue.startTime).toBeCloseTo(2 + i / 1000, 6);
  expect(wrong).toEqual([]);
}, 60_000);

const matchS = 6_000;
const goals = [1_200, 3_100, 4_500];

/** Who taps when in a match, seconds of the recording: somebody every three seconds, and many at a goal. */
function tapsOf(): {
  readonly atS: number;
  readonly kind: string;
  readonly user: string;
  readonly count: number;
}[] {
  const calm = Array.from({ length: matchS / 3 }, (_, n) => ({
    atS: 3 * n,
    kind: "heart",
    count: 2,
  }));
  const loud = goals.flatMap((goal) =>
    Array.from({ length: 60 }, (_, n) => ({ atS: goal + (n % 6), kind: "fire", count: 2 })),
  );
  const taps = [...calm, ...loud].map((tap, n) => ({ ...tap, user: `fan ${n}` }));
  // First those of its middle, which is now: what lies an hour from what others see is not believed.
  return taps.sort((a, b) => Math.abs(a.atS - matchS / 2) - Math.abs(b.atS - matchS / 2));
}

test("holds a whole match: every comment, every like, and its goals are the moments", async () => {
  const startMs = 1000 * Math.floor(Date.now() / 1000) - 500 * matchS;
  const taps = tapsOf();
  const dateOf = (atS: number) => startMs + 1000 * atS + 500;
  for (let first = 0; first < taps.length; first += 1_000) {
    const part = taps.slice(first, first + 1_000);
    const items = part.map(({ atS, ...tap }) => ({ video: "match", ...tap, mediaTime: dateOf(atS) }));
    const { says } = await post(`${server.url}/v1/likes`, { items });
    const verdicts = (says?.items ?? []) as { status: number }[];
    expect(verdicts.filter(({ status }) => status === 202)).toHaveLength(items.length);
  }
  const comments = Array.from({ length: 300 }, (_, n) => ({
    text: `said --> ${n}`,
    user: "Ann",
    atS: 20 * n,
  }));
  for (const { atS, ...comment } of comments) {
    const said = { ...comment, mediaTime: dateOf(atS) };
    expect((await post(`${server.url}/v1/videos/match/comments`, said)).status).toBe(201);
  }
  const { cues } = await loaded(`/v1/videos/match/replay.vtt?start=${startMs}`);
  const said = cues.filter(({ id }) => id.startsWith("comment"));
  expect(said.map(({ startTime }) => Math.floor(startTime))).toEqual(comments.map(({ atS }) => atS));
  const byKind: Record<string, number> = {};
  for (const cue of cues.filter(({ id }) => id.startsWith("likes"))) {
    const { at, likes } = JSON.parse(cue.text) as { at: number; likes: Record<string, number> };
    expect(cue.startTime).toBe((at - startMs) / 1000);
    for (const [kind, count] of Object.entries(likes)) byKind[kind] = (byKind[kind] ?? 0) + count;
  }
  expect(byKind).toEqual({ heart: 2 * (matchS / 3), fire: 2 * 60 * goals.length });
  const told = await (await fetch(`${server.url}/v1/videos/match/moments`)).json();
  const peaks = (told as { moments: { peak: number }[] }).moments.map(({ peak }) => (peak - startMs) / 1000);
  expect(peaks.map((peakS, n) => peakS >= (goals[n] ?? 0) && peakS <= (goals[n] ?? 0) + 6)).toEqual([
    true,
    true,
    true,
  ]);
}, 60_000);

/** A replay as WebVTT in a real Chromium: it loads as a track of a `<video>`, each cue as it was said. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { openWindow, startBrowser } from "./browser.ts";
import { post } from "./events.ts";
import { type Running, startExecutable } from "./server.ts";

let browser: Browser;
let server: Running;
beforeAll(async () => {
  [browser, server] = await Promise.all([startBrowser(), startExecutable(["--comment-rate=1000"])]);
}, 60_000);
afterAll(async () => {
  await browser.close();
  await server.stop();
});

const nasty = ["a --> b", "<b>bold</b> & <v Bob>me", "WEBVTT", "  00:00:01.000 --> 00:00:02.000", "🎉 גול"];

test("loads as a track: comments as text, likes as JSON, at the times of the recording", async () => {
  const startMs = Date.now() - 5_000;
  const like = { kind: "heart", count: 3, mediaTime: startMs + 1_500 };
  expect((await post(`${server.url}/v1/videos/v/likes`, like)).status).toBe(202);
  expect((await post(`${server.url}/v1/videos/v/likes`, { ...like, kind: "clap" })).status).toBe(202);
  for (const [i, text] of nasty.entries()) {
    const comment = { text, user: `Ann ${i}`, mediaTime: startMs + 2_000 + i };
    expect((await post(`${server.url}/v1/videos/v/comments`, comment)).status).toBe(201);
  }
  const { page, wrong } = await openWindow(browser, server.url);
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
  }, `/v1/videos/v/replay.vtt?start=${startMs}`);
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

/**
 * The page when things fail: network gone, server restarted, drained, streams held back by a proxy, and more
 * tabs than a browser has connections for. What happened is said; nothing is lost or repeated.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import {
  commentsOf,
  openTab,
  openWindow,
  phaseOf,
  startBrowser,
  until,
  untilPhase,
  untilTotal,
} from "./browser.ts";
import { post } from "./events.ts";
import { hows, type Running, startServer } from "./server.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

const how = hows.at(-1) ?? "here";
const viewersOf = async (url: string, video: string) =>
  ((await (await fetch(`${url}/v1/videos/${video}`)).json()) as { viewers: number }).viewers;

describe(how, () => {
  let node: Running;
  beforeAll(async () => {
    node = await startServer(how);
  });
  afterAll(() => node.stop());

  test("offline and back: said at once, taps kept, comments caught up in order", async () => {
    const { page, context, wrong } = await openWindow(browser, `${node.url}/?lang=en&video=offline`);
    await untilPhase(page, "live");
    await post(`${node.url}/v1/videos/offline/comments`, { text: "before", user: "Lin" });
    await until("the first comment", async () => (await commentsOf(page)).length === 1);
    await context.setOffline(true);
    await untilPhase(page, "offline");
    await page.getByRole("button", { name: "Send a heart" }).click();
    for (const text of ["one", "two", "three"]) {
      await post(`${node.url}/v1/videos/offline/comments`, { text, user: "Lin" });
    }
    await post(`${node.url}/v1/videos/offline/likes`, { kind: "heart", count: 4 });
    await context.setOffline(false);
    await untilPhase(page, "live");
    await untilTotal(page, 5);
    await until("the others", async () => (await commentsOf(page)).length === 4);
    expect(await commentsOf(page)).toEqual(["Lin: before", "Lin: one", "Lin: two", "Lin: three"]);
    expect(wrong).toEqual([]);
    await context.close();
  });

  test("seven tabs of one browser: all live on one connection, and the lead passes on", async () => {
    const context = await browser.newContext({ viewport: { width: 400, height: 500 } });
    const tabs = [];
    for (let tab = 0; tab < 7; tab++) {
      tabs.push(await openTab(context, `${node.url}/?lang=en&video=tabs`));
    }
    for (const { page } of tabs) await untilPhase(page, "live");
    await until("one connection", async () => (await viewersOf(node.url, "tabs")) === 1);
    await tabs[6]?.page.getByRole("button", { name: "Send a heart" }).click();
    for (const { page } of tabs) await untilTotal(page, 1);
    // The first tab leads; closing it hands the line to another, four times over.
    for (let gone = 0; gone < 4; gone++) {
      await tabs[gone]?.page.close();
      const rest = tabs.slice(gone + 1);
      await post(`${node.url}/v1/videos/tabs/comments`, { text: `after ${gone}`, user: "Lin" });
      for (const { page } of rest) {
        await until(`comment ${gone}`, async () => (await commentsOf(page)).at(-1) === `Lin: after ${gone}`);
      }
    }
    for (const { page, wrong } of tabs.slice(4)) {
      expect(await commentsOf(page)).toEqual([0, 1, 2, 3].map((gone) => `Lin: after ${gone}`));
      expect(wrong).toEqual([]);
    }
    await context.close();
  }, 90_000);

  test("seven tabs on plain http, without locks: one connection too, and it passes on", async () => {
    const context = await browser.newContext({ viewport: { width: 400, height: 500 } });
    const url = `${node.url.replace("127.0.0.1", "plain.test")}/?lang=en&video=plain`;
    const tabs = await Promise.all(Array.from({ length: 7 }, () => openTab(context, url)));
    expect(await tabs[0]?.page.evaluate(() => isSecureContext || "locks" in navigator)).toBe(false);
    for (const { page } of tabs) await untilPhase(page, "live");
    await until("one connection", async () => (await viewersOf(node.url, "plain")) === 1);
    // Whichever leads is among those that go.
    for (const { page } of tabs.slice(0, 6)) await page.close();
    await post(`${node.url}/v1/videos/plain/comments`, { text: "after", user: "Lin" });
    const [last] = tabs.slice(6);
    await until("the comment", async () => last && (await commentsOf(last.page)).join() === "Lin: after");
    expect(last?.wrong).toEqual([]);
    await context.close();
  }, 90_000);

  test("a tab that joins a video the leader does not watch gets it on the leader's stream", async () => {
    const context = await browser.newContext({ viewport: { width: 400, height: 500 } });
    const one = await openTab(context, `${node.url}/?lang=en&video=joined-a`);
    await untilPhase(one.page, "live");
    await post(`${node.url}/v1/videos/joined-b/comments`, { text: "history", user: "Lin" });
    const two = await openTab(context, `${node.url}/?lang=en&video=joined-b`);
    await until("its history", async () => (await commentsOf(two.page)).join() === "Lin: history");
    await until("watched", async () => (await viewersOf(node.url, "joined-b")) === 1);
    await two.page.close();
    await until("left", async () => (await viewersOf(node.url, "joined-b")) === 0);
    expect(await phaseOf(one.page)).toBe("live");
    await context.close();
  });

  test("a proxy that holds streams back: the long poll takes over", async () => {
    // Passes everything on, but the bytes of an event stream only when it ends.
    const proxy = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      idleTimeout: 120,
      async fetch(request) {
        const { pathname, search } = new URL(request.url);
        if (pathname.endsWith("/events")) {
          await new Promise((gone) => request.signal.addEventListener("abort", gone));
          return new Response();
        }
        const headers = new Headers(request.headers);
        headers.delete("host");
        const { method } = request;
        const body = method === "GET" ? null : await request.arrayBuffer();
        const answer = await fetch(`${node.url}${pathname}${search}`, {
          method,
          headers,
          body,
          decompress: false,
        });
        return new Response(answer.body, { status: answer.status, headers: answer.headers });
      },
    });
    const { page, context, wrong } = await openWindow(browser, `${proxy.url}?lang=en&video=polled`);
    await untilPhase(page, "live");
    expect(await page.locator(".badge").textContent()).toContain("slow network");
    await page.getByRole("button", { name: "Send a heart" }).click();
    await untilTotal(page, 1);
    for (const text of ["one", "two"]) {
      await post(`${node.url}/v1/videos/polled/comments`, { text, user: "Lin" });
    }
    await post(`${node.url}/v1/videos/polled/likes`, { kind: "heart", count: 4 });
    await untilTotal(page, 5);
    await until("both comments", async () => (await commentsOf(page)).join() === "Lin: one,Lin: two");
    expect(wrong).toEqual([]);
    await context.close();
    await proxy.stop(true);
  });
});

describe(`${how}, stopped and started`, () => {
  test("drained and started again: the badge counts down, totals and comments go on", async () => {
    const data = mkdtempSync(join(tmpdir(), "ovation-page-"));
    let node = await startServer(how, [`--data=${data}`, "--drain=1s"]);
    const flags = [`--data=${data}`, `--port=${node.port}`];
    const { page, context, wrong } = await openWindow(browser, `${node.url}/?lang=en&video=restart`);
    try {
      await untilPhase(page, "live");
      await post(`${node.url}/v1/videos/restart/comments`, { text: "before", user: "Lin" });
      await page.getByRole("button", { name: "Send a heart" }).click();
      await until("both", async () => (await commentsOf(page)).length === 1);
      await untilTotal(page, 1);
      const stopped = node.stop();
      await untilPhase(page, "reconnecting");
      expect(await page.locator(".badge").textContent()).toMatch(/^Reconnecting( in \d+ s)?$/);
      await stopped;
      // Tapped while nobody answers: sent again under the same key until somebody does.
      await page.getByRole("button", { name: "Send a heart" }).click();
      await page.getByRole("textbox", { name: "Say something" }).fill("written while away");
      await page.getByRole("textbox", { name: "Say something" }).press("Enter");
      node = await startServer(how, flags);
      await untilPhase(page, "live");
      await untilTotal(page, 2);
      await until("both comments", async () => (await commentsOf(page)).length === 2);
      await Bun.sleep(500);
      expect(await commentsOf(page)).toEqual(["Lin: before", "Guest: written while away"]);
      const { totals } = (await (await fetch(`${node.url}/v1/videos/restart`)).json()) as { totals: object };
      expect(totals).toEqual({ heart: 2 });
      expect(wrong).toEqual([]);
    } finally {
      await context.close();
      await node.stop();
      rmSync(data, { recursive: true });
    }
  }, 90_000);
});

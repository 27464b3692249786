/**
 * An audience without streams, at a real node: a page in Chromium that is told to poll shows what one with a
 * stream does, and where a token is needed the address it polls is signed, for all who may watch.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { mint, parseTokenOptions } from "../program/mint.ts";
import { Signatures } from "../trust/signatures.ts";
import { commentsOf, openWindow, startBrowser, until, untilPhase, untilTotal } from "./browser.ts";
import { post, Viewer } from "./events.ts";
import { hows, type Running, startServer } from "./server.ts";

const secret = "0123456789abcdef0123456789abcdef";
const key = "only-for-this-test";
const how = hows.at(-1) ?? "here";

describe("with --stream-share=0", () => {
  let node: Running;
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
    node = await startServer(how, ["--stream-share=0", "--poll-every=1s", `--admin-key=${key}`]);
  });
  afterAll(async () => {
    await browser.close();
    await node.stop();
  });

  test("a page shows totals, comments and removals by polling, and says that it is live", async () => {
    const at = `${node.url}/v1/videos/polled`;
    expect((await post(`${at}/likes`, { kind: "heart", count: 3 })).status).toBe(202);
    const { page, context, wrong } = await openWindow(browser, "about:blank");
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(`${node.url}/?lang=en&video=polled`);
    await untilPhase(page, "live");
    await untilTotal(page, 3);
    expect((await post(`${at}/likes`, { kind: "heart", count: 4 })).status).toBe(202);
    const { says } = await post(`${at}/comments`, { text: "hello", user: "Ada" });
    await untilTotal(page, 7);
    await until("the comment", async () => (await commentsOf(page)).includes("Ada: hello"));
    await fetch(`${at}/comments/${says?.id}`, { method: "DELETE", headers: { "x-api-key": key } });
    await until("its removal", async () => (await commentsOf(page)).length === 0);
    expect(asked).toContain("/ovation-polling.js");
    expect(asked).toContain("/v1/videos/polled/live");
    expect(asked).not.toContain("/v1/videos/polled/poll");
    // One who has it is not told again: the browser asks by its tag.
    const first = await fetch(`${at}/live`);
    const etag = first.headers.get("etag") ?? "";
    expect((await fetch(`${at}/live`, { headers: { "if-none-match": etag } })).status).toBe(304);
    expect(wrong).toEqual([]);
    await context.close();
  });
});

describe("with --auth=token", () => {
  let node: Running;
  beforeAll(async () => {
    const flags = ["--auth=token", `--jwt-secrets=${secret}`, "--stream-share=0", `--admin-key=${key}`];
    node = await startServer(how, [
      ...flags,
      "--poll-every=1s",
      "--api-keys=desk:publish:desk-key-0123456789",
    ]);
  });
  afterAll(() => node.stop());

  async function tokenFor(...videos: string[]): Promise<string> {
    const flags = [`--secret=${secret}`, ...videos.map((video) => `--video=${video}`), "--can=watch"];
    const parsed = parseTokenOptions(flags, {}, () => "");
    if ("mistakes" in parsed) throw new Error(parsed.mistakes.join("; "));
    return mint(parsed.settings, Date.now(), () => "");
  }

  interface Asked {
    readonly path: string;
    readonly query: string;
    /** Whether it says who asks. */
    readonly bears: boolean;
  }

  /** A page of a viewer's own, whose clock can be set, following the video by its token. */
  async function opened(browser: Browser) {
    const { page, wrong } = await openWindow(browser, "about:blank");
    const asked: Asked[] = [];
    page.on("request", (request) => {
      const { pathname: path, search: query } = new URL(request.url());
      const bears = "authorization" in request.headers() || query.includes("token=");
      asked.push({ path, query, bears });
    });
    await page.clock.install();
    await page.goto(`${node.url}/docs`);
    await page.evaluate(
      async (token) => {
        const { watch } = await import("/ovation.js" as string);
        const seen = { likes: 0, via: "" };
        Object.assign(globalThis, { seen });
        watch("paged", {
          token: () => token,
          likes: ({ totals }: { totals: Record<string, number> }) => {
            seen.likes = totals.heart ?? 0;
          },
          state: ({ via }: { via: string }) => {
            seen.via = via;
          },
        });
      },
      await tokenFor("paged"),
    );
    return { page, asked, wrong };
  }

  const shown = (page: Page) =>
    page.evaluate(() => (globalThis as unknown as { seen: { likes: number; via: string } }).seen);

  /** Where the stream of `path` tells its viewer to poll. */
  async function toldAt(path: string, token: string): Promise<string> {
    const url = `${node.url}${path}?token=${token}`;
    const viewer = await Viewer.open(url);
    const { says } = await viewer.until(({ event }) => event === "bye");
    viewer.close();
    return new URL((says.poll as { url: string }).url, url).href;
  }

  test("pages of two holders poll one address without tokens, exact, and ask for streams again", async () => {
    const browser = await startBrowser();
    try {
      const pages = await Promise.all([opened(browser), opened(browser)]);
      const headers = { "x-api-key": "desk-key-0123456789" };
      const like = { kind: "heart", count: 7 };
      for (let n = 0; n < 3; n++) {
        const { status } = await post(`${node.url}/v1/videos/paged/likes`, like, headers);
        expect(status).toBe(202);
      }
      for (const { page } of pages) await until("all likes", async () => (await shown(page)).likes === 21);
      for (const { page } of pages) expect((await shown(page)).via).toBe("cache");
      const polled = pages.flatMap(({ asked }) => asked.filter(({ path }) => path.endsWith("/live")));
      // One more where a window of five minutes has just ended.
      expect(new Set(polled.map(({ query }) => query)).size).toBeLessThanOrEqual(2);
      expect(polled.every(({ query, bears }) => /[?&]sig=/.test(query) && !bears)).toBe(true);
      // A minute and a half later, as their clocks say: each has asked for a stream once more, and polls on.
      for (const { page, asked } of pages) {
        const streams = () => asked.filter(({ path }) => path.endsWith("/events")).length;
        expect(streams()).toBe(1);
        await page.clock.fastForward(91_000);
        await until("asks for a stream", () => streams() >= 2);
      }
      await post(`${node.url}/v1/videos/paged/likes`, like, headers);
      for (const { page, wrong } of pages) {
        await until("the last like", async () => (await shown(page)).likes === 28);
        expect(wrong).toEqual([]);
      }
    } finally {
      await browser.close();
    }
  }, 60_000);

  test("every holder is given the same address, which needs no token and ends", async () => {
    const signatures = new Signatures([secret]);
    // Those who ask in one window of five minutes are told the same; try once more where it has just ended.
    const ask = () => Promise.all([toldAt("/v1/videos/v/events", one), toldAt("/v1/videos/v/events", other)]);
    const [one, other] = [await tokenFor("v"), await tokenFor("v")];
    const first = await ask();
    const [url = "", same] = first[0] === first[1] ? first : await ask();
    expect(same).toBe(url);
    const shared = await fetch(url, { headers: { origin: "https://page.example" } });
    const told = (name: string) => shared.headers.get(name);
    expect([shared.status, told("vary"), told("access-control-allow-origin")]).toEqual([200, null, "*"]);
    expect(told("cache-control")).toStartWith("public, max-age=1");
    expect(((await shared.json()) as { video: string }).video).toBe("v");

    const at = `${node.url}/v1/videos/v/live`;
    const over = signatures.query("v" as never, Date.now() - 1_200_000);
    const ofAnother = signatures.query("w" as never, Date.now());
    // What is over is so for everybody who asks: a cache that may not keep that goes on with what it has.
    for (const [query, caching] of [
      [over, "public, max-age=5"],
      [ofAnother, "no-store"],
      [`${new URL(url).search.slice(1)}A`, "no-store"],
    ]) {
      const refused = await fetch(`${at}?${query}`);
      expect([refused.status, refused.headers.get("cache-control")]).toEqual([403, caching ?? ""]);
    }
    expect((await fetch(at)).status).toBe(401);
    const own = await fetch(at, { headers: { authorization: `Bearer ${await tokenFor("v")}` } });
    expect([own.status, own.headers.get("cache-control")]).toEqual([200, "private, max-age=1"]);
    // It reads, and only this.
    const query = new URL(url).search;
    expect((await fetch(`${node.url}/v1/videos/v/events${query}`)).status).toBe(400);
    expect((await post(`${node.url}/v1/videos/v/likes`, { kind: "heart" })).status).toBe(401);
  });
});

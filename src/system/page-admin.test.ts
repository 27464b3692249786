/**
 * The control room in a real Chromium, on a stream that says exactly what the test wants it to say: a
 * thousand viewers, a node that dies, a server that does not moderate. The pages and their policy are the
 * real ones; what stands behind them is a stand-in, because these moments cannot be had on demand.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { pagesOf, webAssets } from "../http/pages.ts";
import { openWindow, seriousOf, startBrowser, until } from "./browser.ts";

const key = "the-key-of-this-test";
const frame = (event: string, says: object) => `event: ${event}\ndata: ${JSON.stringify(says)}\n\n`;

const top = (video: string, likesPerS: number, likes: number) => ({
  video,
  viewers: likesPerS * 2,
  likes,
  likesPerS,
  commentsPerS: 3,
  totals: { heart: likes },
});

const sample = (now: number, likes: number, more: object = {}) => ({
  now,
  node: "front-1",
  viewers: 12_345,
  videos: 2,
  lagging: 7,
  likesIn: 1500,
  likesDelivered: 2_500_000,
  frames: 140_000,
  bytes: 15_000_000,
  lagMs: 2.5,
  hops: {
    durable: { p50: 2, p99: 9 },
    ticked: { p50: 20, p99: 50 },
    received: { p50: 21, p99: 52 },
    written: { p50: 40, p99: 90 },
  },
  latency: { p50: 40, p90: 60, p99: 90 },
  top: [top("quiet", 10, 100), top("loud", 900, likes)],
  closed: { client: 5, slow: 0 },
  ...more,
});

const cluster = (...frontends: string[]) => ({
  nodes: [
    { node: "disp-1", role: "dispatcher", region: "eu", incarnation: 1, leaseMs: 9000, viewers: 0 },
    ...frontends.map((node) => ({ node, role: "frontend", incarnation: 1, leaseMs: 9000, viewers: 50 })),
  ],
  routes: frontends.map((node) => ({ video: "loud", node })),
  owners: { loud: "disp-1" },
});

/** What answers behind the pages. */
class StandIn {
  readonly calls: string[] = [];
  moderates = true;
  #admin: ((text: string) => void) | undefined;
  #viewer: ((text: string) => void) | undefined;
  readonly #pages = pagesOf(webAssets);
  readonly #server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 120,
    fetch: (request) => this.#answer(request),
  });

  get url(): string {
    return this.#server.url.href;
  }
  stop(): Promise<void> {
    return this.#server.stop(true);
  }
  say(event: string, says: object): void {
    this.#admin?.(frame(event, says));
  }
  comment(id: string, user: string, text: string): void {
    this.#viewer?.(`id: ${id}\n${frame("comment", { video: "loud", id, user, text, at: Date.now() })}`);
  }
  hold(id: string, user: string, text: string): void {
    const at = Date.now();
    this.#viewer?.(frame("held", { video: "loud", id, user, text, at, visibleAt: at + 5000 }));
  }
  get watched(): boolean {
    return this.#viewer !== undefined;
  }

  #stream(opened: (write: ((text: string) => void) | undefined) => void): Response {
    const body = new ReadableStream({
      start: (controller) => opened((text) => controller.enqueue(new TextEncoder().encode(text))),
      cancel: () => opened(undefined),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const page = this.#pages.get(pathname);
    if (page) return page(request);
    if (pathname === "/v1/config") return Response.json({ auth: "open", version: "9.9.9" });
    if (pathname === "/v1/events") {
      return this.#stream((write) => {
        this.#viewer = write;
        if (!write) return;
        write(frame("hello", { connection: "c", now: Date.now() }));
        const state = { video: "loud", totals: {}, version: 1, viewers: 1, comments: [] };
        write(frame("snapshot", state));
      });
    }
    if (request.headers.get("authorization") !== `Bearer ${key}`) {
      return Response.json({ error: { code: "unauthorized", message: "needs the key" } }, { status: 401 });
    }
    if (pathname === "/v1/admin/events") {
      return this.#stream((write) => {
        this.#admin = write;
        write?.(": hello\n\n");
      });
    }
    if (pathname === "/v1/admin/moderation") {
      return Response.json({
        restrictions: [],
        videos: [{ video: "loud", slowModeMs: 7000, comments: "on" }],
      });
    }
    if (pathname === "/v1/admin/videos") {
      return Response.json({
        videos: [{ video: "unwatched", totals: { heart: 1 }, version: 1, state: "closed" }],
        more: false,
      });
    }
    this.calls.push(`${request.method} ${pathname} ${await request.text()}`);
    if (this.moderates) return new Response(null, { status: 204 });
    return Response.json({ error: { code: "not-found", message: "there is nothing here" } }, { status: 404 });
  }
}

async function enter(
  browser: Browser,
  server: StandIn,
  options = {},
): Promise<{ page: Page; wrong: string[] }> {
  const { page, wrong } = await openWindow(browser, `${server.url}admin`, {
    viewport: { width: 1280, height: 900 },
    ...options,
  });
  await page.getByLabel("Admin key").fill(key);
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByText("live", { exact: true }).waitFor();
  return { page, wrong };
}

describe("control room", () => {
  let browser: Browser;
  let server: StandIn;
  beforeAll(async () => {
    browser = await startBrowser();
    server = new StandIn();
  });
  afterAll(async () => {
    await browser.close();
    await server.stop();
  });

  test("asks for the key, says why one is refused, and remembers a good one for the tab", async () => {
    const { page } = await openWindow(browser, `${server.url}admin`);
    await page.getByLabel("Admin key").fill("wrong");
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByText("needs the key").waitFor();
    await page.getByLabel("Admin key").fill(key);
    await page.keyboard.press("Enter");
    await page.getByText("live", { exact: true }).waitFor();
    await page.reload();
    await page.getByText("live", { exact: true }).waitFor();
    expect(page.url()).not.toContain(key);
    await page.context().close();
  });

  test("figures, busiest first, charts drawn, peaks found; nothing against the policy", async () => {
    const { page, wrong } = await enter(browser, server);
    let likes = 1000;
    for (let second = 0; second < 40; second++) {
      likes += second === 25 ? 5000 : 100;
      server.say("admin", sample(1_700_000_000_000 + second * 1000, likes));
    }
    await page.getByText("12,345", { exact: true }).waitFor();
    await page.getByText("2.5M", { exact: true }).first().waitFor();
    const names = page.locator("tbody button");
    await until("both videos", async () => (await names.allTextContents()).join() === "loud,quiet");
    await page.getByText(/5K\/s$/).waitFor();
    const drawn = await page.locator(".u-over, canvas").count();
    expect(drawn).toBeGreaterThan(8);
    expect(await page.getByText("Streams closed: client 5").count()).toBe(1);
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  test("nodes come and go in the picture, with their lines", async () => {
    const { page, wrong } = await enter(browser, server);
    server.say("cluster", cluster("front-1", "front-2"));
    await page.locator(".picture .node").nth(2).waitFor();
    expect(await page.locator(".lines path").count()).toBe(3);
    server.say("cluster", cluster("front-2"));
    await until("two nodes", async () => (await page.locator(".picture .node").count()) === 2);
    expect(await page.locator(".picture").textContent()).not.toContain("front-1");
    expect(await page.locator(".lines path").count()).toBe(2);
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  test("moderation: what is done goes out with the key; what the server cannot do disappears", async () => {
    const { page, wrong } = await enter(browser, server);
    server.say("admin", sample(Date.now(), 1000));
    await page.locator("tbody").getByRole("button", { name: "loud" }).click();
    await until("its stream", () => server.watched);
    server.comment("e-1", "<b>Troll</b>", "<img src=x onerror=alert(1)>");
    const row = page.locator(".comments li", { hasText: "<img src=x" });
    await row.getByRole("button", { name: "Remove" }).click();
    await row.getByRole("button", { name: "Mute" }).click();
    // What somebody else decided before is shown, and only the change goes out.
    await until("its rules", async () => (await page.getByLabel("Slow mode").inputValue()) === "7000");
    await page.getByLabel("Slow mode").selectOption("15000");
    await until("three calls", () => server.calls.length === 3);
    expect(server.calls).toEqual([
      "DELETE /v1/videos/loud/comments/e-1 ",
      'POST /v1/admin/mutes {"user":"<b>Troll</b>","video":"loud","seconds":600}',
      'PUT /v1/admin/videos/loud {"slowModeMs":15000}',
    ]);
    await page.getByLabel("Hold for review").selectOption("5000");
    await until("the hold", () => server.calls.at(-1) === 'PUT /v1/admin/videos/loud {"holdMs":5000}');
    server.hold("e-2", "Ann", "not seen yet");
    const waiting = page.locator(".comments li", { hasText: "not seen yet" });
    await waiting.getByText("held", { exact: true }).waitFor();
    expect(await row.getByText("held", { exact: true }).isVisible()).toBe(false);
    await waiting.getByRole("button", { name: "Remove" }).click();
    await until("its removal", () => server.calls.at(-1) === "DELETE /v1/videos/loud/comments/e-2 ");
    server.comment("e-2", "Ann", "not seen yet");
    await waiting.getByText("held", { exact: true }).waitFor({ state: "hidden" });
    expect(await waiting.count()).toBe(1);
    server.moderates = false;
    await row.getByRole("button", { name: "Mute" }).click();
    await row.getByRole("button", { name: "Mute" }).waitFor({ state: "hidden" });
    expect(await row.getByRole("button", { name: "Remove" }).isVisible()).toBe(true);
    server.moderates = true;
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  for (const colorScheme of ["dark", "light"] as const) {
    test(`axe finds nothing serious, ${colorScheme}`, async () => {
      const { page } = await enter(browser, server, { colorScheme });
      for (let second = 0; second < 5; second++) {
        server.say("admin", sample(Date.now() + second * 1000, 1000 + second * 50));
      }
      server.say("cluster", cluster("front-1", "front-2"));
      await page.locator(".picture .node").nth(2).waitFor();
      expect(await seriousOf(page)).toEqual([]);
      await page.context().close();
    });
  }
});

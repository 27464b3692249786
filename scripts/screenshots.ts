/**
 * Takes pictures of the pages: `npm run screenshots -- FOLDER [NAME…]`, after `npm run build`.
 *
 * A real executable with a simulated crowd, a real Chromium: the demo page on a phone and a desktop, dark and
 * light, live and seen again, and the control room after it has watched an audience of `ovation load` for
 * half a minute. To be looked at, and shown in the README: that is what web/pictures holds. With `--all`
 * instead every page in every state, at five sizes; a NAME chooses those that begin with it.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { createRecording } from "../web/client/recording.ts";
import { everything, pictures, type Shot, type Where } from "./shots.ts";

const given = process.argv.slice(2);
const [folder = "screenshots", ...names] = given.filter((word) => word !== "--all");
const shots = (given.includes("--all") ? everything : pictures).filter(
  ({ name }) => names.length === 0 || names.some((begin) => name.startsWith(begin)),
);
const adminKey = crypto.randomUUID();
const FANS = 2500;
const QUALITY = 0.82;
const executable = join(import.meta.dir, "../dist/ovation");
const snippets = join(import.meta.dir, "../web/snippets");
const json = { "content-type": "application/json", "x-api-key": adminKey };

/** A match of ten minutes whose audience loved five of its minutes. */
const match = createRecording({
  ...{ start: 1_800_000_000_000, seconds: 600, likesPerSecond: 60, commentsPerSecond: 1 },
});

interface Node {
  readonly url: string;
  stop(): void;
}

function start(...flags: string[]): Promise<Node> {
  return startAs({ OVATION_ADMIN_KEY: adminKey }, flags);
}

async function startAs(env: Record<string, string>, flags: readonly string[]): Promise<Node> {
  const child = Bun.spawn(
    [executable, "--data=:memory:", "--port=0", "--host=127.0.0.1", "--log-format=json", ...flags],
    { env, stdout: "pipe", stderr: "inherit" },
  );
  const listening = Promise.withResolvers<string>();
  const read = async () => {
    let text = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const url = /"event":"listening","url":"([^"]+)"/.exec(text)?.[1];
      if (url) listening.resolve(url);
    }
    listening.reject(new Error(`did not start:\n${text}`));
  };
  void read();
  return { url: await listening.promise, stop: () => child.kill() };
}

/** The snippets of the guide on a page of another origin, about the server at `url()`. */
function elsewhere(url: () => string): Node {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const file = Bun.file(join(snippets, `${new URL(request.url).pathname.slice(1)}.html`));
      if (!(await file.exists())) return new Response("", { status: 404 });
      const text = (await file.text()).replaceAll("https://ovation.example", url());
      return new Response(text.replaceAll('video="final"', 'video="demo"'), {
        headers: { "content-type": "text/html; charset=utf-8" },
      });
    },
  });
  return { url: server.url.origin, stop: () => void server.stop(true) };
}

const put = (url: string, body: object) =>
  fetch(url, { method: "PUT", headers: json, body: JSON.stringify(body) });

/** Servers by what is asked of them, started when somebody does. */
class Servers {
  readonly #running = new Map<Where, Promise<Node>>();

  of(where: Where): Promise<Node> {
    const node = this.#running.get(where) ?? this.#start(where);
    // Whoever looks at one that is gone takes it away himself.
    if (where !== "gone") this.#running.set(where, node);
    return node;
  }

  async stop(): Promise<void> {
    for (const node of this.#running.values()) (await node).stop();
  }

  async #start(where: Where): Promise<Node> {
    let about = "";
    switch (where) {
      case "demo": {
        const foreign = await this.of("foreign");
        const node = await start("--demo", `--cors-origins=${foreign.url}`);
        about = node.url;
        await put(`${node.url}/v1/demo`, { fans: FANS });
        this.#demo = about;
        return node;
      }
      case "crowd":
        return startAs({}, ["--demo"]);
      case "foreign":
        return elsewhere(() => this.#demo);
      case "refused": {
        const { url } = await this.of("plain");
        return elsewhere(() => url);
      }
      case "once":
        return start("--like-mode=once");
      case "polled":
        return start("--stream-share=0");
      case "token":
        return start("--auth=token", `--jwt-secrets=${crypto.randomUUID()}`);
      case "gone":
        return start();
      case "plain": {
        const node = await start();
        await put(`${node.url}/v1/admin/videos/over`, { state: "closed" });
        return node;
      }
    }
  }
  #demo = "";
}

/** What the audience of a match did, in place of what little a video of a minute has. */
async function withPast(page: Page): Promise<void> {
  const startMs = 1_800_000_000_000;
  const moments = [60, 150, 290, 300, 480].map((second, n) => ({
    ...{ start: startMs + second * 1000, peak: startMs + (second + 4) * 1000 },
    ...{ end: startMs + (second + 12) * 1000, score: 9 - n, people: 40, comments: [] },
    likes: { [["heart", "fire", "clap", "wow", "laugh"][n] ?? "heart"]: 900 },
  }));
  await page.route(/\/v1\/videos\/over\/(timeline|moments|replay)/, (route) => {
    const { pathname, search } = new URL(route.request().url());
    const what = pathname.split("/").slice(4).join("/") + search;
    const body = what.startsWith("moments") ? JSON.stringify({ moments }) : match.answer(what);
    return route.fulfill({ body: body ?? "" });
  });
}

async function take(context: BrowserContext, node: Node, shot: Shot): Promise<Buffer> {
  const page = await context.newPage();
  await withPast(page);
  await page.goto(`${node.url}${shot.path}`);
  await page.waitForTimeout(500);
  if (shot.where === "gone") node.stop();
  await shot.act?.(page);
  await Bun.sleep(shot.seconds * 1000);
  return page.screenshot({ fullPage: shot.whole ?? false });
}

async function takeAndWrite(browser: Browser, node: Node, shot: Shot): Promise<void> {
  const { name, width, height, scheme, ratio = 1 } = shot;
  const context = await browser.newContext({
    ...{ viewport: { width, height }, deviceScaleFactor: ratio, colorScheme: scheme },
    hasTouch: width < 900,
    reducedMotion: shot.reduced ? "reduce" : "no-preference",
  });
  if (shot.where !== "token") {
    await context.addInitScript((key) => sessionStorage.setItem("ovation admin key", key), adminKey);
  }
  const written = join(folder, `${name}.webp`);
  await Bun.write(written, await webp(browser, await take(context, node, shot)));
  await context.close();
  console.log(written);
}

/** The same picture, small: the browser that took it can also write WebP. */
async function webp(browser: Browser, png: Buffer): Promise<Buffer> {
  const page = await browser.newPage();
  const address = `data:image/png;base64,${png.toString("base64")}`;
  const encoded = await page.evaluate(
    async ([from, quality]) => {
      const image = new Image();
      image.src = from;
      await image.decode();
      const canvas = document.createElement("canvas");
      canvas.width = image.width;
      canvas.height = image.height;
      canvas.getContext("2d")?.drawImage(image, 0, 0);
      return canvas.toDataURL("image/webp", quality);
    },
    [address, QUALITY] as const,
  );
  await page.close();
  return Buffer.from(encoded.slice(encoded.indexOf(",") + 1), "base64");
}

/** People on other videos too. */
function audience(url: string): { stop(): void } {
  const people = ["--viewers=300", "--videos=6", "--likes=400", "--comments=4", "--duration=300"];
  const child = Bun.spawn([executable, "load", `--url=${url}`, ...people], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return { stop: () => child.kill() };
}

await mkdir(folder, { recursive: true });
const servers = new Servers();
let people: { stop(): void } | undefined;
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
});
try {
  const demo = await servers.of("demo");
  // Someone watches all the time, so that the crowd has a reason to be there.
  const witness = await browser.newPage({ viewport: { width: 200, height: 200 } });
  await witness.goto(`${demo.url}/`);
  for (const shot of shots) {
    if (shot.path === "/admin") people ??= audience(demo.url);
    await takeAndWrite(browser, await servers.of(shot.where), shot);
  }
} finally {
  await browser.close();
  people?.stop();
  await servers.stop();
}

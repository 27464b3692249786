/**
 * The snippets of the embedding guide, as a stranger would use them: each on a page of another origin, in a
 * real Chromium, against a real node; `curl` in a real shell.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { film, openTab, openWindow, startBrowser, until, untilPhase, untilTotal } from "./browser.ts";
import { bundleComponent } from "./components.ts";
import { post } from "./events.ts";
import { exampleOf } from "./examples.ts";
import { hows, type Running, startServer } from "./server.ts";

const folder = join(import.meta.dir, "../../web/snippets");
const example = /https:\/\/ovation\.example/g;
const snippet = (name: string) => readFileSync(join(folder, name), "utf8");
const html = { "content-type": "text/html; charset=utf-8" };

/** The documentation's own examples, each as a page beside a film. */
const examples = {
  "watch-example.html": ["web/client/client.ts", "watch", "ovation.js"],
  "replay-example.html": ["web/client/replay.ts", "replay", "ovation-replay.js"],
} as const;
let recorded: Uint8Array<ArrayBuffer> = new Uint8Array();

/** Components of the guide, each of a page `NAME.html` that shows the video of that name. */
const components = { react: "react.jsx", vue: "component.vue", svelte: "component.svelte" } as const;
type Framework = keyof typeof components;

const how = hows.at(-1) ?? "here";

describe(how, () => {
  let browser: Browser;
  let node: Running;
  let elsewhere: Bun.Server<undefined>;
  beforeAll(async () => {
    browser = await startBrowser();
    elsewhere = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        const name = new URL(request.url).pathname.slice(1);
        const framework = name.replace(/\.(html|js)$/, "") as Framework;
        if (framework in components && name.endsWith(".html")) {
          const script = `<script type="module" src="${framework}.js"></script>`;
          return new Response(`<!doctype html><div id="root"></div>${script}`, { headers: html });
        }
        if (framework in components) {
          const script = await bundleComponent(components[framework], (text) =>
            text.replace(example, node.url),
          );
          return new Response(script, { headers: { "content-type": "text/javascript" } });
        }
        if (name === "film.webm")
          return new Response(recorded, { headers: { "content-type": "video/webm" } });
        if (name in examples) {
          const [file, shown, from] = examples[name as keyof typeof examples];
          const text = exampleOf(file, shown).replace(example, node.url).replace("final", `by-${shown}`);
          const script = `import { ${shown} } from "${node.url}/${from}";\n${text}`;
          const video = '<video src="film.webm" muted autoplay loop></video>';
          const page = `<!doctype html>${video}<script type="module">${script}</script>`;
          return new Response(page, { headers: html });
        }
        if (name === "rest.html")
          return new Response("<!doctype html><title>Rest</title>", { headers: html });
        if (!name.endsWith(".html")) return new Response("", { status: 404 });
        return new Response(snippet(name).replace(example, node.url), { headers: html });
      },
    });
    node = await startServer(how, [`--cors-origins=${elsewhere.url.origin}`]);
  });
  afterAll(async () => {
    await browser.close();
    await elsewhere.stop(true);
    await node.stop();
  });

  const open = (name: string) => openWindow(browser, `${elsewhere.url}${name}`);
  const like = (video: string) => post(`${node.url}/v1/videos/${video}/likes`, { kind: "heart", count: 4 });
  const say = (video: string, text: string) =>
    post(`${node.url}/v1/videos/${video}/comments`, { text, user: "<b>Lin</b>" });

  for (const [name, video, count] of [
    ["eventsource.html", "final", "#likes"],
    ["client.html", "final", "#likes"],
  ] as const) {
    test(`${name}: likes and comments both ways`, async () => {
      const before = await (await fetch(`${node.url}/v1/videos/${video}`)).json();
      const start = ((before as { totals: { heart?: number } }).totals.heart ?? 0) + 5;
      const { page, context, wrong } = await open(name);
      await say(video, `hello ${name}`);
      await page.getByText(`<b>Lin</b>: hello ${name}`).waitFor();
      await page.getByRole("button", { name: "Like" }).click();
      await like(video);
      await until("five more", async () => (await page.locator(count).textContent()) === String(start));
      expect(wrong).toEqual([]);
      await context.close();
    });
  }

  for (const name of ["eventsource.html", "client.html"]) {
    test(`${name}: a page that is left gives up its stream, and comes back to what it missed`, async () => {
      const resting = await startBrowser("back-forward");
      const { page, wrong } = await openWindow(resting, `${elsewhere.url}${name}`);
      await page.evaluate(() => Object.assign(globalThis, { rested: true }));
      const viewers = async () => {
        const answer = await fetch(`${node.url}/v1/videos/final`);
        return ((await answer.json()) as { viewers: number }).viewers;
      };
      await until("a viewer", async () => (await viewers()) === 1);
      await page.goto(`${elsewhere.url}rest.html`);
      // Well within the minute that Chromium keeps the stream of a cached page.
      await until("nobody", async () => (await viewers()) === 0, 5_000);
      await say("final", `meanwhile ${name}`);
      // Playwright's own goBack waits for a load that does not come.
      await page.evaluate(() => void setTimeout(() => history.back(), 10));
      await page.getByText(`<b>Lin</b>: meanwhile ${name}`).waitFor();
      expect(await page.evaluate(() => "rested" in globalThis)).toBe(true);
      await until("a viewer again", async () => (await viewers()) === 1);
      expect(wrong).toEqual([]);
      await resting.close();
    });
  }

  test("eventsource.html: eight tabs share a stream, and another has it once the first is gone", async () => {
    const { page: first, context } = await open("eventsource.html");
    const tabs = [first];
    while (tabs.length < 8) tabs.push((await openTab(context, `${elsewhere.url}eventsource.html`)).page);
    const shown = (count: number) =>
      Promise.all(
        tabs.map((page, n) =>
          until(`${count} in ${n}`, async () => (await page.locator("#likes").textContent()) === `${count}`),
        ),
      );
    const state = async () =>
      (await (await fetch(`${node.url}/v1/videos/final`)).json()) as {
        viewers: number;
        totals: { heart?: number };
      };
    const before = (await state()).totals.heart ?? 0;
    await tabs[7]?.getByRole("button", { name: "Like" }).click();
    await shown(before + 1);
    await until("one viewer", async () => (await state()).viewers === 1);
    await first.close();
    tabs.shift();
    await like("final");
    await shown(before + 5);
    await say("final", "said to seven");
    for (const page of tabs) expect(await page.getByText("said to seven").count()).toBeLessThan(2);
    for (const page of tabs) await page.getByText("<b>Lin</b>: said to seven").waitFor();
    await context.close();
  });

  test("eventsource.html: two beats missing, and it opens another stream where it was", async () => {
    const { page, context } = await openWindow(browser, "about:blank");
    await page.clock.install();
    await page.goto(`${elsewhere.url}eventsource.html`);
    await say("final", "before the silence");
    await page.getByText("<b>Lin</b>: before the silence").waitFor();
    const streams: string[] = [];
    page.on("request", (request) => {
      if (request.url().includes("/events?")) streams.push(request.url());
    });
    await page.clock.fastForward(34_000);
    expect(streams).toEqual([]);
    await page.clock.fastForward(2_000);
    const again = await until("another stream", () => streams[0]);
    expect(again).toMatch(/last_event_id=[a-z0-9]+-\d+$/);
    await context.close();
  });

  test("element.html: two lines, and everything works across origins", async () => {
    const { page, context, wrong } = await open("element.html");
    await untilPhase(page, "live");
    const { totals } = (await (await fetch(`${node.url}/v1/videos/final`)).json()) as {
      totals: { heart?: number };
    };
    await page.getByRole("button", { name: "Send a heart" }).click();
    await untilTotal(page, (totals.heart ?? 0) + 1);
    await page.getByRole("textbox", { name: "Say something" }).fill("from elsewhere");
    await page.getByRole("textbox", { name: "Say something" }).press("Enter");
    await page.getByText("from elsewhere").waitFor();
    expect(wrong).toEqual([]);
    await context.close();
  });

  test("hearts.html: a like from elsewhere floats", async () => {
    const { page, context, wrong } = await open("hearts.html");
    const floating = async () => {
      await like("final");
      return page.locator("#hearts").evaluate((element) => {
        const canvas = element as HTMLCanvasElement;
        const drawn = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data;
        return drawn?.some((value) => value > 0);
      });
    };
    await until("a heart", floating);
    await page.getByRole("button", { name: "Like" }).click();
    expect(wrong).toEqual([]);
    await context.close();
  });

  for (const [framework, file] of Object.entries(components)) {
    test(`${file}: mounts, likes and lists`, async () => {
      const { page, context, wrong } = await open(`${framework}.html`);
      await page.getByRole("button", { name: "0 likes" }).click();
      await page.getByRole("button", { name: "1 likes" }).waitFor();
      await say(framework, "in a component");
      await page.getByText("<b>Lin</b>: in a component").waitFor();
      expect(wrong).toEqual([]);
      await context.close();
    });
  }

  test("the example of watch: likes, says something, and hears both", async () => {
    const { page, context, wrong } = await openWindow(browser, "about:blank");
    const said: string[] = [];
    page.on("console", (message) => said.push(message.text()));
    await page.goto(`${elsewhere.url}watch-example.html`);
    await until("its comment", () => said.includes("Guest: What a goal!"));
    await until("its like", () => said.includes("hearts 1"));
    expect(wrong).toEqual([]);
    await context.close();
  });

  test("the example of replay: what was done comes again with the picture", async () => {
    const { page, context, wrong } = await openWindow(browser, "about:blank");
    recorded = new Uint8Array(await film(page));
    await like("by-replay");
    await say("by-replay", "then");
    const said: string[] = [];
    page.on("console", (message) => said.push(message.text()));
    await page.goto(`${elsewhere.url}replay-example.html`);
    await until("hearts", () => said.some((text) => /^hearts then [1-9]/.test(text)));
    await until("moments", () => said.some((text) => /^(best at|no moment)/.test(text)));
    expect(wrong).toEqual([]);
    await context.close();
  });

  test("curl.sh: answers, state and stream", async () => {
    const script = snippet("curl.sh").replace(example, node.url).replaceAll("/final", "/by-curl");
    const ran = Bun.spawn(["sh", "-c", script], { stdout: "pipe", stderr: "inherit" });
    const said = await new Response(ran.stdout).text();
    expect(await ran.exited).toBe(0);
    expect(said).toContain('"totals":{"heart":3}');
    expect(said).toContain("event: snapshot");
    expect(said).toContain("What a goal!");
  });

  test("a page of an origin that is not allowed gets nothing but the script", async () => {
    const stranger = await startServer("here");
    const { page, context } = await openWindow(browser, `${elsewhere.url}element.html`);
    await page.evaluate(
      (server) => document.querySelector("ovation-stage")?.setAttribute("server", server),
      stranger.url,
    );
    await untilPhase(page, "reconnecting");
    expect(await page.locator(".watching").textContent()).toBe("–");
    // Its console says why, whatever it asks with.
    const said: string[] = [];
    page.on("console", (message) => said.push(message.text()));
    const why = "refused (the server's --cors-origins does not list this page's origin)";
    await page.evaluate((server) => {
      new EventSource(`${server}/v1/videos/v/events`);
      void fetch(`${server}/v1/videos/v`).catch(() => {});
      void fetch(`${server}/v1/likes`, { method: "POST", headers: { traceparent: "00" } }).catch(() => {});
    }, stranger.url);
    await until("three reasons", () => said.filter((text) => text.includes(why)).length >= 3);
    expect(stranger.lines.filter((line) => line.includes("--cors-origins"))).toHaveLength(1);
    await context.close();
    await stranger.stop();
  });
});

/**
 * A real Chromium for tests of the pages, and the few things a test asks of a page again and again.
 *
 * Each window is a browser context of its own, so windows share nothing; tabs of one context share what tabs
 * share. Every window collects what should never be there: uncaught errors and violations of the policy.
 */
import { readFileSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // A name that a browser trusts no more than any other: pages of plain http there are insecure.
  "--host-resolver-rules=MAP plain.test 127.0.0.1",
];

/**
 * `cache` "back-forward": pages that are left rest there, as in a person's browser; Playwright turns it off.
 */
export function startBrowser(cache?: "back-forward"): Promise<Browser> {
  const ignoreDefaultArgs = cache ? ["--disable-back-forward-cache"] : [];
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: flags, ignoreDefaultArgs });
}

export type ContextOptions = Parameters<Browser["newContext"]>[0];

export interface Window {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Uncaught errors and refusals of the policy, as text. */
  readonly wrong: string[];
}

/** A tab in `context`, listening for what goes wrong. */
export async function openTab(context: BrowserContext, url?: string): Promise<Window> {
  const page = await context.newPage();
  const wrong: string[] = [];
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("dialog", (dialog) => {
    wrong.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    if (/Content Security Policy|TrustedHTML|TrustedScript/.test(message.text())) wrong.push(message.text());
  });
  if (url !== undefined) await page.goto(url);
  return { page, context, wrong };
}

/** A window of its own; small unless `options` say more, because there is no graphics card here. */
export async function openWindow(
  browser: Browser,
  url: string,
  options: ContextOptions = {},
): Promise<Window> {
  return openTab(await browser.newContext({ viewport: { width: 500, height: 700 }, ...options }), url);
}

/** Asks again until `look` answers something truthy; rejects with the last answer when it never does. */
export async function until<T>(what: string, look: () => Promise<T> | T, withinMs = 15_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() > deadline) throw new Error(`never seen: ${what}; last ${JSON.stringify(seen)}`);
    await Bun.sleep(40);
  }
}

/** The phase the badge shows. */
export const phaseOf = (page: Page): Promise<string | null> =>
  page
    .locator(".badge")
    .getAttribute("data-phase", { timeout: 10_000 })
    .catch(() => null);

export const untilPhase = (page: Page, phase: string): Promise<true> =>
  until(`phase ${phase}`, async () => ((await phaseOf(page)) === phase ? true : undefined)) as Promise<true>;

/** The number on the odometer, as a screen reader hears it. */
export async function totalOf(page: Page): Promise<number> {
  const label = (await page.locator(".odometer").getAttribute("aria-label")) ?? "";
  return Number(label.replace(/\D/g, "") || "-1");
}

export const untilTotal = (page: Page, total: number): Promise<unknown> =>
  until(`total ${total}`, async () => (await totalOf(page)) === total);

/** The comments shown, oldest first, as `name: text`. */
export const commentsOf = (page: Page): Promise<string[]> =>
  page
    .locator(".row .said")
    .evaluateAll((rows) =>
      rows.map((row) => `${row.querySelector(".who")?.textContent}: ${row.querySelector("p")?.textContent}`),
    );

/** Pixels of the hearts' canvas that something is drawn on. */
export const floatingOf = (page: Page): Promise<number> =>
  page.locator("canvas.hearts").evaluate((element) => {
    const canvas = element as HTMLCanvasElement;
    const context = canvas.getContext("2d");
    if (!context || !canvas.width) return 0;
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let drawn = 0;
    for (let at = 3; at < data.length; at += 4) if (data[at]) drawn++;
    return drawn;
  });

const axe = readFileSync(Bun.resolveSync("axe-core/axe.min.js", import.meta.dir), "utf8");

/**
 * What axe-core calls serious or critical, as `rule: where`; with its rule, still an experiment, that whoever
 * speaks to a control says what is to be read on it.
 */
export async function seriousOf(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    type Found = { id: string; impact: string; nodes: { target: unknown; any: { message: string }[] }[] };
    type Axe = { run(options: object): Promise<{ violations: Found[] }> };
    const { axe } = globalThis as unknown as { axe: Axe };
    // What still fades in has less contrast than it is to have.
    const under = (root: Document | ShadowRoot): Animation[] => [
      ...root.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity),
      ...[...root.querySelectorAll("*")].flatMap(({ shadowRoot }) => (shadowRoot ? under(shadowRoot) : [])),
    ];
    await Promise.allSettled(under(document).map(({ finished }) => finished));
    const { violations } = await axe.run({ rules: { "label-content-name-mismatch": { enabled: true } } });
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) =>
        nodes.map(({ target, any }) => `${id}: ${JSON.stringify(target)} ${any[0]?.message ?? ""}`),
      );
  });
}

/** A second of moving picture, made by the browser itself: there is no other encoder to rely on. */
export async function film(page: Page): Promise<Uint8Array> {
  const text = await page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d");
    const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: "video/webm" });
    const parts: Blob[] = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const stopped = new Promise((done) => {
      recorder.onstop = done;
    });
    recorder.start();
    for (let n = 0; n < 20; n++) {
      context?.fillRect(n * 10, n * 5, 20, 20);
      await new Promise((next) => setTimeout(next, 50));
    }
    recorder.stop();
    await stopped;
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  });
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

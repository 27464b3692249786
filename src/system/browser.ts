/**
 * A real Chromium for tests of the pages, and the few things a test asks of a page again and again.
 *
 * Each window is a browser context of its own, so windows share nothing; tabs of one context share what tabs
 * share. Every window collects what should never be there: uncaught errors and violations of the policy.
 */
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

/**
 * The demo page and the stage alone in a real Chromium, on phones and tablets: nothing lies over
 * another thing or outside of the page, and whatever is pressed is as large as a finger.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { openWindow, startBrowser, untilPhase } from "./browser.ts";
import { hows, type Running, startServer } from "./server.ts";

const how = hows.at(-1) ?? "here";
const FINGER_PX = 44;
const apart = ".facts, .menu summary, .total, .crowd, .react, .line";

interface Box {
  readonly what: string;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Where what must not touch stands, as far as it is seen, while the badge says `badge` more than it does. */
function boxesOf(page: Page, badge = ""): Promise<Box[]> {
  return page.locator(apart).evaluateAll((elements, said) => {
    const shown = elements
      .find(({ className }) => className === "facts")
      ?.querySelector<HTMLElement>(".badge");
    if (shown && said) {
      shown.dataset.phase = "reconnecting";
      shown.querySelector("span")?.append(said);
    }
    return elements
      .map((element) => {
        const { left, top, right, bottom } = element.getBoundingClientRect();
        return { what: element.className || element.tagName, left, top, right, bottom };
      })
      .filter(({ left, right }) => right > left);
  }, badge);
}

function wrongOf(boxes: readonly Box[], width: number, height: number): string[] {
  const wrong: string[] = [];
  for (const [n, one] of boxes.entries()) {
    if (one.left < 0 || one.top < 0 || one.right > width || one.bottom > height) {
      wrong.push(`${one.what} leaves the page`);
    }
    for (const other of boxes.slice(n + 1)) {
      const beside = one.right <= other.left || other.right <= one.left;
      if (!beside && one.bottom > other.top && other.bottom > one.top) {
        wrong.push(`${one.what} lies over ${other.what}`);
      }
    }
  }
  return wrong;
}

describe(how, () => {
  let browser: Browser;
  let node: Running;
  beforeAll(async () => {
    browser = await startBrowser();
    node = await startServer(how, ["--demo"]);
  });
  afterAll(async () => {
    await browser.close();
    await node.stop();
  });

  for (const [width, height] of [
    [320, 640],
    [390, 844],
    [844, 390],
    [768, 1024],
    [900, 640],
  ] as const) {
    test(`at ${width} × ${height} everything has its place and size`, async () => {
      for (const lang of ["de", "ar"]) {
        const options = { viewport: { width, height }, reducedMotion: "reduce" } as const;
        const { page, context, wrong } = await openWindow(browser, `${node.url}/?lang=${lang}`, options);
        await untilPhase(page, "live");
        await page.locator(".crowd").waitFor();
        const boxes = await boxesOf(page);
        expect(wrongOf(boxes, width, height)).toEqual([]);
        for (const { what, top, bottom } of boxes) {
          if (what !== "facts" && what !== "total") expect(bottom - top).toBeGreaterThanOrEqual(FINGER_PX);
        }
        const long = await boxesOf(page, " · Verbindet neu in 12 s");
        expect(wrongOf(long, width, height)).toEqual([]);
        const [facts, menu] = ["facts", "SUMMARY"].map((name) => long.find(({ what }) => what === name));
        // One line, however long the badge is.
        expect(facts?.top).toBeLessThan(menu?.bottom ?? 0);
        expect(menu?.top).toBeLessThan(facts?.bottom ?? 0);
        expect(wrong).toEqual([]);
        await context.close();
      }
    });
  }

  test("a stage in a page that gives it no height stands as its own height says", async () => {
    const { page, context, wrong } = await openWindow(browser, `${node.url}/docs`, {
      viewport: { width: 390, height: 844 },
    });
    await page.evaluate(() => {
      for (const sheet of document.querySelectorAll("link")) sheet.remove();
      document.body.replaceChildren(document.createElement("ovation-stage"));
      return import(String("/ovation-stage.js"));
    });
    await untilPhase(page, "live");
    const dock = page.locator(".dock");
    expect(await dock.evaluate((element) => getComputedStyle(element).flexDirection)).toBe("column-reverse");
    const line = await page.locator(".line").boundingBox();
    expect(line?.width).toBeGreaterThan(200);
    expect(wrong).toEqual([]);
    await context.close();
  });
});

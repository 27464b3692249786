/**
 * The demo page and the stage alone in a real Chromium, on phones that stand and lie: nothing lies over
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

/** Where what must not touch stands, as far as it is seen. */
async function boxesOf(page: Page): Promise<Box[]> {
  const found = await page.locator(apart).all();
  const boxes = await Promise.all(
    found.map((one) =>
      one.evaluate((element) => {
        const { left, top, right, bottom } = element.getBoundingClientRect();
        return { what: element.className || element.tagName, left, top, right, bottom };
      }),
    ),
  );
  return boxes.filter(({ left, right }) => right > left);
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
  ] as const) {
    test(`at ${width} × ${height} everything has its place and size, also offline`, async () => {
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
        await context.setOffline(true);
        await untilPhase(page, "offline");
        // As long as a badge gets.
        await page.locator(".badge span").evaluate((badge) => badge.append(" · noch einmal"));
        expect(wrongOf(await boxesOf(page), width, height)).toEqual([]);
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

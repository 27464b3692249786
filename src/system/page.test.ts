/** The demo page in a real Chromium, against a real node: windows, taps, comments, keys, sizes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import {
  commentsOf,
  film,
  floatingOf,
  openWindow,
  startBrowser,
  totalOf,
  until,
  untilPhase,
  untilTotal,
  type Window,
} from "./browser.ts";
import { post } from "./events.ts";
import { hows, type Running, startServer } from "./server.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

const heart = (window: Window) => window.page.getByRole("button", { name: "Send a heart" });

async function closeAll(windows: readonly Window[]): Promise<void> {
  for (const { context, wrong } of windows) {
    expect(wrong).toEqual([]);
    await context.close();
  }
}

// The pages are those inside the executable; a checkout without one shows its own.
const how = hows.at(-1) ?? "here";

describe(how, () => {
  let node: Running;
  beforeAll(async () => {
    node = await startServer(how, ["--comment-rate=2000"]);
  });
  afterAll(() => node.stop());
  let videos = 0;
  /** A video of its own for each test. */
  const fresh = () => `page-${how}-${++videos}`;
  const watch = (video: string, more = "", options = {}) =>
    openWindow(browser, `${node.url}/?lang=en&video=${video}${more}`, options);

  test("a tap in one window floats a heart and moves the total in the other", async () => {
    const video = fresh();
    const [one, other] = await Promise.all([watch(video), watch(video)]);
    await Promise.all([untilPhase(one.page, "live"), untilPhase(other.page, "live")]);
    expect(await floatingOf(other.page)).toBe(0);
    await heart(one).click();
    // Here at once, before any answer; there when its tick comes.
    expect(await until("the tap counted here", async () => (await totalOf(one.page)) === 1, 1000)).toBe(true);
    await untilTotal(other.page, 1);
    await until("a heart floating there", () => floatingOf(other.page));
    await closeAll([one, other]);
  });

  test("the menu opens a second viewer, who counts as one", async () => {
    const window = await watch(fresh());
    const { page, context } = window;
    await untilPhase(page, "live");
    await page.locator("summary").click();
    const opened = context.waitForEvent("page");
    await page.getByRole("link", { name: "Open a second viewer" }).click();
    const second = await opened;
    await untilPhase(second, "live");
    for (const one of [page, second]) {
      await until("two watching", async () => (await one.locator(".watching").textContent()) === "2");
    }
    await closeAll([window]);
  });

  test("five windows tap at once: all end at the same, exact total", async () => {
    const video = fresh();
    const windows = await Promise.all(Array.from({ length: 5 }, () => watch(video)));
    await Promise.all(windows.map(({ page }) => untilPhase(page, "live")));
    await Promise.all(
      windows.map(async (window) => {
        for (let tap = 0; tap < 6; tap++) await heart(window).click();
        await window.page.getByRole("button", { name: "Send a fire" }).click();
      }),
    );
    await Promise.all(windows.map(({ page }) => untilTotal(page, 35)));
    const { totals, viewers } = (await (await fetch(`${node.url}/v1/videos/${video}`)).json()) as {
      totals: object;
      viewers: number;
    };
    expect(totals).toEqual({ heart: 30, fire: 5 });
    expect(viewers).toBe(5);
    await closeAll(windows);
  });

  test("comments appear everywhere, with names, and are there on joining and after a reload", async () => {
    const video = fresh();
    const one = await watch(video);
    await untilPhase(one.page, "live");
    await one.page.getByRole("textbox", { name: "Say something" }).fill("first!");
    await one.page.getByRole("textbox", { name: "Your name" }).fill("Ada");
    await one.page.getByRole("textbox", { name: "Say something" }).press("Enter");
    await until("own comment", async () => (await commentsOf(one.page)).length === 1);
    const other = await watch(video);
    await until("history", async () => (await commentsOf(other.page)).length === 1);
    expect(await commentsOf(other.page)).toEqual(["Ada: first!"]);
    await post(`${node.url}/v1/videos/${video}/comments`, { text: "مرحبا\u2068", user: "منى" });
    await until("both", async () => (await commentsOf(one.page)).length === 2);
    await one.page.reload();
    await until("both again", async () => (await commentsOf(one.page)).length === 2);
    expect(await commentsOf(one.page)).toEqual(["Ada: first!", "منى: مرحبا\u2068"]);
    // The name is remembered.
    await one.page.getByRole("textbox", { name: "Say something" }).focus();
    expect(await one.page.getByRole("textbox", { name: "Your name" }).inputValue()).toBe("Ada");
    await closeAll([one, other]);
  });

  test("holding sends more and more, the keyboard too, and each is counted once", async () => {
    const video = fresh();
    const window = await watch(video);
    const { page } = window;
    await untilPhase(page, "live");
    const box = await heart(window).boundingBox();
    await page.mouse.move((box?.x ?? 0) + 20, (box?.y ?? 0) + 20);
    await page.mouse.down();
    await until("taps while held", async () => (await totalOf(page)) >= 5);
    await page.mouse.up();
    const held = await totalOf(page);
    await page.keyboard.down("Space");
    await until("more by the keyboard", async () => (await totalOf(page)) >= held + 4);
    await page.keyboard.up("Space");
    await page.keyboard.press("2");
    await until("shown is counted", async () => {
      const { totals } = (await (await fetch(`${node.url}/v1/videos/${video}`)).json()) as {
        totals: Record<string, number>;
      };
      const sum = Object.values(totals).reduce((all, total) => all + total, 0);
      return totals.clap === 1 && sum === (await totalOf(page));
    });
    await closeAll([window]);
  });

  test("the whole page by keyboard alone", async () => {
    const video = fresh();
    const window = await watch(video);
    const { page } = window;
    await untilPhase(page, "live");
    const focus = () =>
      page.evaluate(() => {
        const inside = document.activeElement?.shadowRoot?.activeElement;
        return (inside ?? document.activeElement)?.getAttribute("aria-label") ?? "";
      });
    const seen: string[] = [];
    for (let tab = 0; tab < 12; tab++) {
      await page.keyboard.press("Tab");
      const name = await focus();
      seen.push(name);
      if (name === "Send a laugh") await page.keyboard.press("Space");
      if (name === "Say something") {
        await page.keyboard.type("typed 1 2 3");
        await page.keyboard.press("Enter");
      }
    }
    for (const name of ["Menu", "Send a heart", "Send a fire", "Comments", "Say something"]) {
      expect(seen).toContain(name);
    }
    await until("the comment", async () => (await commentsOf(page)).join() === "Guest: typed 1 2 3");
    // One laugh, and nothing of the digits that were text.
    await untilTotal(page, 1);
    await closeAll([window]);
  });

  test("the list stays where the reader is, and a pill leads back", async () => {
    const video = fresh();
    const say = (text: string) => post(`${node.url}/v1/videos/${video}/comments`, { text, user: "Lin" });
    for (let n = 0; n < 20; n++) await say(`old ${n}`);
    const window = await watch(video);
    const { page } = window;
    await until("history", async () => (await commentsOf(page)).length === 20);
    const list = page.locator(".list");
    await list.evaluate((element) => element.scrollTo(0, 0));
    await say("new one");
    await say("new two");
    const pill = page.getByRole("button", { name: "2 new" });
    await pill.waitFor();
    expect(await list.evaluate((element) => element.scrollTop)).toBe(0);
    expect((await commentsOf(page)).length).toBe(20);
    await pill.click();
    await until("the new ones", async () => (await commentsOf(page)).at(-1) === "Lin: new two");
    await pill.waitFor({ state: "hidden" });
    await closeAll([window]);
  });

  test("500 comments a second: sheds with notice, stays bounded, and still answers a tap", async () => {
    const video = fresh();
    const window = await watch(video);
    const { page } = window;
    await untilPhase(page, "live");
    let going = true;
    const pouring = (async () => {
      for (let n = 0; going; n += 25) {
        const due = Bun.sleep(50);
        const burst = Array.from({ length: 25 }, (_, i) =>
          post(`${node.url}/v1/videos/${video}/comments`, { text: `comment ${n + i}`, user: `u${i}` }),
        );
        await Promise.all([...burst, due]);
      }
    })();
    const notice = page.locator(".notice");
    await notice.waitFor();
    expect(await notice.textContent()).toMatch(/^Very busy: showing \d+ of \d+$/);
    await Bun.sleep(3000);
    await heart(window).click();
    expect(await until("the tap", async () => (await totalOf(page)) === 1, 3000)).toBe(true);
    expect((await commentsOf(page)).length).toBeLessThanOrEqual(150);
    going = false;
    await pouring;
    await notice.waitFor({ state: "hidden" });
    await closeAll([window]);
  }, 60_000);

  test("gentle under reduced motion: no drifting hearts, no rolling digits", async () => {
    const video = fresh();
    const window = await watch(video, "", { reducedMotion: "reduce" });
    const { page } = window;
    await untilPhase(page, "live");
    for (let n = 0; n < 40; n++) {
      await post(`${node.url}/v1/videos/${video}/likes`, { kind: "heart", count: 50 });
    }
    await until("some hearts", () => floatingOf(page));
    const style = await page
      .locator(".strip")
      .first()
      .evaluate((element) => getComputedStyle(element).transitionDuration);
    expect(style).toBe("0s");
    // Eight at most, of at most 55 × 55 pixels each.
    expect(await floatingOf(page)).toBeLessThan(8 * 55 * 55);
    await closeAll([window]);
  });

  for (const [name, width, height] of [
    ["a small phone", 320, 568],
    ["a phone", 390, 844],
    ["a laptop", 1280, 720],
    ["a wall", 2560, 1440],
  ] as const) {
    for (const lang of ["en", "ar"]) {
      test(`${name} in ${lang}: everything is on screen and nothing overlaps what is tapped`, async () => {
        const window = await openWindow(browser, `${node.url}/?lang=${lang}&video=${fresh()}`, {
          viewport: { width, height },
        });
        const { page } = window;
        await untilPhase(page, "live");
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
        expect(await page.evaluate(() => document.documentElement.dir)).toBe(lang === "ar" ? "rtl" : "ltr");
        for (const selector of [".react", ".line input", ".odometer", ".badge", ".watching", "summary"]) {
          for (const element of await page.locator(selector).all()) {
            const box = await element.boundingBox();
            if (!box) throw new Error(`${selector} is not shown`);
            expect(box.x).toBeGreaterThanOrEqual(0);
            expect(box.y).toBeGreaterThanOrEqual(0);
            expect(box.x + box.width).toBeLessThanOrEqual(width);
            expect(box.y + box.height).toBeLessThanOrEqual(height);
            // A trial click fails when something else would receive it.
            if (selector === ".react" || selector === "summary") await element.click({ trial: true });
          }
        }
        await closeAll([window]);
      });
    }
  }

  test("a real video of the media folder plays under the hearts, with sound if wanted", async () => {
    const media = mkdtempSync(join(tmpdir(), "ovation-media-"));
    const shown = await startServer(how, [`--media=${media}`]);
    const window = await openWindow(browser, `${shown.url}/embed`);
    const { page } = window;
    await Bun.write(join(media, "goal.webm"), await film(page));
    await page.goto(`${shown.url}/?lang=en&video=film&src=/media/goal.webm`);
    await untilPhase(page, "live");
    const playing = () =>
      page.locator("video").evaluate((element) => {
        const video = element as HTMLVideoElement;
        return !video.paused && video.currentTime > 0 && video.videoWidth > 0;
      });
    await until("it to play", playing);
    await page.getByRole("button", { name: "Turn sound on" }).click();
    await page.getByRole("button", { name: "Turn sound off" }).waitFor();
    await heart(window).click();
    await untilTotal(page, 1);
    await closeAll([window]);
    await shown.stop();
    rmSync(media, { recursive: true });
  });
});

/** The demo page in a real Chromium where each viewer likes once: buttons, reloads, tabs, refusals. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { openTab, openWindow, startBrowser, totalOf, until, untilPhase, untilTotal } from "./browser.ts";
import { hows, type Running, startServer } from "./server.ts";

setDefaultTimeout(60_000);

let browser: Browser;
let node: Running;
beforeAll(async () => {
  browser = await startBrowser();
  node = await startServer(hows.at(-1) ?? "here", ["--like-mode=once"]);
});
afterAll(async () => {
  await browser.close();
  await node.stop();
});

const heart = (page: Page) => page.getByRole("button", { name: "Send a heart" });
const pressed = (page: Page) => heart(page).getAttribute("aria-pressed");
const untilPressed = (page: Page, is: boolean) =>
  until(`pressed ${is}`, async () => (await pressed(page)) === String(is));

test("a tap likes, another takes it back, and the button says which", async () => {
  const url = `${node.url}/?lang=en&video=toggle`;
  const [one, other] = await Promise.all([openWindow(browser, url), openWindow(browser, url)]);
  await Promise.all([untilPhase(one.page, "live"), untilPhase(other.page, "live")]);
  expect(await pressed(one.page)).toBe("false");
  await heart(one.page).click();
  await untilPressed(one.page, true);
  await untilTotal(other.page, 1);
  expect(await pressed(other.page)).toBe("false");
  await heart(other.page).click();
  await untilTotal(one.page, 2);
  await heart(one.page).click();
  await untilTotal(other.page, 1);
  await untilPressed(one.page, false);
  // However often and quickly: the last one counts.
  for (let tap = 0; tap < 5; tap++) await heart(one.page).click();
  await untilPressed(one.page, true);
  await until(
    "both counted",
    async () => (await totalOf(one.page)) === 2 && (await totalOf(other.page)) === 2,
  );
  // A tap on the picture likes as well, and never takes back.
  await one.page.locator("canvas.broadcast").click({ position: { x: 250, y: 200 } });
  await untilPressed(one.page, true);
  for (const { wrong, context } of [one, other]) {
    expect(wrong).toEqual([]);
    await context.close();
  }
});

test("loaded again, or in another tab, it is the same viewer, who likes no second time", async () => {
  const url = `${node.url}/?lang=en&video=again`;
  const { page, context, wrong } = await openWindow(browser, url);
  await untilPhase(page, "live");
  await heart(page).click();
  await untilTotal(page, 1);
  await page.reload();
  await untilPhase(page, "live");
  await untilPressed(page, true);
  const tab = await openTab(context, url);
  await untilPressed(tab.page, true);
  // A browser that forgot what it likes is still who it was.
  await tab.page.evaluate(() => localStorage.removeItem("ovation-liked"));
  await tab.page.reload();
  await untilPhase(tab.page, "live");
  await untilPressed(tab.page, false);
  const answered = tab.page.waitForResponse((response) => response.url().endsWith("/likes"));
  await heart(tab.page).click();
  expect((await answered).status()).toBe(202);
  expect(await (await fetch(`${node.url}/v1/videos/again`)).json()).toMatchObject({ totals: { heart: 1 } });
  expect([...wrong, ...tab.wrong]).toEqual([]);
  await context.close();
});

test("a like that is refused does not stay pressed", async () => {
  const { page, context } = await openWindow(browser, `${node.url}/?lang=en&video=refused`);
  await untilPhase(page, "live");
  await page.route("**/likes", (route) =>
    route.fulfill({ status: 403, json: { error: { code: "banned", message: "you are banned" } } }),
  );
  await heart(page).click();
  await until("it is said", async () => (await page.locator(".unseen").textContent())?.includes("banned"));
  expect(await pressed(page)).toBe("false");
  await context.close();
});

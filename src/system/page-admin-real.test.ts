/**
 * The control room in a real Chromium on a real node: figures move when something happens, and what a
 * moderator does there reaches the page of somebody else.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { commentsOf, openWindow, startBrowser, until, untilPhase } from "./browser.ts";
import { post } from "./events.ts";
import { hows, type Running, startServer } from "./server.ts";

const key = "only-for-this-test";
const deskKey = "only-for-moderators-of-this-test";
const how = hows.at(-1) ?? "here";

/** What a figure of the control room shows, as a number. */
async function figure(page: Page, name: string): Promise<number> {
  const shown = page.locator(".figure", { has: page.getByText(name, { exact: true }) }).locator("b");
  return Number.parseFloat((await shown.textContent()) ?? "");
}

describe(how, () => {
  let browser: Browser;
  let node: Running;
  beforeAll(async () => {
    browser = await startBrowser();
    node = await startServer(how, [`--admin-key=${key}`, `--api-keys=desk:moderate:${deskKey}`]);
  });
  afterAll(async () => {
    await browser.close();
    await node.stop();
  });

  async function enter(by = key, opened = "live") {
    const { page, wrong } = await openWindow(browser, `${node.url}/admin`, {
      viewport: { width: 1280, height: 900 },
    });
    await page.getByLabel("Admin key").waitFor();
    // Who has typed nothing has made no mistake.
    expect(await page.getByRole("alert").textContent()).toBe("");
    await page.getByLabel("Admin key").fill(by);
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByText(opened, { exact: true }).waitFor();
    return { page, wrong };
  }
  async function watch(video: string) {
    const { page, wrong } = await openWindow(browser, `${node.url}/?lang=en&video=${video}`);
    await untilPhase(page, "live");
    return { page, wrong };
  }
  async function say(page: Page, name: string, text: string) {
    await page.getByRole("textbox", { name: "Say something" }).fill(text);
    await page.getByRole("textbox", { name: "Your name" }).fill(name);
    // While the one before is still on its way, another is not sent.
    await page.locator("form.say:not(.sending)").waitFor();
    await page.getByRole("textbox", { name: "Say something" }).press("Enter");
  }
  const choose = (room: Page, video: string) =>
    room.locator("tbody").getByRole("button", { name: video, exact: true }).click();

  test("a wrong key is told, the right one opens", async () => {
    const { page } = await openWindow(browser, `${node.url}/admin`);
    await page.getByLabel("Admin key").fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByText("This key was refused").waitFor();
    await page.getByLabel("Admin key").fill(key);
    await page.keyboard.press("Enter");
    await page.getByText("live", { exact: true }).waitFor();
    await page.context().close();
  });

  test("figures, table, picture and timeline move while an audience likes", async () => {
    const { page: room, wrong } = await enter();
    const { page: viewer } = await watch("busy");
    await until("a viewer", async () => (await figure(room, "watching")) > 0);
    let likes = 0;
    let goes = true;
    const load = (async () => {
      while (goes) {
        await post(`${node.url}/v1/videos/busy/likes`, { kind: "heart", count: 10 });
        likes += 10;
        await Bun.sleep(20);
      }
    })();
    await until("likes coming in", async () => (await figure(room, "likes/s in")) > 20);
    await until("likes going out", async () => (await figure(room, "likes/s delivered")) > 20);
    await until("frames", async () => (await figure(room, "frames/s")) > 0);
    const row = room.locator("tbody tr", { hasText: "busy" });
    const seen = () => row.locator("td").nth(1).textContent();
    const before = await until("a total", async () => (await seen()) !== "0" && seen());
    await until("a greater total", async () => (await seen()) !== before);
    goes = false;
    await load;
    await until("the exact total", async () => Number((await seen())?.replaceAll(",", "")) === likes);
    await room.locator(".picture .node").waitFor();
    await until("its line", async () => (await room.locator(".lines path").count()) > 0);
    await room.getByText("heart", { exact: true }).waitFor();
    expect(wrong).toEqual([]);
    await room.context().close();
    await viewer.context().close();
  });

  test("a person erased, a video deleted, each behind a question: seen on another page", async () => {
    const { page: ann } = await watch("brief");
    const { page: room } = await enter();
    await until(
      "the video",
      async () => (await room.locator("tbody tr", { hasText: "brief" }).count()) === 1,
    );
    await choose(room, "brief");
    for (const [name, text] of [
      ["dora", "first"],
      ["emil", "second"],
    ] as const)
      await say(ann, name, text);
    await until("both", async () => (await commentsOf(ann)).length === 2);
    const first = room.locator(".comments li", { hasText: "first" });
    // A window answers no to every question, unless it is told otherwise.
    room.removeAllListeners("dialog");
    const asked: string[] = [];
    const answer = (yes: boolean) =>
      room.once("dialog", async (dialog) => {
        asked.push(dialog.message());
        await (yes ? dialog.accept() : dialog.dismiss());
      });
    answer(false);
    await first.getByRole("button", { name: "Erase" }).click();
    answer(true);
    await first.getByRole("button", { name: "Erase" }).click();
    await until("dora's is gone", async () => (await commentsOf(ann)).join() === "emil: second");
    answer(true);
    await room.getByRole("button", { name: "Delete video" }).click();
    await until("all is gone", async () => (await commentsOf(ann)).length === 0);
    await room.getByText("brief is deleted.").waitFor();
    expect(asked.map((text) => text.slice(0, 10))).toEqual(["Erase dora", "Erase dora", "Delete bri"]);
    await ann.context().close();
    await room.context().close();
  });

  test("a comment removed, a viewer muted, slow mode: seen on another page", async () => {
    const { page: ann } = await watch("talk");
    const { page: bob, wrong } = await watch("talk");
    const { page: room } = await enter();
    await until("the video", async () => (await room.locator("tbody tr", { hasText: "talk" }).count()) === 1);
    await choose(room, "talk");
    await say(ann, "ann", "rude");
    await say(bob, "bob", "kind");
    await until(
      "both",
      async () => (await commentsOf(bob)).length === 2 && (await commentsOf(ann)).length === 2,
    );
    const rude = room.locator(".comments li", { hasText: "rude" });
    await rude.getByRole("button", { name: "Remove" }).click();
    await until("removed at bob's", async () => (await commentsOf(bob)).join() === "bob: kind");
    await rude.getByRole("button", { name: "Mute" }).click();
    await room.getByText("ann is muted for 10 minutes.").waitFor();
    await say(ann, "ann", "and again");
    await ann.getByText(/muted/).first().waitFor();

    // Another moderator, later, finds what holds.
    const { page: other } = await enter();
    await choose(other, "talk");
    await other.getByLabel("Slow mode").selectOption("60000");
    await other.getByText("Changed.").waitFor();
    await choose(room, "talk");
    await say(bob, "bob", "one");
    await until("bob's second", async () => (await commentsOf(bob)).join() === "bob: kind,bob: one");
    await say(bob, "bob", "two");
    await bob
      .getByText(/slow mode/i)
      .first()
      .waitFor();
    const { page: third } = await enter();
    await choose(third, "talk");
    await until("what holds", async () => (await third.getByLabel("Slow mode").inputValue()) === "60000");
    expect(await commentsOf(ann)).toEqual(["bob: kind", "bob: one"]);
    expect(wrong).toEqual([]);
    for (const page of [ann, bob, room, other, third]) await page.context().close();
  });

  test("a video nobody watches is found, closed, and opened again; its viewers are told", async () => {
    const video = "unwatched-2";
    for (const one of ["unwatched-1", video]) {
      await post(`${node.url}/v1/videos/${one}/likes`, { kind: "heart", count: 1 });
    }
    const { page: room, wrong } = await enter();
    const found = room.getByRole("list", { name: "All videos" });
    await room.getByLabel("Video begins with").fill("unwatched-");
    await until("both", async () => (await found.getByRole("button").allTextContents()).length === 2);
    expect(await found.locator("li").first().textContent()).toBe("unwatched-11 like");
    await found.getByRole("button", { name: video }).click();
    const { page: viewer } = await watch(video);
    await room.getByRole("button", { name: "Close video" }).click();
    await room.getByText("Changed.").waitFor();
    await found.getByText("closed", { exact: true }).waitFor();
    await viewer.getByText("Over", { exact: true }).waitFor();
    await room.getByLabel("Only of role").fill("member");
    await room.getByLabel("Only of role").press("Enter");
    const rules = async () => {
      const answer = await fetch(`${node.url}/v1/admin/moderation`, { headers: { "x-api-key": key } });
      return ((await answer.json()) as { videos: object[] }).videos;
    };
    await until("both rules", async () => (await rules()).some((one) => "only" in one && one.only));
    expect(await rules()).toContainEqual(expect.objectContaining({ video, state: "closed", only: "member" }));
    await room.getByRole("button", { name: "Open again" }).click();
    await untilPhase(viewer, "live");
    await viewer.getByText("Over", { exact: true }).waitFor({ state: "hidden" });
    expect(wrong).toEqual([]);
    for (const page of [room, viewer]) await page.context().close();
  });

  test("a key that may only moderate opens the desk: any id, bans made and lifted", async () => {
    const { page: desk, wrong } = await enter(deskKey, "moderation only, as this key allows");
    await desk.getByText("A video can be looked at by its whole id.").waitFor();
    await desk.getByLabel("Video begins with").fill("desk");
    await desk.keyboard.press("Enter");
    await desk.getByText("Moderation · desk").waitFor();
    const { page: viewer } = await watch("desk");
    await say(viewer, "Gus", "rude");
    // A window answers no to every question, unless it is told otherwise.
    desk.removeAllListeners("dialog");
    desk.once("dialog", (dialog) => dialog.accept());
    const row = desk.locator(".comments li", { hasText: "rude" });
    await row.getByRole("button", { name: "Ban" }).click();
    const banned = desk.getByRole("list", { name: "Muted and banned" }).locator("li", { hasText: "Gus" });
    await banned.getByText("banned everywhere").waitFor();
    expect((await post(`${node.url}/v1/videos/other/comments`, { text: "x", user: "Gus" })).status).toBe(403);
    await banned.getByRole("button", { name: "Lift" }).click();
    await banned.waitFor({ state: "detached" });
    await desk.getByLabel("Name or address").fill("10.1.2.3");
    await desk.getByLabel("Where").selectOption("Only desk");
    await desk.getByRole("button", { name: "Ban", exact: true }).last().click();
    await desk.getByText("banned on desk until").waitFor();
    await desk.getByRole("button", { name: "Leave" }).click();
    await desk.getByLabel("Admin key").waitFor();
    expect(wrong).toEqual([]);
    for (const page of [desk, viewer]) await page.context().close();
  });
});

/**
 * What a page says when it is not let in: its origin is not on the server's list, or its viewer's token is
 * missing or refused. In a real Chromium, against real nodes; a server that is only away is no such trouble.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { openWindow, phaseOf, startBrowser, untilPhase } from "./browser.ts";
import { hows, startServer } from "./server.ts";

const html = { "content-type": "text/html; charset=utf-8" };
const how = hows.at(-1) ?? "here";

describe(how, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  test("a page of an origin that is not listed says so, in the stage and in the comments", async () => {
    const node = await startServer(how);
    const elsewhere = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: ({ url }) => {
        const [script, tag] = url.endsWith("/parts") ? ["parts", "comments"] : ["stage", "stage"];
        const body = `<script type="module" src="${node.url}/ovation-${script}.js"></script>
<ovation-${tag} lang="de" video="final" style="height: 500px"></ovation-${tag}>`;
        return new Response(`<!doctype html><title>Elsewhere</title>${body}`, { headers: html });
      },
    });
    for (const path of ["stage", "parts"]) {
      const { page, context, wrong } = await openWindow(browser, `${elsewhere.url}${path}`);
      const trouble = page.getByRole("alert").filter({ hasText: "--cors-origins" });
      await trouble.waitFor();
      expect(await trouble.textContent()).toContain(`Seiten von ${elsewhere.url.origin} dürfen`);
      expect(wrong).toEqual([]);
      await context.close();
    }
    await elsewhere.stop(true);
    await node.stop();
  });

  test("a viewer without a token is told, and one whose server is away is not", async () => {
    const node = await startServer(how, [
      "--auth=token",
      "--jwt-secrets=a-secret-of-this-test-and-no-other-one",
    ]);
    const away = await startServer(how);
    const asks = await openWindow(browser, `${node.url}/?lang=en&video=final`);
    const waits = await openWindow(browser, `${away.url}/?lang=en&video=final`);
    await asks.page.getByText("You may not watch this").waitFor();
    // Nothing is known of the comments, and no crowd would help.
    await waits.page.locator(".hint").waitFor();
    await waits.page.locator(".empty").waitFor();
    expect(await asks.page.locator(".hint, .empty").filter({ visible: true }).count()).toBe(0);
    await untilPhase(waits.page, "live");
    const looked = waits.page.waitForEvent("requestfailed", (request) => request.method() === "HEAD");
    await away.stop();
    await looked;
    expect(await phaseOf(waits.page)).toBe("reconnecting");
    expect(await waits.page.locator(".trouble").isVisible()).toBe(false);
    for (const { context, wrong } of [asks, waits]) {
      expect(wrong).toEqual([]);
      await context.close();
    }
    await node.stop();
  });
});

/**
 * What strangers write never becomes more than text, the policy of the pages holds, and people who use a
 * screen reader find nothing serious in their way (axe-core).
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { commentsOf, openWindow, seriousOf, startBrowser, until, untilPhase } from "./browser.ts";
import { post } from "./events.ts";
import { hows, type Running, startServer } from "./server.ts";

/** After the OWASP filter evasion list: markup, attributes, protocols, template and encoding tricks. */
const payloads = [
  "<script>alert(1)</script>",
  '"><script>alert(1)</script>',
  "<img src=x onerror=alert(1)>",
  "<svg onload=alert(1)>",
  "<svg><script>alert&#40;1)</script>",
  "<iframe srcdoc='<script>parent.alert(1)</script>'>",
  "<body onload=alert(1)>",
  "<details open ontoggle=alert(1)>",
  "<a href=javascript:alert(1)>x</a>",
  "javascript:alert(1)",
  "<style>*{background:url(javascript:alert(1))}</style>",
  "<link rel=stylesheet href=//evil.example/x.css>",
  "<base href=//evil.example/>",
  "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
  "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
  "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
  "{{constructor.constructor('alert(1)')()}}",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a payload
  "${alert(1)}",
  "' onmouseover='alert(1)",
  "&lt;script&gt;alert(1)&lt;/script&gt;",
  "<!--<img src='--><img src=x onerror=alert(1)//'>",
  "]]><script>alert(1)</script>",
  "\u202Etpircs<\u202C",
  "<scr\u2028ipt>alert(1)</scr\u2029ipt>",
  "__proto__",
  "constructor",
  "event: bye",
];

const how = hows.at(-1) ?? "here";

describe(how, () => {
  let browser: Browser;
  let node: Running;
  beforeAll(async () => {
    browser = await startBrowser();
    node = await startServer(how, ["--admin-key=7c1f0b5e93a84d26e8f35a0c49d1b672", "--demo"]);
    // Only what the tests say is said.
    const key = "7c1f0b5e93a84d26e8f35a0c49d1b672";
    const headers = { "content-type": "application/json", "x-api-key": key };
    const nobody = { method: "PUT", headers, body: '{"fans":0}' };
    await fetch(`${node.url}/v1/demo`, nobody);
  });
  afterAll(async () => {
    await browser.close();
    await node.stop();
  });

  test("names and comments of any shape are shown as the text they are, and nothing runs", async () => {
    const { page, context, wrong } = await openWindow(browser, `${node.url}/?lang=en&video=payloads`);
    await untilPhase(page, "live");
    const written: string[] = [];
    for (const payload of payloads) {
      const user = payload.slice(0, 64);
      const answer = await post(`${node.url}/v1/videos/payloads/comments`, { text: payload, user });
      if (answer.status !== 201) continue;
      written.push(`${user}: ${payload}`);
      await until("it to be shown", async () => (await commentsOf(page)).length === written.length);
    }
    expect(written.length).toBeGreaterThan(20);
    expect(await commentsOf(page)).toEqual(written);
    // As history too, and from the address.
    await page.goto(
      `${node.url}/?lang=<script>alert(1)</script>&theme="><img src=x onerror=alert(1)>&video=payloads`,
    );
    await until("history", async () => (await commentsOf(page)).length === Math.min(20, written.length));
    await page.goto(`${node.url}/?video=<img src=x onerror=alert(1)>&src=javascript:alert(1)`);
    await untilPhase(page, "live");
    const inside = await page
      .locator(".list")
      .evaluate((list) => list.querySelectorAll("script,img,iframe,a").length);
    expect(inside).toBe(0);
    expect(wrong).toEqual([]);
    await context.close();
  });

  test("the policy refuses what an injected script would need", async () => {
    const { page, context } = await openWindow(browser, `${node.url}/?video=policy`);
    await untilPhase(page, "live");
    const tried = await page.evaluate(async () => {
      const refused: string[] = [];
      document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
      try {
        document.body.insertAdjacentHTML("beforeend", "<b>x</b>");
      } catch {
        refused.push("trusted types");
      }
      const image = new Image();
      image.src = "https://evil.example/steal";
      await fetch("https://evil.example/").catch(() => {});
      const script = document.createElement("script");
      try {
        script.textContent = "globalThis.ran = true";
      } catch {
        refused.push("script text");
      }
      document.body.append(script);
      await new Promise((done) => setTimeout(done, 200));
      return { refused: [...new Set(refused)].sort(), ran: "ran" in globalThis };
    });
    expect(tried.ran).toBe(false);
    for (const directive of ["trusted types", "img-src", "connect-src"])
      expect(tried.refused).toContain(directive);
    await context.close();
  });

  const phone = { viewport: { width: 390, height: 844 } };
  const desktop = { viewport: { width: 1200, height: 760 } };
  const looked = [
    ["demo page on a phone", "/?lang=en&video=axe", phone],
    ["demo page", "/?lang=en&video=axe", desktop],
    ["demo page, Arabic", "/?lang=ar&video=axe", desktop],
    ["demo page, seen again", "/?lang=en&video=axe&replay", phone],
    ["guide", "/embed", {}],
    ["documents", "/docs", {}],
    ["a document", "/docs/http", {}],
    ["the control room's door", "/admin", {}],
  ] as const;
  const schemes = ["dark", "light"] as const;
  for (const [name, path, options, colorScheme] of schemes.flatMap((scheme) =>
    looked.map(([called, where, size]) => [`${called}, ${scheme}`, where, size, scheme] as const),
  )) {
    test(`${name}: axe finds nothing serious`, async () => {
      for (const text of ["what a goal", "هدف رائع"]) {
        await post(`${node.url}/v1/videos/axe/comments`, { text, user: text });
      }
      const { page, context, wrong } = await openWindow(browser, `${node.url}${path}`, {
        ...options,
        colorScheme,
      });
      if (path.startsWith("/?")) {
        await untilPhase(page, path.endsWith("replay") ? "past" : "live");
        await page.locator("summary").click();
      }
      expect(await seriousOf(page)).toEqual([]);
      expect(wrong).toEqual([]);
      await context.close();
    });
  }
});

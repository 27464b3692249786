/**
 * Takes the pictures of the pages: `bun scripts/screenshots.ts FOLDER [NAME…]`, after `npm run build`.
 *
 * A real executable with a simulated crowd, a real Chromium: the demo page on a phone and a desktop, dark and
 * light, live and seen again, and the control room after it has watched an audience of `ovation load` for
 * half a minute. To be looked at, and shown in the README: that is what web/pictures holds.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const [folder = "screenshots", ...names] = process.argv.slice(2);
const adminKey = crypto.randomUUID();
const FANS = 2500;
const QUALITY = 0.82;
const executable = join(import.meta.dir, "../dist/ovation");

type Shot = {
  readonly name: string;
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly scheme: "dark" | "light";
  readonly seconds: number;
  /** Device pixels per CSS pixel. */
  readonly ratio?: number;
  readonly whole?: boolean;
  /** Pressed before the seconds pass, where it is there. */
  readonly press?: string;
};

const again = { path: "/?lang=en&replay", seconds: 6, press: "button.moment, .play" } as const;

const shots: readonly Shot[] = [
  { name: "phone", path: "/?lang=en", width: 390, height: 844, scheme: "light", seconds: 12, ratio: 2 },
  { name: "phone-arabic", path: "/?lang=ar", width: 390, height: 844, scheme: "dark", seconds: 8, ratio: 2 },
  { name: "desktop-dark", path: "/?lang=en", width: 1440, height: 900, scheme: "dark", seconds: 12 },
  { name: "desktop-light", path: "/?lang=en", width: 1440, height: 900, scheme: "light", seconds: 12 },
  { name: "phone-again", ...again, width: 390, height: 844, scheme: "dark", ratio: 2 },
  { name: "desktop-again", ...again, width: 1440, height: 900, scheme: "light" },
  {
    name: "control-room",
    path: "/admin",
    width: 1440,
    height: 900,
    scheme: "dark",
    seconds: 40,
    whole: true,
  },
];

async function start(): Promise<{ url: string; stop(): void }> {
  const child = Bun.spawn(
    [executable, "--data=:memory:", "--port=0", "--host=127.0.0.1", "--demo", "--log-format=json"],
    { env: { OVATION_ADMIN_KEY: adminKey }, stdout: "pipe", stderr: "inherit" },
  );
  const listening = Promise.withResolvers<string>();
  const read = async () => {
    let text = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const url = /"event":"listening","url":"([^"]+)"/.exec(text)?.[1];
      if (url) listening.resolve(url);
    }
    listening.reject(new Error(`did not start:\n${text}`));
  };
  void read();
  return { url: await listening.promise, stop: () => child.kill() };
}

async function take(browser: Browser, url: string, shot: Shot): Promise<void> {
  const { name, path, width, height, scheme, seconds, ratio = 1, whole = false, press } = shot;
  const context = await browser.newContext({
    viewport: { width, height },
    deviceScaleFactor: ratio,
    colorScheme: scheme,
  });
  await context.addInitScript((key) => sessionStorage.setItem("ovation admin key", key), adminKey);
  const page = await context.newPage();
  await page.goto(`${url}${path}`);
  if (press) await page.locator(press).last().click();
  await Bun.sleep(seconds * 1000);
  const png = await page.screenshot({ fullPage: whole });
  await context.close();
  const written = join(folder, `${name}.webp`);
  await Bun.write(written, await webp(browser, png));
  console.log(written);
}

/** The same picture, small: the browser that took it can also write WebP. */
async function webp(browser: Browser, png: Buffer): Promise<Buffer> {
  const page = await browser.newPage();
  const address = `data:image/png;base64,${png.toString("base64")}`;
  const encoded = await page.evaluate(
    async ([from, quality]) => {
      const image = new Image();
      image.src = from;
      await image.decode();
      const canvas = document.createElement("canvas");
      canvas.width = image.width;
      canvas.height = image.height;
      canvas.getContext("2d")?.drawImage(image, 0, 0);
      return canvas.toDataURL("image/webp", quality);
    },
    [address, QUALITY] as const,
  );
  await page.close();
  return Buffer.from(encoded.slice(encoded.indexOf(",") + 1), "base64");
}

/** People on other videos too. */
function audience(url: string): { stop(): void } {
  const people = ["--viewers=300", "--videos=6", "--likes=400", "--comments=4", "--duration=300"];
  const child = Bun.spawn([executable, "load", `--url=${url}`, ...people], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return { stop: () => child.kill() };
}

await mkdir(folder, { recursive: true });
const node = await start();
let people: { stop(): void } | undefined;
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
});
try {
  await fetch(`${node.url}/v1/demo`, {
    method: "PUT",
    headers: { "content-type": "application/json", "x-api-key": adminKey },
    body: JSON.stringify({ fans: FANS }),
  });
  // Someone watches all the time, so that the crowd has a reason to be there.
  const witness = await browser.newPage({ viewport: { width: 200, height: 200 } });
  await witness.goto(`${node.url}/`);
  for (const shot of shots) {
    if (names.length > 0 && !names.includes(shot.name)) continue;
    if (shot.path === "/admin") people = audience(node.url);
    await take(browser, node.url, shot);
  }
} finally {
  await browser.close();
  people?.stop();
  node.stop();
}

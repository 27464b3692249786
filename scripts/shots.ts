/**
 * What scripts/screenshots.ts takes: the pictures of the README, and every page in every state, at five
 * sizes, dark and light, for somebody to look at.
 */
import type { Page } from "playwright-core";

/** Which of the servers of screenshots.ts a page is asked from; `foreign` is a page of another origin. */
export type Where = "demo" | "crowd" | "plain" | "once" | "polled" | "token" | "foreign" | "refused" | "gone";

export interface Shot {
  readonly name: string;
  readonly where: Where;
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly scheme: "dark" | "light";
  /** Before the picture is taken. */
  readonly seconds: number;
  /** Device pixels per CSS pixel. */
  readonly ratio?: number;
  readonly whole?: boolean;
  readonly reduced?: boolean;
  /** Done before the seconds pass. */
  readonly act?: (page: Page) => Promise<unknown>;
}

const press = (what: string) => (page: Page) => page.locator(what).last().click();
const jump = press("button.moment, .play");
const again = { where: "demo", path: "/?lang=en&replay", seconds: 6, act: jump } as const;
const phone = { width: 390, height: 844, ratio: 2 } as const;
const desktop = { width: 1440, height: 900 } as const;
const live = { where: "demo", path: "/?lang=en", seconds: 12 } as const;

/** Those of the README, and what one looks at first. */
export const pictures: readonly Shot[] = [
  { name: "phone", ...live, ...phone, scheme: "light" },
  { name: "phone-arabic", ...live, path: "/?lang=ar", ...phone, scheme: "dark" },
  { name: "desktop-dark", ...live, ...desktop, scheme: "dark" },
  { name: "desktop-light", ...live, ...desktop, scheme: "light" },
  { name: "phone-again", ...again, ...phone, scheme: "dark" },
  { name: "desktop-again", ...again, ...desktop, scheme: "light" },
  {
    ...{ name: "control-room", where: "demo", path: "/admin", ...desktop, scheme: "dark" },
    ...{ seconds: 40, whole: true },
  },
];

const sizes = [
  [320, 640],
  [390, 844],
  [844, 390],
  [768, 1024],
  [1280, 800],
] as const;

type State = Omit<Shot, "width" | "height" | "scheme" | "name"> & { readonly name: string };

const write = async (page: Page) => {
  const field = page.locator("input[name=text]");
  await field.fill("What a goal!");
  await field.focus();
};

/** A video whose comments are held for review, seen by a moderator. */
const review = async (page: Page) => {
  const ask = (method: string, path: string, body: object) =>
    page.evaluate(
      ([method, path, body]) => {
        const authorization = `Bearer ${sessionStorage.getItem("ovation admin key")}`;
        return fetch(path, { method, body, headers: { authorization, "content-type": "application/json" } });
      },
      [method, path, JSON.stringify(body)] as const,
    );
  await ask("PUT", "/v1/admin/videos/review", { holdMs: 10_000 });
  await page.locator("input[name=search]").fill("review");
  await page.locator("input[name=search]").press("Enter");
  await page.getByText("Moderation · review").waitFor();
  for (const text of ["What a goal!", "Did you see that?"]) {
    await ask("POST", "/v1/videos/review/comments", { text, user: "Lin" });
  }
};

/** Every page in every state it has. */
const states: readonly State[] = [
  { name: "live", where: "demo", path: "/?lang=en", seconds: 3 },
  { name: "live-ar", where: "demo", path: "/?lang=ar", seconds: 3 },
  { name: "live-de", where: "demo", path: "/?lang=de", seconds: 3 },
  { name: "crowd", where: "crowd", path: "/?lang=de", seconds: 2 },
  { name: "menu", where: "demo", path: "/?lang=de", seconds: 1, act: press("summary") },
  { name: "writing", where: "demo", path: "/?lang=en", seconds: 1, act: write },
  { name: "again", where: "demo", path: "/?lang=en&replay", seconds: 4, act: jump },
  { name: "again-ar", where: "demo", path: "/?lang=ar&replay", seconds: 4, act: jump },
  { name: "over", where: "plain", path: "/?lang=de&video=over", seconds: 7 },
  { name: "empty", where: "plain", path: "/?lang=de", seconds: 1 },
  { name: "once", where: "once", path: "/?lang=en", seconds: 1, act: press(".react") },
  { name: "polled", where: "polled", path: "/?lang=de", seconds: 2 },
  { name: "token", where: "token", path: "/?lang=de", seconds: 2 },
  { name: "gone", where: "gone", path: "/?lang=de", seconds: 4 },
  { name: "refused", where: "refused", path: "/element", seconds: 2 },
  { name: "element", where: "foreign", path: "/element", seconds: 2 },
  { name: "parts", where: "foreign", path: "/parts", seconds: 2 },
  { name: "room", where: "demo", path: "/admin", seconds: 8, whole: true },
  { name: "room-empty", where: "plain", path: "/admin", seconds: 3, whole: true },
  { name: "room-review", where: "plain", path: "/admin", seconds: 2, whole: true, act: review },
  { name: "room-door", where: "token", path: "/admin", seconds: 1 },
  { name: "docs", where: "demo", path: "/docs", seconds: 1 },
  { name: "docs-http", where: "demo", path: "/docs/http", seconds: 1 },
  { name: "embed", where: "demo", path: "/embed", seconds: 1 },
  { name: "lost", where: "demo", path: "/nowhere", seconds: 1 },
];

export const everything: readonly Shot[] = states.flatMap((state) =>
  sizes.flatMap(([width, height]) =>
    (["light", "dark"] as const).map((scheme) => ({
      ...state,
      ...{ width, height, scheme, name: `${state.name}-${width}-${scheme}` },
    })),
  ),
);

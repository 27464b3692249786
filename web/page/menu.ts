/** The menu in the corner: a second viewer, the languages, dark and light, the other pages. */
import { glyph, make } from "../client/stage/dom.ts";
import { type Labels, spoken } from "./labels.ts";

const DOTS = "M5 12h.01M12 12h.01M19 12h.01";

export function createMenu(
  labels: Labels,
  query: URLSearchParams,
  chooseTheme: (theme: "dark" | "light") => void,
): HTMLElement {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () =>
    (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const second = new URLSearchParams(query);
  second.set("alone", "");

  const theme = make("button", { type: "button" });
  const nameTheme = () => {
    theme.textContent = isDark() ? labels.light : labels.dark;
  };
  theme.addEventListener("click", () => {
    chooseTheme(isDark() ? "light" : "dark");
    nameTheme();
  });
  nameTheme();

  const language = make(
    "select",
    { "aria-label": labels.language },
    ...spoken.map(([lang, name]) =>
      make("option", { value: lang, lang, selected: lang === labels.lang }, name),
    ),
  );
  language.addEventListener("change", () => {
    const other = new URLSearchParams(query);
    other.set("lang", language.value);
    location.search = String(other);
  });

  const menu = make(
    "details",
    { class: "menu", slot: "menu" },
    make("summary", { "aria-label": labels.menu, title: labels.menu }, glyph(DOTS)),
    make(
      "nav",
      { "aria-label": labels.menu },
      make("a", { href: `?${second}`, target: "_blank", rel: "noopener" }, labels.second),
      make("a", { href: "/docs/embed" }, labels.embed),
      make("a", { href: "/docs" }, labels.docs),
      make("a", { href: "/admin" }, labels.admin),
      theme,
      language,
    ),
  );
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!event.composedPath().includes(menu)) menu.open = false;
  });
  return menu;
}

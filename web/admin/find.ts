/**
 * Every video that the server knows, watched or not: found by what its id begins with, page by page, or the
 * most liked first; and any id at all, because one that nobody has used yet can be looked at too.
 */
import { make } from "../client/stage/dom.ts";
import type { Totals } from "../client/types.ts";
import type { Call } from "./calls.ts";
import { counted } from "./numbers.ts";

const PAGE = 50;
const WAIT_MS = 200;
/** Looked at again so often, unless somebody is in the middle of it. */
const EVERY_MS = 15_000;
const ID = /^[A-Za-z0-9_-]{1,64}$/;

interface Known {
  readonly video: string;
  readonly totals: Totals;
  readonly state: "open" | "closed";
}

interface Page {
  readonly videos: readonly Known[];
  readonly more: boolean;
}

export interface Find {
  readonly element: HTMLElement;
  choose(video: string): void;
  /** A video was closed, opened or deleted on this page. */
  read(): void;
}

export function createFind(call: Call, chosen: (video: string) => void): Find {
  const search = make("input", {
    ...{
      type: "search",
      name: "search",
      "aria-label": "Video begins with",
      placeholder: "Video begins with…",
    },
    ...{ maxlength: 64, size: 18, autocomplete: "off", spellcheck: "false" },
  });
  const sort = make(
    "select",
    { "aria-label": "Order" },
    make("option", { value: "id" }, "By name"),
    make("option", { value: "likes" }, "Most liked"),
  );
  const form = make(
    "form",
    { class: "controls", role: "search" },
    search,
    sort,
    make("button", { title: "The video of exactly this id" }, "Open"),
  );
  const list = make("ol", { class: "videos", tabindex: 0, "aria-label": "All videos" });
  const more = make("button", { type: "button", hidden: true }, "More");
  const empty = make("p", { class: "empty", role: "status" });
  const title = make("h2", {}, "All videos");
  const element = make("section", { class: "card find" }, title, form, list, more, empty);
  let current = "";
  let turn = 0;
  let last = "";

  function rowOf({ video, totals, state }: Known): HTMLElement {
    const button = make("button", { type: "button", "aria-pressed": String(video === current) }, video);
    button.addEventListener("click", () => chosen(video));
    const likes = Object.values(totals).reduce((sum, count) => sum + count, 0);
    const over = state === "closed" ? make("span", { class: "tag" }, "closed") : "";
    return make("li", {}, button, over, make("span", { class: "number" }, counted(likes, "like")));
  }

  async function read(after: string): Promise<void> {
    const mine = ++turn;
    const asked = search.value.trim();
    const query = new URLSearchParams({ limit: String(PAGE), sort: sort.value });
    if (asked) query.set("search", asked);
    if (after) query.set("after", after);
    const { body, status, why } = await call<Page>("GET", `/v1/admin/videos?${query}`);
    if (mine !== turn) return;
    // Who may only moderate gets no list, and needs none.
    sort.hidden = status === 403;
    if (!body) {
      list.hidden = more.hidden = true;
      empty.textContent = sort.hidden ? "A video can be looked at by its whole id." : why;
      return;
    }
    if (!after) list.replaceChildren();
    list.append(...body.videos.map(rowOf));
    last = body.videos.at(-1)?.video ?? last;
    list.hidden = list.childElementCount === 0;
    // Those most liked have one page.
    more.hidden = !body.more || sort.value === "likes";
    empty.textContent = list.hidden ? (asked ? `No video begins with ${asked}.` : "No video yet.") : "";
  }

  let waiting: ReturnType<typeof setTimeout> | undefined;
  const begin = () => {
    clearTimeout(waiting);
    void read("");
  };
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(begin, WAIT_MS);
  });
  sort.addEventListener("change", begin);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const id = search.value.trim();
    begin();
    if (ID.test(id)) chosen(id);
    else if (id) empty.textContent = "An id has letters, figures, _ and -, at most 64.";
  });
  more.addEventListener("click", () => void read(last));
  begin();
  const timer = setInterval(() => {
    if (!element.isConnected) return clearInterval(timer);
    const isBusy = element.contains(document.activeElement) || list.scrollTop > 0;
    if (!document.hidden && !isBusy && list.childElementCount <= PAGE) begin();
  }, EVERY_MS);

  return {
    element,
    choose(video) {
      current = video;
      for (const button of list.querySelectorAll("button")) {
        button.setAttribute("aria-pressed", String(button.textContent === video));
      }
    },
    read: begin,
  };
}

/**
 * Who is muted or banned now, anywhere, and until when; each can be let in again. A form for whom no comment
 * names: an address, or somebody on all videos. Asked for when the page opens, after each decision made here,
 * and now and then, because others decide too.
 */
import { make } from "../client/stage/dom.ts";
import type { Call } from "./calls.ts";
import { clock } from "./charts.ts";
import { exact } from "./numbers.ts";
import type { VideoRules } from "./rules.ts";

const ROWS_MAX = 100;
const EVERY_MS = 15_000;
const DAY_S = 86_400;
const TIMES: readonly (readonly [number, string])[] = [
  [600, "10 minutes"],
  [3600, "1 hour"],
  [DAY_S, "1 day"],
  [30 * DAY_S, "30 days"],
  [365 * DAY_S, "1 year"],
];
/** As addresses are written: figures and dots, or what has colons. */
const ADDRESS = /^\d{1,3}(\.\d{1,3}){3}$|:.*:/;

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

export interface Restriction {
  readonly type: "mute" | "ban";
  readonly untilMs: number;
  readonly user?: string;
  readonly address?: string;
  readonly video?: string;
}

/** What holds now, as GET /v1/admin/moderation tells it. */
export interface Holding {
  readonly restrictions: readonly Restriction[];
  readonly videos: readonly (VideoRules & { readonly video: string })[];
}

export interface People {
  readonly element: HTMLElement;
  /** The video that the form offers. */
  choose(video: string): void;
  /** Somebody was muted, banned or let in again elsewhere on the page. */
  read(): Promise<void>;
}

const untilOf = (ms: number): string => (ms - Date.now() < DAY_S * 1000 ? clock.format(ms) : day.format(ms));

function said({ type, user, address, video, untilMs }: Restriction): (Node | string)[] {
  const who = make("bdi", { class: "who" }, user ?? address ?? "");
  const what = type === "mute" ? "muted" : "banned";
  return [who, `${what} ${video ? `on ${video}` : "everywhere"} until ${untilOf(untilMs)}`];
}

function createForm(submitted: (path: string, body: object) => void) {
  const who = make("input", {
    ...{ name: "who", "aria-label": "Name or address", placeholder: "Name or address", required: true },
    ...{ maxlength: 128, size: 16, autocomplete: "off" },
  });
  const here = make("option", { value: "" }, "All videos");
  const where = make("select", { "aria-label": "Where" }, here);
  const time = make(
    "select",
    { "aria-label": "For how long" },
    ...TIMES.map(([seconds, name]) => make("option", { value: seconds }, name)),
  );
  const mute = make("button", { value: "mutes" }, "Mute");
  const ban = make("button", { value: "bans" }, "Ban");
  const form = make("form", { class: "controls" }, who, where, time, mute, ban);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { value: what } = (event.submitter ?? mute) as HTMLButtonElement;
    const name = who.value.trim();
    const about = ADDRESS.test(name) ? { address: name } : { user: name };
    const video = where.value;
    const body = { ...about, ...(video && { video }), seconds: Number(time.value) };
    submitted(`/v1/admin/${what}`, body);
  });
  return {
    form,
    choose(video: string): void {
      where.replaceChildren(here, make("option", { value: video }, `Only ${video}`));
    },
    clear(): void {
      who.value = "";
    },
  };
}

/** `told` hears what holds whenever it is asked for. */
export function createPeople(call: Call, told: (holding: Holding) => void): People {
  const list = make("ol", { class: "people", tabindex: 0, "aria-label": "Muted and banned" });
  const status = make("p", { class: "status", role: "status" });
  const empty = make("p", { class: "empty" });
  const form = createForm(async (path, body) => {
    if (await decide(path, body)) form.clear();
  });
  const title = make("h2", {}, "Muted and banned");
  const element = make("section", { class: "card" }, title, form.form, list, empty, status);

  async function decide(path: string, body: object): Promise<boolean> {
    const { ok, why } = await call("POST", path, body);
    status.textContent = ok ? "Done." : why;
    await read();
    return ok;
  }

  function rowOf(restriction: Restriction): HTMLElement {
    const { type, user, address, video } = restriction;
    const lift = make("button", { type: "button" }, "Lift");
    lift.addEventListener("click", () => {
      const about = { ...(user === undefined ? { address } : { user }), ...(video && { video }) };
      void decide(`/v1/admin/${type}s`, { ...about, seconds: 0 });
    });
    return make("li", {}, make("div", { class: "said" }, ...said(restriction)), lift);
  }

  async function read(): Promise<void> {
    const { body, why } = await call<Holding>("GET", "/v1/admin/moderation");
    if (!body) {
      empty.textContent = why;
      return;
    }
    told(body);
    const all = body.restrictions;
    const shown = all.slice(0, ROWS_MAX);
    const focused = list.contains(document.activeElement);
    list.replaceChildren(...shown.map(rowOf));
    if (focused) list.focus();
    empty.textContent =
      all.length === 0 ? "Nobody." : all.length > ROWS_MAX ? `${exact(all.length - ROWS_MAX)} more.` : "";
    list.hidden = all.length === 0;
  }

  const timer = setInterval(() => {
    if (!element.isConnected) clearInterval(timer);
    else if (!document.hidden && !list.contains(document.activeElement)) void read();
  }, EVERY_MS);
  void read();

  return { element, choose: form.choose, read };
}

/**
 * Moderation of one video: its comments as they come, each with what may be done about it, and the video's
 * own switches (slow mode, hold for review, comments on or off); and what is done once and for all, behind a
 * question: the video deleted, a person erased from all videos.
 *
 * The list is an ordinary watch, and what is held for review on top, marked until viewers see it too; who may
 * only look sees what viewers see. What holds already (mutes, the video's
 * rules) is read when the video is chosen, and only what is changed here is sent. A server that does not
 * moderate answers 404, and then what it cannot do disappears from the page.
 */
import { make } from "../client/stage/dom.ts";
import type { Comment } from "../client/types.ts";
import { readStream } from "./feed.ts";

const ROWS_MAX = 100;
const MUTE_S = 600;
/** Three missed beats. */
const SILENT_MS = 60_000;
const SLOW_MODES: readonly (readonly [number, string])[] = [
  [0, "No slow mode"],
  [5000, "One per 5 s"],
  [15_000, "One per 15 s"],
  [60_000, "One per minute"],
];

const HOLDS: readonly (readonly [number, string])[] = [
  [0, "No hold"],
  [2000, "Hold 2 s"],
  [5000, "Hold 5 s"],
  [10_000, "Hold 10 s"],
];

export interface Moderation {
  readonly element: HTMLElement;
  choose(video: string): void;
}

/** What holds now, as GET /v1/admin/moderation tells it. */
interface Holding {
  readonly restrictions: readonly {
    readonly type: string;
    readonly user?: string;
    readonly video?: string;
  }[];
  readonly videos: readonly {
    readonly video: string;
    readonly slowModeMs: number;
    readonly comments: "on" | "off";
    readonly holdMs?: number;
  }[];
}

type Ability = "remove" | "mute" | "video" | "delete" | "erase";

export function createModeration(key: string): Moderation {
  const list = make("ol", { class: "comments", tabindex: 0, "aria-label": "Comments of this video" });
  const status = make("p", { class: "status", role: "status" });
  const title = make("h2", {}, "Moderation");
  const slow = make(
    "select",
    { "aria-label": "Slow mode" },
    ...SLOW_MODES.map(([ms, name]) => make("option", { value: ms }, name)),
  );
  const hold = make(
    "select",
    { "aria-label": "Hold for review", title: "How long only moderators see a comment" },
    ...HOLDS.map(([ms, name]) => make("option", { value: ms }, name)),
  );
  const comments = make("button", { type: "button", "aria-pressed": "true" }, "Comments on");
  const remove = make("button", { type: "button", class: "delete" }, "Delete video");
  const controls = make("div", { class: "controls", hidden: true }, slow, hold, comments, remove);
  list.hidden = true;
  status.textContent = "Whoever watches a video brings it here.";
  const element = make("section", { class: "card moderation" }, title, controls, list, status);
  const unable = new Set<Ability>();
  const muted = new Set<string>();
  const shown = new Map<string, HTMLElement>();
  let video = "";
  let close = () => {};
  let isOn = true;

  const headersFor = (body?: object) => ({
    ...(key && { authorization: `Bearer ${key}` }),
    ...(body && { "content-type": "application/json" }),
  });

  /** True when done. 404 means this server cannot; anything else is said. */
  async function ask(ability: Ability, method: string, path: string, body?: object): Promise<boolean> {
    const init = { method, headers: headersFor(body), ...(body && { body: JSON.stringify(body) }) };
    const answer = await fetch(path, init).catch(() => undefined);
    if (answer?.ok) return true;
    const error = (await answer?.json().catch(() => undefined))?.error;
    // A comment that is gone is a 404 as well, under a code of its own.
    if (answer?.status === 404 && !/comment/.test(error?.code ?? "")) {
      unable.add(ability);
      element.dataset.unable = [...unable].join(" ");
      status.textContent = "This server does not offer that.";
    } else status.textContent = error?.message ?? "No answer.";
    return false;
  }

  function rowOf(comment: Comment): HTMLElement {
    const remove = make("button", { type: "button", class: "remove" }, "Remove");
    const item = make(
      "li",
      {},
      make(
        "div",
        { class: "said" },
        make("span", { class: "mark" }, "held"),
        make("bdi", { class: "who" }, comment.user || "Guest"),
        make("span", { dir: "auto" }, comment.text),
      ),
      remove,
    );
    item.dataset.id = comment.id;
    remove.addEventListener("click", async () => {
      if (await ask("remove", "DELETE", `/v1/videos/${video}/comments/${encodeURIComponent(comment.id)}`)) {
        status.textContent = "Removed.";
      }
    });
    if (comment.user) item.append(muteOf(comment.user), eraseOf(comment.user));
    return item;
  }

  function muteOf(user: string): HTMLElement {
    const mute = make("button", { type: "button", class: "mute", title: `${MUTE_S / 60} minutes` });
    mute.dataset.user = user;
    mute.textContent = muted.has(user) ? "Unmute" : "Mute";
    mute.addEventListener("click", async () => {
      const lifts = muted.has(user);
      const body = { user, video, seconds: lifts ? 0 : MUTE_S };
      if (!(await ask("mute", "POST", "/v1/admin/mutes", body))) return;
      if (lifts) muted.delete(user);
      else muted.add(user);
      nameMutes();
      status.textContent = lifts
        ? `${user} may comment again.`
        : `${user} is muted for ${MUTE_S / 60} minutes.`;
    });
    return mute;
  }

  function eraseOf(user: string): HTMLElement {
    const erase = make("button", { type: "button", class: "erase", title: "From all videos" }, "Erase");
    erase.addEventListener("click", async () => {
      const asked = `Erase ${user} from all videos? Every comment under this name goes, and cannot be had back.`;
      if (!confirm(asked)) return;
      if (await ask("erase", "DELETE", `/v1/admin/users?user=${encodeURIComponent(user)}`)) {
        status.textContent = `${user} is being erased.`;
      }
    });
    return erase;
  }

  remove.addEventListener("click", async () => {
    const about = video;
    if (!confirm(`Delete ${about}, with its likes, comments and timeline? It cannot be had back.`)) return;
    if (await ask("delete", "DELETE", `/v1/admin/videos/${about}`))
      status.textContent = `${about} is deleted.`;
  });

  function nameMutes(): void {
    for (const mute of list.querySelectorAll<HTMLElement>(".mute")) {
      mute.textContent = muted.has(mute.dataset.user ?? "") ? "Unmute" : "Mute";
    }
  }

  function select(from: HTMLSelectElement, ms: number, name: string): void {
    const value = String(ms);
    if (![...from.options].some((option) => option.value === value)) {
      from.append(make("option", { value }, `${name} ${ms / 1000} s`));
    }
    from.value = value;
  }

  function showRules(slowModeMs: number, holdMs: number, on: boolean): void {
    select(slow, slowModeMs, "One per");
    select(hold, holdMs, "Hold");
    isOn = on;
    comments.setAttribute("aria-pressed", String(on));
    comments.textContent = on ? "Comments on" : "Comments off";
  }

  /** What others have decided before. A key that may not read it starts from nothing. */
  async function readHolding(about: string): Promise<void> {
    const answer = await fetch("/v1/admin/moderation", { headers: headersFor() }).catch(() => undefined);
    if (!answer?.ok) return;
    const holding = (await answer.json()) as Holding;
    if (about !== video) return;
    const rules = holding.videos.find((one) => one.video === video);
    if (rules) showRules(rules.slowModeMs, rules.holdMs ?? 0, rules.comments === "on");
    for (const { type, user, video: where } of holding.restrictions) {
      if (type === "mute" && user && where === video) muted.add(user);
    }
    nameMutes();
  }

  async function putVideo(change: object): Promise<void> {
    if (await ask("video", "PUT", `/v1/admin/videos/${video}`, change)) status.textContent = "Changed.";
    else await readHolding(video);
  }
  slow.addEventListener("change", () => void putVideo({ slowModeMs: Number(slow.value) }));
  hold.addEventListener("change", () => void putVideo({ holdMs: Number(hold.value) }));
  comments.addEventListener("click", () => {
    showRules(Number(slow.value), Number(hold.value), !isOn);
    void putVideo({ comments: isOn ? "on" : "off" });
  });

  function add(comment: Comment, isHeld = false): void {
    const known = shown.get(comment.id);
    // A held one is told again when viewers see it; a stream that was opened anew tells the last ones again.
    if (known) {
      known.classList.toggle("held", isHeld);
      return;
    }
    const row = rowOf(comment);
    row.classList.toggle("held", isHeld);
    shown.set(comment.id, row);
    list.prepend(row);
    while (list.childElementCount > ROWS_MAX) {
      const oldest = list.lastElementChild as HTMLElement;
      shown.delete(oldest.dataset.id ?? "");
      oldest.remove();
    }
  }

  function heard(event: string, says: unknown): void {
    if (event === "snapshot") for (const one of (says as { comments: Comment[] }).comments) add(one);
    if (event === "comment" || event === "held") add(says as Comment, event === "held");
    if (event === "reset" && (says as { reason: string }).reason === "deleted") {
      list.replaceChildren();
      shown.clear();
      showRules(0, 0, true);
    }
    if (event === "retract") shown.get((says as { id: string }).id)?.classList.add("gone");
  }

  /** Watches the video, with what is held for review unless that was refused. */
  function read(held: boolean): void {
    close = readStream(`/v1/events?video=${video}${held ? "&held=1" : ""}`, key, {
      silentMs: SILENT_MS,
      heard,
      state(state, why = "") {
        if (state !== "refused") return;
        if (held) read(false);
        else status.textContent = why;
      },
    });
  }

  return {
    element,
    choose(chosen) {
      if (chosen === video) return;
      video = chosen;
      title.textContent = `Moderation · ${video}`;
      list.replaceChildren();
      shown.clear();
      muted.clear();
      status.textContent = "";
      list.hidden = controls.hidden = false;
      showRules(0, 0, true);
      close();
      read(true);
      void readHolding(video);
    },
  };
}

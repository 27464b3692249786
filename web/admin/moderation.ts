/**
 * Moderation of one video: its comments as they come, each with what may be done about it, and the video's
 * own switches (rules.ts); and what is done once and for all, behind a question: the video deleted, a person
 * erased from all videos. Who is muted or banned stands in people.ts.
 *
 * The list is an ordinary watch, and what is held for review on top, marked until viewers see it too; who may
 * only look sees what viewers see. What holds already (mutes, the video's
 * rules) is read when the video is chosen, and only what is changed here is sent. A server that does not
 * moderate answers 404, and then what it cannot do disappears from the page.
 */
import { make } from "../client/stage/dom.ts";
import type { Comment } from "../client/types.ts";
import type { Call } from "./calls.ts";
import { readStream } from "./feed.ts";
import type { Holding } from "./people.ts";
import { createRules, noRules, type VideoRules } from "./rules.ts";

const ROWS_MAX = 100;
const MUTE_S = 600;
const BAN_S = 86_400;
/** Three missed beats. */
const SILENT_MS = 60_000;

export interface Moderation {
  readonly element: HTMLElement;
  choose(video: string): void;
  /** What holds now, whoever decided it. */
  holds(holding: Holding): void;
}

export interface ModerationOptions {
  readonly key: string;
  readonly call: Call;
  /** Somebody was muted, banned, erased or let in again. */
  decided(): void;
  /** The video was closed, opened again or deleted. */
  changed(): void;
}

type Ability = "remove" | "mute" | "ban" | "video" | "delete" | "erase";

/** Names are one however they are written, as the server has it. */
const same = (user: string) => user.toLowerCase();

export function createModeration({ key, call, decided, changed }: ModerationOptions): Moderation {
  const list = make("ol", { class: "comments", tabindex: 0, "aria-label": "Comments of this video" });
  const status = make("p", { class: "status", role: "status" });
  const title = make("h2", {}, "Moderation");
  const rules = createRules({ change: (change) => void putVideo(change), remove: () => void removeVideo() });
  list.hidden = true;
  status.textContent = "Choose a video: one of the busiest, or any by its id.";
  const element = make("section", { class: "card moderation" }, title, rules.element, list, status);
  const unable = new Set<Ability>();
  const muted = new Set<string>();
  const shown = new Map<string, HTMLElement>();
  let video = "";
  let close = () => {};

  /** True when done. 404 means this server cannot; anything else is said. */
  async function ask(ability: Ability, method: string, path: string, body?: object): Promise<boolean> {
    const { ok, status: answered, code, why } = await call(method, path, body);
    if (ok) return true;
    // A comment that is gone is a 404 as well, under a code of its own.
    if (answered === 404 && !/comment/.test(code)) {
      unable.add(ability);
      element.dataset.unable = [...unable].join(" ");
      status.textContent = "This server does not offer that.";
    } else status.textContent = why;
    return false;
  }

  function button(name: string, title: string, press: () => Promise<unknown>): HTMLButtonElement {
    const made = make("button", { type: "button", class: name.toLowerCase(), title }, name);
    made.addEventListener("click", () => void press());
    return made;
  }

  function rowOf({ id, user, text }: Comment): HTMLElement {
    const remove = button("Remove", "This comment", async () => {
      if (await ask("remove", "DELETE", `/v1/videos/${video}/comments/${encodeURIComponent(id)}`)) {
        status.textContent = "Removed.";
      }
    });
    const item = make(
      "li",
      {},
      make(
        "div",
        { class: "said" },
        make("span", { class: "tag" }, "held"),
        make("bdi", { class: "who" }, user || "Guest"),
        make("span", { dir: "auto" }, text),
      ),
      make("div", { class: "acts" }, remove, ...(user ? [muteOf(user), banOf(user), eraseOf(user)] : [])),
    );
    item.dataset.id = id;
    return item;
  }

  function muteOf(user: string): HTMLElement {
    const lifts = () => muted.has(same(user));
    const mute = button("Mute", `${MUTE_S / 60} minutes, on this video`, async () => {
      const lifted = lifts();
      const body = { user, video, seconds: lifted ? 0 : MUTE_S };
      if (!(await ask("mute", "POST", "/v1/admin/mutes", body))) return;
      if (lifted) muted.delete(same(user));
      else muted.add(same(user));
      nameMutes();
      status.textContent = lifted
        ? `${user} may comment again.`
        : `${user} is muted for ${MUTE_S / 60} minutes.`;
      decided();
    });
    mute.dataset.user = user;
    mute.textContent = lifts() ? "Unmute" : "Mute";
    return mute;
  }

  function banOf(user: string): HTMLElement {
    return button("Ban", "For a day, from all videos", async () => {
      if (
        !confirm(`Ban ${user} from all videos for a day? Nothing of theirs is taken, and their streams end.`)
      )
        return;
      if (!(await ask("ban", "POST", "/v1/admin/bans", { user, seconds: BAN_S }))) return;
      status.textContent = `${user} is banned for a day.`;
      decided();
    });
  }

  function eraseOf(user: string): HTMLElement {
    return button("Erase", "From all videos", async () => {
      const asked = `Erase ${user} from all videos? Every comment under this name goes, and cannot be had back.`;
      if (!confirm(asked)) return;
      if (!(await ask("erase", "DELETE", `/v1/admin/users?user=${encodeURIComponent(user)}`))) return;
      status.textContent = `${user} is being erased.`;
      decided();
    });
  }

  async function removeVideo(): Promise<void> {
    const about = video;
    if (!confirm(`Delete ${about}, with its likes, comments and timeline? It cannot be had back.`)) return;
    if (!(await ask("delete", "DELETE", `/v1/admin/videos/${about}`))) return;
    status.textContent = `${about} is deleted.`;
    changed();
  }

  function nameMutes(): void {
    for (const mute of list.querySelectorAll<HTMLElement>(".mute")) {
      mute.textContent = muted.has(same(mute.dataset.user ?? "")) ? "Unmute" : "Mute";
    }
  }

  /** What others have decided before. A key that may not read it starts from nothing. */
  async function readHolding(about: string): Promise<void> {
    const { body: holding } = await call<Holding>("GET", "/v1/admin/moderation");
    if (holding && about === video) holds(holding);
  }

  function holds({ restrictions, videos }: Holding): void {
    const { state: _, ...none } = noRules;
    // A closed video that has left memory is not among them; whoever watches it is told.
    rules.show(videos.find((one) => one.video === video) ?? none);
    muted.clear();
    for (const { type, user, video: where } of restrictions) {
      if (type === "mute" && user && where === video) muted.add(same(user));
    }
    nameMutes();
  }

  async function putVideo(change: Partial<VideoRules>): Promise<void> {
    if (!(await ask("video", "PUT", `/v1/admin/videos/${video}`, change))) return readHolding(video);
    if (change.state) {
      rules.close(change.state === "closed");
      changed();
    }
    status.textContent = "Changed.";
  }

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
    if (event === "snapshot" || event === "state") {
      rules.close((says as { state?: string }).state === "closed");
    }
    if (event === "snapshot") for (const one of (says as { comments: Comment[] }).comments) add(one);
    if (event === "comment" || event === "held") add(says as Comment, event === "held");
    if (event === "reset" && (says as { reason: string }).reason === "deleted") {
      list.replaceChildren();
      shown.clear();
      rules.show(noRules);
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
    holds(holding) {
      // Not from under somebody's hand.
      if (video && !rules.element.contains(document.activeElement)) holds(holding);
    },
    choose(chosen) {
      if (chosen === video) return;
      video = chosen;
      title.textContent = `Moderation · ${video}`;
      list.replaceChildren();
      shown.clear();
      muted.clear();
      status.textContent = "";
      list.hidden = rules.element.hidden = false;
      rules.show(noRules);
      close();
      read(true);
      void readHolding(video);
    },
  };
}

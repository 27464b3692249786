/**
 * Moderation: whether somebody's comment, like or stream is taken, by what moderators have decided.
 *
 * Every node holds all decisions, kept up to date by a watch on their table, and applies them at its own
 * door; so asking costs a look into a map, and a decision holds on every node as soon as the table has told
 * it. A restriction that has run out counts for nothing, and whichever node notices first takes it away.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Subscription, Table } from "../bus/bus.ts";
import { type CommentDraft, type Rejection, reject, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { Generations } from "./generations.ts";
import type { Identity } from "./identity.ts";
import type { Decision, Journal } from "./journal.ts";
import {
  decodeRow,
  noRules,
  type Restriction,
  restrictionKey,
  slowModeMsMax,
  type VideoRules,
  videoKey,
} from "./rules.ts";
import { Words } from "./words.ts";

export interface ModerationParts {
  readonly table: Table;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** Decisions held. Beyond: further ones are refused, until others have run out. */
const decisionsMax = 100_000;
/** Viewers whose last comment in slow mode is remembered, in each of two generations. */
const slowMax = 50_000;
const sweepMs = 60_000;
export const auditMax = 1_000;

export class Moderation {
  readonly #parts: ModerationParts;
  readonly #restrictions = new Map<string, Restriction>();
  readonly #videos = new Map<VideoId, VideoRules>();
  /** Until when comments on a video are held though its rules say less now, Unix ms: see `holdMs`. */
  readonly #heldUntil = new Map<VideoId, number>();
  /** When a viewer's last comment on a video in slow mode was taken, Unix ms. */
  readonly #slow = new Generations<number>(slowMax, slowModeMsMax);
  readonly #watch: Subscription;
  readonly #timer: Timer;
  #words = new Words("");

  /**
   * Brings back what the journal holds, then watches; resolves when everything that holds is known, so that
   * no comment is taken as if nothing did. Rejects with BusUnavailable.
   */
  static async open(parts: ModerationParts): Promise<Moderation> {
    const { journal, table, clock } = parts;
    if (journal.replays) {
      const rows = new Map<string, string>();
      for (const { row } of journal.all()) if (row) rows.set(row.key, row.value);
      for (const [key, value] of rows) {
        const decoded = decodeRow(key, value);
        if (decoded && !("restriction" in decoded && decoded.restriction.untilMs <= clock.now())) {
          await table.put(key, value);
        }
      }
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const moderation = new Moderation(parts, resolve);
    await promise;
    return moderation;
  }

  private constructor(parts: ModerationParts, synced: () => void) {
    this.#parts = parts;
    this.#watch = parts.table.watch((key, value) => this.#heard(key, value), synced);
    this.#timer = parts.clock.every(sweepMs, () => this.#sweep());
  }

  close(): void {
    this.#timer.cancel();
    this.#watch.end();
  }

  /** Other words from now on. */
  setWords(words: Words): void {
    this.#words = words;
  }

  // ---- asking

  /** Whether anybody is muted or banned. */
  get restricts(): boolean {
    return this.#restrictions.size > 0;
  }

  /** Why `who` may not even watch or like, or undefined. */
  bans(who: Identity, address: string | undefined, video: VideoId, nowMs: number): Rejection | undefined {
    if (this.#restrictions.size === 0) return undefined;
    return this.#restricted("ban", who, who.name, address, video, nowMs)
      ? reject("banned", "you are banned here")
      : undefined;
  }

  /** Why `draft` of `who` is not taken, or undefined; then it has used its turn in slow mode. */
  comment(
    draft: CommentDraft,
    who: Identity,
    address: string | undefined,
    nowMs: number,
  ): Rejection | undefined {
    if (who.rights.has("moderate")) return undefined;
    const { video, user, text } = draft;
    if (this.#restrictions.size > 0) {
      const banned = this.#restricted("ban", who, user, address, video, nowMs);
      if (banned) return reject("banned", "you are banned here");
      const muted = this.#restricted("mute", who, user, address, video, nowMs);
      if (muted)
        return reject("muted", `you are muted for ${Math.ceil((muted.untilMs - nowMs) / 1000)} s more`);
    }
    const rules = this.rules(video);
    if (rules.comments === "off") return reject("comments-off", "comments are off on this video");
    if (rules.only !== "" && who.by !== "key" && !who.roles.includes(rules.only)) {
      return reject("members-only", `only ${JSON.stringify(rules.only)} may comment on this video`);
    }
    if (this.#words.has(text) || (user !== undefined && this.#words.has(user))) {
      return reject("text-refused", "this text holds a word that is not taken here");
    }
    return who.by === "key" ? undefined : this.#inSlowMode(rules, slowKey(draft, who, address), nowMs);
  }

  /** `draft`, which `comment` let pass, was not taken after all: its turn in slow mode is unused. */
  giveBack(draft: CommentDraft, who: Identity, address: string | undefined): void {
    this.#slow.delete(slowKey(draft, who, address));
  }

  /** How `video` takes comments. */
  rules(video: VideoId): VideoRules {
    return this.#videos.get(video) ?? noRules;
  }

  /**
   * How long a comment on `video` that came at `nowMs` is held for review, in ms. A shorter hold than before
   * lets nobody overtake those that wait: what comes is held until the last of them is shown.
   */
  holdMs(video: VideoId, nowMs: number): number {
    const left = Math.ceil((this.#heldUntil.get(video) ?? 0) - nowMs);
    return Math.min(limits.holdMsMax, Math.max(this.rules(video).holdMs, left, 0));
  }

  /** Everything that holds now. */
  list(nowMs: number): { restrictions: readonly Restriction[]; videos: readonly object[] } {
    const restrictions = [...this.#restrictions.values()].filter(({ untilMs }) => untilMs > nowMs);
    return { restrictions, videos: [...this.#videos].map(([video, rules]) => ({ video, ...rules })) };
  }

  /** The newest decisions, newest first. */
  audit(count: number): Promise<readonly Decision[]> {
    return this.#parts.journal.newest(Math.min(count, auditMax));
  }

  // ---- deciding

  /** Mutes or bans; lifts what was, when its time is already over. Rejects with BusUnavailable. */
  async restrict(restriction: Restriction, by: Identity): Promise<Rejection | undefined> {
    const lifts = restriction.untilMs <= this.#parts.clock.now();
    if (!lifts && this.#restrictions.size + this.#videos.size >= decisionsMax) {
      return reject("busy", "too many decisions hold", 60);
    }
    const { type, ...about } = restriction;
    await this.#decide(by, lifts ? `un${type}` : type, about, restrictionKey(restriction), about);
    return undefined;
  }

  /** Changes how `video` takes comments. Rejects with BusUnavailable. */
  async setRules(video: VideoId, rules: VideoRules, by: Identity): Promise<undefined> {
    await this.#decide(by, "video", { video, ...rules }, videoKey(video), rules);
  }

  /** Writes down that a comment was removed. */
  async removed(video: VideoId, id: string, by: Identity): Promise<void> {
    await this.#write({
      atMs: Math.floor(this.#parts.clock.now()),
      by: nameOf(by),
      action: "remove",
      about: { video, id },
    });
  }

  async #decide(by: Identity, action: string, about: object, key: string, row: object): Promise<void> {
    const value = JSON.stringify(row);
    const decision = {
      atMs: Math.floor(this.#parts.clock.now()),
      by: nameOf(by),
      action,
      about: { ...about },
    };
    // Whichever of the two brings it back after a restart is written first.
    if (this.#parts.journal.replays) await this.#write({ ...decision, row: { key, value } });
    await this.#parts.table.put(key, value);
    if (!this.#parts.journal.replays) await this.#write(decision);
  }

  async #write(decision: Decision): Promise<void> {
    await this.#parts.journal.append(decision);
    this.#parts.metrics.decisions.inc({ action: decision.action });
  }

  // ---- inside

  #restricted(
    type: Restriction["type"],
    who: Identity,
    user: string | undefined,
    address: string | undefined,
    video: VideoId,
    nowMs: number,
  ): Restriction | undefined {
    const names = new Set([who.by === "token" ? who.sub : undefined, user]);
    for (const on of [undefined, video]) {
      const about = on ? { type, video: on } : { type };
      for (const name of names) {
        const found =
          name === undefined ? undefined : this.#restrictions.get(restrictionKey({ ...about, user: name }));
        if (found && found.untilMs > nowMs) return found;
      }
      const found = address && this.#restrictions.get(restrictionKey({ ...about, address }));
      if (found && found.untilMs > nowMs) return found;
    }
    return undefined;
  }

  #inSlowMode(rules: VideoRules, key: string, nowMs: number): Rejection | undefined {
    if (rules.slowModeMs === 0) return undefined;
    const waitMs = (this.#slow.get(key, nowMs) ?? Number.NEGATIVE_INFINITY) + rules.slowModeMs - nowMs;
    if (waitMs > 0) {
      const message = `slow mode: one comment per ${rules.slowModeMs / 1000} s`;
      return reject("slow-mode", message, Math.ceil(waitMs / 1000));
    }
    this.#slow.set(key, nowMs, nowMs);
    return undefined;
  }

  #heard(key: string, value: string | undefined): void {
    if (value === undefined) {
      this.#restrictions.delete(key);
      if (key.startsWith("video.")) this.#rule(key.slice("video.".length) as VideoId, undefined);
      return;
    }
    const row = decodeRow(key, value);
    if (!row) this.#parts.metrics.invalidMessages.inc();
    else if ("video" in row) this.#rule(row.video, row.rules);
    else if (this.#restrictions.size < decisionsMax) this.#restrictions.set(key, row.restriction);
  }

  /** `video` takes comments by `rules` from now on. */
  #rule(video: VideoId, rules: VideoRules | undefined): void {
    const nowMs = this.#parts.clock.now();
    const { holdMs } = this.rules(video);
    if (holdMs > (rules?.holdMs ?? 0)) {
      this.#heldUntil.set(video, Math.max(nowMs + holdMs, this.#heldUntil.get(video) ?? 0));
    }
    if (rules) this.#videos.set(video, rules);
    else this.#videos.delete(video);
  }

  /** Takes rows away that have run out. */
  #sweep(): void {
    const nowMs = this.#parts.clock.now();
    for (const [video, untilMs] of this.#heldUntil) if (untilMs <= nowMs) this.#heldUntil.delete(video);
    for (const [key, { untilMs }] of this.#restrictions) {
      if (untilMs > nowMs) continue;
      this.#restrictions.delete(key);
      // Another node may have done it already, and will if we cannot.
      this.#parts.table.remove(key).catch(() => {});
    }
  }
}

/** Whose turn in slow mode it is. */
function slowKey({ video, user }: CommentDraft, { sub }: Identity, address: string | undefined): string {
  return `${video} ${sub ?? address ?? user ?? ""}`;
}

function nameOf({ by, sub }: Identity): string {
  return `${by}:${sub ?? ""}`;
}

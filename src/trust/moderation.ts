/**
 * Moderation: whether somebody's comment, like or stream is taken, by what moderators have decided.
 *
 * Every node holds all decisions, kept up to date by a watch on their table, and applies them at its own
 * door; so asking costs a look into a map, and a decision holds on every node as soon as the table has told
 * it: `banned` then says that what is open already has to be looked at again. A restriction that has run out
 * counts for nothing, and whichever node notices first takes it away. moderation.test.ts holds all of it.
 */
import { type Clock, type Elapsed, later, type Timer, unixMs } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Subscription, Table } from "../bus/bus.ts";
import { sameUser } from "../core/erasure.ts";
import { type CommentDraft, type Rejection, reject, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { type Identity, nameOf, speaksForMany } from "./identity.ts";
import type { Decision, Journal } from "./journal.ts";
import { pseudonymOf } from "./pseudonym.ts";
import {
  aboutOf,
  decodeRow,
  isClosedOnly,
  noRules,
  type Restriction,
  restrictionKey,
  sameRules,
  type VideoRules,
  videoKey,
} from "./rules.ts";
import { SlowMode } from "./slow-mode.ts";
import { Words } from "./words.ts";

export interface ModerationParts {
  readonly table: Table;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Whether the log keeps a video closed: then no row has to say so. */
  readonly kept?: (video: VideoId) => boolean;
}

/**
 * Decisions held. Beyond: further ones are refused, until others have run out; lifting one is always
 * taken.
 */
const decisionsMax = 100_000;
const sweepMs = 60_000;
/** Rows taken away at once, and the pause before the next ones, in ms. */
const sweptMax = 500;
const sweptPauseMs = 1_000;
/** So long after a video was closed nothing more comes of what was taken before, in ms. */
const settledMs = 30_000;
export const auditMax = 1_000;

export class Moderation {
  readonly #parts: ModerationParts;
  /** By row key. */
  readonly #restrictions = new Map<string, Restriction>();
  /** The same, by what each is about. */
  readonly #about = new Map<string, Restriction>();
  /** Keys of rows that have run out and are still in the table. */
  readonly #over = new Set<string>();
  readonly #videos = new Map<VideoId, VideoRules>();
  /** Until when comments on a video are held though its rules say less now: see `holdMs`. */
  readonly #heldUntil = new Map<VideoId, Elapsed>();
  readonly #slow: SlowMode;
  /** Videos that are closed, and since when that is known here. */
  readonly #closedAt = new Map<VideoId, Elapsed>();
  /** Is told when a video is closed, or opened again, or kept closed by the log from now on. */
  turned: (video: VideoId, state: VideoRules["state"] | "kept") => void = () => {};
  readonly #watch: Subscription;
  readonly #timer: Timer;
  #words = new Words("");
  /** Called after somebody was banned, or somebody's ban changed. */
  banned: () => void = () => {};

  /**
   * Brings back what the journal holds, then watches; resolves when everything that holds is known, so that
   * no comment is taken as if nothing did. Rejects with BusUnavailable.
   */
  static async open(parts: ModerationParts): Promise<Moderation> {
    const { journal, table, clock, kept } = parts;
    if (journal.replays) {
      const rows = new Map<string, string>();
      for (const { row } of journal.all()) if (row) rows.set(row.key, row.value);
      for (const [key, value] of rows) {
        const decoded = decodeRow(key, value);
        if (!decoded || ("restriction" in decoded && decoded.restriction.untilMs <= clock.date())) continue;
        if ("video" in decoded && isClosedOnly(decoded.rules) && kept?.(decoded.video)) continue;
        await table.put(key, value);
      }
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const moderation = new Moderation(parts, resolve);
    await promise;
    return moderation;
  }

  private constructor(parts: ModerationParts, synced: () => void) {
    this.#parts = parts;
    this.#slow = new SlowMode(parts.clock);
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

  /**
   * Why `who`, at `address`, may not even watch or like `videos`, or undefined; `user` is a name that was
   * only claimed. Whoever may moderate is never banned, and a server that speaks for many not by its address.
   */
  bans(
    who: Identity,
    address: string | undefined,
    videos: readonly VideoId[],
    user?: string,
  ): Rejection | undefined {
    return this.#restricted("ban", who, user ?? who.name, address, videos)
      ? reject("banned", "you are banned here")
      : undefined;
  }

  /** Why `draft` of `who` is not taken, or undefined; then it has used its turn in slow mode. */
  comment(draft: CommentDraft, who: Identity, address: string | undefined): Rejection | undefined {
    const closed = this.closed(draft.video);
    if (closed) return closed;
    if (who.rights.has("moderate")) return undefined;
    const { video, user, text } = draft;
    const banned = this.bans(who, address, [video], user);
    if (banned) return banned;
    const muted = this.#restricted("mute", who, user, address, [video]);
    if (muted) {
      const leftS = Math.ceil((muted.untilMs - this.#parts.clock.date()) / 1000);
      return reject("muted", `you are muted for ${leftS} s more`);
    }
    const rules = this.rules(video);
    if (rules.comments === "off") return reject("comments-off", "comments are off on this video");
    const isServer = speaksForMany(who);
    if (rules.only !== "" && !isServer && !who.roles.includes(rules.only)) {
      return reject("members-only", `only ${JSON.stringify(rules.only)} may comment on this video`);
    }
    if (this.#words.has(text) || (user !== undefined && this.#words.has(user))) {
      return reject("text-refused", "this text holds a word that is not taken here");
    }
    return isServer ? undefined : this.#slow.take(rules, draft, who, address);
  }

  /** `draft`, which `comment` let pass, was not taken after all: its turn in slow mode is unused. */
  giveBack(draft: CommentDraft, who: Identity, address: string | undefined): void {
    this.#slow.giveBack(draft, who, address);
  }

  /** Why nothing is taken on `video` any more, or undefined. */
  closed(video: VideoId): Rejection | undefined {
    return this.rules(video).state === "closed" ? reject("closed", "this video is closed") : undefined;
  }

  /** Whether `video` is closed, and so long that nothing more comes of what was taken before. */
  over(video: VideoId): boolean {
    const closedAt = this.#closedAt.get(video);
    return closedAt !== undefined && this.#parts.clock.elapsed() - closedAt >= settledMs;
  }

  /** Videos that are closed. */
  allClosed = (): Iterable<VideoId> => this.#closedAt.keys();

  /** Videos with rules of their own. */
  ruled = (): Iterable<VideoId> => this.#videos.keys();

  /** What `video` takes. */
  rules = (video: VideoId): VideoRules => this.#videos.get(video) ?? noRules;

  /**
   * How long a comment on `video` that comes now is held for review, in ms. A shorter hold than before lets
   * nobody overtake those that wait: what comes is held until the last of them is shown.
   */
  holdMs(video: VideoId): number {
    const until = this.#heldUntil.get(video);
    const leftMs = until === undefined ? 0 : Math.ceil(until - this.#parts.clock.elapsed());
    return Math.min(limits.holdMsMax, Math.max(this.rules(video).holdMs, leftMs, 0));
  }

  /** Everything that holds now. */
  list(): { restrictions: readonly Restriction[]; videos: readonly object[] } {
    const now = this.#parts.clock.date();
    const restrictions = [...this.#restrictions.values()].filter(({ untilMs }) => untilMs > now);
    return { restrictions, videos: [...this.#videos].map(([video, rules]) => ({ video, ...rules })) };
  }

  /** The newest decisions, newest first. */
  audit(count: number): Promise<readonly Decision[]> {
    return this.#parts.journal.newest(Math.min(count, auditMax));
  }

  // ---- deciding

  /** Mutes or bans; lifts what was, when its time is already over. Rejects with BusUnavailable. */
  async restrict(restriction: Restriction, by: Identity): Promise<Rejection | undefined> {
    const lifts = restriction.untilMs <= this.#parts.clock.date();
    if (!lifts && !this.#restrictions.has(restrictionKey(restriction)) && this.#isFull()) return tooMany();
    const { type, ...about } = restriction;
    await this.#decide(by, lifts ? `un${type}` : type, about, restrictionKey(restriction), about);
    return undefined;
  }

  /**
   * Changes what `video` takes; rules that hold already, `before`, are no decision. Rejects with
   * BusUnavailable.
   */
  async setRules(video: VideoId, rules: VideoRules, by: Identity, before = this.rules(video)) {
    if (!this.#videos.has(video) && this.#isFull()) return tooMany();
    // Another node may have just said otherwise, which is not known here yet: what was asked for last holds.
    if (sameRules(rules, before)) {
      await this.#parts.table.put(videoKey(video), JSON.stringify(rules));
      return undefined;
    }
    await this.#decide(by, "video", { video, ...rules }, videoKey(video), rules);
    return undefined;
  }

  /** The log keeps `video` closed from now on: no row has to say so any more. */
  async leave(video: VideoId): Promise<void> {
    if (!isClosedOnly(this.rules(video))) return;
    // Another node may have done it already; a row that stays says what is true.
    await this.#parts.table.remove(videoKey(video)).catch(() => {});
  }

  /** Writes down that a comment was removed. */
  async removed(video: VideoId, id: string, by: Identity): Promise<void> {
    await this.#write(this.#decision(by, "remove", { video, id }));
  }

  /** Writes down that `video` was deleted: nothing that was decided about it alone holds any more. */
  async deleted(video: VideoId, by: Identity): Promise<void> {
    const about = [...this.#restrictions.values()].filter((one) => one.video === video);
    for (const one of about) await this.restrict({ ...one, untilMs: unixMs(0) }, by);
    const key = videoKey(video);
    const row = { key, value: "" };
    await this.#write({ ...this.#decision(by, "delete", { video }), row });
    // Opened first: a row that is only taken away is one that the log keeps.
    await this.#parts.table.put(key, JSON.stringify(noRules));
    await this.#parts.table.remove(key);
  }

  /**
   * Writes down that a person is erased, by a hash that only who knows the name can make again: no decision
   * names `user` any more, this one too, and what kept them away is lifted. Rejects with BusUnavailable.
   */
  async erased(user: string, by: Identity): Promise<void> {
    const { journal, table } = this.#parts;
    const same = sameUser(user);
    for (const [key, { user: about }] of [...this.#restrictions]) {
      if (about !== undefined && sameUser(about) === same) await table.remove(key);
    }
    await this.#write(this.#decision(by, "erase", { ...pseudonymOf(user) }));
    await journal.forget(user);
  }

  async #decide(by: Identity, action: string, about: object, key: string, row: object): Promise<void> {
    const value = JSON.stringify(row);
    const decision = this.#decision(by, action, about);
    // Whichever of the two brings it back after a restart is written first.
    if (this.#parts.journal.replays) await this.#write({ ...decision, row: { key, value } });
    await this.#parts.table.put(key, value);
    if (!this.#parts.journal.replays) await this.#write(decision);
  }

  #decision(by: Identity, action: string, about: object): Decision {
    const atMs = unixMs(Math.floor(this.#parts.clock.date()));
    return { atMs, by: nameOf(by), action, about: { ...about } };
  }

  async #write(decision: Decision): Promise<void> {
    await this.#parts.journal.append(decision);
    this.#parts.metrics.decisions.inc({ action: decision.action });
  }

  // ---- inside

  #isFull(): boolean {
    return this.#restrictions.size + this.#videos.size >= decisionsMax;
  }

  #restricted(
    type: Restriction["type"],
    who: Identity,
    user: string | undefined,
    address: string | undefined,
    videos: readonly VideoId[],
  ): Restriction | undefined {
    if (this.#about.size === 0 || who.rights.has("moderate")) return undefined;
    const now = this.#parts.clock.date();
    const from = speaksForMany(who) ? undefined : address;
    const sub = who.by === "token" && who.sub !== user ? who.sub : undefined;
    const holds = (about: Omit<Restriction, "untilMs">): Restriction | undefined => {
      const found = this.#about.get(aboutOf(about));
      return found && found.untilMs > now ? found : undefined;
    };
    for (const video of [undefined, ...videos]) {
      const on = video === undefined ? { type } : { type, video };
      const found =
        (user !== undefined && holds({ ...on, user })) ||
        (sub !== undefined && holds({ ...on, user: sub })) ||
        (from !== undefined && holds({ ...on, address: from }));
      if (found) return found;
    }
    return undefined;
  }

  #heard(key: string, value: string | undefined): void {
    if (value === undefined) {
      this.#forget(key);
      this.#over.delete(key);
      if (key.startsWith("video.")) this.#ruleGone(key.slice("video.".length) as VideoId);
      return;
    }
    const row = decodeRow(key, value);
    if (!row) this.#parts.metrics.invalidMessages.inc();
    else if ("video" in row) this.#rule(row.video, row.rules);
    else if (row.restriction.untilMs <= this.#parts.clock.date()) {
      this.#forget(key);
      if (this.#over.size < decisionsMax) this.#over.add(key);
    } else if (this.#restrictions.has(key) || this.#restrictions.size < decisionsMax) {
      this.#restrictions.set(key, row.restriction);
      this.#about.set(aboutOf(row.restriction), row.restriction);
      this.#over.delete(key);
      if (row.restriction.type === "ban") this.banned();
    }
  }

  #forget(key: string): void {
    const before = this.#restrictions.get(key);
    if (!before) return;
    this.#restrictions.delete(key);
    this.#about.delete(aboutOf(before));
  }

  /** Rows of videos are taken away only where the log keeps them closed. */
  #ruleGone(video: VideoId): void {
    this.#videos.delete(video);
    if (this.#closedAt.delete(video)) this.turned(video, "kept");
  }

  /** `video` takes comments by `rules` from now on. */
  #rule(video: VideoId, rules: VideoRules): void {
    const { holdMs, state } = this.rules(video);
    const isNew = !this.#videos.has(video);
    if (holdMs > rules.holdMs) {
      const until = later(this.#parts.clock.elapsed(), holdMs);
      const before = this.#heldUntil.get(video);
      this.#heldUntil.set(video, before !== undefined && before > until ? before : until);
    }
    this.#videos.set(video, rules);
    // Without a row it may have been closed all the same, by the log.
    if (rules.state === state && !isNew) return;
    if (rules.state === "closed") this.#closedAt.set(video, this.#parts.clock.elapsed());
    else this.#closedAt.delete(video);
    this.turned(video, rules.state);
  }

  /** Takes rows away that have run out, some at a time. */
  #sweep(): void {
    const { clock, table } = this.#parts;
    const [now, date] = [clock.elapsed(), clock.date()];
    for (const [video, until] of this.#heldUntil) if (until <= now) this.#heldUntil.delete(video);
    for (const [key, { untilMs }] of this.#restrictions) {
      if (untilMs > date) continue;
      this.#forget(key);
      this.#over.add(key);
    }
    let swept = 0;
    for (const key of this.#over) {
      if (swept++ >= sweptMax) {
        clock.after(sweptPauseMs, () => this.#sweep());
        return;
      }
      this.#over.delete(key);
      // Another node may have done it already, and will if we cannot.
      table.remove(key).catch(() => {});
    }
  }
}

function tooMany(): Rejection {
  return reject("busy", "too many decisions hold", 60);
}

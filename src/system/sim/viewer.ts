/**
 * A viewer as EventSource makes it: it reads, comes back after the delay it was told with the id it last saw,
 * to any node, and knows what it was shown. What it is shown is judged at once, against everything that was
 * ever written.
 */
import { createParser, type EventSourceParser } from "eventsource-parser";
import { type Elapsed, longAgo, type Timer, type VirtualClock } from "../../base/clock.ts";
import type { Prng } from "../../base/prng.ts";
import { type Entry, type EventId, isClearing, parseId, sinceCleared } from "../../core/entry.ts";
import type { VideoId } from "../../core/interaction.ts";
import type { Lineage } from "../../core/lineage.ts";
import type { Cluster } from "./cluster.ts";
import { otherKind } from "./deletions.ts";
import type { SimHistory, SimLog } from "./log.ts";

/** Of what has no place. */
const nowhere: EventId = { branch: "", seq: -1 };

/** Of who was shown nothing: whatever history goes on from here, all of it must follow. */
const beginning: EventId = { branch: "", seq: 0 };

/** What one viewer was shown of one video. */
interface Shown {
  /** Its place in the video's order; undefined until the first snapshot, or after a reset. */
  seq: number | undefined;
  /** The branch that its place is of. */
  branch: string;
  /** Up to where a snapshot may reach beyond the last comment it showed. */
  loose: boolean;
  /**
   * A stream of several videos has one place for all. The bus may bring an entry of one video after a later
   * one of another; where the stream breaks between them, the earlier one counts as seen and was not.
   */
  unsure: boolean;
  /** Asked for on an open stream, and not begun yet: what comes before its snapshot was on its way before. */
  pending: boolean;
  /** On this stream. */
  version: number;
  totals: Readonly<Record<string, number>>;
  viewers: number;
  /** How often its totals fell on this stream: at most as often as it was deleted. */
  falls: number;
  /** The place of the deletion that it was told of last. */
  clearedAt: number;
  /** Whether that was on this stream, on which nothing of before may follow. */
  gone: boolean;
}

export interface Data {
  readonly video: VideoId;
  readonly totals: Readonly<Record<string, number>>;
  readonly version: number;
  readonly viewers: number;
  readonly comments: readonly { readonly id: string; readonly text: string }[];
  readonly connection: string;
  readonly reason: string;
}

/** One event as it came. */
export interface Told {
  readonly event: string;
  readonly data: Data;
  readonly id: string | undefined;
}

export type Tamper = (told: Told) => readonly Told[];

export interface ViewerParts {
  readonly name: string;
  readonly cluster: Cluster;
  readonly prng: Prng;
  readonly videos: readonly VideoId[];
  /** Called with what should never happen. */
  readonly wrong: (what: string) => void;
  /** What reaches it of an event: to see that a wrong one is noticed. */
  readonly tamper: Tamper | undefined;
  /** Totals by video and version as anybody ever saw them: the same everywhere. */
  readonly versions: Map<string, string>;
}

export class SimViewer {
  readonly videos: Set<VideoId>;
  readonly shown = new Map<VideoId, Shown>();
  /** The node that holds the stream; undefined while there is none. */
  node: string | undefined;
  connection: string | undefined;
  since: Elapsed = longAgo;
  /** While what it watches is being changed. */
  changing = false;
  resets = 0;
  resumes = 0;
  repeated = 0;
  /** Entries that a stream of several videos lost when it broke off: see `unsure`. */
  crossed = 0;
  readonly #parts: ViewerParts;
  readonly #clock: VirtualClock;
  readonly #log: SimLog;
  #lastEventId: string | undefined;
  #retryMs = 1_000;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #stall: { resume: () => void; promise: Promise<void> } | undefined;
  #retry: Timer | undefined;
  /** Videos that this stream has watched before: a snapshot of them may still be on its way. */
  readonly #unwatched = new Set<VideoId>();
  #gone = false;
  /** Whether it ever watched several videos: then one id stands for all of them. */
  mixed: boolean;

  constructor(parts: ViewerParts) {
    this.#parts = parts;
    this.#clock = parts.cluster.clock;
    this.#log = parts.cluster.log;
    this.videos = new Set(parts.videos);
    this.mixed = parts.videos.length > 1;
    this.#connect();
  }

  get stalled(): boolean {
    return this.#stall !== undefined;
  }

  stall(): void {
    if (this.#stall || !this.#reader) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stall = { promise, resume: resolve };
  }

  resume(): void {
    this.#stall?.resume();
    this.#stall = undefined;
  }

  /** Breaks off, to come back. */
  drop(): void {
    const reader = this.#reader;
    this.#ended(reader);
    void reader?.cancel().catch(() => {});
  }

  /** Its node is gone: nothing comes any more. */
  broken(node: string): void {
    if (this.node === node) this.#ended(this.#reader);
  }

  leave(): void {
    this.#gone = true;
    this.#retry?.cancel();
    this.drop();
    this.resume();
  }

  /** Forgets where it was, and comes back as new. */
  afresh(): void {
    this.#lastEventId = undefined;
    for (const video of this.videos) this.shown.delete(video);
    this.drop();
  }

  unwatch(video: VideoId): void {
    this.#unwatched.add(video);
    this.videos.delete(video);
    this.shown.delete(video);
  }

  watch(video: VideoId): void {
    this.videos.add(video);
    this.#of(video).pending = true;
    if (this.videos.size > 1) this.mixed = true;
  }

  #connect(): void {
    const { cluster, prng } = this.#parts;
    const nodes = cluster.frontends;
    const chosen = nodes[prng.between(0, nodes.length - 1)];
    if (!chosen) {
      this.#later();
      return;
    }
    this.node = chosen.name;
    this.since = this.#clock.elapsed();
    this.#unwatched.clear();
    if (this.#lastEventId !== undefined) this.resumes++;
    const place = parseId(this.#lastEventId ?? "");
    for (const video of this.videos) {
      const shown = this.shown.get(video);
      const unsure = this.mixed && place !== undefined;
      if (shown)
        Object.assign(shown, { version: 0, totals: {}, pending: false, unsure, gone: false, falls: 0 });
      // Whatever was not begun yet is continued from the id as well.
      if (place && this.#of(video).seq === undefined) Object.assign(this.#of(video), place);
    }
    const request = { videos: [...this.videos], lastEventId: this.#lastEventId };
    const stream = chosen.node.frontend?.open(request) as ReadableStream<Uint8Array>;
    this.#reader = stream.getReader();
    void this.#read(this.#reader);
  }

  #later(): void {
    const { prng } = this.#parts;
    this.#retry = this.#clock.after(prng.between(1, Math.min(this.#retryMs, 2_000)), () => this.#connect());
  }

  #ended(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): void {
    if (!reader || this.#reader !== reader) return;
    this.#reader = undefined;
    this.node = undefined;
    this.connection = undefined;
    this.resume();
    if (!this.#gone) this.#later();
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    const parser: EventSourceParser = createParser({
      onEvent: ({ event = "", data, id }) => {
        const told = { event, data: JSON.parse(data), id };
        for (const one of this.#parts.tamper?.(told) ?? [told]) this.#event(one);
      },
      onRetry: (ms) => {
        this.#retryMs = ms;
      },
      onError: (error) => this.#wrong(`sent what is no event: ${error.message}`),
    });
    for (;;) {
      if (this.#stall) await this.#stall.promise;
      const chunk = await reader.read().catch(() => undefined);
      if (this.#reader !== reader) return;
      if (!chunk || chunk.done) break;
      parser.feed(decoder.decode(chunk.value, { stream: true }));
    }
    this.#ended(reader);
  }

  #event({ event, data, id }: Told): void {
    // EventSource's rule: the id holds from the event that carries it.
    if (id !== undefined) this.#lastEventId = id;
    if (event === "hello") this.connection = data.connection;
    const { video } = data;
    if (!video || !this.videos.has(video)) return;
    if (this.#of(video).pending && event !== "snapshot") return;
    if (event === "snapshot") this.#snapshot(data);
    else if (event === "reset") this.#reset(data);
    else if (event === "likes") this.#likes(data);
    else if (event === "viewers") this.#of(video).viewers = data.viewers;
    else if (event === "comment" || event === "retract")
      this.#entry(video, parseId(id ?? "") ?? nowhere, event);
  }

  #of(video: VideoId): Shown {
    let shown = this.shown.get(video);
    if (!shown) {
      shown = {
        seq: undefined,
        branch: "",
        loose: false,
        unsure: false,
        pending: false,
        version: 0,
        totals: {},
        viewers: 0,
        falls: 0,
        clearedAt: 0,
        gone: false,
      };
      this.shown.set(video, shown);
    }
    return shown;
  }

  #reset({ video, reason }: Data): void {
    this.resets++;
    const shown = this.#of(video);
    shown.seq = undefined;
    if (reason !== "deleted") return;
    const after = this.#log.entries.get(video)?.find((e) => isClearing(e) && e.seq > shown.clearedAt);
    if (after) Object.assign(shown, { clearedAt: after.seq, gone: true });
  }

  #snapshot(data: Data): void {
    const shown = this.#of(data.video);
    if (shown.seq !== undefined && !this.#unwatched.has(data.video))
      this.#wrong(`a second snapshot of ${data.video} without a reset`);
    const places = data.comments.map((comment) => parseId(comment.id) ?? nowhere);
    if (shown.gone && places[0] && places[0].seq < shown.clearedAt)
      this.#wrong(`${places[0].seq} of ${data.video} again, deleted at ${shown.clearedAt}`);
    for (let i = 1; i < places.length; i++) {
      this.#continues(data.video, places[i - 1] as EventId, places[i] as EventId, true);
    }
    Object.assign(shown, places.at(-1) ?? beginning);
    shown.loose = true;
    shown.pending = false;
    shown.viewers = data.viewers;
    this.#likes(data);
  }

  #likes({ video, totals, version }: Data): void {
    const shown = this.#of(video);
    if (version < shown.version) this.#wrong(`version of ${video} fell from ${shown.version} to ${version}`);
    const fell = Object.keys(shown.totals).find((kind) => (totals[kind] ?? 0) < (shown.totals[kind] ?? 0));
    if (fell && ++shown.falls > (this.#log.deleted.get(video) ?? 0)) this.#wrong(`${fell} of ${video} fell`);
    Object.assign(shown, { version, totals });
    const said = JSON.stringify(Object.entries(totals).sort());
    const known = this.#parts.versions.get(`${video} ${version}`);
    if (known === undefined) this.#parts.versions.set(`${video} ${version}`, said);
    else if (known !== said)
      this.#wrong(`version ${version} of ${video} is ${said} here and ${known} elsewhere`);
  }

  #entry(video: VideoId, place: EventId, event: "comment" | "retract"): void {
    const shown = this.#of(video);
    const { seq } = place;
    if (shown.seq === undefined) {
      this.#wrong(`${event} ${seq} of ${video} before any snapshot`);
      return;
    }
    if (seq <= shown.seq) {
      // One id stands for several videos, so that a stream of several may hear one again; never one out of
      // order that it had not heard.
      this.repeated++;
      if (!this.mixed) this.#wrong(`${event} ${seq} of ${video} again, behind ${shown.seq}`);
      return;
    }
    const before = { branch: shown.branch, seq: shown.seq };
    // What was shown of a history that never went on to here stays on the screen, and counts as lost too.
    if (shown.unsure) this.crossed += this.#lost(video, before, place, shown.loose)?.length ?? 1;
    else this.#continues(video, before, place, shown.loose);
    Object.assign(shown, { ...place, loose: false, unsure: false });
  }

  #continues(video: VideoId, from: EventId, to: EventId, loose: boolean): void {
    const between = `between ${from.branch}-${from.seq} and ${to.branch}-${to.seq}`;
    const lost = this.#lost(video, from, to, loose);
    if (!lost) this.#wrong(`${video} never went on ${between}`);
    for (const { type, seq } of lost ?? []) this.#wrong(`${type} ${seq} of ${video} is missing ${between}`);
  }

  /**
   * What must be shown and lies between two entries that were shown; after a snapshot removals need not be.
   * Of several histories that hold both it is the one that forgives most: the frame may be as old. Undefined
   * when there never was one.
   */
  #lost(video: VideoId, from: EventId, to: EventId, loose: boolean): Entry[] | undefined {
    let least: Entry[] | undefined;
    for (const history of [this.#log, ...this.#log.past]) {
      const { lineage, head } = history;
      const isThere = to.seq <= head && lineage.nameOf(to.seq) === to.branch;
      if (!isThere || !goesOn(lineage, from)) continue;
      const lost = between(history, video, from.seq, to.seq).filter((entry) =>
        entry.type === "retract"
          ? !loose || isClearing(entry)
          : !this.#log.taken.has(lineage.idOf(entry.seq)),
      );
      if (!least || lost.length < least.length) least = lost;
    }
    return least;
  }

  /** What it should have been shown by now and was not. */
  missing(video: VideoId, totals: Readonly<Record<string, number>>): string | undefined {
    const shown = this.shown.get(video);
    if (shown?.seq === undefined) return `nothing of ${video}`;
    const kind = otherKind(totals, shown.totals);
    if (kind)
      return `${kind} of ${video}: ${shown.totals[kind]} in place of ${totals[kind]}, at ${shown.version}`;
    if (shown.unsure) return undefined;
    const place = { branch: shown.branch, seq: shown.seq };
    if (!goesOn(this.#log.lineage, place)) return `that ${place.branch}-${place.seq} of ${video} is lost`;
    const late = between(this.#log, video, shown.seq, Number.POSITIVE_INFINITY).filter(
      (entry) =>
        isClearing(entry) ||
        (entry.type === "comment" && !this.#log.taken.has(this.#log.lineage.idOf(entry.seq))),
    );
    return late.length > 0 ? `${video} behind ${shown.seq}: ${late.map(({ seq }) => seq)}` : undefined;
  }

  #wrong(what: string): void {
    const atMs = Math.round(this.#clock.elapsed() - this.#parts.cluster.startAt);
    this.#parts.wrong(`${atMs} ms, ${this.#parts.name} at ${this.node}: ${what}`);
  }
}

/** What was deleted in between is owed to nobody; that it was is owed to all but who was shown nothing. */
function between({ entries }: SimHistory, video: VideoId, from: number, to: number): Entry[] {
  const found = (entries.get(video) ?? []).filter(({ seq }) => seq > from && seq < to);
  const [first, ...rest] = sinceCleared(found);
  if (!first || (isClearing(first) && from === beginning.seq)) return rest;
  return [first, ...rest];
}

/**
 * Whether `lineage` goes on from what was shown. An empty snapshot tells of no branch: its id need not be of
 * its video's own history, and there is none while others of its stream are loading.
 */
function goesOn(lineage: Lineage, from: EventId): boolean {
  return from.seq === beginning.seq || lineage.continues(from);
}

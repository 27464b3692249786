/**
 * What nodes say to each other, as bytes. Every decoder gives undefined for what is not a message of ours:
 * another node may be newer, older or broken, and nothing it sends may crash this one or reach a viewer
 * unchecked.
 *
 * JSON throughout: these messages are per video and tick, never per viewer. The log's record, which is per
 * like, is binary and lives in record.ts.
 */
import type { CommentEntry, Entry, Page } from "./entry.ts";
import { isHold, isKind, isTime, isVideoId, type VideoId } from "./interaction.ts";
import { limits } from "./limits.ts";
import { isBranchName, Lineage } from "./lineage.ts";
import type { By } from "./record.ts";
import { type Counts, countsJson, emptyCounts, type Totals } from "./totals.ts";

/** Subjects, without the prefix that bus/nats.ts puts before them. */
export const subjects = {
  tick: (video: VideoId): string => `tick.${video}`,
  comment: (video: VideoId): string => `comment.${video}`,
  viewers: (video: VideoId): string => `viewers.${video}`,
  allViewers: "viewers.*",
  ingest: "ingest",
  state: "state",
  cluster: "cluster",
  /** Asks a dispatcher whether it can be of use to publishers. */
  health: "health",
  /** A request to one dispatcher in particular. */
  at: (subject: string, node: string): string => `${subject}.${node}`,
  alive: (node: string): string => `alive.${node}`,
  allAlive: "alive.*",
  node: (node: string): string => `node.${node}`,
  /** Reads and writes moderators' decisions where one process keeps them for all of its machine. */
  journal: "journal",
  /** Reads all that a node alone keeps. */
  backup: "backup",
  /** Asks whether a node of this name lives. */
  life: (node: string): string => `life.${node}`,
} as const;

/** The last token of a subject. */
export function videoOf(subject: string): VideoId | undefined {
  const video = subject.slice(subject.lastIndexOf(".") + 1);
  return isVideoId(video) ? video : undefined;
}

/** A video's totals, published once per window by the dispatcher that owns the video. */
export interface Tick {
  readonly video: VideoId;
  readonly region: string;
  /** Names the log that these are totals of; older nodes do not say. */
  readonly log?: string | undefined;
  readonly totals: Totals;
  /** When the oldest like of this tick was accepted, made durable, and ticked: Unix ms. */
  readonly atMs: number;
  readonly durableMs: number;
  readonly tickedMs: number;
  readonly by: readonly By[];
}

export interface ViewerCount {
  readonly node: string;
  readonly incarnation: string;
  readonly viewers: number;
}

/** Asks for a video's state; `limit` 0 asks for no entries. */
export interface StateRequest {
  readonly video: VideoId;
  readonly after: number | undefined;
  readonly limit: number;
  /** The newest branch that the asker knows: if it is the newest, its lineage need not be told again. */
  readonly branch?: string | undefined;
}

export interface State {
  /** Names the log: totals of another one mean nothing here. */
  readonly log: string;
  /** Which ids of comments mean something in it. */
  readonly lineage: Lineage;
  readonly region: string;
  readonly totals: Totals;
  /** Whether no higher totals can have been told, by anybody, before this was asked. */
  readonly sure?: boolean;
  /** The log keeps it closed. */
  readonly closed?: true;
  readonly viewers: number;
  readonly page: Page;
}

/** Sent to the node that holds the stream. */
export interface WatchRequest {
  readonly connection: string;
  readonly video: VideoId;
  readonly watch: boolean;
  /** When the permission to do so ends, Unix ms. */
  readonly untilMs?: number | undefined;
}

const nothing = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Any message as bytes. */
export function encodeJson(message: object): Uint8Array {
  return encoder.encode(JSON.stringify(message));
}

/** The JSON object in `payload`, or undefined. */
export function decodeJson(payload: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(decoder.decode(payload));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

const nodePattern = /^[A-Za-z0-9_-]{1,64}$/;
export function isNodeName(value: unknown): value is string {
  return typeof value === "string" && nodePattern.test(value);
}

const isCounted = (value: unknown): value is number => isCount(value) && value <= limits.countMax;

export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function decodeTotals(version: unknown, counts: unknown): Totals | undefined {
  if (!isCounted(version) || typeof counts !== "object" || counts === null) return undefined;
  const checked: Counts = emptyCounts();
  for (const [kind, count] of Object.entries(counts)) {
    if (!isKind(kind) || !isCounted(count)) return undefined;
    checked[kind] = count;
  }
  return { version, counts: checked };
}

function decodeBy(value: unknown): readonly By[] | undefined {
  if (!Array.isArray(value) || value.length > limits.bySizeMax) return undefined;
  const checked: By[] = [];
  for (const by of value as Record<string, unknown>[]) {
    if (typeof by !== "object" || by === null) return undefined;
    const { user, kind, count } = by;
    if (typeof user !== "string" || user.length > 2 * limits.userCharsMax) return undefined;
    if (!isKind(kind) || !isCounted(count)) return undefined;
    // Taken over one by one: what else a broken node put there must not reach viewers.
    checked.push({ user, kind, count });
  }
  return checked;
}

/** Says that a dispatcher is there, or that it leaves. */
export function encodeAlive(leaving: boolean): Uint8Array {
  return leaving ? encodeJson({ leaving }) : nothing;
}

/** Who says it, and what. */
export function decodeAlive(
  payload: Uint8Array,
  subject: string,
): { readonly node: string; readonly leaving: boolean } | undefined {
  const node = subject.slice(subject.lastIndexOf(".") + 1);
  if (!isNodeName(node)) return undefined;
  if (payload.length === 0) return { node, leaving: false };
  return decodeJson(payload)?.leaving === true ? { node, leaving: true } : undefined;
}

/** The tick encoded last, and its bytes. */
let lastTick: { readonly tick: Tick; readonly bytes: Uint8Array } | undefined;

/** A tick as bytes; neither may be changed afterwards. */
export function encodeTick(tick: Tick): Uint8Array {
  // By hand, as the most frequent of all messages: names of regions and logs need no escaping, numbers are
  // their text.
  const { region, log, totals, atMs, durableMs, tickedMs, by } = tick;
  const ofLog = log === undefined ? "" : `"l":"${log}",`;
  const names = by.length === 0 ? "[]" : JSON.stringify(by);
  const bytes = encoder.encode(
    `{"r":"${region}",${ofLog}"v":${totals.version},"c":${countsJson(totals.counts)}` +
      `,"t":[${atMs},${durableMs},${tickedMs}],"b":${names}}`,
  );
  lastTick = { tick, bytes };
  return bytes;
}

export function decodeTick(payload: Uint8Array, video: VideoId): Tick | undefined {
  // A node that is alone hears its own ticks, the very bytes: they need no reading.
  if (lastTick?.bytes === payload && lastTick.tick.video === video) return lastTick.tick;
  const m = decodeJson(payload);
  if (!m || !isNodeName(m.r) || !Array.isArray(m.t)) return undefined;
  const totals = decodeTotals(m.v, m.c);
  const by = decodeBy(m.b);
  const [atMs, durableMs, tickedMs] = m.t as unknown[];
  if (!totals || !by || !isTime(atMs) || !isTime(durableMs) || !isTime(tickedMs)) return undefined;
  if (m.l !== undefined && !isBranchName(m.l)) return undefined;
  return { video, region: m.r, log: m.l, totals, atMs, durableMs, tickedMs, by };
}

export function decodeViewers(payload: Uint8Array): ViewerCount | undefined {
  const m = decodeJson(payload);
  if (!m || !isNodeName(m.node) || !isNodeName(m.incarnation)) return undefined;
  if (!isCount(m.viewers) || m.viewers > limits.nodeViewersMax) return undefined;
  return { node: m.node, incarnation: m.incarnation, viewers: m.viewers };
}

/**
 * What the log stores of an entry; its place is the log's own. `branch` is the newest one that its writer
 * knew: whoever hears the entry live and knows no such branch has missed that the log is another one.
 */
export function encodeEntry(entry: EntryBody, branch?: string): Uint8Array {
  return encodeJson(
    entry.type === "comment"
      ? { type: "comment", ...saidOf(entry), branch }
      : { type: "retract", target: entry.target, branch },
  );
}

export type EntryBody =
  | Pick<CommentEntry, "type" | "text" | "user" | "atMs" | "holdMs" | "mediaMs">
  | { type: "retract"; target: number };

/** The entry in `payload`, at the place `seq` behind `previous` of `video`. */
export function decodeEntry(
  payload: Uint8Array,
  video: VideoId,
  seq: number,
  previous: number,
): Entry | undefined {
  return decodeLive(payload, video, seq, previous)?.entry;
}

/** As `decodeEntry`, with the branch its writer knew, if it says so. */
export function decodeLive(
  payload: Uint8Array,
  video: VideoId,
  seq: number,
  previous: number,
): { readonly entry: Entry; readonly branch: string | undefined } | undefined {
  const m = decodeJson(payload);
  const entry = m && entryOf(m, video, seq, previous);
  return entry && { entry, branch: isBranchName(m.branch) ? m.branch : undefined };
}

function entryOf(
  m: Record<string, unknown>,
  video: VideoId,
  seq: unknown,
  previous: unknown,
): Entry | undefined {
  if (!isCount(seq) || !isCount(previous) || previous >= seq) return undefined;
  if (m.type === "retract") {
    return isCount(m.target) && m.target < seq
      ? { type: "retract", video, seq, previous, target: m.target }
      : undefined;
  }
  if (m.type !== "comment" || typeof m.text !== "string" || m.text.length > 2 * limits.commentCharsMax)
    return undefined;
  const user = m.user;
  if (user !== undefined && (typeof user !== "string" || user.length > 2 * limits.userCharsMax))
    return undefined;
  const { at: atMs, hold: holdMs = 0 } = m;
  // A hold that is none of ours is not taken for none: it would show what is to be held.
  if (!isTime(atMs) || !isHold(holdMs)) return undefined;
  const seen = isTime(m.media) && { mediaMs: m.media };
  const said = { text: m.text, user, atMs, ...(holdMs > 0 && { holdMs }), ...seen };
  return { type: "comment", video, seq, previous, ...said };
}

export function decodeStateRequest(payload: Uint8Array): StateRequest | undefined {
  const m = decodeJson(payload);
  if (!m || !isVideoId(m.video) || !isCount(m.limit)) return undefined;
  if (m.after !== undefined && !isCount(m.after)) return undefined;
  const { video, after, limit } = m;
  return { video, after, limit, ...(isBranchName(m.branch) && { branch: m.branch }) };
}

/** A state as bytes, for one who knows the lineage that ends with the branch `known`. */
export function encodeState(state: State, known?: string): Uint8Array {
  const { page, lineage } = state;
  const { name } = lineage.newest;
  return encodeJson({
    log: state.log,
    // Nodes that know nothing of branches take the newest for the name of the whole.
    epoch: name,
    lineage: known === name ? undefined : lineage.flat(),
    // Which of two lineages is the newer is nothing their branches always say.
    turn: known === name ? undefined : lineage.turn,
    region: state.region,
    version: state.totals.version,
    counts: state.totals.counts,
    sure: state.sure,
    closed: state.closed,
    viewers: state.viewers,
    floor: page.floor,
    head: page.head,
    more: page.more,
    entries: page.entries.map((e) =>
      e.type === "comment" ? { ...placeOf(e), ...saidOf(e) } : { ...placeOf(e), target: e.target },
    ),
  });
}

/** What a comment says; nodes of before look at no `media`. */
function saidOf({
  text,
  user,
  atMs,
  holdMs,
  mediaMs,
}: Omit<Extract<EntryBody, { type: "comment" }>, "type">) {
  return { text, user, at: atMs, hold: holdMs, media: mediaMs };
}

function placeOf({ type, seq, previous }: Entry) {
  return { type, seq, previous };
}

/** The lineage that a state tells; `known` where it need not. */
function lineageOf(m: Record<string, unknown>, known?: Lineage): Lineage | undefined {
  const { epoch, lineage, turn } = m;
  if (!isBranchName(epoch)) return undefined;
  if (lineage === undefined) return known?.newest.name === epoch ? known : Lineage.begin(epoch);
  const told = Lineage.read(lineage, turn);
  return told?.newest.name === epoch ? told : undefined;
}

/** The state in `payload`, for one who asked knowing the lineage `known`. */
export function decodeState(payload: Uint8Array, video: VideoId, known?: Lineage): State | undefined {
  const m = decodeJson(payload);
  if (!m || !isNodeName(m.region)) return undefined;
  const lineage = lineageOf(m, known);
  const { log = m.epoch } = m;
  if (!lineage || !isBranchName(log)) return undefined;
  const totals = decodeTotals(m.version, m.counts);
  if (!totals || !isCount(m.viewers) || !isCount(m.floor) || !isCount(m.head)) return undefined;
  if (typeof m.more !== "boolean" || !Array.isArray(m.entries)) return undefined;
  const entries: Entry[] = [];
  for (const e of m.entries as Record<string, unknown>[]) {
    if (typeof e !== "object" || e === null) return undefined;
    const entry = entryOf(e, video, e.seq, e.previous);
    if (!entry || entry.seq <= (entries.at(-1)?.seq ?? 0)) return undefined;
    entries.push(entry);
  }
  const page: Page = { entries, floor: m.floor, head: m.head, more: m.more };
  const told = { totals, sure: m.sure === true, ...(m.closed === true && { closed: true as const }) };
  return { log, lineage, region: m.region, ...told, viewers: m.viewers, page };
}

export function decodeWatch(payload: Uint8Array): WatchRequest | undefined {
  const m = decodeJson(payload);
  if (!m || typeof m.connection !== "string" || m.connection.length > 128) return undefined;
  if (!isVideoId(m.video) || typeof m.watch !== "boolean") return undefined;
  if (m.untilMs !== undefined && !isTime(m.untilMs)) return undefined;
  return { connection: m.connection, video: m.video, watch: m.watch, untilMs: m.untilMs };
}

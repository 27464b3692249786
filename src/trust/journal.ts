/**
 * Where moderators' decisions are written down: an append-only list of who decided what and when, which is
 * also what brings the decisions back after a restart.
 *
 * A node alone writes lines into a file beside its ledger, each on the disk before it is answered, and reads
 * them when it starts; of several workers the one with the ledger does so for all. Nodes of a cluster share a
 * table whose rows are never written twice; there the decisions themselves live in a table of their own, and
 * survive by themselves. A line that was cut off, by a crash or a full disk, takes none of its neighbours
 * along: moderation.test.ts.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { type Clock, type UnixMs, unixMs } from "../base/clock.ts";
import { type Bus, BusUnavailable, type Subscription, type Table } from "../bus/bus.ts";
import { sameUser } from "../core/erasure.ts";
import { limits } from "../core/limits.ts";
import { decodeJson, encodeJson, isCount, subjects } from "../core/wire.ts";

/** One decision. `row` is what it put into the table of decisions: undefined when it put nothing. */
export interface Decision {
  readonly atMs: UnixMs;
  readonly by: string;
  readonly action: string;
  readonly about: Readonly<Record<string, unknown>>;
  readonly row?: { readonly key: string; readonly value: string };
}

export interface Journal {
  /** Whether decisions come back from here, rather than from the table they are in. */
  readonly replays: boolean;
  append(decision: Decision): Promise<void>;
  /** The newest `count` decisions, newest first. */
  newest(count: number): Promise<readonly Decision[]>;
  /** All decisions, oldest first; only when `replays`. */
  all(): readonly Decision[];
  /** Has no decision name `user` any more. */
  forget(user: string): Promise<void>;
}

export const fileName = "moderation.jsonl";

/** The journal of a node alone, in its data directory; in memory only for ":memory:". */
export function fileJournal(path: string): Journal {
  const file = path === ":memory:" ? undefined : join(path, fileName);
  const kept = file ? readLines(file) : [];
  return {
    replays: true,
    async append(decision) {
      if (file) appendLine(path, file, JSON.stringify(decision));
      kept.push(decision);
    },
    newest: async (count) => kept.slice(-count).reverse(),
    all: () => kept,
    async forget(user) {
      const before = kept.splice(0);
      for (const decision of before) kept.push(withoutUser(decision, user));
      const isSame = kept.every((decision, i) => decision === before[i]);
      if (file && !isSame) replaceLines(file, kept);
    },
  };
}

/** The journal of a node alone as it lies in its data directory; none where there is none. */
export function keptJournal(path: string): readonly { readonly name: string; readonly bytes: Uint8Array }[] {
  try {
    return path === ":memory:" ? [] : [{ name: fileName, bytes: readFileSync(join(path, fileName)) }];
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return [];
    throw error;
  }
}

/** What a worker asks of the one with the ledger: to write a decision, or to read the newest. */
type JournalRequest =
  | { readonly append: Decision }
  | { readonly newest: number }
  | { readonly forget: string };

/** Lets other processes of this machine have `journal`, by way of `bus`. */
export function serveJournal(bus: Pick<Bus, "serve">, journal: Journal): Subscription {
  return bus.serve(subjects.journal, async (payload) => {
    const request = decodeJson(payload);
    const decision = decisionIn(request?.append);
    if (decision) {
      await journal.append(decision);
      return encodeJson({});
    }
    if (typeof request?.forget === "string") {
      await journal.forget(request.forget);
      return encodeJson({});
    }
    if (!isCount(request?.newest)) throw new Error("not a request to the journal");
    return encodeJson({ decisions: await journal.newest(request.newest) });
  });
}

/**
 * The journal that another process of this machine serves. What it holds is in the table of decisions before
 * anybody can ask, so there is nothing to replay here.
 */
export function relayedJournal(bus: Pick<Bus, "request">): Journal {
  const ask = (request: JournalRequest): Promise<Uint8Array> =>
    bus.request(subjects.journal, encodeJson(request), limits.requestMs);
  return {
    replays: true,
    append: async (decision) => void (await ask({ append: decision })),
    forget: async (user) => void (await ask({ forget: user })),
    async newest(count) {
      const decisions = decodeJson(await ask({ newest: count }))?.decisions;
      if (!Array.isArray(decisions)) throw new BusUnavailable("an answer that is not the journal's");
      return decisions as Decision[];
    },
    all: () => [],
  };
}

/** A journal in a table that all nodes share. `node` keeps its rows apart from those of others. */
export function tableJournal(table: Table, node: string, clock: Clock): Journal {
  let count = 0;
  return {
    replays: false,
    append(decision) {
      // Keys sort by time, and two decisions of one millisecond stay two.
      const at = Math.floor(decision.atMs).toString().padStart(14, "0");
      return table.put(`${at}-${node}-${count++}`, JSON.stringify(decision));
    },
    newest: async (wanted) => {
      const rows = await rowsOf(table, clock);
      rows.sort(([a], [b]) => (a < b ? 1 : -1));
      return rows.slice(0, wanted).map(([, decision]) => decision);
    },
    async forget(user) {
      for (const [key, decision] of await rowsOf(table, clock)) {
        const changed = withoutUser(decision, user);
        if (changed !== decision) await table.put(key, JSON.stringify(changed));
      }
    },
    all: () => [],
  };
}

/** All decisions in a table, in no order. Rejects with BusUnavailable when nothing comes for long. */
function rowsOf(table: Table, clock: Clock): Promise<[string, Decision][]> {
  return new Promise((resolve, reject) => {
    const rows: [string, Decision][] = [];
    let heardAt = clock.elapsed();
    const ended = (): void => {
      late.cancel();
      watch.end();
    };
    const watch = table.watch(
      (key, value) => {
        heardAt = clock.elapsed();
        const decision = value === undefined ? undefined : decisionOf(value);
        if (decision) rows.push([key, decision]);
      },
      () => {
        // Synced may be told before `watch` has returned.
        queueMicrotask(ended);
        resolve(rows);
      },
    );
    const late = clock.every(limits.requestMs / 2, () => {
      if (clock.elapsed() - heardAt < limits.requestMs) return;
      ended();
      reject(new BusUnavailable("the audit log cannot be read now"));
    });
  });
}

/** `decision` without the name of `user`; itself where it does not name them. */
function withoutUser(decision: Decision, user: string): Decision {
  const same = sameUser(user);
  const { by, about, row } = decision;
  const isBy = sameUser(by.slice(by.indexOf(":") + 1)) === same;
  const isAbout = typeof about.user === "string" && sameUser(about.user) === same;
  if (!isBy && !isAbout) return decision;
  return {
    ...decision,
    ...(isBy && { by: `${by.slice(0, by.indexOf(":"))}:erased` }),
    ...(isAbout && { about: { ...about, user: "erased" } }),
    // The row's key is made of the name, and nothing of them holds any more.
    ...(isAbout && row && { row: { key: "erased", value: "" } }),
  };
}

/** Puts these lines in place of those in the file, whose bytes are overwritten. */
function replaceLines(file: string, decisions: readonly Decision[]): void {
  const draft = `${file}.new`;
  const old = openSync(file, "r+");
  try {
    const fd = openSync(draft, "w", 0o600);
    try {
      const bytes = Buffer.from(decisions.map((decision) => `${JSON.stringify(decision)}\n`).join(""));
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, file);
    const { size } = fstatSync(old);
    const blank = Buffer.alloc(Math.min(size, 65_536));
    for (let at = 0; at < size; ) at += writeSync(old, blank, 0, Math.min(blank.length, size - at), at);
    fsyncSync(old);
  } finally {
    closeSync(old);
  }
}

/** Appends a line, whole and on the disk, or nothing: then it throws. */
function appendLine(folder: string, file: string, line: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const fd = openSync(file, "a+", 0o600);
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.from(`${endsInLine(fd, size) ? "" : "\n"}${line}\n`);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    } catch (error) {
      ftruncateSync(fd, size);
      throw error;
    }
  } finally {
    closeSync(fd);
  }
}

/** Whether the file is empty or ends with a whole line. */
function endsInLine(fd: number, size: number): boolean {
  if (size === 0) return true;
  const last = Buffer.alloc(1);
  readSync(fd, last, 0, 1, size - 1);
  return last[0] === 0x0a;
}

/** Decisions in a file; a last line that was cut off by a crash was never answered and is passed over. */
function readLines(file: string): Decision[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return [];
  }
  return text.split("\n").flatMap((line) => decisionOf(line) ?? []);
}

function decisionOf(text: string): Decision | undefined {
  try {
    return decisionIn(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function decisionIn(value: unknown): Decision | undefined {
  const m = value as Decision | undefined;
  const isDecision = typeof m?.atMs === "number" && typeof m.by === "string" && typeof m.action === "string";
  return isDecision ? { ...m, atMs: unixMs(m.atMs) } : undefined;
}

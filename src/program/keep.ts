/**
 * `ovation backup FILE`, `ovation restore FILE`, `ovation verify`: what a node alone has in its folder, and
 * what a cluster has in NATS.
 *
 * A backup is of a node or a cluster that goes on; nothing has its name that could not be put back. Something
 * is put back only where there is nothing: a folder without a ledger, a NATS without streams of the prefix.
 * Mistakes in flags are 2, what failed is 1, told in one line. Held by system/backup.test.ts and, over NATS,
 * system/backup-nats.test.ts.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Clock } from "../base/clock.ts";
import { ArchiveBroken } from "../core/archive.ts";
import { LedgerRefused } from "../ledger/ledger.ts";
import { fileName } from "../ledger/schema.ts";
import { verifySqlite } from "../ledger/sqlite-verify.ts";
import type { Verdict } from "../ledger/verdict.ts";
import { StartRefused } from "../node/company.ts";
import {
  hasLedger,
  NameTaken,
  restoreFolder,
  unpackFolder,
  wholeArchive,
  writeWhole,
} from "./archive-files.ts";
import { ownUrl } from "./health.ts";
import { type RestoreSettings, restoreNats, streamPieces, verifyNats } from "./keep-nats.ts";
import { type KeepSettings, parseKeep, rateOf } from "./keep-options.ts";

export interface KeepIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly suffix: string;
  print(text: string): void;
  complain(text: string): void;
  readFile(path: string): string;
}

export type KeepCommand = "backup" | "restore" | "verify";

/** It is looked through as a whole before it counts as one: what has gone into a pipe cannot be. */
const noPipe = "a backup is a file, not -; for a pipe ask the node itself: GET /v1/admin/backup";

/** What cannot be done, in one line for an operator. */
class CannotKeep extends Error {
  override readonly name = "CannotKeep";
}

/** Runs one of the three; resolves with the exit code. */
export async function runKeep(command: KeepCommand, argv: readonly string[], io: KeepIo): Promise<number> {
  const parsed = parseKeep(argv, io.env, io.readFile, { suffix: io.suffix });
  const mistakes = "mistakes" in parsed ? [...parsed.mistakes] : [];
  if (!("mistakes" in parsed) && !parsed.file && command !== "verify") {
    mistakes.push(`ovation ${command} needs a file: ovation ${command} FILE`);
  }
  if (!("mistakes" in parsed) && parsed.file === "-") mistakes.push(noPipe);
  if ("mistakes" in parsed || mistakes.length > 0) {
    for (const mistake of mistakes) io.complain(`ovation: ${mistake}\n`);
    return 2;
  }
  const { settings, file = "", replicas } = parsed;
  try {
    if (command === "backup") return await backup(file, settings, io);
    if (file !== "") mustBeFile(file);
    if (command === "restore") return await restore(file, { ...settings, replicas }, io);
    return await verify(file, settings, io);
  } catch (error) {
    if (!isTold(error)) throw error;
    io.complain(`ovation: ${error instanceof ArchiveBroken ? `${file}: ` : ""}${error.message}\n`);
    return 1;
  }
}

/** A folder in place of a backup is said to be one: whoever gives it means the ledger in it. */
function mustBeFile(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new CannotKeep(`${path} is not there`);
  if (found.isDirectory()) {
    throw new CannotKeep(`${path} is a folder and no backup; what is in it: ovation verify --data=${path}`);
  }
}

/** Whether it is a state of the world, and no mistake of this program's. */
function isTold(error: unknown): error is Error {
  if (error instanceof CannotKeep || error instanceof ArchiveBroken || error instanceof NameTaken)
    return true;
  if (error instanceof LedgerRefused || error instanceof StartRefused) return true;
  const { name, code } = error as { name?: string; code?: string };
  return name === "BusUnavailable" || (typeof code === "string" && /^E[A-Z]+$|^[A-Z][a-zA-Z]+$/.test(code));
}

async function backup(file: string, settings: KeepSettings, io: KeepIo): Promise<number> {
  const pieces = settings.nats.length > 0 ? streamPieces(settings, io.clock) : nodePieces(settings);
  let said = "";
  await writeWhole(resolve(file), pieces, async (part) => {
    said = (await look(part)).said;
  });
  io.print(`${file}: ${said}\n`);
  return 0;
}

/** The bytes that a node sends. */
async function* nodePieces(settings: KeepSettings): AsyncGenerator<Uint8Array> {
  const { url, adminKey } = settings;
  const node = url === "" ? ownUrl(settings) : url.replace(/\/$/, "");
  const at = `${node}/v1/admin/backup?rate=${rateOf(settings)}`;
  const headers: Record<string, string> = adminKey === "" ? {} : { authorization: `Bearer ${adminKey}` };
  const answer = await fetch(at, { headers, tls: { rejectUnauthorized: url !== "" } }).catch(
    (error: Error) => {
      throw new CannotKeep(`${at}: ${error.message}`);
    },
  );
  if (!answer.ok || !answer.body) {
    const { error } = (await answer.json().catch(() => ({}))) as { error?: { message?: string } };
    const hint = answer.status === 401 ? "; give it as --admin-key or OVATION_ADMIN_KEY" : "";
    throw new CannotKeep(`the node answered ${answer.status}: ${error?.message ?? "no words"}${hint}`);
  }
  const pieces = answer.body as unknown as AsyncIterable<Uint8Array>;
  try {
    for await (const piece of pieces) yield piece;
  } catch {
    throw new CannotKeep(`${node} went away before all of it was here: nothing is kept, ask again`);
  }
}

async function restore(file: string, settings: RestoreSettings, io: KeepIo): Promise<number> {
  if (settings.nats.length > 0) {
    const streams = await restoreNats(file, settings, io.clock);
    const { said, wrong } = verdictOf(await verifyNats(settings, io.clock, true));
    for (const line of wrong) io.print(`wrong: ${line}\n`);
    io.print(`${streams} streams and buckets are back: ${said}; start the dispatchers\n`);
    return wrong.length > 0 ? 1 : 0;
  }
  if (settings.data === ":memory:") throw new CannotKeep("--data=:memory: keeps nothing: give a folder");
  const folder = resolve(settings.data);
  if (hasLedger(folder)) throw new CannotKeep(`${settings.data} has a ledger: nothing is written over one`);
  const isFolder = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? true;
  if (!isFolder) throw new CannotKeep(`${settings.data} is not a folder`);
  let said = "";
  await restoreFolder(file, folder, (fresh) => {
    const verdict = verifySqlite(join(fresh, fileName), `${fileName} in ${file}`);
    if (verdict.wrong.length > 0) throw new CannotKeep(`${file}: ${verdict.wrong[0]}`);
    said = saidOf(verdict);
  });
  io.print(`${settings.data}: ${said}\n`);
  return 0;
}

async function verify(file: string, settings: KeepSettings, io: KeepIo): Promise<number> {
  const { what, said, wrong } = file === "" ? await lookAtOwn(settings, io) : await lookAtFile(resolve(file));
  for (const line of wrong) io.print(`wrong: ${line}\n`);
  io.print(`${what}: ${said}\n`);
  return wrong.length > 0 ? 1 : 0;
}

/** What the settings lead to: a cluster's streams, a node that runs, or the folder of one that does not. */
async function lookAtOwn(settings: KeepSettings, io: KeepIo): Promise<Looked & { readonly what: string }> {
  const { nats, url, data } = settings;
  if (nats.length > 0) return { what: nats.join(","), ...verdictOf(await verifyNats(settings, io.clock)) };
  if (url === "") return { what: data, ...verdictOf(verifySqlite(join(data, fileName))) };
  const folder = mkdtempSync(join(tmpdir(), "ovation-verify-"));
  try {
    let looked: Looked = { said: "", wrong: [] };
    await writeWhole(join(folder, "backup"), nodePieces(settings), async (part) => {
      looked = await look(part);
    });
    return { what: url, ...looked };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function lookAtFile(file: string): Promise<Looked & { readonly what: string }> {
  return { what: file, ...(await look(file)) };
}

interface Looked {
  readonly said: string;
  readonly wrong: readonly string[];
}

/** Looks through a backup; one of a folder is unpacked beside it for as long as that takes. */
async function look(file: string): Promise<Looked> {
  if ((await wholeArchive(file)) === "nats") return { said: "a whole backup of streams of NATS", wrong: [] };
  const folder = mkdtempSync(join(dirname(file), ".ovation-verify-"));
  try {
    await unpackFolder(file, folder);
    return verdictOf(verifySqlite(join(folder, fileName), `${fileName} in ${file}`));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function verdictOf(verdict: Verdict): Looked {
  return { said: saidOf(verdict), wrong: verdict.wrong };
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

function saidOf({ videos, likes, comments, unread, wrong }: Verdict): string {
  const state = wrong.length === 0 ? "holds together" : `${counted(wrong.length, "thing")} wrong`;
  if (unread) return `it cannot be read to its end, ${state}`;
  return `${likes} likes of ${counted(videos, "video")} and ${comments} comments, ${state}`;
}

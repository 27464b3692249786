/**
 * Backups in files: written whole or not at all, read piece by piece, and nothing in them believed.
 *
 * A file is written under another name, brought to the disk, looked through and only then given its name, so
 * that what has the name is a backup that can be put back. Names of parts come from a file that anybody may
 * have made: those of a folder that are not ours are refused, and nothing is written elsewhere.
 */
import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { secret } from "../base/prng.ts";
import { ArchiveBroken, type ArchiveOf, ArchiveReader, type Frame } from "../core/archive.ts";
import { fileName as ledgerName } from "../ledger/schema.ts";
import { fileName as journalName } from "../trust/journal.ts";

const readBytes = 1024 * 1024;

/** The name that something was to have is taken. */
export class NameTaken extends Error {
  override readonly name = "NameTaken";
}

/**
 * Writes `pieces` into `file`, which only its owner may read; `check` looks before it has its name. Throws
 * NameTaken, also when the name was taken meanwhile. Until then its name is one that no other process uses:
 * two that write the same backup would write into each other's, and one would have its name half written.
 */
export async function writeWhole(
  file: string,
  pieces: AsyncIterable<Uint8Array>,
  check: (part: string) => Promise<void>,
): Promise<void> {
  if (existsSync(file)) throw new NameTaken(`${file} is there already`);
  const part = `${file}.${secret(8)}.part`;
  const fd = openSync(part, "wx", 0o600);
  try {
    try {
      for await (const piece of pieces) for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    await check(part);
    place(part, file);
    syncFolder(dirname(file));
  } finally {
    rmSync(part, { force: true });
  }
}

/** Gives a file its name; throws NameTaken rather than to take one away from another. */
function place(part: string, file: string): void {
  try {
    linkSync(part, file);
  } catch (error) {
    // Some file systems know no links; there, two at the same instant are not told apart.
    if ((error as { code?: string }).code === "EEXIST" || existsSync(file)) {
      throw new NameTaken(`${file} is there already`);
    }
    renameSync(part, file);
  }
}

/** The names in a folder are on the disk. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Reads a backup; `begun` hears what it is of. Throws ArchiveBroken, behind the last frame as well. */
export async function* framesOf(file: string, begun?: (of: ArchiveOf) => void): AsyncGenerator<Frame> {
  const reader = new ArchiveReader();
  const handle = await open(file, "r");
  let told = false;
  try {
    for (;;) {
      const bytes = new Uint8Array(readBytes);
      const { bytesRead } = await handle.read(bytes, 0, readBytes, null);
      if (bytesRead === 0) break;
      for (const frame of reader.read(bytes.subarray(0, bytesRead))) {
        if (!told && reader.of) begun?.(reader.of);
        told = true;
        yield frame;
      }
    }
    reader.end();
    if (!told && reader.of) begun?.(reader.of);
  } finally {
    await handle.close();
  }
}

/** What a backup is of; looks through all of it. Throws ArchiveBroken. */
export async function wholeArchive(file: string): Promise<ArchiveOf> {
  let of: ArchiveOf = "folder";
  const frames = framesOf(file, (told) => {
    of = told;
  });
  while (!(await frames.next()).done);
  return of;
}

/**
 * Puts a backup's files into `folder`, made where it is missing, and gives them their names once `check` has
 * looked at them: those beside the ledger first, as a folder with a ledger is one that a node starts in.
 *
 * The folder itself stays the one it is: it may be a volume, or what a service manager links to. What was in
 * it stays, and who owns it owns what comes: put back by root, it is for the user that the node runs as.
 */
export async function restoreFolder(
  file: string,
  folder: string,
  check: (fresh: string) => void,
): Promise<void> {
  const made = mkdirSync(folder, { recursive: true, mode: 0o700 });
  let placed: readonly string[] = [];
  try {
    const fresh = mkdtempSync(join(folder, ".restore-"));
    try {
      const names = await unpackFolder(file, fresh);
      check(fresh);
      placed = placeAll(names, fresh, folder);
      syncFolder(folder);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  } finally {
    if (made !== undefined && placed.length === 0) removeMade(folder, made);
  }
}

/** Gives files of `fresh` their names in `folder`, the ledger last: all of them or none. */
function placeAll(names: readonly string[], fresh: string, folder: string): readonly string[] {
  const owner = statSync(folder);
  const placed: string[] = [];
  try {
    for (const name of [...names].sort((a, b) => Number(a === ledgerName) - Number(b === ledgerName))) {
      giveTo(owner, join(fresh, name));
      place(join(fresh, name), join(folder, name));
      placed.push(name);
    }
  } catch (error) {
    for (const name of placed) rmSync(join(folder, name), { force: true });
    throw error;
  }
  return placed;
}

/** Only root may give files away; for anybody else they are whose they are. */
function giveTo({ uid, gid }: { readonly uid: number; readonly gid: number }, file: string): void {
  try {
    chownSync(file, uid, gid);
  } catch (error) {
    if ((error as { code?: string }).code !== "EPERM") throw error;
  }
}

/** Takes folders back that were made for nothing, from `folder` up to `made`. */
function removeMade(folder: string, made: string): void {
  for (let at = folder; at.length >= made.length; at = dirname(at)) rmdirSync(at);
}

/**
 * Unpacks the files of a node's folder into `folder`, where nothing is yet, for its owner alone; answers
 * their names. Throws ArchiveBroken.
 */
export async function unpackFolder(file: string, folder: string): Promise<readonly string[]> {
  const open = new Map<string, number>();
  let of: ArchiveOf | undefined;
  const hear = (told: ArchiveOf): void => {
    of = told;
  };
  try {
    for await (const { part = "", body } of framesOf(file, hear)) {
      if (of !== "folder") throw new ArchiveBroken("it is of streams of NATS: give --nats");
      if (part !== ledgerName && part !== journalName)
        throw new ArchiveBroken("it has a file that is not ours");
      let fd = open.get(part);
      if (fd === undefined) {
        fd = openSync(join(folder, part), "wx", 0o600);
        open.set(part, fd);
      }
      for (let at = 0; at < body.length; ) at += writeSync(fd, body, at);
    }
    if (!open.has(ledgerName)) throw new ArchiveBroken("there is no ledger in it");
    for (const fd of open.values()) fsyncSync(fd);
  } finally {
    for (const fd of open.values()) closeSync(fd);
  }
  return [...open.keys()];
}

/** Whether `folder` holds something that a node keeps. */
export function hasLedger(folder: string): boolean {
  return [ledgerName, `${ledgerName}-wal`, journalName].some((name) => existsSync(join(folder, name)));
}

/**
 * Backups in files: written whole or not at all, read piece by piece, and nothing in them believed.
 *
 * A file is written under another name, brought to the disk, looked through and only then given its name, so
 * that what has the name is a backup that can be put back. Names of parts come from a file that anybody may
 * have made: those of a folder that are not ours are refused, and nothing is written elsewhere.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ArchiveBroken, type ArchiveOf, ArchiveReader, type Frame } from "../core/archive.ts";
import { fileName as ledgerName } from "../ledger/schema.ts";
import { fileName as journalName } from "../trust/journal.ts";

const readBytes = 1024 * 1024;

/** Writes `pieces` into `file`, which only its owner may read; `check` looks before it has its name. */
export async function writeWhole(
  file: string,
  pieces: AsyncIterable<Uint8Array>,
  check: (part: string) => Promise<void>,
): Promise<void> {
  const part = `${file}.part`;
  try {
    const fd = openSync(part, "w", 0o600);
    try {
      for await (const piece of pieces) for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    await check(part);
    renameSync(part, file);
    syncFolder(dirname(file));
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
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

/** Puts the files of a node's folder into `folder`, made where it is missing, for its owner alone. */
export async function unpackFolder(file: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
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
  syncFolder(folder);
}

/** Whether `folder` holds something that a node keeps. */
export function hasLedger(folder: string): boolean {
  return [ledgerName, `${ledgerName}-wal`, journalName].some((name) => existsSync(join(folder, name)));
}

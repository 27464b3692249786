/**
 * A backup of a node alone, asked of whichever of its processes has the ledger, piece by piece.
 *
 * The one with the ledger serves it on the bus, so that a node of one process and one of several workers
 * are asked in the same way. A copy is begun, read and ended under a number of its own; one that is not
 * read on is given up by the ledger (ledger/sqlite-copy.ts). Why something failed is told in words: who
 * asked for a backup is an operator. Held by system/backup.test.ts.
 */
import { type Bus, BusUnavailable, type Subscription } from "../bus/bus.ts";
import { type Rejection, reject } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { decodeJson, encodeJson, isCount, subjects } from "../core/wire.ts";
import { type Copy, type Ledger, LedgerUnavailable } from "../ledger/ledger.ts";

/** A file of a backup. */
export interface BackupPart {
  readonly name: string;
  readonly bytes: number;
}

/** A backup under way. */
export interface Backup {
  readonly parts: readonly BackupPart[];
  /** A piece of a part; none at its end. Rejects with BusUnavailable, whose message says why. */
  read(part: number, at: number): Promise<Uint8Array>;
  /** To be called when no more is read. */
  end(): void;
}

/** What is kept beside the ledger, as it is now. */
export interface Beside {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const fine = 0;
const failed = 1;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Serves backups of `ledger`, and of what is beside it, to the processes of this node. */
export function serveBackup(
  bus: Pick<Bus, "serve">,
  ledger: Pick<Ledger, "copy">,
  beside: () => readonly Beside[],
): Subscription {
  let turn = 0;
  let copy: Copy | undefined;
  let others: readonly Beside[] = [];
  const answer = async (request: Record<string, unknown>): Promise<Uint8Array> => {
    if (request.begin === true) {
      if (!ledger.copy) throw new LedgerUnavailable("what this node holds is in memory only");
      copy = ledger.copy();
      others = beside();
      const parts = [{ name: copy.name, bytes: copy.bytes }];
      for (const { name, bytes } of others) parts.push({ name, bytes: bytes.length });
      return encodeJson({ turn: ++turn, parts });
    }
    const { part, at } = request;
    if (request.turn !== turn || !copy) throw new LedgerUnavailable("the backup has ended");
    if (request.end === true) {
      copy.end();
      copy = undefined;
      others = [];
      return encodeJson({});
    }
    if (!isCount(part) || !isCount(at)) throw new LedgerUnavailable("not a request for a backup");
    if (part === 0) return copy.read(at);
    return (others[part - 1]?.bytes ?? new Uint8Array(0)).subarray(at, at + limits.backupChunkBytes);
  };
  return bus.serve(subjects.backup, async (payload) => {
    try {
      return marked(fine, await answer(decodeJson(payload) ?? {}));
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      return marked(failed, new TextEncoder().encode(error.message));
    }
  });
}

/** Begins a backup; rejected where there can be none now. */
export async function beginBackup(bus: Pick<Bus, "request">): Promise<Backup | Rejection> {
  const ask = async (request: object): Promise<Uint8Array> => {
    const reply = await bus.request(subjects.backup, encodeJson(request), limits.requestMs);
    if (reply[0] === fine) return reply.subarray(1);
    throw new BusUnavailable(decoder.decode(reply.subarray(1)));
  };
  try {
    const begun = decodeJson(await ask({ begin: true }));
    const parts = begun?.parts;
    if (!begun || !isCount(begun.turn) || !Array.isArray(parts)) throw new BusUnavailable("no answer");
    const { turn } = begun;
    return {
      parts: parts as BackupPart[],
      read: (part, at) => ask({ turn, part, at }),
      end: () => void ask({ turn, end: true }).catch(ignoreUnavailable),
    };
  } catch (error) {
    if (!(error instanceof BusUnavailable)) throw error;
    return reject("unavailable", `there can be no backup now: ${error.message}`, 5);
  }
}

function marked(mark: number, bytes: Uint8Array): Uint8Array {
  const reply = new Uint8Array(1 + bytes.length);
  reply[0] = mark;
  reply.set(bytes, 1);
  return reply;
}

/** Whoever served it is gone, and the copy with it. */
function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof BusUnavailable)) throw error;
}

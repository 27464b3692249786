/**
 * `GET /v1/admin/backup`: all that a node alone keeps, as it was when it was asked, while it goes on.
 *
 * It is read as fast as `rate` allows and no faster than it is taken, piece by piece, so that it costs
 * viewers nothing that they notice. What fails behind the first byte is told in the last frame
 * (core/archive.ts): a status can no longer say it. Held by system/backup.test.ts.
 */
import type { Backup } from "../asking/backup.ts";
import type { Clock } from "../base/clock.ts";
import { BusUnavailable } from "../bus/bus.ts";
import { ArchiveWriter } from "../core/archive.ts";
import { refuse, refused, takenOut } from "./answer.ts";
import { wholeNumber } from "./call.ts";
import type { Doors } from "./doors.ts";
import type { Entry } from "./entry.ts";

/** Megabytes a second that `rate` may be, and is where nobody says. */
export const backupRateMax = 10_000;
const backupRate = 50;

const elsewhere =
  "what this node knows is in NATS (ovation backup FILE --nats=SERVERS), or in memory only (--data=:memory:)";

const headers = {
  "content-type": "application/octet-stream",
  "content-disposition": 'attachment; filename="ovation.backup"',
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};

/** `GET /v1/admin/backup?rate=N` */
export async function getBackup(doors: Doors, { query, request, who }: Entry): Promise<Response> {
  const rate = wholeNumber(query, "rate", { min: 1, max: backupRateMax, fallback: backupRate });
  if (typeof rate === "object") return refused(rate);
  if (!doors.backup) {
    return refuse("not-found", elsewhere);
  }
  // A HEAD is answered by the same row, and begins nothing.
  if (request.method === "HEAD") return new Response(null, { headers });
  const backup = await doors.backup();
  if ("rejected" in backup) return refused(backup);
  doors.log.info("backup", { bytes: backup.parts.reduce((sum, { bytes }) => sum + bytes, 0), rate });
  const may = () => doors.auth.stands(who);
  return new Response(streamOf(backup, doors.clock, rate * 1_000, may), { headers });
}

/** `bytesPerMs` is what is read of it at most, `may` whether its reader still has the right to it. */
function streamOf(
  backup: Backup,
  clock: Clock,
  bytesPerMs: number,
  may: () => boolean,
): ReadableStream<Uint8Array> {
  const pieces = piecesOf(backup, clock, bytesPerMs, may);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await pieces.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

async function* piecesOf(
  backup: Backup,
  clock: Clock,
  bytesPerMs: number,
  may: () => boolean,
): AsyncGenerator<Uint8Array, void> {
  const archive = new ArchiveWriter();
  const startMs = clock.elapsed();
  let sent = 0;
  try {
    yield archive.begin("folder");
    for (const [index, { name, bytes }] of backup.parts.entries()) {
      for (let at = 0; at < bytes || at === 0; ) {
        if (!may()) return yield archive.fail(takenOut);
        const body = await backup.read(index, at);
        yield archive.frame(at === 0 ? { part: name, about: { bytes } } : { part: name }, body);
        at += body.length;
        sent += body.length;
        const earlyMs = sent / bytesPerMs - (clock.elapsed() - startMs);
        if (earlyMs >= 1) await new Promise<void>((resolve) => clock.after(earlyMs, resolve));
        if (body.length === 0) break;
      }
    }
    yield archive.end();
  } catch (error) {
    if (!(error instanceof BusUnavailable)) throw error;
    yield archive.fail(error.message);
  } finally {
    backup.end();
  }
}

/** Streams and buckets of a cluster, into a backup and out of it: bus/nats-copy.ts in a file's frames. */
import type { Clock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { systemPrng } from "../base/prng.ts";
import { BusUnavailable } from "../bus/bus.ts";
import type { NatsBus } from "../bus/nats.ts";
import type { StreamAbout } from "../bus/nats-copy.ts";
import { ArchiveBroken, ArchiveWriter, type Frame } from "../core/archive.ts";
import { logStream } from "../ledger/partition.ts";
import { Snapshots } from "../ledger/snapshots.ts";
import { verifyStreams } from "../ledger/streams-verify.ts";
import type { Verdict } from "../ledger/verdict.ts";
import { openNats } from "../node/open.ts";
import type { Settings } from "../settings/config.ts";
import { framesOf, wholeArchive } from "./archive-files.ts";
import { type KeepSettings, rateOf } from "./keep-options.ts";

/** How long NATS is waited for, in ms. */
const dialMs = 10_000;

/**
 * Runs `run` with the bus of these settings once it is connected, for which it waits. Rejects with
 * BusUnavailable, or StartRefused where a file of the settings cannot be read.
 */
export async function withNats<T>(
  settings: Settings,
  clock: Clock,
  run: (bus: NatsBus) => Promise<T>,
  waitMs = dialMs,
): Promise<T> {
  const log = createLog({ level: "error", format: "json", write: () => {}, now: () => clock.date() });
  const bus = openNats({ settings, clock, prng: systemPrng(), log });
  try {
    await connected(bus, clock, waitMs);
    return await run(bus);
  } finally {
    await bus.close();
  }
}

function connected(bus: NatsBus, clock: Clock, waitMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = clock.after(waitMs, () => {
      reject(new BusUnavailable(`NATS cannot be reached: ${bus.trouble() ?? "no answer"}`));
    });
    const listening = bus.onConnected((is) => {
      if (is) done();
    });
    const done = (): void => {
      late.cancel();
      listening.end();
      resolve();
    };
    if (bus.connected()) done();
  });
}

/** Looks through the streams of a cluster, which may go on, and rejects, as ledger/streams-verify.ts does. */
export function verifyNats(settings: KeepSettings, clock: Clock, mends = false): Promise<Verdict> {
  return withNats(settings, clock, async ({ copies, streams }) => {
    if ((await copies.lasting()).length === 0) throw nothingThere();
    return verifyStreams({ streams, clock, videosMax: settings.videosMax, mends });
  });
}

function nothingThere(): BusUnavailable {
  return new BusUnavailable("there are no streams of this prefix");
}

/** A backup of all streams and buckets of the prefix, each as it is when it is its turn. */
export async function* streamPieces(settings: KeepSettings, clock: Clock): AsyncGenerator<Uint8Array> {
  const bytesPerMs = rateOf(settings) * 1_000;
  const pieces: Uint8Array[] = [];
  let ready = Promise.withResolvers<void>();
  let taken = Promise.withResolvers<void>();
  let ended: unknown;
  const give = async (piece: Uint8Array): Promise<void> => {
    pieces.push(piece);
    ready.resolve();
    await taken.promise;
  };
  const saving = withNats(settings, clock, (bus) => saveAll(bus, clock, give)).then(
    () => ready.resolve(),
    (error: unknown) => {
      ended = error;
      ready.resolve();
    },
  );
  const startMs = clock.elapsed();
  let sent = 0;
  for (;;) {
    await ready.promise;
    if (pieces.length === 0) break;
    ready = Promise.withResolvers<void>();
    for (const piece of pieces.splice(0)) {
      yield piece;
      sent += piece.length;
    }
    const earlyMs = sent / bytesPerMs - (clock.elapsed() - startMs);
    if (earlyMs >= 1) await new Promise<void>((resolve) => clock.after(earlyMs, resolve));
    taken.resolve();
    taken = Promise.withResolvers<void>();
  }
  await saving;
  if (ended !== undefined) throw ended;
}

type Saved = Pick<NatsBus, "streams"> & { readonly copies: Pick<NatsBus["copies"], "lasting" | "save"> };

/** Gives the whole archive, piece by piece. Rejects with BusUnavailable. */
export async function saveAll(
  { copies, streams }: Saved,
  clock: Clock,
  give: (piece: Uint8Array) => Promise<void>,
): Promise<void> {
  const archive = new ArchiveWriter();
  const names = await copies.lasting();
  if (names.length === 0) throw nothingThere();
  const held = await heldBySnapshots(streams, clock, names);
  await give(archive.begin("nats"));
  for (const part of inOrderOfBackup(names)) {
    let about: StreamAbout | undefined;
    const begin = (told: StreamAbout): void => {
      about = told;
      const from = Number(told.state.first_seq);
      if (from <= (held.get(part) ?? from) + 1) return;
      const why = `${part} begins at ${from} by now, behind the snapshot that was kept of it`;
      throw new BusUnavailable(`${why}: give a higher --rate`);
    };
    await copies.save(part, begin, async (chunk) => {
      const head = about ? { part, about: { ...about } } : { part };
      about = undefined;
      await give(archive.frame(head, chunk));
    });
  }
  await give(archive.end());
}

/** Up to which place each log is in a snapshot; none where that may not be asked. */
async function heldBySnapshots(
  streams: NatsBus["streams"],
  clock: Clock,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const held = new Map<string, number>();
  const logs = names.flatMap((name) => /_log_([0-9]+)$/.exec(name)?.[1] ?? []).map(Number);
  for (const index of logs) {
    const told = await new Snapshots(streams, clock, index).manifest().catch(() => "unknown" as const);
    if (told === "unknown") break;
    held.set(streams.full(logStream(index).name), told?.upTo ?? 0);
  }
  return held;
}

/**
 * Snapshots of the log first, then what left memory, then the log: it may be ahead of both, and not the other
 * way round, as what is written at a later place than its end would have likes passed over that come there.
 * What it says of those that left behind them is written when it is put back.
 *
 * Right behind the log what is small, tasks last of it, then comments: an erasure that is under way has come
 * as far as its task says at least, and of a deletion that the log does not have and they do, they say so,
 * and it is carried out when they are put back. Held by keep-nats.test.ts and streams-verify.test.ts.
 */
export function inOrderOfBackup(names: readonly string[]): string[] {
  const [first, last] = [
    [/_snapshots$/, /_away$/, /_log_[0-9]+$/],
    [/_tasks$/, /_comments$/],
  ];
  const turn = (name: string): number => {
    const at = (ends: readonly RegExp[]): number => ends.findIndex((end) => end.test(name));
    return at(first) < 0 ? at(last) + 1 : at(first) - first.length;
  };
  return [...names].sort((a, b) => turn(a) - turn(b));
}

export interface RestoreSettings extends KeepSettings {
  /** How many replicas a stream that is put back has; as many as it had where nobody says. */
  readonly replicas: number | undefined;
}

/** Puts the streams of a backup into a NATS that has none of the prefix; answers how many. */
export async function restoreNats(file: string, settings: RestoreSettings, clock: Clock): Promise<number> {
  // All of it is looked at first: half a cluster is worse than none.
  if ((await wholeArchive(file)) !== "nats")
    throw new ArchiveBroken("it is of a node's folder: give --data, and no --nats");
  return withNats(settings, clock, async (bus) => {
    const there = await bus.copies.names();
    if (there.length > 0) throw new BusUnavailable(`NATS has ${there[0]}: nothing is written over a stream`);
    const frames = new Frames(framesOf(file));
    const put: string[] = [];
    try {
      for (let first = await frames.peek(); first; first = await frames.peek()) {
        const { part = "", about } = first;
        if (!part.includes(`${settings.natsPrefix}_`)) {
          throw new ArchiveBroken(
            `it is of another prefix than --nats-prefix=${settings.natsPrefix}: ${part}`,
          );
        }
        if (!about) throw new ArchiveBroken("it does not say what a stream was");
        const wanted = replicated(about as unknown as StreamAbout, settings.replicas);
        await bus.copies.put(part, wanted, frames.bodiesOf(part)).catch((error: Error) => {
          if (error.name !== "BusUnavailable" && error.name !== "ApiError") throw error;
          throw new BusUnavailable(cannotPut(part, put, wanted, error));
        });
        put.push(part);
      }
    } finally {
      await frames.close();
    }
    return put.length;
  });
}

function replicated({ config, state }: StreamAbout, replicas: number | undefined): StreamAbout {
  return { config: replicas === undefined ? config : { ...config, num_replicas: replicas }, state };
}

/** What NATS said to a stream, with what to do about it. */
function cannotPut(part: string, put: readonly string[], { config }: StreamAbout, error: Error): string {
  const several = Number(config.num_replicas) > 1 && /replicas|peers|insufficient/i.test(error.message);
  const fewer = several ? `, and ${config.num_replicas} are asked for: try --nats-replicas=1` : "";
  const left = put.length > 0 ? `; ${put.join(", ")} are back: remove them before another try` : "";
  return `${part} cannot be put back: ${error.message}${fewer}${left}`;
}

/** Frames, of which the next one can be looked at. */
class Frames {
  readonly #frames: AsyncGenerator<Frame>;
  #next: Frame | undefined;

  constructor(frames: AsyncGenerator<Frame>) {
    this.#frames = frames;
  }

  /** To be called where not all of them are read, too: the file is closed. */
  async close(): Promise<void> {
    await this.#frames.return(undefined);
  }

  async peek(): Promise<Frame | undefined> {
    this.#next ??= (await this.#frames.next()).value as Frame | undefined;
    return this.#next;
  }

  async *bodiesOf(part: string): AsyncGenerator<Uint8Array> {
    for (let frame = await this.peek(); frame?.part === part; frame = await this.peek()) {
      this.#next = undefined;
      yield frame.body;
    }
  }
}

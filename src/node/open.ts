/**
 * From settings to a node: the bus and the ledger it stands on, chosen by settings, and the node over them.
 *
 * A node alone has all it needs on its disk and starts or fails at once; a node of a cluster may have to wait
 * for NATS, for minutes, and says so meanwhile, as one of several workers does for the one with the ledger.
 * What waiting cannot heal (a file that cannot be read, a stream that is not as wanted) ends the start with
 * one line for its operator: system/main.test.ts, system/cluster.test.ts, system/workers-local.test.ts.
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { serveBackup } from "../asking/backup.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Prng } from "../base/prng.ts";
import { type Bus, BusUnavailable } from "../bus/bus.ts";
import type { LocalHub } from "../bus/local-hub.ts";
import { memoryBus } from "../bus/memory.ts";
import { type NatsBus, natsBus } from "../bus/nats.ts";
import { StreamMismatch } from "../bus/nats-jetstream.ts";
import type { Herald } from "../core/happening.ts";
import { limits } from "../core/limits.ts";
import { encodeJson, subjects } from "../core/wire.ts";
import { openJetstreamLedger } from "../ledger/jetstream.ts";
import { type Ledger, LedgerUnavailable } from "../ledger/ledger.ts";
import { fileName as ledgerName } from "../ledger/schema.ts";
import { checkMode } from "../ledger/shared.ts";
import type { TimelineOptions } from "../ledger/timelines.ts";
import type { Settings } from "../settings/config.ts";
import { keptJournal } from "../trust/journal.ts";
import { StartRefused } from "./company.ts";
import { Node } from "./node.ts";
import type { Runtime, Sockets } from "./runtime.ts";

/** One of several processes that are a node together, on one machine. */
export interface Local {
  /** The socket of the one with the ledger. */
  readonly path: string;
  /** Whether this is that one. */
  readonly ledger: boolean;
}

export interface StartParts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly runtime: Runtime;
  /** Whom a dispatcher tells what happens. */
  readonly herald?: Herald | undefined;
  /** Absent: a whole node, alone or over NATS. */
  readonly local?: Local | undefined;
}

/** A node on its way. */
export class Opening {
  /**
   * Resolves once the node runs, with undefined when it was ended before; rejects with StartRefused or
   * LedgerRefused.
   */
  readonly node: Promise<Node | undefined>;
  readonly #bus: Bus;
  /** Through it the other processes of this node come to this one, which has the ledger. */
  readonly #hub: LocalHub | undefined;
  readonly #parts: StartParts;
  readonly #ends: (() => Promise<void>)[] = [];
  #ending = false;

  /** Begins at once. Throws StartRefused when a file of the settings cannot be read. */
  constructor(parts: StartParts) {
    const { settings } = parts;
    this.#parts = parts;
    const nats = settings.nats.length > 0 ? openNats(parts) : undefined;
    this.#hub = openHub(parts);
    if (this.#hub) this.#ends.push(async () => this.#hub?.close());
    this.#bus = nats ?? this.#hub?.connect() ?? ownBus(parts);
    this.#ends.push(() => this.#bus.close());
    this.node = this.#assemble(nats).catch((error: unknown) => {
      // Closing the bus is how a start that waits is ended.
      if (this.#ending) return undefined;
      throw error instanceof StreamMismatch ? new StartRefused(error.message) : error;
    });
  }

  /** What a node that is not there yet waits for. */
  reasons(): string[] {
    return this.#bus.connected() ? ["starting"] : ["starting", "bus-disconnected"];
  }

  /** Lets the other processes of this node in, if it is they who come to this one. */
  admit(): void {
    this.#hub?.listen();
  }

  /** Resolves when none of them is connected any more, or after `withinMs`. */
  async alone(withinMs: number): Promise<void> {
    await this.#hub?.alone(withinMs);
  }

  /** Ends the node, or the waiting for it; what was accepted is durable. */
  async end(): Promise<void> {
    this.#ending = true;
    for (const end of this.#ends.splice(0).reverse()) await end();
  }

  async #assemble(nats: NatsBus | undefined): Promise<Node> {
    const ledger = nats ? await this.#sharedLedger(nats) : await this.#ownLedger();
    if (ledger) this.#ends.push(() => ledger.close());
    if (ledger && !nats) {
      const beside = () => keptJournal(this.#parts.settings.data);
      const serving = serveBackup(this.#bus, ledger, beside);
      this.#ends.push(async () => serving.end());
    }
    const node = await Node.start({
      ...this.#parts,
      bus: this.#bus,
      ledger,
      connection: this.#parts.runtime.connection,
    });
    this.#ends.push(() => node.close());
    return node;
  }

  async #ownLedger(): Promise<Ledger | undefined> {
    const { settings, clock, log, runtime, local } = this.#parts;
    if (local && !local.ledger) return undefined;
    const { data: path, commentHistory, durability, videosMax } = settings;
    const onceMax = onceMaxOf(settings);
    this.#parts.metrics.beforeRead(() => this.#parts.metrics.dataBytes.set(bytesIn(path)));
    try {
      const timeline = timelineOf(settings);
      const sizes = { commentHistory, onceMax, videosMax };
      return await runtime.openLedger({ ...{ path, clock, log, durability, timeline }, ...sizes });
    } catch (error) {
      // A disk that is full, say: it would be no better as a node that takes nothing.
      if (error instanceof LedgerUnavailable) throw new StartRefused(`--data=${path}: ${error.message}`);
      throw error;
    }
  }

  async #sharedLedger(bus: NatsBus): Promise<Ledger | undefined> {
    const { settings, clock, prng, log } = this.#parts;
    const { role, partitions, commentHistory, videosMax } = settings;
    const onceMax = onceMaxOf(settings);
    const parts = { streams: bus.streams, clock, prng, log };
    if (role === "frontend") return void (await checkMode(parts, onceMax !== undefined));
    const ledger = await openJetstreamLedger({
      ...{ ...parts, partitions, commentHistory, onceMax, videosMax, timeline: timelineOf(settings) },
      vouched: () => dispatcherLives(bus),
    });
    this.#measure(bus);
    return ledger;
  }

  /** How much NATS holds: now, and every now and then, as it has to be asked. */
  #measure(bus: NatsBus): void {
    const { clock, metrics } = this.#parts;
    const look = (): void => {
      const known = (bytes: number): void => metrics.dataBytes.set(bytes);
      // While NATS is away what it held last is told.
      bus.copies.bytes().then(known, (error: unknown) => {
        if (!(error instanceof BusUnavailable)) throw error;
      });
    };
    look();
    const looking = clock.every(limits.dataBytesEveryMs, look);
    this.#ends.push(async () => looking.cancel());
  }
}

/** Whether a dispatcher answers: one of any version, so that a cluster is upgraded node by node. */
async function dispatcherLives(bus: Bus): Promise<boolean> {
  try {
    await bus.request(subjects.cluster, encodeJson({}), limits.vouchMs);
    return true;
  } catch (error) {
    if (error instanceof BusUnavailable) return false;
    throw error;
  }
}

/** What the files of a ledger in a folder take. */
function bytesIn(path: string): number {
  if (path === ":memory:") return 0;
  const sizes = [ledgerName, `${ledgerName}-wal`].map((name) => {
    return statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

function onceMaxOf({ likeMode, likesMax }: Settings): number | undefined {
  return likeMode === "once" ? likesMax : undefined;
}

function timelineOf(settings: Settings): TimelineOptions | "off" {
  const { timelineFineMs, timelineMiddleMs, timelineKeepMs, mediaBehindMs, mediaAheadMs } = settings;
  if (!settings.timeline) return "off";
  return {
    ages: [timelineFineMs, timelineMiddleMs, timelineKeepMs],
    behindMs: mediaBehindMs,
    aheadMs: mediaAheadMs,
    bytesMax: limits.timelinesBytesMax,
  };
}

function openHub({ local, clock, log, runtime }: StartParts): LocalHub | undefined {
  return local?.ledger ? socketsOf(runtime).hub({ path: local.path, clock, log }) : undefined;
}

function ownBus({ local, clock, prng, runtime }: StartParts): Bus {
  return local ? socketsOf(runtime).bus({ path: local.path, clock, prng }) : memoryBus({ clock });
}

function socketsOf({ sockets, name }: Runtime): Sockets {
  if (!sockets) throw new StartRefused(`several processes without NATS need Bun; this is ${name}`);
  return sockets;
}

/** The bus of these settings, which dials in the background. Throws StartRefused. */
export function openNats(parts: Pick<StartParts, "settings" | "clock" | "prng" | "log">): NatsBus {
  const { settings, clock, prng, log } = parts;
  const { nats, natsPrefix, natsReplicas, natsUser, natsPassword, natsToken, natsCreds, natsCa } = settings;
  return natsBus({
    servers: nats,
    name: settings.node,
    prefix: natsPrefix,
    replicas: natsReplicas,
    user: natsUser || undefined,
    password: natsPassword || undefined,
    token: natsToken || undefined,
    creds: readSetting("--nats-creds", natsCreds),
    ca: readSetting("--nats-ca", natsCa),
    clock,
    prng,
    log,
  });
}

/** The text of the file that a setting names; undefined when it names none. */
function readSetting(flag: string, path: string): string | undefined {
  if (path === "") return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code = "unreadable" } = error as { code?: string };
    throw new StartRefused(`${flag}: cannot read ${path} (${code})`);
  }
}

/**
 * What a node takes from the program that runs it, where programs differ.
 *
 * `anywhere` needs nothing but web standards and the modules that Node and Bun share, and is what a node
 * embedded under Node stands on; runtime-bun.ts is the faster one, with files. Both are held by
 * system/mounted.test.ts.
 */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Bus } from "../bus/bus.ts";
import type { LocalOptions } from "../bus/local.ts";
import type { LocalHub, LocalHubOptions } from "../bus/local-hub.ts";
import { Connection, type ConnectionClass } from "../fanout/connection.ts";
import type { Doors } from "../http/doors.ts";
import { type Ledger, LedgerRefused } from "../ledger/ledger.ts";
import { openMemoryLedger } from "../ledger/memory.ts";
import type { TimelineOptions } from "../ledger/timelines.ts";

export interface OwnLedger {
  /** A folder, or ":memory:". */
  readonly path: string;
  readonly commentHistory: number;
  /** What an answered append outlives. */
  readonly durability: "process" | "power";
  /** One like per viewer, and how many at most; undefined: likes only add. */
  readonly onceMax: number | undefined;
  /** How reactions are kept in their time. */
  readonly timeline: TimelineOptions | "off";
  readonly clock: Clock;
  readonly log: Log;
}

/** How the processes of one machine meet. */
export interface Sockets {
  bus(options: LocalOptions): Bus;
  hub(options: LocalHubOptions): LocalHub;
}

export interface Runtime {
  /** As `ovation_build_info` tells it. */
  readonly name: string;
  /** What viewers' streams are made with. */
  readonly connection: ConnectionClass;
  /** The ledger of a node alone. Rejects with LedgerRefused. */
  openLedger(options: OwnLedger): Promise<Ledger>;
  /** Absent: several processes meet over NATS only. */
  readonly sockets?: Sockets;
  /** Serves the files of the --media folder. Absent: there are none. */
  media?(folder: string): NonNullable<Doors["media"]>;
}

export const anywhere: Runtime = {
  name: "node",
  connection: Connection,
  async openLedger(options) {
    if (options.path === ":memory:") return openMemoryLedger(options);
    throw new LedgerRefused("a ledger in a folder needs Bun; here it is in memory, or over NATS");
  },
};

/**
 * The tables of the bus between processes of one machine, as those see them that are not its hub.
 *
 * Their rows and leases are the hub's (local-hub.ts); here is what outlives a connection: which tables are
 * open, who watches them, and what each watch believes. While there is no hub nobody hears of renewals, so
 * rows with a lease run out here too, a lease after the connection was lost.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { BusUnavailable, checkSubject, type Subscription, type Table } from "./bus.ts";
import type { encodeFrame, Kind } from "./frames.ts";
import { type Changed, Rows } from "./rows.ts";

type Parts = Parameters<typeof encodeFrame>[1];

/** How tables reach the hub. */
export interface TableLink {
  /** False while there is no hub. */
  send(kind: Kind, parts: Parts): boolean;
  /** Rejects with BusUnavailable; with another error when the hub refuses. */
  ask(kind: Kind, parts: Parts): Promise<Uint8Array>;
  /** Resolves when there is a hub. Rejects with BusUnavailable when there will be none. */
  connected(): Promise<void>;
}

interface Opened {
  readonly id: number;
  readonly name: string;
  readonly leaseMs: number | undefined;
}

interface Watch {
  readonly table: Opened;
  readonly rows: Rows;
  readonly synced: (() => void) | undefined;
  /** Ends its rows while nobody hears of renewals. */
  timer: Timer | undefined;
}

export class LocalTables {
  readonly #clock: Clock;
  readonly #link: TableLink;
  readonly #tables: Opened[] = [];
  readonly #watches = new Map<number, Watch>();
  #ids = 0;

  constructor(clock: Clock, link: TableLink) {
    this.#clock = clock;
    this.#link = link;
  }

  /** Opens the table, as soon as there is a hub. Rejects when the hub has it with another lease. */
  async open(name: string, leaseMs: number | undefined): Promise<Table> {
    const id = this.#tables.length;
    const opened: Opened = { id, name, leaseMs };
    this.#tables.push(opened);
    await this.#opened(opened);
    return {
      put: async (key, value) => {
        checkSubject(key);
        await this.#link.ask("put", { more: id, text: key, body: Buffer.from(value) });
      },
      remove: async (key) => {
        checkSubject(key);
        await this.#link.ask("remove", { more: id, text: key });
      },
      watch: (changed, synced) => this.#watch(opened, changed, synced),
    };
  }

  /** A hub that goes before it has answered is one more to wait for. */
  async #opened(opened: Opened): Promise<void> {
    for (;;) {
      await this.#link.connected();
      try {
        await this.#link.ask("open", openingOf(opened));
        return;
      } catch (error) {
        if (!(error instanceof BusUnavailable)) throw error;
      }
    }
  }

  /** There is a hub again: asks it for all tables and watches. */
  reopen(): void {
    // The hub does what it is told in order; that it may refuse what it took before is no reason to wait.
    for (const opened of this.#tables) this.#link.ask("open", openingOf(opened)).catch(() => {});
    for (const [id, watch] of this.#watches) {
      watch.timer?.cancel();
      watch.rows.look();
      this.#link.send("watch", { id, more: watch.table.id });
    }
  }

  /** There is no hub any more. */
  lost(): void {
    for (const watch of this.#watches.values()) {
      const { leaseMs } = watch.table;
      watch.timer?.cancel();
      if (leaseMs === undefined) continue;
      watch.timer = this.#clock.after(leaseMs, () => {
        watch.rows.look();
        watch.rows.looked();
      });
    }
  }

  /** The hub tells of a row; `undefined`: it is gone. */
  row(watch: number, key: string, value: string | undefined): void {
    const rows = this.#watches.get(watch)?.rows;
    if (value === undefined) rows?.remove(key);
    else rows?.put(key, value, this.#clock.elapsed());
  }

  /** The hub has told of all rows there are. */
  synced(id: number): void {
    const watch = this.#watches.get(id);
    watch?.rows.looked();
    watch?.synced?.();
  }

  close(): void {
    for (const watch of this.#watches.values()) end(watch);
    this.#watches.clear();
  }

  #watch(table: Opened, changed: Changed, synced: (() => void) | undefined): Subscription {
    const id = this.#ids++;
    const watch: Watch = {
      table,
      rows: new Rows(this.#clock, undefined, changed),
      synced,
      timer: undefined,
    };
    this.#watches.set(id, watch);
    this.#link.send("watch", { id, more: table.id });
    return {
      end: () => {
        if (!this.#watches.delete(id)) return;
        end(watch);
        this.#link.send("unwatch", { id });
      },
    };
  }
}

function openingOf({ id, name, leaseMs }: Opened): Parts {
  const body = Buffer.alloc(4);
  body.writeUInt32BE(leaseMs ?? 0);
  return { more: id, text: name, flag: leaseMs !== undefined, body };
}

function end(watch: Watch): void {
  watch.timer?.cancel();
  watch.rows.end();
}

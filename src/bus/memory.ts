/**
 * The bus of one process: `memoryBus` for a node alone, `memoryHub` for a whole cluster on one clock.
 *
 * A hub is the network and a member is one node's end of it. Members may be cut off and healed, and a hub may
 * be told to drop, repeat or delay, all from a seeded source, so that what a simulation found can be seen
 * again. Without faults `publish` delivers before it returns, and a table tells its watchers before `put` or
 * `watch` returns. Payloads are handed over, not copied: their sender must not write to them again. Held by
 * memory.test.ts.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Prng } from "../base/prng.ts";
import {
  type Bus,
  BusUnavailable,
  checkPattern,
  checkSubject,
  NobodyServes,
  type Position,
  type Receive,
  type Serve,
  type Subscription,
  type Table,
  type TableOptions,
} from "./bus.ts";
import { Rows } from "./rows.ts";

/** What the network does to messages of `publish` and `request`; chances are in [0, 1]. */
export interface Faults {
  readonly prng: Prng;
  readonly drop?: number;
  readonly duplicate?: number;
  /** Each delivery is late by 0 to this many milliseconds, which also reorders. */
  readonly delayMaxMs?: number;
}

/** One node's end of a hub. */
export interface MemoryBus extends Bus {
  /** Publishes refused because this end was cut off. */
  readonly refused: number;
  /** Takes this end off the network: nothing goes out, nothing comes in, rows it sees run out. */
  cut(): void;
  /** Puts it back; its watches look anew. */
  heal(): void;
}

export interface MemoryHub {
  /** A new member. */
  connect(): MemoryBus;
  /** Changes what the network does from now on; `undefined`: it is perfect. */
  disturb(faults: Faults | undefined): void;
}

/** A bus for a node that is alone. */
export function memoryBus(options: { clock: Clock }): MemoryBus {
  return memoryHub(options).connect();
}

/** A network in one process. */
export function memoryHub(options: { clock: Clock; faults?: Faults }): MemoryHub {
  const hub = new Hub(options.clock, options.faults);
  return {
    connect: () => new Member(hub),
    disturb: (faults) => {
      hub.faults = faults;
    },
  };
}

/** One subscription of a member. There are several to each video that is watched, so it is one object. */
class Receiver implements Subscription {
  readonly member: Member;
  readonly subject: string;
  readonly receive: Receive;
  ended = false;

  constructor(member: Member, subject: string, receive: Receive) {
    this.member = member;
    this.subject = subject;
    this.receive = receive;
  }

  end(): void {
    if (!this.ended) this.member.left(this);
  }
}

interface Server {
  readonly member: Member;
  readonly serve: Serve;
}

interface SharedTable {
  readonly leaseMs: number | undefined;
  readonly rows: Rows;
  readonly watches: Set<Watch>;
}

interface Watch {
  readonly member: Member;
  readonly rows: Rows;
  readonly synced: (() => void) | undefined;
}

interface Message {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly position: Position | undefined;
  /** What receivers threw. */
  readonly bugs: unknown[];
}

/** The network: who listens, who serves, which rows there are. */
class Hub {
  readonly clock: Clock;
  faults: Faults | undefined;
  /** By pattern. Lists are replaced, never changed, so a delivery may go on while they do. */
  readonly receivers = new Map<string, readonly Receiver[]>();
  /** The patterns with a wildcard, by what stands before it: few, and looked through for every message. */
  readonly wild = new Map<string, string>();
  readonly servers = new Map<string, Server[]>();
  readonly tables = new Map<string, SharedTable>();

  constructor(clock: Clock, faults: Faults | undefined) {
    this.clock = clock;
    this.faults = faults;
  }

  publish(subject: string, payload: Uint8Array, position: Position | undefined): void {
    const message: Message = { subject, payload, position, bugs: [] };
    this.#give(this.receivers.get(subject), message);
    for (const [start, pattern] of this.wild) {
      if (covers(start, subject)) this.#give(this.receivers.get(pattern), message);
    }
    // A receiver that throws is a bug; the others were given the message first.
    if (message.bugs.length > 0) throw message.bugs[0];
  }

  #give(receivers: readonly Receiver[] | undefined, message: Message): void {
    if (!receivers) return;
    for (const receiver of receivers) {
      // Without faults nothing comes between: a node that is alone pays for no closure per message.
      if (this.faults) this.carry(() => deliver(receiver, message));
      else deliver(receiver, message);
    }
  }

  /** Delivers as the network pleases. */
  carry(deliver: () => void): void {
    const faults = this.faults;
    if (!faults) {
      deliver();
      return;
    }
    if (faults.prng.next() < (faults.drop ?? 0)) return;
    const copies = faults.prng.next() < (faults.duplicate ?? 0) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delayMs = faults.prng.next() * (faults.delayMaxMs ?? 0);
      if (delayMs > 0) this.clock.after(delayMs, deliver);
      else deliver();
    }
  }

  /** The next server of `subject` that can be reached, each in its turn. */
  nextServer(subject: string): Server | undefined {
    const servers = this.servers.get(subject) ?? [];
    for (let tries = servers.length; tries > 0; tries--) {
      const server = servers.shift();
      if (!server) break;
      servers.push(server);
      if (server.member.connected()) return server;
    }
    return undefined;
  }

  table(name: string, leaseMs: number | undefined): SharedTable {
    let table = this.tables.get(name);
    if (!table) {
      table = { leaseMs, rows: new Rows(this.clock, leaseMs, () => {}), watches: new Set() };
      this.tables.set(name, table);
    }
    if (table.leaseMs !== leaseMs) {
      throw new Error(`table ${name} has lease ${table.leaseMs} ms, not ${leaseMs} ms`);
    }
    return table;
  }
}

class Member implements MemoryBus {
  readonly #hub: Hub;
  readonly #ends = new Set<() => void>();
  readonly #watches = new Map<Watch, SharedTable>();
  readonly #waiting = new Set<(why: BusUnavailable) => void>();
  readonly #listeners = new Set<(connected: boolean) => void>();
  #connected = true;
  #closed = false;
  #refused = 0;

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  get refused(): number {
    return this.#refused;
  }

  connected(): boolean {
    return this.#connected;
  }

  onConnected(changed: (connected: boolean) => void): Subscription {
    const listener = (connected: boolean): void => changed(connected);
    this.#listeners.add(listener);
    return { end: () => this.#listeners.delete(listener) };
  }

  cut(): void {
    if (!this.#connected) return;
    this.#connected = false;
    for (const fail of [...this.#waiting]) fail(new BusUnavailable("cut off"));
    for (const listener of [...this.#listeners]) listener(false);
  }

  heal(): void {
    if (this.#connected || this.#closed) return;
    this.#connected = true;
    for (const [watch, table] of [...this.#watches]) show(watch, table);
    for (const listener of [...this.#listeners]) listener(true);
  }

  publish(subject: string, payload: Uint8Array, position?: Position): boolean {
    checkSubject(subject);
    if (!this.#connected) {
      this.#refused++;
      return false;
    }
    this.#hub.publish(subject, payload, position);
    return true;
  }

  subscribe(subject: string, receive: Receive): Subscription {
    checkPattern(subject);
    this.#assertOpen();
    const receiver = new Receiver(this, subject, receive);
    const all = this.#hub.receivers;
    const before = all.get(subject);
    all.set(subject, before ? [...before, receiver] : [receiver]);
    if (subject.endsWith("*")) this.#hub.wild.set(subject.slice(0, -1), subject);
    return receiver;
  }

  /** A subscription of this member is over. */
  left(receiver: Receiver): void {
    const { subject } = receiver;
    receiver.ended = true;
    const all = this.#hub.receivers;
    const rest = (all.get(subject) ?? []).filter((other) => other !== receiver);
    if (rest.length > 0) {
      all.set(subject, rest);
      return;
    }
    all.delete(subject);
    this.#hub.wild.delete(subject.slice(0, -1));
  }

  request(subject: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    checkSubject(subject);
    const server = this.#connected ? this.#hub.nextServer(subject) : undefined;
    if (!this.#connected) return Promise.reject(new BusUnavailable("cut off"));
    if (!server) return Promise.reject(new NobodyServes("nobody serves"));
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined;
      const settle = (): void => {
        timer?.cancel();
        this.#waiting.delete(fail);
      };
      const fail = (why: BusUnavailable): void => {
        settle();
        reject(why);
      };
      this.#waiting.add(fail);
      timer = this.#hub.clock.after(timeoutMs, () => fail(new BusUnavailable("no answer in time")));
      const answer = (reply: Uint8Array): void => {
        if (!server.member.connected() || !this.#connected) return;
        this.#hub.carry(() => {
          settle();
          resolve(reply);
        });
      };
      this.#hub.carry(() => {
        if (!server.member.connected()) return;
        attempt(server.serve, payload).then(answer, () => fail(new BusUnavailable("the server failed")));
      });
    });
  }

  serve(subject: string, serve: Serve): Subscription {
    checkSubject(subject);
    this.#assertOpen();
    const server: Server = { member: this, serve };
    const servers = this.#hub.servers.get(subject) ?? [];
    servers.push(server);
    this.#hub.servers.set(subject, servers);
    return this.#ending(() => {
      servers.splice(servers.indexOf(server), 1);
    });
  }

  async table(name: string, options: TableOptions = {}): Promise<Table> {
    checkSubject(name);
    this.#assertOpen();
    const table = this.#hub.table(name, options.leaseMs);
    return {
      put: async (key, value) => {
        checkSubject(key);
        if (!this.#connected) throw new BusUnavailable("cut off");
        const putAt = this.#hub.clock.elapsed();
        table.rows.put(key, value, putAt);
        for (const watch of [...table.watches])
          if (watch.member.connected()) watch.rows.put(key, value, putAt);
      },
      remove: async (key) => {
        checkSubject(key);
        if (!this.#connected) throw new BusUnavailable("cut off");
        table.rows.remove(key);
        for (const watch of [...table.watches]) if (watch.member.connected()) watch.rows.remove(key);
      },
      watch: (changed, synced) => {
        this.#assertOpen();
        const rows = new Rows(this.#hub.clock, table.leaseMs, changed);
        const watch: Watch = { member: this, rows, synced };
        table.watches.add(watch);
        this.#watches.set(watch, table);
        if (this.#connected) show(watch, table);
        return this.#ending(() => {
          rows.end();
          table.watches.delete(watch);
          this.#watches.delete(watch);
        });
      },
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#connected = false;
    for (const receivers of [...this.#hub.receivers.values()]) {
      for (const receiver of receivers) if (receiver.member === this) receiver.end();
    }
    for (const end of [...this.#ends]) end();
    for (const fail of [...this.#waiting]) fail(new BusUnavailable("closed"));
    this.#listeners.clear();
  }

  #assertOpen(): void {
    if (this.#closed) throw new BusUnavailable("closed");
  }

  /** A subscription that ends once, here or with the whole member. */
  #ending(undo: () => void): Subscription {
    const end = (): void => {
      if (this.#ends.delete(end)) undo();
    };
    this.#ends.add(end);
    return { end };
  }
}

function deliver(receiver: Receiver, { subject, payload, position, bugs }: Message): void {
  if (receiver.ended || !receiver.member.connected()) return;
  try {
    receiver.receive(payload, subject, position);
  } catch (error) {
    bugs.push(error);
  }
}

/** Whether `subject` is `start` and one token more. */
function covers(start: string, subject: string): boolean {
  return subject.length > start.length && subject.startsWith(start) && !subject.includes(".", start.length);
}

/** Shows a watch every row there is, then that it has seen them. */
function show(watch: Watch, table: SharedTable): void {
  watch.rows.look();
  for (const [key, value, putAt] of [...table.rows.each()]) watch.rows.put(key, value, putAt);
  watch.rows.looked();
  watch.synced?.();
}

async function attempt(serve: Serve, payload: Uint8Array): Promise<Uint8Array> {
  return serve(payload);
}

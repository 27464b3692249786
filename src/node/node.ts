/**
 * A node: the parts of its role, put together. Read it to see what there is; read frontend/supervisor.ts
 * `#turn` and dispatcher/ticks.ts to see what happens when.
 *
 * Clock, randomness, bus and ledger are passed in, so several nodes can live in one process on a virtual
 * clock.
 */

import { Asker } from "../asking/asker.ts";
import { CatalogReader } from "../asking/catalog.ts";
import { Elsewhere, type Watching } from "../asking/elsewhere.ts";
import { Eraser } from "../asking/erasure.ts";
import { Reader } from "../asking/reader.ts";
import { Relay } from "../asking/relay.ts";
import { TimesReader } from "../asking/times.ts";
import { type Clock, type Elapsed, later, type Timer, type UnixMs } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { type Prng, secret } from "../base/prng.ts";
import { type Bus, BusUnavailable, type Subscription, type Table } from "../bus/bus.ts";
import type { Herald } from "../core/happening.ts";
import type { Ingest } from "../core/ingest.ts";
import { kindSet, type Rejection } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { type ClusterView, encodeNodeRow, type Role } from "../core/nodes.ts";
import { assertLimits } from "../core/relations.ts";
import { encodeJson, subjects } from "../core/wire.ts";
import { Dispatcher } from "../dispatcher/dispatcher.ts";
import { Connection, type ConnectionClass } from "../fanout/connection.ts";
import { Frontend } from "../frontend/frontend.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { Company } from "./company.ts";
import { Pulse } from "./pulse.ts";

export interface NodeSettings {
  readonly role: Role;
  readonly node: string;
  readonly region: string;
  readonly kinds: readonly string[];
  readonly tickMs: number;
  readonly commentTickMs: number;
  readonly commentRate: number;
  readonly commentHistory: number;
  readonly coldAfterMs?: number;
  readonly drainMs: number;
  readonly beatMs: number;
  readonly streamAgeMs: number;
}

export interface NodeParts {
  readonly settings: NodeSettings;
  readonly bus: Bus;
  /** Wanted unless the role is `frontend`. */
  readonly ledger: Ledger | undefined;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly metrics: Metrics;
  readonly log: Log;
  /** What viewers' streams are made with; `Connection` by default, which runs anywhere. */
  readonly connection?: ConnectionClass;
  /** Whom a dispatcher tells what happens. */
  readonly herald?: Herald | undefined;
}

/** What a node has found before it begins. */
interface Met {
  readonly nodes: Table;
  readonly routes: Table;
  readonly company: Company;
  readonly incarnation: string;
}

/** How often the event loop's lateness is measured, in ms. */
const lagEveryMs = 100;

export class Node {
  readonly ingest: Ingest;
  readonly reader: Reader;
  readonly times: TimesReader;
  readonly catalog: CatalogReader;
  readonly eraser: Eraser;
  /** Undefined on a dispatcher: it holds no streams. */
  readonly frontend: Frontend | undefined;
  /** Changes what streams watch, on any node: this one need not hold any. */
  readonly watching: Watching;
  /** Undefined on a frontend: it has no ledger. */
  readonly dispatcher: Dispatcher | undefined;
  readonly metrics: Metrics;
  readonly settings: NodeSettings;
  readonly incarnation: string;
  readonly #parts: NodeParts;
  readonly #nodes: Table;
  readonly #asker: Asker;
  readonly #company: Company;
  readonly #timers: Timer[] = [];
  readonly #connected: Subscription;
  readonly #startedMs: UnixMs;
  readonly #pulse: Pulse;
  #leasedAt: Elapsed;
  #renewals = 0;
  #draining = false;

  /**
   * Opens the shared tables, sees who else is there, then assembles. Rejects when the bus cannot give the
   * tables, and with StartRefused when this node does not fit the others.
   */
  static async start(parts: NodeParts): Promise<Node> {
    assertLimits();
    const { settings, bus, clock, log } = parts;
    const nodes = await bus.table("nodes", { leaseMs: limits.leaseMs });
    const routes = await bus.table("routes", { restoredMax: limits.watchesMax });
    const incarnation = secret(12);
    const self = { node: settings.node, region: settings.region, incarnation };
    const company = await Company.meet({ self, bus, nodes, clock, log });
    return new Node(parts, { nodes, routes, company, incarnation });
  }

  private constructor(parts: NodeParts, { nodes, routes, company, incarnation }: Met) {
    const { settings, bus, ledger, clock, prng, metrics, log } = parts;
    this.#parts = parts;
    this.#nodes = nodes;
    this.#company = company;
    this.metrics = metrics;
    this.settings = settings;
    this.incarnation = incarnation;
    this.#startedMs = clock.date();
    this.#asker = new Asker(bus, clock);
    this.reader = new Reader(this.#asker, kindSet(settings.kinds));
    this.times = new TimesReader(this.#asker);
    this.catalog = new CatalogReader(this.#asker);
    this.eraser = new Eraser(this.#asker);
    const both = { ...settings, incarnation: this.incarnation, bus, routes, clock, prng, metrics, log };
    this.dispatcher = ledger && new Dispatcher({ ...both, nodes, ledger, herald: parts.herald });
    this.frontend =
      settings.role === "dispatcher"
        ? undefined
        : new Frontend({ ...both, reader: this.reader, connection: parts.connection ?? Connection });
    this.watching = this.frontend ?? new Elsewhere(bus);
    this.ingest = this.dispatcher?.ingest ?? new Relay(this.#asker, clock, metrics);
    this.#leasedAt = clock.elapsed();
    this.#pulse = this.#feel();
    this.#renewLease();
    metrics.busConnected.set(bus.connected() ? 1 : 0);
    this.#connected = bus.onConnected((connected) => {
      metrics.busConnected.set(connected ? 1 : 0);
      if (connected) this.#renewLease();
    });
    this.#timers.push(
      clock.every(limits.leaseRenewMs, () => this.#renewLease()),
      this.#measureLag(),
    );
  }

  /** What connects this node with others: for what is theirs in common beside reactions. */
  get bus(): Bus {
    return this.#parts.bus;
  }

  /** Whether load balancers should send viewers here, and if not, why. */
  ready(): { ready: boolean; reasons: string[] } {
    const reasons: string[] = [];
    if (this.#draining) reasons.push("draining");
    if (!this.#parts.bus.connected()) reasons.push("bus-disconnected");
    const troubles = this.#parts.ledger?.troubles() ?? [];
    if (troubles.length > 0) reasons.push("ledger-unavailable");
    for (const { stream } of troubles) if (stream !== undefined) reasons.push(`ledger-unavailable:${stream}`);
    if (this.#parts.bus.connected()) {
      reasons.push(...this.#pulse.reasons().filter((reason) => !reasons.includes(reason)));
      const sinceMs = this.#parts.clock.elapsed() - this.#leasedAt;
      // Without a lease this node's viewers are shown nothing live.
      if (sinceMs > limits.leaseMs) reasons.push("lease-unwritten");
    }
    return { ready: reasons.length === 0, reasons };
  }

  /** Both shared tables, as this node sees them or, without tables of its own, as a dispatcher does. */
  async cluster(): Promise<(ClusterView & { readonly self: string }) | Rejection> {
    const view = this.dispatcher ? this.dispatcher.cluster() : await this.reader.cluster();
    return "rejected" in view ? view : { self: this.settings.node, ...view };
  }

  /** Stops taking streams, sends viewers away over `drainMs`, and makes what was accepted durable. */
  async drain(): Promise<void> {
    this.#draining = true;
    await this.frontend?.drain(this.settings.drainMs);
    if (!this.dispatcher) return;
    this.dispatcher.leave();
    await new Promise<void>((resolve) => this.#parts.clock.after(limits.leaveMs, resolve));
    await this.dispatcher.drained();
  }

  /** Ends everything of this node; the bus and the ledger were passed in and are closed by their owner. */
  async close(): Promise<void> {
    for (const timer of this.#timers.splice(0)) timer.cancel();
    // A lease renewed from here on would outlive its node.
    this.#connected.end();
    await this.frontend?.close();
    await this.dispatcher?.drained();
    this.dispatcher?.close();
    this.#pulse.close();
    this.#asker.close();
    this.#company.close();
    await this.#nodes.remove(this.settings.node).catch(ignoreUnavailable);
  }

  /** A dispatcher asks itself by way of the network, which knows no shorter one for those who ask it. */
  #feel(): Pulse {
    const { bus, clock } = this.#parts;
    const { node } = this.settings;
    const self = subjects.at(subjects.health, node);
    const asked = async (): Promise<readonly string[]> => {
      await bus.request(self, encodeJson({}), limits.requestMs);
      return [];
    };
    return new Pulse({
      ask: this.dispatcher ? asked : () => this.#asker.health(),
      connected: () => bus.connected(),
      clock,
      unanswered: this.dispatcher ? "requests-unanswered" : "no-dispatcher",
      trusting: this.dispatcher !== undefined,
    });
  }

  #renewLease(): void {
    const { node, role, region } = this.settings;
    const row = encodeNodeRow({
      node,
      role,
      region,
      incarnation: this.incarnation,
      startedMs: Math.round(this.#startedMs),
      renewals: this.#renewals++,
      viewers: this.frontend?.connections ?? 0,
    });
    this.#nodes.put(node, row).then(() => {
      this.#leasedAt = this.#parts.clock.elapsed();
    }, ignoreUnavailable);
  }

  #measureLag(): Timer {
    const { clock, metrics } = this.#parts;
    let expectedAt = later(clock.elapsed(), lagEveryMs);
    return clock.every(lagEveryMs, () => {
      const nowAt = clock.elapsed();
      metrics.loopLag.observe(Math.max(0, nowAt - expectedAt) / 1000);
      expectedAt = later(nowAt, lagEveryMs);
    });
  }
}

/** The bus is away: the lease is renewed when it is back, and runs out by itself if it is not. */
function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof BusUnavailable)) throw error;
}

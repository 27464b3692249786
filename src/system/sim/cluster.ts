/**
 * A whole cluster in one process: two dispatchers, three frontends, the network between them and the log
 * behind, on one virtual clock. Nodes crash, are cut off and come back.
 */
import { type Elapsed, VirtualClock } from "../../base/clock.ts";
import { createLog } from "../../base/log.ts";
import { createMetrics } from "../../base/metrics.ts";
import { type Prng, seededPrng } from "../../base/prng.ts";
import { type MemoryBus, type MemoryHub, memoryHub } from "../../bus/memory.ts";
import type { Role } from "../../core/nodes.ts";
import { Connection, type ConnectionClass, type Written } from "../../fanout/connection.ts";
import { Node } from "../../node/node.ts";
import { NodeClock } from "./clock.ts";
import { SimLog } from "./log.ts";
import { SimLedger } from "./view.ts";

/** One life of one node. */
export interface SimNode {
  readonly name: string;
  readonly node: Node;
  readonly bus: MemoryBus;
  readonly clock: NodeClock;
  readonly ledger: SimLedger | undefined;
}

export interface ClusterOptions {
  readonly tickMs: number;
  /** Entries per video that a frontend holds, and that the log keeps. */
  readonly nodeHistory: number;
  readonly logHistory: number;
  /** What a write to a viewer costs, in ms. */
  readonly writeMs: number;
}

/** Connections whose writes take the time of their node. */
function costly(clock: NodeClock, writeMs: number): ConnectionClass {
  return class extends Connection {
    override write(bytes: Uint8Array, nowMs: Elapsed): Written {
      clock.spend(writeMs);
      return super.write(bytes, nowMs);
    }
  };
}

const silent = createLog({ level: "error", format: "json", write: () => {}, now: () => 0 });
const roles: readonly [string, Role][] = [
  ["d1", "dispatcher"],
  ["d2", "dispatcher"],
  ["f1", "frontend"],
  ["f2", "frontend"],
  ["f3", "frontend"],
];

export class Cluster {
  readonly clock = new VirtualClock();
  readonly hub: MemoryHub;
  readonly log: SimLog;
  readonly options: ClusterOptions;
  /** Nodes that run, by name. */
  readonly nodes = new Map<string, SimNode>();
  /** Told of a node whose streams broke without a word. */
  crashed: (name: string) => void = () => {};
  readonly startAt = this.clock.elapsed();
  readonly #prng: Prng;
  readonly #weather: Prng;

  /** `weather` draws what the world does by itself: how walls drift. */
  constructor(prng: Prng, weather: Prng, options: ClusterOptions) {
    this.#prng = prng;
    this.#weather = weather;
    this.options = options;
    this.hub = memoryHub({ clock: this.clock });
    this.log = new SimLog(this.hub, this.clock, weather, options.logHistory);
  }

  get names(): string[] {
    return roles.map(([name]) => name);
  }

  get frontends(): SimNode[] {
    return [...this.nodes.values()].filter(({ node }) => node.frontend !== undefined);
  }

  /** Starts every node that does not run. */
  async start(): Promise<void> {
    for (const [name, role] of roles) if (!this.nodes.has(name)) await this.#start(name, role);
  }

  /** Ends a node without a word to anybody. */
  crash(name: string): void {
    const life = this.nodes.get(name);
    if (!life) return;
    this.nodes.delete(name);
    life.clock.kill();
    void life.ledger?.close();
    void life.bus.close();
    this.crashed(name);
  }

  /** Ends every node as a stop does. */
  async close(): Promise<void> {
    for (const { node } of [...this.nodes.values()].reverse()) await node.close();
  }

  async #start(name: string, role: Role): Promise<void> {
    const prng = seededPrng(this.#prng.between(0, 2 ** 31));
    const clock = new NodeClock(
      this.clock,
      prng.between(-100, 100),
      this.#weather.between(-2_000, 2_000) / 1_000_000,
    );
    const bus = this.hub.connect();
    const { tickMs, nodeHistory } = this.options;
    const ledger = role === "dispatcher" ? new SimLedger({ log: this.log, bus, clock, prng }) : undefined;
    const node = await Node.start({
      settings: {
        ...{ role, node: name, region: "sim", kinds: ["heart", "clap"], tickMs, commentTickMs: 20 },
        ...{ commentRate: 1_000, commentHistory: nodeHistory, drainMs: 0, beatMs: 15_000, streamAgeMs: 0 },
      },
      ...{ bus, ledger, clock, prng, metrics: createMetrics(), log: silent },
      connection: costly(clock, this.options.writeMs),
    });
    this.nodes.set(name, { name, node, bus, clock, ledger });
  }
}

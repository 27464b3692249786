/**
 * Who else is there: a node finds out, before it counts, whether it fits those that share its log.
 *
 * Two things would go wrong without a word. Two living nodes of one name overwrite each other's lease and
 * viewers, so that numbers flip between them; and nodes of one log that call their region by two names have
 * two opinions about where the log is. Either is refused at the start of the second node; what could not be
 * seen then, because both started at once or one was away, is said in the log. company.test.ts holds it.
 */
import { type Clock, type Elapsed, longAgo } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { type Bus, BusUnavailable, type Subscription, type Table } from "../bus/bus.ts";
import { limits } from "../core/limits.ts";
import { decodeNodeRow, type NodeRow } from "../core/nodes.ts";
import { decodeJson, encodeJson, subjects } from "../core/wire.ts";

/** The node cannot start, for a reason that its operator can change. One line. */
export class StartRefused extends Error {
  override readonly name = "StartRefused";
}

export interface CompanyParts {
  readonly self: Pick<NodeRow, "node" | "region" | "incarnation">;
  readonly bus: Bus;
  readonly nodes: Table;
  readonly clock: Clock;
  readonly log: Log;
}

export class Company {
  readonly #parts: CompanyParts;
  readonly #subscriptions: Subscription[] = [];
  /** Until the first look is complete: rows by name. */
  #first: Map<string, NodeRow> | undefined = new Map();
  #saidAt: Elapsed = longAgo;

  /** Looks at who is there; rejects with StartRefused when this node does not fit them. `close` ends it. */
  static async meet(parts: CompanyParts): Promise<Company> {
    const company = new Company(parts);
    try {
      await company.#meet();
      return company;
    } catch (error) {
      company.close();
      throw error;
    }
  }

  private constructor(parts: CompanyParts) {
    this.#parts = parts;
  }

  close(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.end();
  }

  async #meet(): Promise<void> {
    const { self, bus, nodes } = this.#parts;
    await this.#assertAlone();
    const mine = encodeJson({ incarnation: self.incarnation });
    this.#subscriptions.push(bus.serve(subjects.life(self.node), () => mine));
    await new Promise<void>((resolve) => {
      const changed = (key: string, value: string | undefined) => this.#changed(key, value);
      this.#subscriptions.push(nodes.watch(changed, resolve));
    });
    const others = [...(this.#first?.values() ?? [])].filter(({ node }) => node !== self.node);
    this.#first = undefined;
    const other = others.find(({ region }) => region !== self.region);
    if (other) {
      throw new StartRefused(
        `--region is ${self.region} here and ${other.region} on ${other.node}, which shares this log: ` +
          "nodes of one log are of one region",
      );
    }
  }

  /** Whoever lives under our name answers; nobody, or one who hangs, is no reason to wait. */
  async #assertAlone(): Promise<void> {
    const { self, bus } = this.#parts;
    const other = await bus
      .request(subjects.life(self.node), encodeJson({}), limits.requestMs)
      .catch((error: unknown) => {
        if (error instanceof BusUnavailable) return undefined;
        throw error;
      });
    if (other && decodeJson(other)) {
      throw new StartRefused(`another node named ${self.node} runs: give each its own --node`);
    }
  }

  #changed(key: string, value: string | undefined): void {
    const { self, clock, log } = this.#parts;
    const row = value === undefined ? undefined : decodeNodeRow(key, value);
    if (this.#first) {
      if (row) this.#first.set(key, row);
      else this.#first.delete(key);
      return;
    }
    if (!row) return;
    const isTwin = key === self.node && row.incarnation !== self.incarnation;
    const isStray = key !== self.node && row.region !== self.region;
    if (!(isTwin || isStray) || clock.elapsed() - this.#saidAt < limits.saidAgainMs) return;
    this.#saidAt = clock.elapsed();
    if (isTwin) log.error("another node has this name", { node: key, hint: "give each its own --node" });
    else log.error("a node of another region shares this log", { node: key, region: row.region });
  }
}

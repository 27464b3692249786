/** The cheap audience as a run sees it: as many processes of audience.ts as its viewers need, added up. */
import type { AudienceOrder, AudienceWord } from "./audience.ts";
import { Helper } from "./link.ts";

/** Viewers of one process: descriptors are limited per process, often to 20,000. */
const viewersPerProcess = 16_000;
/** Connections half made at once: below half of a listen queue of 512. */
const diallingMax = 200;

export interface CrowdPlan {
  readonly port: number;
  readonly viewers: number;
  readonly videos: readonly string[];
  /** Connections begun a second, at most. */
  readonly perS?: number;
  readonly receiveBytes?: number;
  /** As the order's: see audience.ts. */
  readonly silent?: boolean;
  /** As the order's: see audience.ts. */
  readonly paths?: readonly string[];
  /** Index of the first viewer: crowds of one machine must not share source addresses and ports. */
  readonly from?: number;
}

export class Crowd {
  readonly #plan: CrowdPlan;
  readonly #helpers: Helper<AudienceOrder, AudienceWord>[];

  constructor(plan: CrowdPlan) {
    this.#plan = plan;
    const count = Math.ceil(plan.viewers / viewersPerProcess);
    this.#helpers = Array.from({ length: count }, () => new Helper("audience.ts"));
  }

  get pids(): readonly number[] {
    return this.#helpers.map((helper) => helper.pid);
  }

  /** Brings everyone; resolves when all streams are open, rejects after `withinMs`. */
  async bring(withinMs = 120_000): Promise<void> {
    const { port, viewers, videos, perS = 3_000, receiveBytes, silent, paths, from = 0 } = this.#plan;
    const processes = this.#helpers.length;
    const share = Math.ceil(viewers / processes);
    await Promise.all(
      this.#helpers.map((helper, index) =>
        helper.ask({
          do: "bring",
          port,
          videos,
          from: from + index * share,
          count: Math.min(share, viewers - index * share),
          perS: perS / processes,
          diallingMax: Math.floor(diallingMax / processes),
          ...(receiveBytes !== undefined && { receiveBytes }),
          ...(silent && { silent }),
          ...(paths && { paths }),
        }),
      ),
    );
    await this.all(withinMs);
  }

  /** Resolves when all streams are open. */
  async all(withinMs = 120_000): Promise<void> {
    const untilMs = performance.now() + withinMs;
    for (let word = await this.tell(); word.open < this.#plan.viewers; word = await this.tell()) {
      if (performance.now() > untilMs)
        throw new Error(`only ${word.open} of ${this.#plan.viewers} viewers came`);
      await Bun.sleep(50);
    }
  }

  tell(): Promise<AudienceWord> {
    return this.#ask({ do: "tell" });
  }

  stall(count: number): Promise<AudienceWord> {
    return this.#ask({ do: "stall", count });
  }

  /** Everyone reads from now on: see `shown` of the word. */
  read(): Promise<AudienceWord> {
    return this.#ask({ do: "read" });
  }

  forget(): Promise<AudienceWord> {
    return this.#ask({ do: "forget" });
  }

  /** Everyone is cut off; `back`: and dials again at once. */
  leave(back = false): Promise<AudienceWord> {
    return this.#ask({ do: "leave", back });
  }

  async end(): Promise<void> {
    await Promise.all(this.#helpers.map((helper) => helper.end()));
  }

  async #ask(order: AudienceOrder): Promise<AudienceWord> {
    const words = await Promise.all(this.#helpers.map((helper) => helper.ask(order)));
    const sum = (of: (word: AudienceWord) => number): number =>
      words.reduce((total, word) => total + of(word), 0);
    return {
      open: sum((word) => word.open),
      bytes: sum((word) => word.bytes),
      lost: sum((word) => word.lost),
      sampled: sum((word) => word.sampled),
      allOpenMs: Math.max(...words.map((word) => word.allOpenMs)),
      // The slowest process speaks for all.
      ms: slowest(words.map((word) => word.ms)),
      commentMs: slowest(words.map((word) => word.commentMs)),
      shown: addUp(words.map((word) => word.shown)),
    };
  }
}

function slowest<Ms extends { readonly p99: number }>(each: readonly Ms[]): Ms {
  return each.reduce((worst, ms) => (ms.p99 > worst.p99 ? ms : worst));
}

function addUp(parts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const whole: Record<string, number> = {};
  for (const part of parts) for (const name in part) whole[name] = (whole[name] ?? 0) + (part[name] ?? 0);
  return whole;
}

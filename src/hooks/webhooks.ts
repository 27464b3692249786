/**
 * Webhooks: what happens, told to other servers by HTTP.
 *
 * An event is told at least once and has an id, by which a receiver knows a second telling; events of one
 * receiver keep their order; receivers know nothing of each other, and one that is away holds up none but
 * itself. All of it is in memory: what waits when the process dies is lost. Held by webhooks.test.ts.
 */
import type { Metrics } from "../base/metrics.ts";
import type { Happening, HappeningType, Herald } from "../core/happening.ts";
import { Outbox, type OutboxParts } from "./outbox.ts";

export interface WebhooksParts extends Omit<OutboxParts, "url" | "bodyOf"> {
  readonly urls: readonly string[];
  /** The types that are sent. */
  readonly types: ReadonlySet<HappeningType>;
  readonly milestones: readonly number[];
  readonly node: string;
  readonly region: string;
  readonly metrics: Metrics;
}

export class Webhooks implements Herald {
  /** Rising; none when nobody wants to hear of them. */
  readonly milestones: readonly number[];
  readonly moments: boolean;
  readonly #types: ReadonlySet<HappeningType>;
  readonly #outboxes: readonly Outbox[];

  constructor(parts: WebhooksParts) {
    const { urls, types, milestones, node, region, metrics } = parts;
    this.#types = types;
    this.milestones = types.has("milestone") ? [...milestones].sort((a, b) => a - b) : [];
    this.moments = types.has("moment");
    const head = JSON.stringify({ node, region }).slice(0, -1);
    const bodyOf = (events: readonly string[]): string => `${head},"events":[${events.join(",")}]}`;
    this.#outboxes = urls.map((url) => new Outbox({ ...parts, url, bodyOf }));
    metrics.beforeRead(() => metrics.webhookQueue.set(this.waiting));
  }

  /** Events not taken yet, of all receivers. */
  get waiting(): number {
    return this.#outboxes.reduce((sum, outbox) => sum + outbox.size, 0);
  }

  tell(happening: Happening): void {
    if (!this.#types.has(happening.type)) return;
    const event = encodeHappening(happening);
    // Whether somebody watches is a state: strangers who come and go push no comment out.
    const isState = happening.type === "video_occupied" || happening.type === "video_vacated";
    for (const outbox of this.#outboxes) outbox.add(event, isState ? happening.video : undefined);
  }

  /** Tries once more to be rid of everything, within outboxLimits.lastMs. */
  async close(): Promise<void> {
    await Promise.all(this.#outboxes.map((outbox) => outbox.close()));
  }
}

/** An event as receivers read it. */
export function encodeHappening({ id, type, video, atMs, ...more }: Happening): string {
  return JSON.stringify({ id, type, video, at: Math.round(atMs), ...more });
}

/**
 * Everything behind the doors of one process: who may do what, a node that is there or on its way, its
 * moderation and its crowd, and the doors that lead to them.
 *
 * It knows no port and no runtime: serve.ts puts ports in front of it, embed.ts hands it to another program;
 * what it stands on (open.ts) comes with the runtime.
 */

import { beginBackup } from "../asking/backup.ts";
import { type Clock, type Elapsed, longAgo } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { createMetrics, type Readings, readingsOf, type Usage } from "../base/metrics.ts";
import type { Prng } from "../base/prng.ts";
import { build } from "../base/version.ts";
import type { Bus } from "../bus/bus.ts";
import type { HappeningType } from "../core/happening.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Fetch, Sender } from "../hooks/post.ts";
import { Review } from "../hooks/review.ts";
import { Traces } from "../hooks/traces.ts";
import { Webhooks } from "../hooks/webhooks.ts";
import { Bodies } from "../http/bodies.ts";
import { DemoCrowd } from "../http/demo.ts";
import type { Doors } from "../http/doors.ts";
import { earlyDoors } from "../http/early.ts";
import { webAssets } from "../http/pages.ts";
import { type Seat, Seats, type Verdict } from "../http/seats.ts";
import { type Polling, StreamShare } from "../http/share.ts";
import { Access, type ReadFile, readCredentials } from "../settings/access.ts";
import type { Settings } from "../settings/config.ts";
import { fileJournal, type Journal, relayedJournal, serveJournal, tableJournal } from "../trust/journal.ts";
import { Moderation } from "../trust/moderation.ts";
import { People } from "../trust/people.ts";
import { StartRefused } from "./company.ts";
import type { Node } from "./node.ts";
import { type Local, Opening } from "./open.ts";
import type { Runtime } from "./runtime.ts";

export interface ServiceParts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly log: Log;
  readonly runtime: Runtime;
  readonly readFile: ReadFile;
  /** Bytes this process holds, and those of the machine; without them memory is not watched. */
  readonly memory?: { used(): number; readonly all: number };
  /** What this process has used; absent: it tells nothing of that. */
  readonly usage?: () => Usage;
  /** Whether few descriptors are left; absent: they are not watched. */
  readonly fewDescriptors?: () => boolean;
  /** On a worker: the metrics of all workers as text. */
  readonly allMetrics?: () => Promise<string>;
  /** On a worker of a node without NATS: where it meets the others. */
  readonly local?: Local | undefined;
  /** How other servers are reached; the runtime's own by default. */
  readonly fetch?: Fetch;
}

/** How long the last worker may take to end after its drain, in ms. */
const lastWorkerMs = 5_000;
/** How often memory is looked at, in ms, and the share of the machine's at which it is too much. */
const memoryEveryMs = 1_000;
const memoryShare = 0.8;

export class Service {
  /** They lead to the node as soon as there is one. */
  readonly doors: Doors;
  /** Settles once the node runs, or cannot: rejects with StartRefused or LedgerRefused. */
  readonly running: Promise<void>;
  readonly #parts: ServiceParts;
  readonly #metrics = createMetrics();
  readonly #access: Access;
  readonly #seats: Seats;
  readonly #webhooks: Webhooks | undefined;
  readonly #review: Review | undefined;
  readonly #traces: Traces | undefined;
  readonly #opening: Opening;
  #node: Node | undefined;
  #moderation: Moderation | undefined;
  #crowd: DemoCrowd | undefined;
  #draining = false;
  #memorySeenAt: Elapsed = longAgo;
  #isFull = false;

  /** Begins at once. Throws StartRefused when keys, secrets or files of the settings are wrong. */
  constructor(parts: ServiceParts) {
    const { settings, readFile, clock, log, runtime } = parts;
    this.#parts = parts;
    const credentials = readCredentials(settings, readFile);
    if ("mistakes" in credentials) throw new StartRefused(credentials.mistakes.join("; "));
    this.#access = new Access(settings, credentials, clock, log);
    this.#seats = new Seats(clock);
    this.#access.auth.changed = () => this.#lookAgain();
    this.#metrics.buildInfo.set({ version: build.version, commit: build.commit, runtime: runtime.name }, 1);
    const { fetch = globalThis.fetch } = parts;
    const agent = `ovation/${build.version}`;
    const sender = { fetch, clock, agent, secrets: () => this.#access.hookSecrets };
    this.#webhooks = this.#openWebhooks(sender);
    this.#review = this.#openReview(sender);
    this.#traces = this.#openTraces(fetch);
    this.#opening = new Opening({ ...parts, metrics: this.#metrics, herald: this.#webhooks });
    this.running = this.#opening.node.then((node) => this.#run(node));
    this.doors = this.#doors();
    this.#metrics.beforeRead(() => {
      this.#metrics.ready.set(this.#ready().ready ? 1 : 0);
      if (parts.usage) this.#metrics.usage(parts.usage());
    });
  }

  /** Streams open now. */
  connections(): number {
    return this.#node?.frontend?.connections ?? 0;
  }

  /** Sends so many viewers away, to come back to any process of this node; resolves when that is done. */
  async shed(viewers: number): Promise<void> {
    await this.#node?.frontend?.shed(viewers);
  }

  /** The metrics of this process. */
  readings(): Promise<Readings> {
    return readingsOf(this.#metrics.registry);
  }

  /** Not ready from this moment on; resolves when every viewer has been sent away. */
  async drain(): Promise<void> {
    this.#draining = true;
    // Those who hold the viewers go first: until then they have something to ask.
    await this.#opening.alone(this.#parts.settings.drainMs + lastWorkerMs);
    await this.#node?.drain();
  }

  /** Reads keys and words again. Answers what is wrong with them. */
  reload(): readonly string[] {
    const mistakes = this.#access.reload(this.#parts.readFile);
    this.#moderation?.setWords(this.#access.words);
    return mistakes;
  }

  /** Ends everything; what was accepted is durable. */
  async close(): Promise<void> {
    this.#crowd?.close();
    this.#moderation?.close();
    await this.#opening.end();
    // Last: until now there was something to tell.
    await this.#webhooks?.close();
    await this.#traces?.close();
  }

  async #run(node: Node | undefined): Promise<void> {
    if (!node) return;
    const { settings, clock, prng, log, local } = this.#parts;
    this.#moderation = await this.#openModeration(node);
    this.#node = node;
    if (settings.demo) {
      function* watched(): Generator<VideoId> {
        for (const watch of node?.frontend?.watches() ?? []) {
          if (watch.holders > 0 && !watch.over.now) yield watch.video;
        }
      }
      const { kinds, likeMode } = settings;
      const { ingest } = node;
      this.#crowd = new DemoCrowd({ clock, prng, ingest, kinds, once: likeMode === "once", watched });
    }
    this.#opening.admit();
    if (settings.nats.length > 0 || local) log.info("ready", { role: settings.role, node: settings.node });
    if (this.#draining) void node.drain();
  }

  /** Only dispatchers know what happens. */
  #openWebhooks(sender: Sender): Webhooks | undefined {
    const { settings, prng, log } = this.#parts;
    const { webhookUrls: urls, webhookEvents, milestones: marks, role, node, region } = settings;
    if (urls.length === 0 || role === "frontend") return undefined;
    const types = new Set(webhookEvents as readonly HappeningType[]);
    const milestones = marks.map(Number);
    const metrics = this.#metrics;
    return new Webhooks({ ...sender, urls, types, milestones, node, region, prng, log, metrics });
  }

  #openReview(sender: Sender): Review | undefined {
    const { settings, log } = this.#parts;
    const { reviewUrl: url, reviewDeadlineMs: deadlineMs, reviewFallback: fallback, node } = settings;
    const metrics = this.#metrics;
    return url === "" ? undefined : new Review({ ...sender, url, deadlineMs, fallback, node, metrics, log });
  }

  #openTraces(fetch: Fetch): Traces | undefined {
    const { settings, clock, log } = this.#parts;
    const { otlpUrl: url, node, region } = settings;
    if (url === "") return undefined;
    const traces = new Traces({ url, node, region, version: build.version, fetch, clock, log });
    this.#metrics.traced = traces;
    return traces;
  }

  #ready(): { ready: boolean; reasons: string[] } {
    const known = this.#node?.ready() ?? { ready: false, reasons: this.#opening.reasons() };
    return this.#full() ? { ready: false, reasons: [...known.reasons, "memory"] } : known;
  }

  /** Whether memory is past its mark; looked at once a second at most. */
  #full(): boolean {
    const { memory, settings, clock } = this.#parts;
    const now = clock.elapsed();
    if (!memory || settings.limits === "off" || now - this.#memorySeenAt < memoryEveryMs) return this.#isFull;
    this.#memorySeenAt = now;
    const most = settings.memoryMax === 0 ? memory.all * memoryShare : settings.memoryMax * 1024 * 1024;
    this.#isFull = memory.used() > most;
    return this.#isFull;
  }

  async #openModeration(node: Node): Promise<Moderation> {
    const { bus } = node;
    const { clock } = this.#parts;
    const journal = await this.#openJournal(bus);
    const table = await bus.table("moderation", { restoredMax: limits.decisionsRestoredMax });
    const putAway = node.dispatcher?.putAway;
    const kept = (video: VideoId): boolean => node.dispatcher?.keeps(video) ?? false;
    const moderation = await Moderation.open({ table, journal, clock, metrics: this.#metrics, kept });
    moderation.setWords(this.#access.words);
    moderation.banned = () => this.#lookAgain();
    if (putAway) putAway.left = (video) => void moderation.leave(video);
    moderation.turned = (video, state) => {
      putAway?.turn(video, state === "closed");
      if (state === "kept") node.frontend?.closed.forget(video);
      else node.frontend?.closed.turn(video, state === "closed");
    };
    for (const video of moderation.allClosed()) moderation.turned(video, "closed");
    return moderation;
  }

  async #openJournal(bus: Bus): Promise<Journal> {
    const { settings, local } = this.#parts;
    if (settings.nats.length > 0) {
      const table = await bus.table("audit", { restoredMax: limits.decisionsRestoredMax });
      return tableJournal(table, settings.node, this.#parts.clock);
    }
    if (local && !local.ledger) return relayedJournal(bus);
    const journal = fileJournal(settings.data);
    if (local) serveJournal(bus, journal);
    return journal;
  }

  /** Who may be here has changed. */
  #lookAgain(): void {
    this.#seats.review((seat) => this.#judge(seat));
  }

  /** Why whoever sits there would not be let in any more. */
  #judge(seat: Seat): Verdict | undefined {
    const { who, address } = seat;
    if (!this.#access.auth.stands(who)) return "revoked";
    return this.#moderation?.bans(who, address, seat.videos()) ? "banned" : undefined;
  }

  #polling(): Polling {
    const { settings, clock, prng } = this.#parts;
    const access = this.#access;
    return {
      everyMs: settings.pollEveryMs,
      lateMs: settings.mediaBehindMs,
      share: new StreamShare(Number(settings.streamShare), prng, clock),
      get signatures() {
        return access.signatures;
      },
    };
  }

  #doors(): Doors {
    const { settings, clock, prng, log, allMetrics, runtime } = this.#parts;
    const early = earlyDoors(prng);
    const node = (): Node | undefined => this.#node;
    const crowd = (): DemoCrowd | undefined => this.#crowd;
    const moderation = (): Moderation | undefined => this.#moderation;
    const frontend = settings.role === "dispatcher" ? undefined : early.frontend;
    return {
      get ingest() {
        return node()?.ingest ?? early.ingest;
      },
      get reader() {
        return node()?.reader ?? early.reader;
      },
      get catalog() {
        return node()?.catalog ?? early.catalog;
      },
      get eraser() {
        return node()?.eraser ?? early.eraser;
      },
      get times() {
        return node()?.times ?? early.times;
      },
      get frontend() {
        return node()?.frontend ?? frontend;
      },
      get watching() {
        return node()?.watching ?? early.watching;
      },
      get moderation() {
        return moderation();
      },
      get crowd() {
        return crowd();
      },
      auth: this.#access.auth,
      polling: this.#polling(),
      allowance: this.#access.allowance,
      seats: this.#seats,
      people: new People(),
      bodies: new Bodies(clock),
      review: this.#review,
      metrics: this.#metrics,
      ...(allMetrics && { allMetrics }),
      settings,
      clock,
      log,
      version: build.version,
      ready: () => this.#ready(),
      full: () => {
        if (this.#full()) return "this node holds as much memory as it may";
        return this.#parts.fewDescriptors?.() ? "this node holds as many connections as it may" : undefined;
      },
      cluster: async () => this.#node?.cluster() ?? early.refusal(),
      // Of what is in NATS or in memory alone there is none to be had of this node.
      ...(settings.nats.length === 0 &&
        settings.data !== ":memory:" && {
          backup: async () => (this.#node ? beginBackup(this.#node.bus) : early.refusal()),
        }),
      assets: webAssets,
      ...(settings.media !== "" && runtime.media && { media: runtime.media(settings.media) }),
    };
  }
}

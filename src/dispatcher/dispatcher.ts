/**
 * The dispatcher: takes likes and comments, makes them durable, and publishes what watched videos look like
 * now.
 *
 * It holds no viewer. What it knows of viewers is the (video, node) table and their number. The road through
 * it: ingest → batch → ledger.append → fold → `onChanges` → ticks → bus, and for comments ledger → `onEntry`
 * → bus.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { Sweep } from "../base/sweep.ts";
import { type Bus, BusUnavailable, type Serve, type Subscription, type Table } from "../bus/bus.ts";
import { catalogSubject, keptSubject } from "../core/catalog.ts";
import type { Entry } from "../core/entry.ts";
import { erasureSubject } from "../core/erasure.ts";
import type { Herald } from "../core/happening.ts";
import { type Kind, kindSet, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { type ClusterView, encodeHealth } from "../core/nodes.ts";
import { Peers } from "../core/peers.ts";
import { Presence } from "../core/presence.ts";
import { timesSubject } from "../core/times.ts";
import {
  decodeAlive,
  decodeViewers,
  encodeAlive,
  encodeEntry,
  encodeJson,
  encodeTick,
  subjects,
  videoOf,
} from "../core/wire.ts";
import { type Change, type Ledger, LedgerUnavailable } from "../ledger/ledger.ts";
import { Admit } from "./admit.ts";
import { Batch } from "./batch.ts";
import { Catalog, serveKept } from "./catalog.ts";
import { Erasures } from "./erasures.ts";
import { Fullness } from "./fullness.ts";
import { Happenings } from "./happenings.ts";
import { DispatcherIngest } from "./ingest.ts";
import { MomentWatch } from "./moment-watch.ts";
import { PutAway } from "./put-away.ts";
import { Routes, type RowOfLife } from "./routes.ts";
import { States } from "./states.ts";
import { type Mark, Ticks } from "./ticks.ts";
import { Times } from "./times.ts";
import { ViewerSamples } from "./viewer-samples.ts";

export interface DispatcherParts {
  readonly node: string;
  readonly region: string;
  readonly kinds: readonly string[];
  readonly tickMs: number;
  readonly commentRate: number;
  /** How long nobody may have used a closed video before it leaves memory, in ms. Default ten minutes. */
  readonly coldAfterMs?: number;
  readonly bus: Bus;
  readonly nodes: Table;
  readonly routes: Table;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Is told what happens; absent: nobody is. */
  readonly herald?: Herald | undefined;
}

/** Videos looked at on one turn of a takeover. */
const takeOverMax = 512;

export class Dispatcher {
  readonly ingest: DispatcherIngest;
  readonly routes: Routes;
  /** Has to be told which videos are closed. */
  readonly putAway: PutAway;
  readonly #parts: DispatcherParts;
  readonly #batch: Batch;
  readonly #ticks: Ticks;
  /** Videos whose state is to be published whether it changed or not. */
  readonly #states: Sweep<VideoId>;
  /** Videos whose rows may be those of nodes that are no more. */
  readonly #ended: Sweep<VideoId>;
  /** Rows behind which another life stands than before. */
  readonly #lives: Sweep<RowOfLife>;
  readonly #presence = new Presence();
  readonly #subscriptions: Subscription[] = [];
  readonly #peers: Peers;
  #leaving = false;
  readonly #timers: readonly Timer[];
  readonly #kinds: ReadonlySet<Kind>;
  readonly #happenings: Happenings | undefined;
  readonly #moments: MomentWatch | undefined;
  readonly #viewers = new ViewerSamples();
  readonly #erasures: Erasures;
  readonly #fullness: Fullness;

  /** Subscribes at once; `close` ends it. */
  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    const { ledger, clock, metrics, bus } = parts;
    this.#kinds = kindSet(parts.kinds);
    this.#fullness = new Fullness(metrics, parts.log);
    this.#batch = new Batch(ledger, clock, metrics);
    this.#ticks = new Ticks(parts.tickMs, clock, (mark, echo) => this.#publishTick(mark, echo));
    this.#states = new Sweep({ clock, turnMax: takeOverMax, act: (video) => this.#publishState(video) });
    this.#lives = new Sweep({ clock, turnMax: takeOverMax, act: (row) => this.#rowLives(row) });
    this.#ended = new Sweep({
      ...{ clock, turnMax: takeOverMax, underWayMax: limits.endedRowsMax },
      act: (video) => this.#removeEndedOf(video),
    });
    const admit = new Admit(ledger, parts.commentRate);
    this.routes = this.#watchRoutes();
    this.#happenings = this.#tellHappenings();
    this.#moments = this.#watchMoments();
    this.putAway = this.#keepRoom();
    admit.full = () => void this.putAway.look();
    const catalog = new Catalog({ ledger, clock });
    const used = (video: VideoId): void => this.putAway.used(video);
    const times = new Times({ ledger, clock, viewers: this.#viewers, used });
    const states = new States({ ...parts, presence: this.#presence, used });
    this.#erasures = this.#erase();
    this.ingest = new DispatcherIngest({
      ...{ batch: this.#batch, admit, ledger, clock, metrics },
      kinds: this.#kinds,
      happenings: this.#happenings,
    });
    this.#peers = new Peers((node, silent) => this.routes.silence(node, silent));
    ledger.onChanges((changes) => this.#folded(changes));
    if (ledger.publishesEntries) ledger.onEntry((entry) => this.#publishEntry(entry));
    const unread = new Set(["nodes", "routes"]);
    const synced = (table: string) => () => {
      if (unread.delete(table) && unread.size === 0) this.#happenings?.synced();
    };
    this.#subscriptions.push(
      parts.nodes.watch((key, value) => this.routes.nodeRow(key, value, clock.elapsed()), synced("nodes")),
      parts.routes.watch((key, value) => this.routes.routeRow(key, value), synced("routes")),
      bus.subscribe(subjects.allViewers, (payload, subject) => this.#hearViewers(payload, subject)),
      bus.subscribe(subjects.allAlive, (payload, subject) => this.#hearPeer(payload, subject)),
      ...this.#serve(subjects.state, (payload) => states.serve(payload)),
      ...this.#serve(subjects.ingest, (payload) => this.#serveIngest(payload)),
      ...this.#serve(timesSubject, (payload) => times.serve(payload)),
      ...this.#serve(catalogSubject, (payload) => catalog.serve(payload)),
      ...this.#serve(erasureSubject, (payload) => this.#erasures.serve(payload)),
      ...this.#serve(keptSubject, (payload) => serveKept(ledger, payload)),
      ...this.#serve(subjects.health, () => encodeHealth(this.#health())),
      ...this.#serve(subjects.cluster, () => encodeJson(this.cluster())),
      // Ticks and their echoes were refused meanwhile, and those who wait for them were not away.
      bus.onConnected((connected) => {
        if (!connected) return;
        this.#happenings?.reconnected();
        this.#states.each(this.routes.all);
      }),
    );
    this.#timers = [
      clock.every(limits.viewersRepeatMs, () => this.#presence.expire(clock.elapsed())),
      clock.every(limits.aliveEveryMs, () => {
        this.#beat();
        this.#countTroubles();
        this.#fullness.look(ledger.holdings());
      }),
      clock.every(limits.leaseMs, () => this.#removeEnded()),
    ];
    this.#beat();
  }

  /** Tells the others to go on without us: they tick our videos and ask us nothing more. */
  leave(): void {
    this.#leaving = true;
    this.#beat();
  }

  /** Whether the ledger keeps `video` closed, whatever moderation says. */
  keeps(video: VideoId): boolean {
    return this.#parts.ledger.away?.isClosed(video) ?? false;
  }

  /** Both shared tables, and whose clock each video goes by. */
  cluster(): ClusterView {
    const { clock, ledger } = this.#parts;
    const view = this.routes.view(clock.elapsed());
    const routes = view.routes.map((route) => {
      const skewMs = ledger.timeline(route.video)?.skewMs;
      return skewMs === undefined ? route : { ...route, skewMs: Math.round(skewMs) };
    });
    return { ...view, routes };
  }

  /** Resolves when everything accepted is durable. */
  drained(): Promise<void> {
    return this.#batch.drained();
  }

  /** Ends timers and subscriptions; the ledger and the bus belong to others. */
  close(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.end();
    this.#ticks.close();
    this.#states.close();
    this.#ended.close();
    this.#lives.close();
    this.putAway.close();
    this.#happenings?.close();
    this.#moments?.close();
    this.#erasures.close();
    for (const timer of this.#timers) timer.cancel();
  }

  /** Why publishing through us is in vain. */
  #health(): readonly string[] {
    if (this.#leaving) return ["draining"];
    return this.#parts.ledger.ready() ? [] : ["ledger-unavailable"];
  }

  #watchRoutes(): Routes {
    const { node } = this.#parts;
    return new Routes(node, {
      watched: (video) => this.#states.add(video),
      dispatchersChanged: () => {
        this.#states.each(this.routes.all);
        this.#happenings?.dispatchersChanged();
      },
      nodeGone: (other) => this.#presence.forget({ node: other }),
      dispatcherCame: (other) => {
        if (other !== node) this.#peers.hear(other);
      },
      rowsChanged: (video) => this.#happenings?.rowsChanged(video),
      lifeChanged: (rows) => this.#lives.each(rows),
    });
  }

  #keepRoom(): PutAway {
    const { ledger, clock, log, coldAfterMs: afterMs = limits.idleMs } = this.#parts;
    const watched = (video: VideoId): boolean => this.routes.watched(video);
    const owns = (video: VideoId): boolean => this.routes.owns(video);
    return new PutAway({ ledger, clock, log, afterMs, watched, owns });
  }

  #erase(): Erasures {
    const { ledger, clock, log } = this.#parts;
    const owns = (name: string): boolean => this.routes.owns(name as VideoId);
    const removed = (video: VideoId, seq: number): void =>
      this.#happenings?.removed(video, ledger.lineage().idOf(seq));
    return new Erasures({ ledger, clock, log, owns, removed, kinds: this.#kinds });
  }

  #tellHappenings(): Happenings | undefined {
    const { herald, node, ledger, clock, bus } = this.#parts;
    if (!herald) return undefined;
    const connected = () => bus.connected();
    return new Happenings({ node, epoch: ledger.epoch, clock, herald, routes: this.routes, connected });
  }

  #watchMoments(): MomentWatch | undefined {
    const { herald, ledger, clock } = this.#parts;
    if (!herald?.moments) return undefined;
    return new MomentWatch({
      clock,
      timeline: (video) => ledger.timeline(video),
      tell: (video, moment) => this.#happenings?.moment(video, moment),
    });
  }

  #folded(changes: readonly Change[]): void {
    let counted = 0;
    let takenBack = 0;
    for (const { video, added, removed, deleted } of changes) {
      counted += added;
      takenBack += removed;
      if (deleted) this.#viewers.forget(video);
    }
    this.#parts.metrics.likesCounted.inc(counted);
    this.#parts.metrics.likesTakenBack.inc(takenBack);
    this.#ticks.changed(changes);
    this.#happenings?.folded(changes);
    this.#moments?.folded(changes);
  }

  #publishTick(mark: Mark, echo: boolean): void {
    const { video, atMs, durableMs, by } = mark;
    if (!this.routes.watched(video) || !this.routes.owns(video)) return;
    this.#publish(video, atMs, durableMs, echo ? [] : by);
  }

  /**
   * A node began to watch, a dispatcher died, or we were away: the next tick may be far off. False when the
   * bus refused it.
   */
  #publishState(video: VideoId): boolean {
    if (this.#parts.ledger.totals(video).version === 0) return true;
    if (!this.routes.watched(video) || !this.routes.owns(video)) return true;
    const nowMs = this.#parts.clock.date();
    return this.#publish(video, nowMs, nowMs, []);
  }

  #rowLives({ video, begun }: RowOfLife): true {
    if (begun) this.#states.add(video);
    this.#happenings?.rowsChanged(video);
    return true;
  }

  /** Takes rows out of the table whose node died and did not come back. */
  #removeEnded(): void {
    if (this.#ended.busy) return;
    this.routes.forgetEnded(this.#parts.clock.elapsed());
    this.#ended.each(this.routes.all);
  }

  /** Of one video; it need not be tried again: it is looked at anew soon. */
  #removeEndedOf(video: VideoId): true | Promise<true> {
    const { routes, clock } = this.#parts;
    const keys = this.routes.ended(video, clock.elapsed());
    if (keys.length === 0) return true;
    const removed = keys.map((key) =>
      routes.remove(key).catch((error: unknown) => {
        if (!(error instanceof BusUnavailable)) throw error;
      }),
    );
    return Promise.all(removed).then(() => true as const);
  }

  /** False when the bus refused. */
  #publish(video: VideoId, atMs: number, durableMs: number, by: Mark["by"]): boolean {
    const { bus, clock, ledger, metrics, region } = this.#parts;
    const totals = ledger.totals(video);
    const tick = { video, region, log: ledger.epoch, totals, atMs, durableMs, tickedMs: clock.date(), by };
    // A refused tick is only late: the echo, or the state published after a reconnect, says the same.
    const taken = bus.publish(subjects.tick(video), encodeTick(tick));
    if (taken) metrics.ticks.inc();
    else metrics.busRefused.inc();
    return taken;
  }

  #publishEntry(entry: Entry): void {
    const { video, seq, previous } = entry;
    if (!this.routes.watched(video)) return;
    if (!this.#parts.bus.publish(subjects.comment(video), encodeEntry(entry), { seq, previous })) {
      this.#parts.metrics.busRefused.inc();
    }
  }

  /** Serves as one of all dispatchers, and as this one. */
  #serve(subject: string, serve: Serve): Subscription[] {
    const { bus, node } = this.#parts;
    return [bus.serve(subject, serve), bus.serve(subjects.at(subject, node), serve)];
  }

  /** Says that we are there, or leave. Who is away itself hears nobody, and judges nobody. */
  #beat(): void {
    const { bus, node } = this.#parts;
    if (bus.publish(subjects.alive(node), encodeAlive(this.#leaving))) this.#peers.beat();
  }

  #countTroubles(): void {
    const { ledger, metrics } = this.#parts;
    metrics.ledgerTroubles.reset();
    for (const { stream = "all" } of ledger.troubles()) metrics.ledgerTroubles.set({ stream }, 1);
  }

  #hearPeer(payload: Uint8Array, subject: string): void {
    const said = decodeAlive(payload, subject);
    if (!said || said.node === this.#parts.node) return;
    if (said.leaving) {
      this.#happenings?.left(said.node);
      this.#peers.leave(said.node);
    } else this.#peers.hear(said.node);
  }

  #hearViewers(payload: Uint8Array, subject: string): void {
    const video = videoOf(subject);
    const count = decodeViewers(payload);
    if (!video || !count) {
      this.#parts.metrics.invalidMessages.inc();
      return;
    }
    const { clock, ledger } = this.#parts;
    this.#presence.hear(video, count, clock.elapsed());
    const timeline = ledger.timeline(video);
    if (!timeline) return;
    const nowMs = clock.date() - (timeline.skewMs ?? 0);
    this.#viewers.note(video, nowMs, () => this.#presence.viewers(video, clock.elapsed()));
  }

  async #serveIngest(payload: Uint8Array): Promise<Uint8Array> {
    const reply = await this.ingest.serve(payload);
    if (reply) return reply;
    this.#parts.metrics.invalidMessages.inc();
    throw new LedgerUnavailable("not an ingest request");
  }
}

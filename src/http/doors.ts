/**
 * What the HTTP layer needs of the node behind it, and nothing else.
 *
 * Each is an interface, so every route can be tried with fakes and mounted in another program; who stands
 * behind it (one process, a cluster) shows nowhere in http/. Web standards only: the same code answers under
 * Bun and under Node, which system/mounted.test.ts holds.
 */

import type { Backup } from "../asking/backup.ts";
import type { CatalogReader } from "../asking/catalog.ts";
import type { Watching } from "../asking/elsewhere.ts";
import type { Eraser } from "../asking/erasure.ts";
import type { Reader } from "../asking/reader.ts";
import type { TimesReader } from "../asking/times.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Ingest } from "../core/ingest.ts";
import type { Rejection } from "../core/interaction.ts";
import type { Frontend } from "../frontend/frontend.ts";
import type { Review } from "../hooks/review.ts";
import type { Allowance } from "../trust/allowance.ts";
import type { Moderation } from "../trust/moderation.ts";
import type { People } from "../trust/people.ts";
import type { Auth } from "./auth.ts";
import type { Bodies } from "./bodies.ts";
import type { Seats } from "./seats.ts";
import type { Polling } from "./share.ts";

/** What routes ask of the frontend. */
export type Streams = Pick<
  Frontend,
  "open" | "refuse" | "poll" | "live" | "draining" | "connections" | "watches" | "watched"
>;

/** Simulated fans, for showing: http/demo.ts. */
export interface Crowd {
  readonly fans: number;
  /** Sets the number of fans, within crowdFansMax. */
  set(fans: number): void;
}

/** A file of the web page, ready to be sent. */
export interface Asset {
  readonly path: string;
  readonly type: string;
  /** Its name holds a hash of its content. */
  readonly immutable: boolean;
  readonly body: string;
}

/** The settings that a route looks at. */
export interface DoorSettings {
  readonly node: string;
  readonly region: string;
  readonly role: "both" | "frontend" | "dispatcher";
  readonly kinds: readonly string[];
  /** Ids of the videos there are, and beginnings of such that end in *; none: all ids are videos. */
  readonly videos: readonly string[];
  /** many: likes add up; once: one like per viewer. */
  readonly likeMode: "many" | "once";
  readonly corsOrigins: readonly string[];
  /** Proxies of ours before this server: so many entries of X-Forwarded-For are believed. */
  readonly trustProxy: number;
}

export interface Doors {
  readonly auth: Auth;
  /** How whoever gets no stream polls. */
  readonly polling: Polling;
  /** Absent with --limits=off. */
  readonly allowance?: Allowance | undefined;
  /** Who has liked what a moment ago; absent: everybody is new. */
  readonly people?: People | undefined;
  /** Absent until the node has joined its cluster. */
  readonly moderation?: Moderation | undefined;
  /** What of bodies is on its way to this node. */
  readonly bodies: Bodies;
  /** Who has something open on this node. */
  readonly seats: Seats;
  /** Present with --review-url. */
  readonly review?: Pick<Review, "comment"> | undefined;
  readonly ingest: Ingest;
  readonly reader: Pick<Reader, "state" | "listing">;
  readonly catalog: Pick<CatalogReader, "videos" | "kept">;
  readonly eraser: Pick<Eraser, "delete" | "erase" | "progress">;
  readonly times: Pick<TimesReader, "timeline" | "moments" | "replay">;
  /** Absent on a node that holds no streams. */
  readonly frontend: Streams | undefined;
  readonly watching: Watching;
  readonly metrics: Metrics;
  readonly settings: DoorSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  ready(): { readonly ready: boolean; readonly reasons: readonly string[] };
  /** Why no new streams are taken now: the process holds as much as it may. */
  full?(): string | undefined;
  /** Nodes, roles, leases, rows and owners, as a dispatcher knows them. */
  cluster(): Promise<object | Rejection>;
  /** Begins a backup; absent where NATS has everything, or memory. */
  readonly backup?: () => Promise<Backup | Rejection>;
  readonly assets: readonly Asset[];
  /** Present when started with --demo. */
  readonly crowd?: Crowd | undefined;
  /** Present where several processes share the port: the metrics of all of them, as text. */
  readonly allMetrics?: () => Promise<string>;
  /** Answers for one file of the --media folder; `name` may be anything. */
  readonly media?: (request: Request, name: string) => Promise<Response | undefined>;
}

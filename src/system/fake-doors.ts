/** For tests: doors with nobody behind them. Each member can be replaced; what was asked is written down. */

import { expect } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import { seededPrng } from "../base/prng.ts";
import { notErasing } from "../core/erasure.ts";
import type { CommentDraft, Like } from "../core/interaction.ts";
import { Lineage } from "../core/lineage.ts";
import { bytesOf } from "../core/sse.ts";
import { emptyCounts } from "../core/totals.ts";
import type { StreamRequest } from "../frontend/request.ts";
import { openAuth } from "../http/auth.ts";
import { Bodies } from "../http/bodies.ts";
import type { Doors, Streams } from "../http/doors.ts";
import { Seats } from "../http/seats.ts";
import { createServer } from "../http/server.ts";
import { StreamShare } from "../http/share.ts";

export interface Asked {
  readonly likes: Like[];
  readonly comments: CommentDraft[];
  readonly retracted: string[];
  readonly streams: StreamRequest[];
  readonly watched: string[];
  readonly polls: unknown[][];
  readonly logged: string[];
}

export interface Faked {
  readonly doors: Doors;
  readonly asked: Asked;
}

const none = emptyCounts();
const noTimes = {
  ...{ fromMs: 0, toMs: 0, stepS: 1, skewMs: null, totals: none, before: none, commentsFromMs: null },
};

export function fakeDoors(changes: Partial<Doors> = {}): Faked {
  const asked: Asked = {
    likes: [],
    comments: [],
    retracted: [],
    streams: [],
    watched: [],
    polls: [],
    logged: [],
  };
  const clock = changes.clock ?? new VirtualClock();
  const doors: Doors = {
    auth: openAuth(""),
    seats: new Seats(clock),
    bodies: new Bodies(clock),
    polling: {
      everyMs: 2_000,
      lateMs: 120_000,
      share: new StreamShare(1, seededPrng(1), clock),
      signatures: undefined,
    },
    ingest: {
      like: async (like) => void asked.likes.push(like),
      likes: async (likes) => {
        asked.likes.push(...likes);
        return likes.map(() => undefined);
      },
      comment: async (draft) => `abcd-${asked.comments.push(draft)}`,
      retract: async (_, id) => asked.retracted.push(id) > 0 && id === "abcd-1",
    },
    eraser: {
      delete: async () => true,
      erase: async () => notErasing,
      progress: async () => notErasing,
    },
    reader: {
      state: async () => ({
        log: "abcd",
        lineage: Lineage.begin("abcd"),
        region: "main",
        totals: { version: 3, counts: Object.assign(emptyCounts(), { heart: 7 }) },
        viewers: 2,
        page: { entries: [], floor: 0, head: 0, more: false },
      }),
      listing: async () => ({ comments: [], more: false }),
    },
    catalog: { videos: async () => ({ videos: [], more: false }), kept: async () => ({ kept: false }) },
    times: {
      timeline: async () => ({
        ...noTimes,
        likes: {},
        people: [],
        comments: [],
        viewers: [],
        resolution: [],
      }),
      moments: async () => ({ moments: [] }),
      replay: async () => ({ lines: [], nextMs: null }),
    },
    frontend: fakeFrontend(asked),
    watching: {
      watch: async (connection, video, on) => {
        if (connection !== "n1.open") return "unknown-connection";
        asked.watched.push(`${on ? "+" : "-"}${video}`);
        return "done";
      },
    },
    metrics: createMetrics(),
    settings: {
      node: "n1",
      region: "main",
      role: "both",
      kinds: ["heart", "clap"],
      videos: [],
      likeMode: "many",
      corsOrigins: [],
      trustProxy: 0,
    },
    clock,
    log: createLog({
      level: "debug",
      format: "json",
      write: (line) => asked.logged.push(line),
      now: () => 0,
    }),
    version: "0.0.0",
    ready: () => ({ ready: true, reasons: [] }),
    cluster: async () => ({ nodes: [] }),
    backup: async () => ({ parts: [], read: async () => new Uint8Array(0), end: () => {} }),
    assets: [],
    ...changes,
  };
  return { doors, asked };
}

export function fakeFrontend(asked: Asked): Streams {
  return {
    open: (request) => {
      asked.streams.push(request);
      return new ReadableStream({
        start: (controller) => {
          controller.enqueue(bytesOf("event: hello\ndata: {}\n\n"));
          controller.close();
        },
      });
    },
    refuse: (reason) => bytesOf(`retry: 5000\nevent: bye\ndata: {"reason":"${reason}"}\n\n`),
    poll: async (video, ...more) => {
      asked.polls.push([video, ...more]);
      const totals = { heart: 7 };
      return { cursor: "c1", video, totals, viewers: 2, version: 3, comments: [], retracted: [] };
    },
    live: async (video) => {
      const totals = { heart: 7 };
      return { cursor: "c1", video, totals, viewers: 2, version: 3, comments: [], retracted: [] };
    },
    draining: false,
    connections: 0,
    watches: () => [],
    watched: () => false,
  };
}

/** A request, and doors that differ from the fake ones. */
export interface Try {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: BodyInit;
  /** Scheme and host of the URL. */
  readonly base?: string;
  /** The address it comes from; this machine's own by default. */
  readonly from?: string;
  readonly doors?: Partial<Doors>;
}

/** What a fresh server answers, and what it asked. */
export async function call({
  method = "GET",
  path,
  headers = {},
  body,
  doors,
  from = "127.0.0.1",
  base,
}: Try) {
  const faked = fakeDoors(doors);
  const request = new Request(`${base ?? "http://localhost"}${path}`, {
    method,
    headers,
    ...(body !== undefined && { body }),
  });
  const response = await createServer(faked.doors).fetch(request, { requestIP: () => ({ address: from }) });
  const text = await response.text();
  return { response, text, status: response.status, ...faked };
}

/** With an admin key set. */
export const adminDoors: Partial<Doors> = { auth: openAuth("s3cret-of-fake-doors") };

/** A POST of JSON; a text is sent as it is. */
export function posted(path: string, body: unknown, headers: Record<string, string> = {}): Try {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { method: "POST", path, body: text, headers: { "content-type": "application/json", ...headers } };
}

/** Fails if anything went through the doors. */
export function nothingAsked(asked: Asked): void {
  const { logged: _, ...rest } = asked;
  for (const list of Object.values(rest)) expect(list).toEqual([]);
}

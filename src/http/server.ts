/**
 * From a `Request` to the row that answers it, and the only file that runs Hono.
 *
 * Hono routes every call but two. A like is by far the most frequent, and streams are asked for by ten
 * thousands together, so their URLs are cut by hand and they go straight to their rows; anything unusual
 * about them (an escape, a query, a bad id) takes the ordinary way. Both ways go through the door
 * (enter.ts) and end in `finish`: CORS, then the count. Web standards only, so this mounts in any program
 * that speaks them. server.test.ts holds that both ways are one.
 */
import { Hono } from "hono";
import { isVideoId, type VideoId } from "../core/interaction.ts";
import type { Peer } from "../trust/address.ts";
import { internalError, json, refuse } from "./answer.ts";
import type { HttpApp } from "./app.ts";
import { asyncapi } from "./asyncapi.ts";
import type { Call } from "./call.ts";
import { Cors } from "./cors.ts";
import type { Doors } from "./doors.ts";
import { answerBy } from "./enter.ts";
import { endless, headed } from "./head.ts";
import { openapi, templateOf } from "./openapi.ts";
import { pagesOf } from "./pages.ts";
import { likeRow, rows, streamRow } from "./routes.ts";
import type { Handle, Method, Row } from "./row.ts";
import { bodyTaken, peerIn, withBody } from "./surroundings.ts";
import { Tally } from "./tally.ts";
import { TracedCalls } from "./traced-calls.ts";

export interface HttpServer {
  /** Answers any request; never rejects. `peer` tells where it came from: without it nothing is limited. */
  fetch(request: Request, peer?: Peer): Response | Promise<Response>;
  /**
   * The same routes, for `yours.route("/", app)` of another Hono program; what is not theirs is left to it.
   */
  readonly app: HttpApp;
}

/** One way in: what stands in the table, the document about the table, and the files of the page. */
interface Way {
  readonly method: Method;
  readonly path: string;
  readonly handle: Handle;
}

const likeRoute = "/v1/videos/{video}/likes";
const streamRoute = "/v1/videos/{video}/events";
const videoStart = "/v1/videos/";
const likeEnd = "/likes";
const noParams: Call["params"] = {};
const streamEnd = "/events";

const documentHeaders = { "content-type": "application/json", "cache-control": "no-cache" };
/** Paths whose documents are kept. Beyond: they are written anew for each request. */
const placesMax = 4;

/**
 * `part`: "public" leaves out what `--admin-port` is for; "staff" is that port, which whoever runs the server
 * has put where only they reach it: metrics ask for nothing there.
 */
export function createServer(doors: Doors, part: "all" | "public" | "staff" = "all"): HttpServer {
  const cors = new Cors(doors.settings.corsOrigins, doors.log, doors.clock);
  const tally = new Tally();
  const traced = new TracedCalls(doors.metrics);
  const finish = (request: Request, response: Response, route: string): Response => {
    tally.count(route, response.status);
    traced.end(request, route, response.status);
    return cors.mark(request, response);
  };
  const failed = (error: unknown, request: Request, route: string): Response => {
    doors.log.error("request failed", { route, error });
    return finish(request, internalError(), route);
  };
  doors.metrics.beforeRead(() => tally.flush(doors.metrics.requests));
  const ways = waysOf(doors, part === "staff" ? rows.map(unguarded) : rows).filter(
    (way) => part !== "public" || !isPrivate(way),
  );
  const app = router(doors, ways, cors, finish, failed);

  async function like(request: Request, video: VideoId, peer: Peer | undefined): Promise<Response> {
    try {
      const call = { request, params: noParams, peer, video };
      return finish(request, await answerBy(likeRow, doors, call), likeRoute);
    } catch (error) {
      return failed(error, request, likeRoute);
    }
  }

  /** Answered at once where it can be: ten thousand that come together leave as little behind as they can. */
  function stream(request: Request, video: VideoId, peer: Peer | undefined): Response | Promise<Response> {
    try {
      const answer = answerBy(streamRow, doors, { request, params: { video }, peer });
      if (answer instanceof Response) return finish(request, answer, streamRoute);
      return answer.then(
        (response) => finish(request, response, streamRoute),
        (error) => failed(error, request, streamRoute),
      );
    } catch (error) {
      return failed(error, request, streamRoute);
    }
  }

  return {
    app,
    fetch(request, peer) {
      traced.begin(request);
      if (request.method === "POST") {
        const video = likedBy(request.url);
        if (video !== undefined) return like(request, video, peer);
      } else if (request.method === "GET") {
        const video = videoBefore(streamEnd, request.url);
        if (isVideoId(video)) return stream(request, video, peer);
      }
      const answer = app.fetch(request, { peer });
      return request.method === "HEAD" ? endless(answer) : answer;
    },
  };
}

/** The last URL of a like, and its video: many in a row are for the same. */
const liked = { url: "", video: undefined as VideoId | undefined };

/** The video that `url` asks to like; undefined for every other URL. */
function likedBy(url: string): VideoId | undefined {
  if (url === liked.url) return liked.video;
  const video = videoBefore(likeEnd, url);
  if (!isVideoId(video)) return undefined;
  liked.url = url;
  liked.video = video;
  return video;
}

/** The video of `http://any/v1/videos/VIDEO` and `end`; undefined for every other URL. Not yet checked. */
function videoBefore(end: string, url: string): string | undefined {
  if (!url.endsWith(end)) return undefined;
  const path = url.indexOf("/", url.indexOf("://") + 3);
  if (!url.startsWith(videoStart, path)) return undefined;
  return url.slice(path + videoStart.length, -end.length);
}

/** `row` as it is on a port of its own. */
function unguarded(row: Row): Row {
  return row.right === "metrics" ? { ...row, right: "anybody" } : row;
}

function waysOf(doors: Doors, rows: readonly Row[]): readonly Way[] {
  const pages = [...pagesOf(doors.assets)].map(
    ([path, page]): Way => ({ method: "GET", path, handle: (_, call) => page(call.request) }),
  );
  const calls = rows.map((row): Way => {
    const { method, path } = row;
    return { method, path, handle: (doors, call) => answerBy(row, doors, call) };
  });
  const documents = Object.entries({ "/openapi.json": openapi, "/asyncapi.json": asyncapi }).map(
    ([path, write]): Way => ({ method: "GET", path, handle: documentAt(path, doors.version, write) }),
  );
  return [...calls, ...documents, ...pages];
}

/** One of the documents about the table; it says under which path the routes are mounted. */
function documentAt(path: string, version: string, write: typeof openapi): Handle {
  const texts = new Map<string, string>();
  return (_, { request }) => {
    const at = new URL(request.url).pathname.slice(0, -path.length);
    const text = texts.get(at) ?? write(version, at);
    // A program mounts the routes in one place or two; who is asked under ever new ones keeps none of them.
    if (texts.size < placesMax) texts.set(at, text);
    return new Response(text, { headers: documentHeaders });
  };
}

/** What operators ask, and nobody else. */
function isPrivate({ path }: Way): boolean {
  return /^\/(health|metrics|admin|v1\/(admin|cluster|demo))\b/.test(path);
}

type Finish = (request: Request, response: Response, route: string) => Response;
type Failed = (error: unknown, request: Request, route: string) => Response;

function router(doors: Doors, ways: readonly Way[], cors: Cors, finish: Finish, failed: Failed): HttpApp {
  const app: HttpApp = new Hono();
  const methods = new Map<string, string[]>();
  for (const { method, path, handle } of ways) {
    const route = templateOf(path);
    methods.set(path, [...(methods.get(path) ?? []), ...(method === "GET" ? ["GET", "HEAD"] : [method])]);
    app.on(method, path, async (context) => {
      const request = withBody(context.req.raw, context.env);
      if (!request) return finish(context.req.raw, bodyTaken(doors), route);
      const call: Call = { request, params: context.req.param(), peer: peerIn(context.env) };
      try {
        return headed(request, finish(request, await handle(doors, call), route));
      } catch (error) {
        return failed(error, request, route);
      }
    });
  }
  for (const [path, known] of methods) {
    const allow = [...known, "OPTIONS"].join(", ");
    app.all(path, (context) => {
      const request = context.req.raw;
      if (request.method === "OPTIONS") return cors.preflight(request, allow);
      const error = { code: "method-not-allowed", message: `this path takes ${allow}` };
      return headed(request, finish(request, json(405, { error }, { allow }), templateOf(path)));
    });
  }
  app.notFound((context) => {
    const request = context.req.raw;
    return headed(request, finish(request, refuse("not-found", "there is nothing here"), "other"));
  });
  app.onError((error, context) => failed(error, context.req.raw, "other"));
  return app;
}

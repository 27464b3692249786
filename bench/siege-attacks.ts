/**
 * The process that behaves badly in `npm run bench:siege -- --all`: each attack does what one caller may do,
 * for a few seconds, at a server of this machine. Harmless: bounded in time and number, no guard is broken.
 *
 * Who calls is told by X-Forwarded-For, which the servers believe (`--trust-proxy=1`), since loopback
 * addresses have no allowance.
 */
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { serveOrders } from "./link.ts";
import type { AttackName, AttackOrder, AttackWord } from "./siege-orders.ts";

const bad = "192.0.2.1";
const videosOfStream = 32;
const batchItems = 1_000;
const commentsAtOnce = 200;
const streamsPerS = 100;
const batchesPerS = 125;
const putsPerS = 1_000;
const textsPerS = 2_000;
const strangersPerS = 500;
/** Requests of one attack that wait for an answer at once; a client would have as many connections. */
const waitingMax = 128;
const dripSessions = 4;
const dripsOfSession = 120;
const bodyBytes = 500_000;

/** Counts answers. */
class Tally {
  readonly counts: Record<string, number> = {};

  add(what: string | number): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }
}

const now = (): number => performance.now();

async function ask(order: AttackOrder, tally: Tally, path: string, init: RequestInit, from = bad) {
  const headers = { "x-forwarded-for": from, ...(init.headers as Record<string, string>) };
  try {
    const answer = await fetch(order.url + path, { ...init, headers, signal: AbortSignal.timeout(20_000) });
    const text = await answer.text();
    tally.add(answer.status);
    return text;
  } catch {
    tally.add("no answer");
    return "";
  }
}

/** `one`, `perS` times a second, unless too many are not answered yet. */
async function asked(seconds: number, perS: number, tally: Tally, one: (n: number) => Promise<unknown>) {
  const waiting = new Set<Promise<unknown>>();
  await paced(seconds, perS, (n) => {
    if (waiting.size >= waitingMax) return tally.add("not sent");
    const asking = one(n).finally(() => waiting.delete(asking));
    waiting.add(asking);
  });
  await Promise.all(waiting);
}

const json = { "content-type": "application/json" };

/** Runs `one` `perS` times a second, however long each takes. */
async function paced(seconds: number, perS: number, one: (n: number) => void): Promise<void> {
  const beganMs = now();
  for (let n = 0; now() - beganMs < seconds * 1000; ) {
    for (; n < ((now() - beganMs) * perS) / 1000; n++) one(n);
    await Bun.sleep(5);
  }
}

/** A stream over a socket of its own; what it is told first is counted, and then `told` is called. */
function stream(
  order: AttackOrder,
  tally: Tally,
  query: string,
  headers: string,
  told?: (s: Socket) => void,
) {
  const socket = connect(order.port, "127.0.0.1", () => {
    const head = `GET /v1/events?${query} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${bad}\r\n${headers}\r\n`;
    socket.write(head);
  });
  let text = "";
  let isTold = false;
  socket.on("data", (bytes) => {
    if (isTold) return;
    text += bytes.toString("latin1");
    const reason = /event: bye[\s\S]*?"reason":"([^"]+)"/.exec(text)?.[1];
    const said = reason ? `bye: ${reason}` : /event: (reset|snapshot)/.exec(text)?.[1];
    if (said === undefined) return;
    isTold = true;
    tally.add(said);
    told?.(socket);
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    if (!isTold) tally.add("no answer");
  });
  return socket;
}

const videosFrom = (start: number): string =>
  Array.from({ length: videosOfStream }, (_, i) => `video=x${start + i}`).join("&");

const attacks: Readonly<Record<AttackName, (order: AttackOrder, tally: Tally) => Promise<void>>> = {
  /** EventSources that come back with a place that the log does not hold any more. */
  async "old places"(order, tally) {
    const sockets = new Set<Socket>();
    const query = Array.from({ length: videosOfStream }, (_, i) => `video=v${i}`).join("&");
    await paced(order.seconds, streamsPerS, () => {
      sockets.add(
        stream(order, tally, query, `Last-Event-ID: ${order.given}\r\n`, (socket) => {
          sockets.delete(socket);
          socket.destroy();
        }),
      );
    });
    for (const socket of sockets) socket.destroy();
  },

  /** Likes of videos that nobody has heard of, from the networks of one household after the other. */
  async "invented ids"(order, tally) {
    await asked(order.seconds, batchesPerS, tally, async (n) => {
      const items = Array.from({ length: batchItems }, (_, i) => ({ video: `i${n}-${i}`, kind: "heart" }));
      const init = { method: "POST", headers: json, body: JSON.stringify({ items }) };
      const from = `2001:db8:1:${(n % 65_536).toString(16)}::1`;
      const text = await ask(order, new Tally(), "/v1/likes", init, from);
      // By what became of each video.
      const statuses = [...text.matchAll(/"status":(\d+)/g)];
      for (const [, status] of statuses) tally.add(`${status} of a like`);
      if (statuses.length === 0) tally.add("no answer");
    });
  },

  /** Two hundred people write at the same instant, once a second. */
  async "200 comments at once"(order, tally) {
    const beganMs = now();
    for (let turn = 0; turn < order.seconds; turn++) {
      await Promise.all(
        Array.from({ length: commentsAtOnce }, (_, i) => {
          const init = { method: "POST", headers: json, body: '{"text":"hello"}' };
          return ask(order, tally, "/v1/videos/v/comments", init, `198.51.100.${i}`);
        }),
      );
      await Bun.sleep(Math.max(0, beganMs + (turn + 1) * 1000 - now()));
    }
  },

  /** Opened, told, left: the node keeps what was watched for a while. */
  async "streams of invented videos"(order, tally) {
    const sockets = new Set<Socket>();
    await paced(order.seconds, streamsPerS, (n) => {
      const leave = (socket: Socket): void => {
        sockets.delete(socket);
        socket.destroy();
      };
      sockets.add(stream(order, tally, videosFrom(n * videosOfStream), "", leave));
    });
    for (const socket of sockets) socket.destroy();
  },

  async "PUT and DELETE"(order, tally) {
    const { promise, resolve } = Promise.withResolvers<string>();
    const socket = stream(order, new Tally(), "video=own", "");
    let text = "";
    socket.on("data", (bytes) => {
      text = (text + bytes.toString("latin1")).slice(0, 10_000);
      const connection = /"connection":"([^"]+)"/.exec(text)?.[1];
      if (connection) resolve(connection);
    });
    const connection = await promise;
    await asked(order.seconds, putsPerS, tally, async (n) => {
      const path = `/v1/connections/${connection}/videos/p${n}`;
      await ask(order, tally, path, { method: "PUT" });
      await ask(order, new Tally(), path, { method: "DELETE" });
    });
    socket.destroy();
  },

  /** Bodies that never end, a byte a second, over HTTP/2. */
  async "dripping bodies"(order, tally) {
    const sessions = Array.from({ length: dripSessions }, () =>
      connectHttp2(order.url, { rejectUnauthorized: false }),
    );
    const drips: (() => void)[] = [];
    for (const session of sessions) {
      session.on("error", () => {});
      for (let i = 0; i < dripsOfSession; i++) {
        const one = session.request({
          ...{ ":method": "POST", ":path": "/v1/likes", "x-forwarded-for": bad },
          ...{ "content-type": "application/json", "content-length": String(bodyBytes) },
        });
        one.on("response", (head) => tally.add(Number(head[":status"])));
        one.on("error", () => {});
        one.write(Buffer.alloc(bodyBytes - 1_000, " "));
        drips.push(() => void (one.destroyed || one.write(" ")));
      }
    }
    await paced(order.seconds, 1, () => {
      for (const drip of drips) drip();
    });
    for (const session of sessions) session.destroy();
  },

  /** One token, written in ever new ways: a space somewhere in its signature. */
  async "token texts"(order, tally) {
    const at = order.given.lastIndexOf(".") + 1;
    const [head, signature] = [order.given.slice(0, at), order.given.slice(at)];
    await asked(order.seconds, textsPerS, tally, (n) => {
      // Each bit of the number is a place where a space stands or not.
      const text = Array.from(signature, (char, i) => (i < 30 && (n >> i) & 1 ? `%20${char}` : char)).join(
        "",
      );
      return ask(order, tally, `/v1/videos/v?token=${head}${text}`, {});
    });
  },

  /** Tokens that nobody signed, for keys that are not named. */
  async "strangers' tokens"(order, tally) {
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    await asked(order.seconds, strangersPerS, tally, (n) => {
      const claims = encode({ sub: `s${n}`, exp: 4_000_000_000, videos: "*" });
      const signature = crypto.getRandomValues(Buffer.alloc(256)).toString("base64url");
      const token = `${encode({ alg: "RS256" })}.${claims}.${signature}`;
      return ask(order, tally, "/v1/videos/v", { headers: { authorization: `Bearer ${token}` } });
    });
  },
};

await serveOrders<AttackOrder, AttackWord>(async (order) => {
  const tally = new Tally();
  await attacks[order.attack](order, tally);
  return tally.counts;
});

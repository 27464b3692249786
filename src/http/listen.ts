/**
 * Listens: the one place where the HTTP layer meets Bun.
 *
 * The settings are few and each has a reason: `development: false`, or a bug would show its source to
 * strangers; an idle time of three beats, since 0 would leave nobody to reap a stalled reader; a body bound
 * above all of ours, so that our own answers refuse what is between.
 */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { beatsOf } from "../core/beats.ts";
import { limits } from "../core/limits.ts";
import type { Peer } from "../trust/address.ts";
import { internalError } from "./answer.ts";
import { queueBefore, steerListeners, tuneListener } from "./socket.ts";

export interface ListenOptions {
  readonly port: number;
  readonly host: string;
  /** Lets several processes share the port; the kernel spreads new connections. */
  readonly reusePort: boolean;
  readonly log: Log;
  /** No stream is silent for longer, in ms: see core/beats.ts. */
  readonly beatMs: number;
  /** With it: HTTPS, and HTTP/2 for those who ask for it. */
  readonly tls?: TlsFiles | undefined;
}

/** Contents of a certificate chain and of its key, PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface Listener {
  /** Where it can be reached from this machine. */
  readonly url: string;
  readonly port: number;
  /**
   * Of all processes that share the port, new connections go to the one whose listener came in this place,
   * counted from 0; to all again without one, or with a place that is none. Whether that could be said.
   */
  steer(place: number | undefined): boolean;
  /** Connections that wait to be accepted; 0 where that cannot be known. */
  waiting(): number;
  /** New connections get this certificate from now on. Throws when it cannot be used: nothing has changed. */
  renew(tls: TlsFiles): void;
  /** Takes no new connections; requests under way may take `graceMs`, then every connection is ended. */
  stop(clock: Clock, graceMs: number): Promise<void>;
}

/** Silence in the middle of a body after which the connection is cut, in seconds. */
const bodyIdleS = 10;
/**
 * Bun 1.4.5 looks at idle connections every 4 s. One that may be idle for 4 s or less is ended when it is
 * looked at next, whatever was written meanwhile: a stream with --beat=1s ended after 4 s, without a word.
 */
const idleSMin = 8;
/** Beyond: refused by the runtime, before a route sees it. */
const requestBytesMax = 2 * limits.batchBodyBytesMax;

/** Throws when the address cannot be had. */
export function listen(
  fetch: (request: Request, peer: Peer) => Response | Promise<Response>,
  options: ListenOptions,
): Listener {
  const { log } = options;
  const beats = beatsOf(options.beatMs);
  const idleS = Math.max(idleSMin, Math.ceil(beats.idleMs / 1000));
  const open = (tls: TlsFiles | undefined, onPort: number) =>
    Bun.serve({
      port: onPort,
      hostname: options.host,
      // A certificate cannot be changed under a listener: a second one takes over its port.
      reusePort: options.reusePort || tls !== undefined,
      ...(tls && { tls: { cert: tls.cert, key: tls.key }, http2: true }),
      development: false,
      idleTimeout: idleS,
      maxRequestBodySize: requestBytesMax,
      fetch(request, self) {
        // A stream may be silent for long, a body may not; what was said last holds for the connection.
        const isBody = request.method === "POST" || request.method === "PUT";
        self.timeout(request, isBody ? bodyIdleS : idleS);
        return request.url.startsWith("/")
          ? fetch(named(request), peerOf(request, self))
          : fetch(request, self);
      },
      error(error) {
        log.error("request failed", { error });
        return internalError();
      },
    });
  let server = open(options.tls, options.port);
  const earlier: (typeof server)[] = [];
  const port = server.port ?? options.port;
  if (!tuneListener(port, beats.unansweredMs)) log.debug("the listener is as the runtime makes it", { port });
  return {
    url: `http${options.tls ? "s" : ""}://${reachable(options.host)}:${port}`,
    port,
    waiting: queueBefore(port),
    steer: (place) => steerListeners(port, place),
    renew(tls) {
      const before = server;
      server = open(tls, port);
      tuneListener(port, beats.unansweredMs);
      earlier.push(before);
      // Resolves when its last connection has ended by itself.
      void before.stop().then(() => earlier.splice(earlier.indexOf(before), 1));
    },
    async stop(clock, graceMs) {
      const late = new Promise<void>((resolve) => clock.after(graceMs, resolve));
      const all = [server, ...earlier];
      await Promise.race([Promise.all(all.map((one) => one.stop())), late]);
      await Promise.all(all.map((one) => one.stop(true)));
    },
  };
}

/**
 * HTTP/1.0 may leave Host out, as health checks do, and Bun then gives a path in place of a URL: the same
 * request under some name, since none was asked for.
 */
function named(request: Request): Request {
  return new Request(`http://localhost${request.url}`, request);
}

/** Bun knows the peer of its own request only. */
function peerOf(request: Request, server: Peer): Peer {
  return { requestIP: () => server.requestIP(request) };
}

/** The address a person on this machine types for `host`. */
function reachable(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

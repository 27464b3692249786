/**
 * The ports of a serving process: one for viewers and publishers and, with `--admin-port`, one of its own for
 * health, metrics and staff, which the first then no longer answers.
 *
 * Certificates belong here: read at start, read again when asked, and left as they are when the new ones are
 * wrong. Not here: what answers (http/server.ts), and how a port is opened (http/listen.ts).
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Doors } from "../http/doors.ts";
import { type Listener, type ListenOptions, listen, type TlsFiles } from "../http/listen.ts";
import { createServer } from "../http/server.ts";
import { StartRefused } from "../node/company.ts";
import type { ReadFile } from "../settings/access.ts";
import type { Settings } from "../settings/config.ts";
import type { Peer } from "../trust/address.ts";

type Answer = (request: Request, peer: Peer) => Response | Promise<Response>;

/** How long before its end a certificate is warned of, in ms. */
const certificateMs = 7 * 86_400_000;

export interface ListenersParts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Log;
  readonly readFile: ReadFile;
  /** Lets other processes have the same ports. */
  readonly shared: boolean;
}

export class Listeners {
  readonly #parts: ListenersParts;
  readonly #public: Listener;
  readonly #admin: Listener | undefined;

  /** Throws StartRefused when a port or a certificate cannot be had. */
  constructor(doors: Doors, parts: ListenersParts) {
    const { settings, log, shared: reusePort } = parts;
    const { host, port, adminHost, adminPort, beatMs } = settings;
    this.#parts = parts;
    const tls = readTls(parts);
    const own = adminPort > 0;
    const answer = createServer(doors, own ? "public" : "all").fetch;
    this.#public = listenOn(answer, { host, port, reusePort, log, beatMs, tls });
    if (!own) return;
    try {
      const staff = createServer(doors, "staff").fetch;
      this.#admin = listenOn(staff, { host: adminHost, port: adminPort, reusePort, log, beatMs, tls });
    } catch (error) {
      void this.#public.stop(parts.clock, 0);
      throw error;
    }
  }

  get url(): string {
    return this.#public.url;
  }

  get port(): number {
    return this.#public.port;
  }

  /** Connections of the public port that wait to be accepted. */
  get waiting(): number {
    return this.#public.waiting();
  }

  /** New connections of the public port go to the listener in this place; to all without one. */
  steer(place: number | undefined): void {
    if (!this.#public.steer(place)) this.#parts.log.debug("connections are not steered", { place });
  }

  /** Reads the certificate again. Answers what is wrong with it: then nothing has changed. */
  reload(): readonly string[] {
    try {
      const tls = readTls(this.#parts);
      if (!tls) return [];
      this.#public.renew(tls);
      this.#admin?.renew(tls);
      return [];
    } catch (error) {
      return [(error as Error).message];
    }
  }

  async stop(graceMs: number): Promise<void> {
    const { clock } = this.#parts;
    await Promise.all([this.#public.stop(clock, graceMs), this.#admin?.stop(clock, graceMs)]);
  }
}

/** Opens a port. Throws StartRefused with one line that says why not. */
export function listenOn(answer: Answer, options: ListenOptions): Listener {
  const { host, port } = options;
  try {
    return listen(answer, options);
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === "EADDRINUSE") throw new StartRefused(`port ${port} of ${host} is in use; try --port=0`);
    const why = error instanceof Error ? error.message : code;
    throw new StartRefused(`cannot listen on ${host} port ${port}: ${why}`);
  }
}

function readTls({ settings, readFile, clock, log }: ListenersParts): TlsFiles | undefined {
  const { tlsCert, tlsKey } = settings;
  if (tlsCert === "") return undefined;
  const read = (flag: string, path: string): string => {
    try {
      return readFile(path);
    } catch (error) {
      throw new StartRefused(`${flag}: cannot read ${path} (${(error as { code?: string }).code})`);
    }
  };
  const tls = { cert: read("--tls-cert", tlsCert), key: read("--tls-key", tlsKey) };
  const certificate = certificateOf(tls);
  if (!certificate) throw new StartRefused(`--tls-cert and --tls-key: ${tlsCert} and its key do not fit`);
  const leftMs = Date.parse(certificate.validTo) - clock.date();
  if (leftMs < certificateMs) log.warn("the certificate ends soon", { ends: certificate.validTo });
  return tls;
}

/** The certificate, if it is one and the key is its own. */
function certificateOf({ cert, key }: TlsFiles): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(cert);
    return certificate.checkPrivateKey(createPrivateKey(key)) ? certificate : undefined;
  } catch {
    return undefined;
  }
}

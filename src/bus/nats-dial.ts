/**
 * One attempt to reach one NATS server: knock, then connect.
 *
 * The knock rests on what the client leaves behind: an attempt that times out before the server has greeted
 * keeps its socket for as long as the other side does, so a server that hangs would cost a descriptor per
 * attempt. A server that greets is safe to connect to. Each connection lives once; coming back is nats-
 * link.ts' work, because the client's own way drops what is queued without a word and cannot leave a link
 * that is stuffed.
 */
import { connect as connectSocket, isIP } from "node:net";
import {
  type Authenticator,
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  type NatsConnection,
  type TlsOptions,
} from "nats";

/** How to enter; at most one of user, token and creds. */
export interface Entrance {
  /** Shown by the server's monitoring. */
  readonly name: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** Contents of a credentials file: a JWT and its seed. */
  readonly creds?: string | undefined;
  /** Contents of a PEM file: the authority that signed the server. Turns TLS on. */
  readonly ca?: string | undefined;
}

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

const portDefault = 4222;
const greetingCharsMax = 64 * 1024;

/** The address in `nats://host:port`, `tls://host:port` or `host:port`; throws when it is none. */
export function parseAddress(text: string): Address {
  const url = new URL(text.includes("://") ? text : `nats://${text}`);
  if (url.hostname === "") throw new Error(`no NATS server: ${text}`);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { host, port: url.port === "" ? portDefault : Number(url.port), tls: url.protocol === "tls:" };
}

export function formatAddress({ host, port }: Address): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A connection to `address`, or a rejection that says why not, after at most about twice `timeoutMs`. */
export async function dial(address: Address, entrance: Entrance, timeoutMs: number): Promise<NatsConnection> {
  const secured = address.tls || entrance.ca !== undefined;
  const greeting = await knock(address, timeoutMs);
  if (greeting.includes('"tls_required":true')) {
    if (!secured) throw new Error("the server wants TLS: name it tls://, or give its certificate authority");
  } else if (secured && !greeting.includes('"tls_available":true')) {
    throw new Error("the server has no TLS");
  }
  return connect(dialOptions(address, entrance, timeoutMs));
}

function dialOptions(address: Address, entrance: Entrance, timeoutMs: number): ConnectionOptions {
  const { name, user, password, token, creds, ca } = entrance;
  const authenticator: Authenticator | undefined = creds
    ? credsAuthenticator(new TextEncoder().encode(creds))
    : undefined;
  const options: ConnectionOptions & { noAsyncTraces: boolean; resolve: boolean } = {
    servers: [formatAddress(address)],
    name,
    timeout: timeoutMs,
    reconnect: false,
    // Names go to the system's resolver, which knows /etc/hosts.
    resolve: false,
    noAsyncTraces: true,
    ignoreClusterUpdates: true,
    tls: address.tls || ca ? tlsOptions(address, ca) : null,
  };
  if (authenticator) options.authenticator = authenticator;
  if (user) Object.assign(options, { user, pass: password });
  if (token) options.token = token;
  return options;
}

/**
 * What the certificate is checked against: a name goes by `servername`, an address must not and goes by
 * `host`.
 */
function tlsOptions({ host }: Address, ca: string | undefined): TlsOptions {
  const options: TlsOptions & { servername?: string; host: string } = { host };
  if (isIP(host) === 0) options.servername = host;
  if (ca) options.ca = ca;
  return options;
}

/** What the server at `address` says first: one line, as NATS servers greet. */
function knock(address: Address, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(address.port, address.host);
    let said = "";
    const end = (why: Error | undefined): void => {
      socket.removeAllListeners();
      socket.on("error", () => {});
      socket.destroy();
      if (why) reject(why);
      else resolve(said);
    };
    socket.setTimeout(timeoutMs, () => end(new Error("no greeting in time")));
    socket.once("error", end);
    socket.once("close", () => end(new Error("closed before a greeting")));
    socket.on("data", (bytes) => {
      said += bytes.toString();
      if (!said.startsWith("INFO ".slice(0, said.length)) || said.length > greetingCharsMax) {
        end(new Error("not a NATS server"));
      } else if (said.includes("\n")) {
        end(undefined);
      }
    });
  });
}

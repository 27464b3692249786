/**
 * Where a run is aimed: one or more nodes by plain HTTP, and the addresses it comes from.
 *
 * A client address and a server address share about 28,000 ports, so an audience on loopback gives each
 * viewer its own source out of 127.0.0.0/8; that is also what spreads it over per-address limits, as real
 * viewers are.
 */

export interface Target {
  /** IP address, or a name to be looked up. */
  readonly host: string;
  readonly port: number;
  /** The `Host:` header. */
  readonly authority: string;
}

/** Reads an `http://` URL without path; a sentence saying what is wrong otherwise. */
export function readTarget(url: string): Target | string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return `"${url}" is not a URL`;
  }
  if (parsed.protocol === "https:")
    return `"${url}": only http:// (aim at the node, not at the TLS in front)`;
  if (parsed.protocol !== "http:") return `"${url}": only http://`;
  if (parsed.pathname !== "/" || parsed.search || parsed.hash) return `"${url}": no path, please`;
  if (parsed.username || parsed.password) return `"${url}": no user, please; see --token`;
  const name = parsed.hostname.replace(/^\[|\]$/g, "");
  const host = name === "localhost" ? "127.0.0.1" : name;
  return { host, port: Number(parsed.port || "80"), authority: parsed.host };
}

/** True for this machine's own addresses. */
export function isLoopback(target: Target): boolean {
  return target.host === "::1" || /^127(?:\.[0-9]{1,3}){3}$/.test(target.host);
}

/** True when sources out of 127.0.0.0/8 can reach it. */
export function isLoopback4(target: Target): boolean {
  return target.host !== "::1" && isLoopback(target);
}

/** The `index`-th source address: 127.1.0.1 … 127.250.255.254, each far from the usual 127.0.x.x. */
export function sourceAddress(index: number): string {
  const low = (index % 254) + 1;
  const middle = Math.floor(index / 254) % 256;
  const high = (Math.floor(index / (254 * 256)) % 250) + 1;
  return `127.${high}.${middle}.${low}`;
}

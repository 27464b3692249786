/**
 * Which address a request counts for.
 *
 * What a peer *is* comes from its socket; what a header says is believed only as far as proxies of our own
 * wrote it (`--trust-proxy` of them, counted from the right, since anybody can put anything on the left). An
 * IPv6 household has a /64, so that is one address here. Held by address.test.ts.
 */
import { isIPv4, isIPv6 } from "node:net";

/** Tells a request's peer; Bun's server is one. */
export interface Peer {
  requestIP(request: Request): { readonly address: string } | null;
}

/** Characters of a forwarding header that are looked at: the right end, where our proxies wrote. */
const headerCharsMax = 1_024;

/** The address `request` counts for, or undefined when it is not known. `hops` proxies are ours. */
export function addressOf(request: Request, peer: Peer | undefined, hops: number): string | undefined {
  if (hops > 0) {
    const header = request.headers.get("x-forwarded-for");
    const forwarded = header === null ? undefined : forwardedFor(header, hops);
    if (forwarded !== undefined) return forwarded;
  }
  const socket = peer?.requestIP(request);
  return socket ? groupOf(socket.address) : undefined;
}

/** What the outermost of our `hops` proxies wrote; undefined when there is nothing, or no address. */
export function forwardedFor(header: string, hops: number): string | undefined {
  const entries = header.slice(-headerCharsMax).split(",");
  if (entries.length < hops) return undefined;
  const entry = (entries.at(-hops) ?? "").trim();
  // Some proxies write a port: 1.2.3.4:567, [2001:db8::1]:567.
  const bare = /^\[([^\]]*)\](?::\d+)?$/.exec(entry)?.[1] ?? /^([0-9.]+):\d+$/.exec(entry)?.[1] ?? entry;
  return groupOf(bare);
}

/** One text for all addresses of one household: an IPv4 address, or the first 64 bits of an IPv6 one. */
export function groupOf(address: string): string | undefined {
  if (isIPv4(address)) return address;
  const bare = address.split("%")[0] ?? "";
  if (!isIPv6(bare)) return undefined;
  const words = wordsOf(bare);
  const isMapped = words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff;
  if (isMapped) {
    const [high = 0, low = 0] = words.slice(6);
    return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  }
  if (words.every((word, index) => word === (index === 7 ? 1 : 0))) return "::1";
  return `${words
    .slice(0, 4)
    .map((word) => word.toString(16))
    .join(":")}::/64`;
}

/** Whether the address is this machine's own. */
export function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

/** The eight 16-bit words of a valid IPv6 address. */
function wordsOf(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const hex = (high = "0", low = "0") => (Number(high) * 256 + Number(low)).toString(16);
  const text = dotted ? `${dotted[1]}${hex(dotted[2], dotted[3])}:${hex(dotted[4], dotted[5])}` : address;
  const [head = "", tail] = text.split("::");
  const numbers = (part: string) => (part === "" ? [] : part.split(":").map((w) => Number.parseInt(w, 16)));
  const left = numbers(head);
  if (tail === undefined) return left;
  const right = numbers(tail);
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/**
 * Who pays for a call: the purses it is taken out of, all or none.
 *
 * A viewer with a token pays as that viewer, wherever it comes from; everybody else as an address. Whoever
 * has an IPv6 /64 often has a /56 or a /48 of them, so each of these is a purse too, a few times as deep: a
 * street of households fits, and one household that walks through its 65,536 networks does not. API keys that
 * speak for many pay nothing, nor do loopback addresses: behind one is this machine's owner, or a proxy that
 * hides everybody (say so with --trust-proxy). Held by account.test.ts.
 */
import type { Elapsed } from "../base/clock.ts";
import { isLoopback } from "./address.ts";
import { type Identity, speaksForMany } from "./identity.ts";
import { Rate } from "./rate.ts";

/** One purse: its name among others of its kind, and how many times as deep it is as the smallest. */
interface Purse {
  readonly name: string;
  readonly depth: number;
}

/** Purses of one caller, the smallest first; none where nothing is counted. */
export type Payer = {
  readonly by: "viewer" | "address";
  readonly purses: readonly Purse[];
};

/** How many networks of 64 bits a wider one may spend like. */
const depthOf56 = 4;
const depthOf48 = 16;

/** Who pays for what `who` asks for from `address`; undefined: nobody has to. */
export function payerOf(who: Identity, address: string | undefined): Payer | undefined {
  if (speaksForMany(who)) return undefined;
  if (who.by === "token") return { by: "viewer", purses: [{ name: who.sub ?? "", depth: 1 }] };
  return payerAt(address);
}

/** Who pays for what nobody has proven to have asked for from `address`. */
export function payerAt(address: string | undefined): Payer | undefined {
  if (address === undefined || isLoopback(address)) return undefined;
  return { by: "address", purses: pursesOf(address) };
}

/** `address` as address.ts names it: a whole IPv4 one, or `a:b:c:d::/64`. */
function pursesOf(address: string): readonly Purse[] {
  const own = { name: address, depth: 1 };
  if (!address.endsWith("::/64")) return [own];
  const [a = "0", b = "0", c = "0", d = "0"] = address.slice(0, -"::/64".length).split(":");
  const of56 = (Number.parseInt(d, 16) >> 8).toString(16);
  return [
    own,
    { name: `${a}:${b}:${c}:${of56}/56`, depth: depthOf56 },
    { name: `${a}:${b}:${c}/48`, depth: depthOf48 },
  ];
}

/** So much a second for each payer, and so much at once: each of its purses in proportion to its depth. */
export class Allowed {
  readonly #rate: Rate;

  /** As `Rate`, of the smallest purse. */
  constructor(perSecond: number, burst: number, keysMax: number) {
    this.#rate = new Rate(perSecond, burst, keysMax);
  }

  /** Takes `count` out of every purse of `payer`, or out of none: then the ms after which it fits, else 0. */
  take({ purses }: Pick<Payer, "purses">, count: number, now: Elapsed): number {
    const [first] = purses;
    if (first && purses.length === 1) return this.#rate.take(first.name, count, now);
    let waitMs = 0;
    for (const { name, depth } of purses)
      waitMs = Math.max(waitMs, this.#rate.wait(name, count / depth, now));
    if (waitMs === 0) this.spend({ purses }, count, now);
    return waitMs;
  }

  /** Takes `count` out of every purse of `payer`, whether or not it is there. */
  spend({ purses }: Pick<Payer, "purses">, count: number, now: Elapsed): void {
    for (const { name, depth } of purses) this.#rate.spend(name, count / depth, now);
  }
}

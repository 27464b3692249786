/**
 * Whether a like tells of somebody new: whoever gave a video a like a moment ago is already counted among its
 * people of that moment, however fast they tap.
 *
 * It is what moments (core/moments.ts) and the median of media times (ledger/skew.ts) go by: one viewer who
 * taps all the time is one, and so is one who lies. By the caller's own purse (payer.ts): a token's holder,
 * an address, a network of 64 bits. A server that speaks for many is believed when it names a user; loopback
 * addresses are not told apart. In memory, per node; beyond its bound the quietest are forgotten, and are
 * new again. Held by people.test.ts.
 */
import type { Elapsed } from "../base/clock.ts";
import type { Like } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Payer } from "./payer.ts";
import { Rate } from "./rate.ts";

export class People {
  readonly #seen = new Rate(1_000 / limits.personMs, 1, limits.peopleMax);

  /** `like`, marked where its giver is nobody new to its video at `now`. */
  mark(like: Like, payer: Payer | undefined, now: Elapsed): Like {
    const name = payer ? `${payer.by} ${payer.purses[0]?.name}` : (like.viewer ?? like.user);
    if (name === undefined || like.unlike) return like;
    return this.#seen.take(`${like.video} ${name}`, 1, now) === 0 ? like : { ...like, again: true };
  }
}

/** How a person who was erased is called: by what only who knows their name can make again. */
import { createHash } from "node:crypto";
import { secret } from "../base/prng.ts";
import { sameUser } from "../core/erasure.ts";

export interface Pseudonym {
  readonly salt: string;
  /** SHA-256 of the salt, a space and the name in lower case (NFKC, trimmed), as hex. */
  readonly userSha256: string;
}

/** Another one each time; with `salt`, the one that it made. */
export function pseudonymOf(user: string, salt: string = secret(16)): Pseudonym {
  return {
    salt,
    userSha256: createHash("sha256")
      .update(`${salt} ${sameUser(user)}`)
      .digest("hex"),
  };
}

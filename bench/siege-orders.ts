/** What siege-all.ts asks of the process that behaves badly (siege-attacks.ts), and what that answers. */

/** The ways to behave badly, each within what one caller is allowed. */
export const attackNames = [
  "old places",
  "invented ids",
  "200 comments at once",
  "streams of invented videos",
  "PUT and DELETE",
  "dripping bodies",
  "token texts",
  "strangers' tokens",
] as const;
export type AttackName = (typeof attackNames)[number];

export interface AttackOrder {
  readonly attack: AttackName;
  readonly url: string;
  readonly port: number;
  readonly seconds: number;
  /** A place, or a token, where the attack needs one. */
  readonly given: string;
}

/** How often each answer came: by status, code or reason. */
export type AttackWord = Readonly<Record<string, number>>;

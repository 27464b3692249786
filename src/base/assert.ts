/**
 * Assertions that stay on in production.
 *
 * A rejection is a value and a bug is a throw: everything a stranger can cause is answered with a
 * `Rejection` (core/interaction.ts); everything only we can cause goes through here.
 */

/** Throws when `condition` is false: the program is wrong, not its input. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

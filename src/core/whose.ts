/**
 * Whose time: what a record's likes say beside their numbers, namely how many people gave them and which
 * second of the pictures they saw.
 *
 * It stands beside the record's bytes, in a header of the message or a column of its own, so that nodes of
 * before read the same likes as ever. It decides where in time a like is shown, never whether it counts: what
 * cannot be read is left out. Held by whose.test.ts.
 *
 * One word per group, in their order, between spaces: its people, and if it says what was seen, `@` and how
 * many seconds that lies behind the record's own time, or before it.
 */

/** What is said of a group. */
interface Told {
  /** Unix seconds. */
  readonly mediaS?: number;
  readonly people?: number;
}

const wordPattern = /^(\d{1,9})(?:@(-?\d{1,12}))?$/;

/** What goes with the bytes of `record`. */
export function encodeWhose({
  atMs,
  groups,
}: {
  readonly atMs: number;
  readonly groups: readonly Told[];
}): string {
  const second = Math.floor(atMs / 1000);
  let text = "";
  for (const { mediaS, people = 1 } of groups) {
    text += mediaS === undefined ? ` ${people}` : ` ${people}@${mediaS - second}`;
  }
  return text.slice(1);
}

/** `groups` of a record of `atMs` with what `text` says of them; as they are when it says something else. */
export function readWhose<T extends Told>(atMs: number, groups: readonly T[], text: string): readonly T[] {
  const words = text.split(" ");
  if (words.length !== groups.length) return groups;
  const second = Math.floor(atMs / 1000);
  const read: T[] = [];
  for (const [i, word] of words.entries()) {
    const [, people, delta] = wordPattern.exec(word) ?? [];
    if (people === undefined) return groups;
    const group = { ...(groups[i] as T), people: Number(people) };
    read.push(delta === undefined ? group : { ...group, mediaS: second + Number(delta) });
  }
  return read;
}

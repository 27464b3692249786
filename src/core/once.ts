/**
 * One like per viewer (`--like-mode=once`): what such likes are in a record of the log.
 *
 * Elsewhere a like adds to a number; here it says that a viewer is in the set of those who like this video in
 * this kind, or no longer is. So a repeat changes nothing, the order of the log decides between a like and
 * its taking back, and the total is the size of the set (ledger/fold-once.test.ts). A viewer's place in the
 * set is a hash of video, kind and viewer: nobody's name is in the log (once.test.ts).
 *
 * Layout of one change, little-endian: u8 flags (1 taken back, 2 keyed) · u32 hi · u32 lo, and if keyed the
 * key's u32 hi · u32 lo.
 */
import { type Hash64, hash64 } from "./hash.ts";

const takenBack = 1;
const keyed = 2;
const memberBytes = 9;
const keyBytes = 8;

/** Changes of one set, in order of arrival; five numbers for each. */
export class Changes {
  readonly flags: number[] = [];
  /** The viewer's place in the set. */
  readonly hi: number[] = [];
  readonly lo: number[] = [];
  /** The hash of the idempotency key; 0 where there is none. */
  readonly keyHi: number[] = [];
  readonly keyLo: number[] = [];

  get length(): number {
    return this.flags.length;
  }

  /** Adds a change of the member's place, `unlike` or not, under a key or without one. */
  push(member: Hash64, unlike: boolean, key: Hash64 | undefined): void {
    this.flags.push((unlike ? takenBack : 0) | (key ? keyed : 0));
    this.hi.push(member.hi);
    this.lo.push(member.lo);
    this.keyHi.push(key?.hi ?? 0);
    this.keyLo.push(key?.lo ?? 0);
  }

  isUnlike(i: number): boolean {
    return ((this.flags[i] as number) & takenBack) !== 0;
  }

  isKeyed(i: number): boolean {
    return ((this.flags[i] as number) & keyed) !== 0;
  }
}

/** The place of `viewer` among those who like `video` in `kind`, into `out`. */
export function hashMember(video: string, kind: string, viewer: string, out: Hash64): void {
  // No kind holds a line break, so no two pairs of kind and viewer make the same text.
  hash64(video, `${kind}\n${viewer}`, out);
}

/** Most bytes that `changes` take. */
export function changesSize(changes: Changes): number {
  return changes.length * (memberBytes + keyBytes);
}

/** Writes `changes` at `at`; answers where they end. */
export function writeChanges(view: DataView, at: number, changes: Changes): number {
  let end = at;
  for (let i = 0; i < changes.length; i++) {
    view.setUint8(end, changes.flags[i] as number);
    view.setUint32(end + 1, changes.hi[i] as number, true);
    view.setUint32(end + 5, changes.lo[i] as number, true);
    end += memberBytes;
    if (!changes.isKeyed(i)) continue;
    view.setUint32(end, changes.keyHi[i] as number, true);
    view.setUint32(end + 4, changes.keyLo[i] as number, true);
    end += keyBytes;
  }
  return end;
}

/**
 * Reads `count` changes at `at` and tells where they end; undefined when they are none. Throws RangeError
 * when they are cut.
 */
export function readChanges(
  view: DataView,
  at: number,
  count: number,
): { readonly changes: Changes; readonly end: number } | undefined {
  const changes = new Changes();
  let end = at;
  for (let i = 0; i < count; i++) {
    const flags = view.getUint8(end);
    if (flags > (takenBack | keyed)) return undefined;
    const member = hashAt(view, end + 1);
    end += memberBytes;
    const key = (flags & keyed) === 0 ? undefined : hashAt(view, end);
    if (key) end += keyBytes;
    changes.push(member, (flags & takenBack) !== 0, key);
  }
  return { changes, end };
}

function hashAt(view: DataView, at: number): Hash64 {
  return { hi: view.getUint32(at, true), lo: view.getUint32(at + 4, true) };
}

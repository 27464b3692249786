/**
 * A set of video ids in their order, in little memory: what is known in memory of videos that are not.
 *
 * Ids stand in pages, sorted, each as what it adds to the one before it: a million ids of eleven characters
 * take some 11 bytes each (`npm run bench:cold` prints it). A look at one reads one page, a change writes one
 * anew. Held by id-set.test.ts.
 *
 * A page in bytes, per id: u8 characters shared with the one before · u8 further characters · those, ASCII.
 */
import { placeIn } from "../base/sorted.ts";
import { isVideoId, type VideoId } from "../core/interaction.ts";

/** Ids of one page. Beyond: two pages. */
const pageMax = 256;

interface PageOfIds {
  readonly first: VideoId;
  readonly bytes: Uint8Array;
}

export class IdSet {
  readonly #pages: PageOfIds[] = [];
  #size = 0;

  /** A set of ids that come sorted, each once. */
  static of(sorted: Iterable<VideoId>): IdSet {
    const set = new IdSet();
    let page: VideoId[] = [];
    for (const id of sorted) {
      if (page.push(id) < pageMax) continue;
      set.#pages.push(packed(page));
      page = [];
      set.#size += pageMax;
    }
    if (page.length > 0) set.#pages.push(packed(page));
    set.#size += page.length;
    return set;
  }

  /** A set of pages as `pages` tells them; undefined when they are none. */
  static read(pages: Iterable<Uint8Array>): IdSet | undefined {
    const set = new IdSet();
    let last = "";
    for (const bytes of pages) {
      const ids = unpacked(bytes);
      for (const id of ids) {
        if (!isVideoId(id) || id <= last) return undefined;
        last = id;
      }
      if (ids.length === 0 || ids.length > pageMax) return undefined;
      set.#pages.push(packed(ids));
      set.#size += ids.length;
    }
    return set;
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes of all pages, not to be changed. */
  pages(): readonly Uint8Array[] {
    return this.#pages.map(({ bytes }) => bytes);
  }

  has(id: VideoId): boolean {
    const page = this.#pages[this.#pageOf(id)];
    return page !== undefined && holds(page.bytes, id);
  }

  /** False when it was there. */
  add(id: VideoId): boolean {
    const at = this.#pageOf(id);
    const page = this.#pages[at];
    if (!page) {
      this.#pages.push(packed([id]));
      this.#size++;
      return true;
    }
    const ids = unpacked(page.bytes);
    const place = placeIn(ids, (one) => one < id);
    if (ids[place] === id) return false;
    ids.splice(place, 0, id);
    const half = ids.length > pageMax ? ids.length >> 1 : ids.length;
    const parts = [ids.slice(0, half), ids.slice(half)].filter(({ length }) => length > 0);
    this.#pages.splice(at, 1, ...parts.map(packed));
    this.#size++;
    return true;
  }

  /** False when it was not there. */
  delete(id: VideoId): boolean {
    const at = this.#pageOf(id);
    const page = this.#pages[at];
    if (!page || !holds(page.bytes, id)) return false;
    const ids = unpacked(page.bytes).filter((one) => one !== id);
    this.#pages.splice(at, 1, ...(ids.length > 0 ? [packed(ids)] : []));
    this.#size--;
    return true;
  }

  /** In order: those behind `after`, if given, that begin with `search`. */
  *from(after: VideoId | undefined, search: string): Generator<VideoId> {
    const least = after !== undefined && after >= search ? after : search;
    for (let at = this.#pageOf(least as VideoId); at < this.#pages.length; at++) {
      for (const id of unpacked((this.#pages[at] as PageOfIds).bytes)) {
        if (id < least || id === after) continue;
        if (!id.startsWith(search)) return;
        yield id;
      }
    }
  }

  /** Of the page that `id` is in, or would be; 0 where there is none. */
  #pageOf(id: VideoId): number {
    const behind = placeIn(this.#pages, ({ first }) => first <= id);
    return Math.max(0, behind - 1);
  }
}

function packed(ids: readonly VideoId[]): PageOfIds {
  const bytes: number[] = [];
  let before = "";
  for (const id of ids) {
    let shared = 0;
    while (shared < before.length && before.charCodeAt(shared) === id.charCodeAt(shared)) shared++;
    bytes.push(shared, id.length - shared);
    for (let i = shared; i < id.length; i++) bytes.push(id.charCodeAt(i));
    before = id;
  }
  return { first: ids[0] as VideoId, bytes: Uint8Array.from(bytes) };
}

/** Throws nothing: what is cut gives ids that are none. */
function unpacked(bytes: Uint8Array): VideoId[] {
  const ids: VideoId[] = [];
  let before = "";
  for (let at = 0; at < bytes.length; ) {
    const [shared, further] = [bytes[at] as number, bytes[at + 1] ?? 0];
    at += 2;
    before = before.slice(0, shared) + String.fromCharCode(...bytes.subarray(at, at + further));
    at += further;
    ids.push(before as VideoId);
  }
  return ids;
}

/** Whether a page holds `id`, without making a text of any other. */
function holds(bytes: Uint8Array, id: string): boolean {
  /** Leading characters of `id` that the id before has too, all of which are below `id`. */
  let matched = 0;
  for (let at = 0; at < bytes.length; ) {
    const [shared, further] = [bytes[at] as number, bytes[at + 1] as number];
    at += 2;
    if (shared < matched) return false;
    if (shared === matched) {
      let i = 0;
      while (i < further && bytes[at + i] === id.charCodeAt(matched + i)) i++;
      if (i === further && matched + i === id.length) return true;
      const isAbove = i < further && !((bytes[at + i] as number) < id.charCodeAt(matched + i));
      if (isAbove) return false;
      matched += i;
    }
    at += further;
  }
  return false;
}

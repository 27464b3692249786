/** What stands in order (sorted.test.ts). */

/**
 * The first place of `sorted` at which `before` does not hold, by halves: where what it asks for stands, or
 * belongs. Whatever stands behind such a place must not be before it either.
 */
export function placeIn<T>(sorted: readonly T[], before: (one: T) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(sorted[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Puts a number where it belongs. */
export function insert(sorted: number[], value: number): void {
  sorted.splice(placeOf(sorted, value), 0, value);
}

/** Takes one such number out, which must be there. */
export function remove(sorted: number[], value: number): void {
  sorted.splice(placeOf(sorted, value), 1);
}

function placeOf(sorted: readonly number[], value: number): number {
  return placeIn(sorted, (one) => one < value);
}

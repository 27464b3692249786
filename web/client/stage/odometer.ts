/**
 * A number whose digits roll. Exact, in the reader's own digits, and one sentence to a screen reader.
 *
 * Each digit is a strip of 0…9 twice, moved by CSS; a digit that passes 9 rolls on into the second
 * half and is put back unseen, so the number always rolls forward. Columns are counted from the right.
 */
import { make } from "./dom.ts";

interface Column {
  readonly element: HTMLElement;
  readonly strip: HTMLElement | undefined;
  place: number;
}

/** A roll takes half of this, and then the digits rest: ones that never do cannot be read. */
const ROLL_MS = 850;
/** The screen reader's sentence changes at most this often. */
const SAY_MS = 2000;

export interface Odometer {
  readonly element: HTMLElement;
  /** Shows `value`, at once or when the roll under way has ended: call it again then. */
  show(value: number): void;
}

export function createOdometer(locale: string, sentence: (value: number) => string): Odometer {
  const number = new Intl.NumberFormat(locale);
  const digits = Array.from({ length: 10 }, (_, digit) => number.format(digit));
  const element = make("span", { class: "odometer", role: "img", dir: "ltr" });
  let columns: Column[] = [];
  let shape = "";
  let shown = -1;
  let shownMs = Number.NEGATIVE_INFINITY;
  let saidMs = 0;

  function column(char: string): Column {
    if (!digits.includes(char))
      return { element: make("span", { class: "comma" }, char), strip: undefined, place: 0 };
    const strip = make("span", { class: "strip" });
    for (const digit of [...digits, ...digits]) strip.append(make("span", {}, digit));
    return { element: make("span", { class: "digit" }, strip), strip, place: 0 };
  }

  function roll(column: Column, digit: number): void {
    if (!column.strip || column.place % 10 === digit) return;
    if (column.place >= 10) {
      // Back to the first half, unseen, before rolling on.
      column.place -= 10;
      column.strip.style.transition = "none";
      column.strip.style.transform = `translateY(${-column.place * 5}%)`;
      column.strip.getBoundingClientRect();
      column.strip.style.transition = "";
    }
    column.place = digit < column.place ? digit + 10 : digit;
    column.strip.style.transform = `translateY(${-column.place * 5}%)`;
  }

  return {
    element,
    show(value) {
      const nowMs = performance.now();
      if (value === shown || nowMs - shownMs < ROLL_MS) return;
      shown = value;
      shownMs = nowMs;
      const chars = [...number.format(value)].reverse();
      const nextShape = chars.map((char) => (digits.includes(char) ? "0" : char)).join("");
      if (nextShape !== shape) {
        const kept = nextShape.startsWith(shape) ? columns : [];
        columns = [...kept, ...chars.slice(kept.length).map(column)];
        element.replaceChildren(...columns.map((one) => one.element).reverse());
        shape = nextShape;
      }
      chars.forEach((char, place) => {
        const digit = digits.indexOf(char);
        if (digit >= 0) roll(columns[place] as Column, digit);
      });
      if (nowMs - saidMs > SAY_MS || value < 100) {
        saidMs = nowMs;
        element.setAttribute("aria-label", sentence(value));
      }
    },
  };
}

/** What the sections of the page of results are made of: figures read by name, and tables. */
import type { Result } from "./run.ts";

/** A line of a results file. Figures are the run's own; they are read by name here. */
export type Line = Result<object>;

export interface Told {
  readonly text: string;
  readonly aims: readonly { readonly aim: string; readonly measured: string; readonly met: boolean }[];
  readonly charts: Readonly<Record<string, string>>;
}

export interface Section {
  readonly run: string;
  /** How it is run, unless by its name. */
  readonly command?: string;
  readonly title: string;
  readonly about: string;
  tell(line: Line): Told;
}

/** Figures whose names are known here and whose shape is not promised by anyone: absent is NaN or empty. */
export class Figures {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  at(...path: readonly string[]): Figures {
    let value = this.#value;
    for (const name of path) value = (value as Record<string, unknown> | undefined)?.[name];
    return new Figures(value);
  }

  number(...path: readonly string[]): number {
    const value = this.at(...path).#value;
    return typeof value === "number" ? value : Number.NaN;
  }

  text(...path: readonly string[]): string {
    const value = this.at(...path).#value;
    return Array.isArray(value) ? value.join("; ") : String(value ?? "");
  }

  /** The numbers of an object, by their names. */
  entries(...path: readonly string[]): [name: string, number: number][] {
    return Object.entries(Object(this.at(...path).#value) as Record<string, number>);
  }

  list(...path: readonly string[]): Figures[] {
    const value = this.at(...path).#value;
    return Array.isArray(value) ? value.map((each) => new Figures(each)) : [];
  }
}

export type Column = readonly [head: string, of: (row: Figures) => string | number];

export function table(rows: readonly Figures[], columns: readonly Column[]): string {
  const cell = (value: string | number): string => (typeof value === "number" ? grouped(value) : value);
  return [
    `| ${columns.map(([head]) => head).join(" | ")} |`,
    `|${"---|".repeat(columns.length)}`,
    ...rows.map((row) => `| ${columns.map(([, of]) => cell(of(row))).join(" | ")} |`),
  ].join("\n");
}

export function grouped(value: number): string {
  return Number.isNaN(value) ? "–" : value.toLocaleString("en-US", { maximumFractionDigits: 3 });
}

export const of = (name: string) => (row: Figures) => row.number(name);
export const at =
  (...path: string[]) =>
  (row: Figures) =>
    row.number(...path);

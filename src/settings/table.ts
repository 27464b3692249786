/**
 * A table of settings: the one source of its flags, variables, file keys, defaults, checks, help and the
 * table of docs/settings.md.
 *
 * Each row names a setting once. parse() collects the text an operator gave for it from four places (flag
 * beats variable beats file beats default), reads every given text with the row's kind, and answers with
 * either typed settings or every mistake at once. A mistake is a value: nothing here prints, exits or touches
 * `process`.
 *
 * Not here: which settings a command has (config.ts, load's own table), what a kind of value is (kinds.ts),
 * and how the table is shown (settings-text.ts).
 */
import { Command, Option } from "commander";
import { assert } from "../base/assert.ts";
import { nearest } from "../base/nearest.ts";
import type { Kind } from "./kinds.ts";

/** What a computed default may look at; passed in, so that a test can hold it still. */
export type Machine = { readonly suffix: string };

export type Row<T> = {
  readonly kind: Kind<T>;
  /** Text, read by the same kind as an operator's; a function where it depends on the machine. */
  readonly fallback: string | ((machine: Machine) => string);
  /**
   * What help and docs/settings.md show in place of `fallback`: needed where it is computed, or empty with a
   * meaning.
   */
  readonly fallbackShown?: string;
  readonly help: string;
  readonly group: string;
  /** Its value is never printed: not by `check`, not in a mistake. */
  readonly secret?: true;
};

/** Rows by key. The key names the typed setting; flag, variable and file key follow from it (see flagOf). */
export type Rows = Readonly<Record<string, Row<unknown>>>;
export type SettingsOf<R extends Rows> = { readonly [K in keyof R]: R[K] extends Row<infer T> ? T : never };

/** A condition over several rows. It runs only when every row it uses could be read. */
export type Rule<R extends Rows> = {
  readonly uses: readonly (keyof R)[];
  readonly mistake: (settings: SettingsOf<R>) => string | undefined;
};

export type Table<R extends Rows> = {
  /** As typed before the flags: "ovation load". */
  readonly command: string;
  readonly about: string;
  readonly rows: R;
  readonly rules: readonly Rule<R>[];
  /** "OVATION_": `--comment-tick` is OVATION_COMMENT_TICK. Unknown variables that begin so are mistakes. */
  readonly prefix: string;
  /** Longer prefixes that belong to other tables and are passed over here. */
  readonly foreignPrefixes: readonly string[];
};

/** Where the text of one setting came from; `name` is what the operator would edit. */
export type Source = {
  readonly from: "flag" | "variable" | "file" | "default";
  readonly name: string;
  readonly text: string;
};

export type Parsed<R extends Rows> =
  | {
      readonly settings: SettingsOf<R>;
      readonly sources: Readonly<Record<keyof R, Source>>;
      readonly warnings: readonly string[];
      /** What stood among the flags and is no flag's value, as many as were allowed. */
      readonly words: readonly string[];
    }
  | { readonly mistakes: readonly string[] };

/** Everything parse() reads. `readFile` answers a file's text or throws. */
export type Given = {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => string;
  readonly machine: Machine;
  /** Words that may stand among the flags without being a flag's value. Default 0. */
  readonly wordsMax?: number;
};

/** Text for a row that exists, or a complaint about text for one that does not. */
type Finding = { readonly key: string; readonly source: Source };
type Collected = { readonly findings: Finding[]; readonly mistakes: string[]; readonly warnings: string[] };

const valueCharsShown = 60;

/** Declares a table; only for the types it infers from the rows. */
export function defineSettings<const R extends Rows>(table: Table<R>): Table<R> {
  return table;
}

/** Puts rows under one heading of the help. */
export function group<const G extends Readonly<Record<string, Omit<Row<unknown>, "group">>>>(
  heading: string,
  rows: G,
): { readonly [K in keyof G]: G[K] & { readonly group: string } } {
  const grouped = Object.entries(rows).map(([key, row]) => [key, { ...row, group: heading }]);
  return Object.fromEntries(grouped) as { [K in keyof G]: G[K] & { group: string } };
}

/**
 * The flag of a row without its dashes, also its key in a file: tickMs → "tick", natsPrefix → "nats-prefix".
 */
export function flagOf(key: string): string {
  return key.replace(/Ms$/, "").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Reads the whole table. Costs a few milliseconds: for start-up, not for a request. */
export function parseTable<R extends Rows>(table: Table<R>, given: Given): Parsed<R> {
  const flags = readFlags(table, given.argv, given.wordsMax ?? 0);
  const variables = readVariables(table, given.env);
  const path = flags.configPath ?? given.env[`${table.prefix}CONFIG`] ?? "";
  const file = path === "" ? nothing() : readConfigFile(table, path, given.readFile);
  const places = [flags.collected, variables, file];

  const mistakes = places.flatMap((place) => place.mistakes);
  const values = new Map<string, unknown>();
  const sources = new Map<string, Source>();
  for (const { key, source } of [
    ...places.flatMap((place) => place.findings),
    ...defaults(table, given.machine),
  ]) {
    const row = rowOf(table, key);
    const read = row.kind.schema.safeParse(source.text);
    // A bad value is a mistake even where a better place overrides it: it would bite when that place is
    // removed.
    if (!read.success) mistakes.push(`${shown(row, source)} must be ${row.kind.expects}`);
    if (sources.has(key)) continue;
    sources.set(key, source);
    if (read.success) values.set(key, read.data);
  }

  const settings = Object.fromEntries(values) as SettingsOf<R>;
  for (const rule of table.rules) {
    if (!rule.uses.every((key) => values.has(String(key)))) continue;
    const mistake = rule.mistake(settings);
    if (mistake !== undefined) mistakes.push(mistake);
  }
  if (mistakes.length > 0) return { mistakes };
  return {
    settings: Object.freeze(settings),
    sources: Object.fromEntries(sources) as Record<keyof R, Source>,
    warnings: [...places.flatMap((place) => place.warnings), ...secretsOnCommandLine(table, sources)],
    words: flags.words,
  };
}

/**
 * `argv` with an address that stands alone in it as its --url: `load http://127.0.0.1:8080`, and
 * `load --viewers=9 localhost:8080`. Behind a flag without a value it is that flag's.
 */
export function withAddress(argv: readonly string[]): readonly string[] {
  const at = argv.findIndex((word, index) => {
    const isAddress = /^https?:\/\/|^(localhost|[\d.]+|\[[\da-f:.]+\]):\d{1,5}$/i.test(word);
    return isAddress && !/^--[^=]*$/.test(argv[index - 1] ?? "");
  });
  const word = argv[at] ?? "";
  return at < 0 ? argv : argv.with(at, `--url=${/^http/i.test(word) ? word : `http://${word}`}`);
}

/** `--comment-tick` → OVATION_COMMENT_TICK. */
export function variableOf(table: Pick<Table<Rows>, "prefix">, flag: string): string {
  return table.prefix + flag.toUpperCase().replaceAll("-", "_");
}

function readFlags<R extends Rows>(table: Table<R>, argv: readonly string[], wordsMax: number) {
  const collected = nothing();
  const command = new Command().helpOption(false);
  // Every value is optional to commander, because a missing one would make it throw at the first mistake.
  for (const flag of knownFlags(table)) command.addOption(new Option(`--${flag} [value]`));
  const { operands, unknown } = command.parseOptions([...argv]);

  for (const [key, row] of Object.entries(table.rows)) {
    const flag = flagOf(key);
    const value: unknown = command.getOptionValue(key.replace(/Ms$/, ""));
    if (value === undefined) continue;
    if (typeof value !== "string" && row.kind.placeholder !== "") {
      collected.mistakes.push(`--${flag} needs a value: ${row.kind.expects}`);
      continue;
    }
    const text = typeof value === "string" ? value : "true";
    collected.findings.push({ key, source: { from: "flag", name: `--${flag}`, text } });
  }
  const config: unknown = command.getOptionValue("config");
  if (config === true) collected.mistakes.push("--config needs a value: the path of a JSON file");
  for (const word of operands.slice(wordsMax)) collected.mistakes.push(`unexpected word ${quoted(word)}`);
  collected.mistakes.push(...unknownFlags(table, unknown));
  return {
    collected,
    configPath: typeof config === "string" ? config : undefined,
    words: operands.slice(0, wordsMax),
  };
}

/** One line per unknown flag; a bare word after one was meant as its value and gets no line of its own. */
function unknownFlags<R extends Rows>(table: Table<R>, words: readonly string[]): string[] {
  const mistakes: string[] = [];
  let afterFlag = false;
  for (const word of words) {
    const isFlag = word.startsWith("-") && word !== "-";
    if (isFlag) {
      const name = word.split("=")[0] ?? word;
      const off = switchOf(table, name);
      const known = knownFlags(table).map((flag) => `--${flag}`);
      mistakes.push(
        off ? `unknown flag ${name}; did you mean ${off}=false?` : unknownName("flag", name, known),
      );
    } else if (!afterFlag) mistakes.push(`unexpected word ${quoted(word)}`);
    afterFlag = isFlag && !word.includes("=");
  }
  return mistakes;
}

/** The switch that `--no-NAME` is meant to turn off. */
function switchOf<R extends Rows>(table: Table<R>, flag: string): string | undefined {
  const meant = Object.entries(table.rows).find(([key]) => `--no-${flagOf(key)}` === flag);
  return meant?.[1].kind.placeholder === "" ? `--${flagOf(meant[0])}` : undefined;
}

function readVariables<R extends Rows>(table: Table<R>, env: Given["env"]): Collected {
  const collected = nothing();
  const keys = new Map(Object.keys(table.rows).map((key) => [variableOf(table, flagOf(key)), key]));
  const known = knownFlags(table).map((flag) => variableOf(table, flag));
  for (const [name, text] of Object.entries(env)) {
    // Compose files and units pass a variable that is not set as an empty one.
    if (!name.startsWith(table.prefix) || text === undefined || text === "") continue;
    if (table.foreignPrefixes.some((prefix) => name.startsWith(prefix))) continue;
    if (isServiceLink(name, text)) {
      const why = "is a Kubernetes service link and is ignored; set enableServiceLinks: false";
      collected.warnings.push(`${name} ${why}`);
      continue;
    }
    const key = keys.get(name);
    if (key !== undefined) collected.findings.push({ key, source: { from: "variable", name, text } });
    else if (!known.includes(name)) collected.mistakes.push(unknownName("variable", name, known));
  }
  return collected;
}

/**
 * Kubernetes gives every container variables for each service: one called "ovation" sets OVATION_PORT to
 * "tcp://10.0.0.7:8080", which nobody wrote.
 */
function isServiceLink(name: string, text: string): boolean {
  return /^(tcp|udp|sctp):\/\//.test(text) || /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)/.test(name);
}

function readConfigFile<R extends Rows>(
  table: Table<R>,
  path: string,
  readFile: Given["readFile"],
): Collected {
  const collected = nothing();
  const content = readJsonObject(path, readFile);
  if (typeof content === "string") {
    collected.mistakes.push(content);
    return collected;
  }
  const keys = new Map(Object.keys(table.rows).map((key) => [flagOf(key), key]));
  for (const [name, value] of Object.entries(content)) {
    const key = keys.get(name);
    const text = textOf(value);
    if (key === undefined) {
      const near = nearest(name, [...keys.keys()]);
      const where = `${quoted(name)} in ${path}`;
      collected.mistakes.push(`unknown key ${where}${near === undefined ? "" : `; did you mean "${near}"?`}`);
    } else if (text === undefined) {
      collected.mistakes.push(`"${name}" in ${path} must be ${rowOf(table, key).kind.expects}`);
    } else {
      collected.findings.push({ key, source: { from: "file", name: `"${name}" in ${path}`, text } });
    }
  }
  return collected;
}

function readJsonObject(path: string, readFile: Given["readFile"]): Record<string, unknown> | string {
  let text: string;
  try {
    // A byte order mark, as some editors write it.
    text = readFile(path).replace(/^\uFEFF/, "");
  } catch (error) {
    return `--config=${path} cannot be read: ${messageOf(error)}`;
  }
  try {
    const content: unknown = JSON.parse(text);
    if (typeof content !== "object" || content === null || Array.isArray(content)) {
      return `--config=${path} must hold one JSON object`;
    }
    return content as Record<string, unknown>;
  } catch (error) {
    return `--config=${path} is not JSON: ${messageOf(error)}`;
  }
}

function messageOf(error: unknown): string {
  return oneLineOf(error instanceof Error ? error.message : String(error));
}

/** A file may write numbers, booleans and lists as JSON; they become the text a flag would carry. */
function textOf(value: unknown): string | undefined {
  if (Array.isArray(value)) {
    const items = value.map(textOf);
    return items.some((item) => item === undefined || item.includes(",")) ? undefined : items.join(",");
  }
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return undefined;
}

function defaults<R extends Rows>(table: Table<R>, machine: Machine): Finding[] {
  return Object.entries(table.rows).map(([key, { fallback }]) => {
    const text = typeof fallback === "string" ? fallback : fallback(machine);
    return { key, source: { from: "default", name: "default", text } };
  });
}

function secretsOnCommandLine<R extends Rows>(
  table: Table<R>,
  sources: ReadonlyMap<string, Source>,
): string[] {
  const open = Object.entries(table.rows).filter(
    ([key, row]) => row.secret && sources.get(key)?.from === "flag",
  );
  return open.map(([key]) => {
    const flag = flagOf(key);
    const safer = `${variableOf(table, flag)} or a --config file`;
    return `--${flag} on a command line can be read by everyone on this machine; prefer ${safer}`;
  });
}

function unknownName(what: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return `unknown ${what} ${oneLineOf(name)}${near === undefined ? "" : `; did you mean ${near}?`}`;
}

function shown(row: Row<unknown>, { from, name, text }: Source): string {
  if (row.secret) return name;
  return from === "file" ? `${name} is ${quoted(text)},` : `${name}=${oneLineOf(text)}`;
}

function knownFlags<R extends Rows>(table: Table<R>): string[] {
  return [...Object.keys(table.rows).map(flagOf), "config"];
}

function rowOf<R extends Rows>(table: Table<R>, key: string): Row<unknown> {
  const row = table.rows[key];
  assert(row !== undefined, `no row ${key}`);
  return row;
}

function nothing(): Collected {
  return { findings: [], mistakes: [], warnings: [] };
}

function quoted(text: string): string {
  return JSON.stringify(oneLineOf(text));
}

/** Untrusted text made fit for one line of a terminal: no control characters, bounded. */
function oneLineOf(text: string): string {
  const clean = text.replace(/\p{Cc}+/gu, " ");
  return clean.length > valueCharsShown ? `${clean.slice(0, valueCharsShown)}…` : clean;
}

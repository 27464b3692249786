/**
 * `OvationOptions`, written into src/package/options.ts: each setting as an option of `createOvation`, with
 * its help, unit and default out of the table of settings, where an editor shows them.
 */
import { settingsTable } from "../src/settings/config.ts";
import { flagOf, type Row } from "../src/settings/table.ts";

/** Settings of ports and processes, which are the program's own. */
const ofTheProgram: ReadonlySet<string> = new Set([
  ...["port", "host", "workers", "tlsCert", "tlsKey"],
  ...["adminPort", "adminHost", "memoryMax", "logFormat"],
]);
const columnsMax = 110;
/** What an option is unless it is given, where that is not the command line's default. */
const defaults: Readonly<Record<string, string>> = { data: '":memory:"', logLevel: '"warn"' };

const head = `/**
 * The options of \`createOvation\`. Written by \`npm run docs\` from the table of settings
 * (settings/config.ts): what is said here is what \`ovation --help\` says. Its types are written out, so that
 * a program's compiler needs nothing of the table; scripts/docs.test.ts holds them against it.
 */

/** Every setting of \`ovation serve\` that is not about ports or processes. Times are in milliseconds. */
export interface OvationOptions {
`;

const log = `  /**
   * Takes each line of the log, JSON with its newline.
   * @default the console, from \`logLevel\` on
   */
  readonly log?: (line: string) => void;
}
`;

/** The whole file. */
export function optionsFile(): string {
  const members = Object.entries(settingsTable.rows)
    .filter(([key]) => !ofTheProgram.has(key))
    .map(([key, row]) => memberOf(key, row));
  return `${head}${members.join("")}${log}`;
}

function memberOf(key: string, row: Row<unknown>): string {
  const help = `${row.help.charAt(0).toUpperCase()}${row.help.slice(1)}.`;
  const lines = [...wrapped(asOptions(`${help} ${expects(key, row)}.`)), `@default ${defaultOf(key, row)}`];
  return `  /** ${lines.join("\n   * ")}\n   */\n  readonly ${key}?: ${typeOf(row)};\n`;
}

/** `text` with the names that options have in place of flags: `likeMode: "once"` for --like-mode=once. */
function asOptions(text: string): string {
  return text.replace(/--([a-z-]+)(?:=([a-z]+))?/g, (flag, name, value) => {
    const key = Object.keys(settingsTable.rows).find((one) => flagOf(one) === name);
    if (key === undefined || ofTheProgram.has(key)) return flag;
    return value === undefined ? `\`${key}\`` : `\`${key}: "${value}"\``;
  });
}

/** The type of its value, in TypeScript. */
function typeOf({ kind, fallback }: Row<unknown>): string {
  const words = kind.placeholder.split("|");
  if (words.length > 1) return words.map((word) => JSON.stringify(word)).join(" | ");
  const { data } = kind.schema.safeParse(typeof fallback === "string" ? fallback : "text");
  return Array.isArray(data) ? "readonly string[]" : typeof data;
}

/** What the value must be: a duration is a number of milliseconds here, and a list a list. */
function expects(key: string, { kind }: Row<unknown>): string {
  const text = kind.expects.replace(" between commas", "").replace(/, like \d+m.* or \w+$/, "");
  const said = key.endsWith("Ms") ? `${text}, in ms` : text;
  return `${said.charAt(0).toUpperCase()}${said.slice(1)}`;
}

function defaultOf(key: string, { kind, fallback, fallbackShown }: Row<unknown>): string {
  if (defaults[key] !== undefined) return defaults[key];
  if (typeof fallback !== "string") return fallbackShown ?? "";
  const value = kind.schema.safeParse(fallback);
  const text = value.success ? JSON.stringify(value.data) : JSON.stringify(fallback);
  return fallbackShown === undefined ? text : `${text} (${fallbackShown})`;
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line.length + word.length + 7 > columnsMax) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/**
 * A table of settings as people read it: the help of a command, docs/settings.md, and what `check` prints.
 *
 * All three are made from the rows, so that none can say something the parser does not do.
 */
import { Command, Option } from "commander";
import { flagOf, type Parsed, type Row, type Rows, type Table, variableOf } from "./table.ts";

const hidden = "(hidden)";
const valueColumnsMax = 40;

/** The text of `--help`, ending in a newline. `more` is printed after the flags. */
export function helpText<R extends Rows>(table: Table<R>, more = ""): string {
  const command = new Command(table.command).usage("[flags]").description(table.about);
  for (const [key, row] of Object.entries(table.rows)) {
    const value = row.kind.placeholder === "" ? "" : ` <${row.kind.placeholder}>`;
    const fallback = fallbackOf(row);
    const help = fallback === "" ? row.help : `${row.help} (default: ${fallback})`;
    command.addOption(new Option(`--${flagOf(key)}${value}`, help).helpGroup(`${row.group}:`));
  }
  command.addOption(new Option("--config <file>", "a JSON file with these settings, keys as the flags"));
  const order = "Flag beats variable beats --config file beats default.";
  const variables = `Every flag has a variable: --some-flag is ${variableOf(table, "some-flag")}. ${order}`;
  return `${command.helpInformation()}\n${variables}\n${more}`;
}

/** What docs/settings.md lists: a table for each group, without a trailing newline. */
export function settingsMarkdown<R extends Rows>(table: Table<R>): string {
  const groups = new Map<string, string[]>();
  for (const [key, row] of Object.entries(table.rows)) {
    const fallback = fallbackOf(row);
    const shown = fallback === "" ? "" : `\`${fallback}\``;
    const lines = groups.get(row.group) ?? ["| flag | default | value | what it does |", "|---|---|---|---|"];
    groups.set(row.group, [...lines, markdownRow(`\`--${flagOf(key)}\``, shown, row.kind.expects, row.help)]);
  }
  const variable = `Every flag has a variable: \`--some-flag\` is \`${variableOf(table, "some-flag")}\`.`;
  const order = "A flag beats a variable, a variable beats the `--config` file, the file beats the default.";
  const file = "`--config` is the path of a JSON file of these settings, its keys the flags without `--`.";
  const sections = [...groups].map(([name, lines]) => [`### ${name}`, "", ...lines].join("\n"));
  return [`${variable} ${order}\n${file}`, ...sections].join("\n\n");
}

function markdownRow(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** What `check` prints: every setting in effect and where it came from, one line each, secrets hidden. */
export function effectiveText<R extends Rows>(
  table: Table<R>,
  sources: Extract<Parsed<R>, { settings: unknown }>["sources"],
): string {
  const lines = Object.entries(table.rows).map(([key, row]) => {
    const source = sources[key as keyof R];
    const value = row.secret && source.text !== "" ? hidden : source.text;
    return { flag: flagOf(key), value, name: source.name };
  });
  const flagColumns = Math.max(...lines.map(({ flag }) => flag.length));
  const valueColumns = Math.min(valueColumnsMax, Math.max(...lines.map(({ value }) => value.length)));
  return lines
    .map(({ flag, value, name }) => `${flag.padEnd(flagColumns)}  ${value.padEnd(valueColumns)}  ${name}\n`)
    .join("");
}

function fallbackOf(row: Row<unknown>): string {
  return row.fallbackShown ?? (typeof row.fallback === "string" ? row.fallback : "");
}

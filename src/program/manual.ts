/**
 * `ovation man`: the manual page, ovation(1), in the macros of man(7), out of the same tables as the rest of
 * the help: `ovation man | man -l -`. Held by manual.test.ts.
 */

import { topics } from "../../web/dist/topics.ts";
import type { Command } from "../settings/config.ts";
import { type CommandWords, commandWords, type FlagWords } from "./words.ts";

const description = `Ovation serves the live reactions of an audience: likes and comments over Server-Sent
Events, with exact totals, alone with a file of its own or as a cluster over NATS. Every flag of serve has a
variable, --some-flag is OVATION_SOME_FLAG; a flag beats a variable, a variable beats the file of --config,
the file beats the default.`;

const signals: readonly (readonly [string, string])[] = [
  ["SIGTERM, SIGINT", "drains: viewers are sent elsewhere over --drain; a second one ends it at once"],
  [
    "SIGHUP",
    "reads files of keys, secrets, words and certificates again; from a terminal it ends the program",
  ],
];
const statuses: readonly (readonly [string, string])[] = [
  ["0", "done"],
  ["1", "failed"],
  ["2", "mistakes in flags or settings, each told in one line"],
  ["128 + n", "ended by signal n"],
];

/** The page; `version` and its `date` stand at its foot. */
export function manual({ version, date }: { readonly version: string; readonly date: string }): string {
  const commands = commandWords();
  const lines = [
    `.TH OVATION 1 "${date}" "ovation ${escaped(version)}"`,
    ...[".SH NAME", "ovation \\- likes and comments of a live audience"],
    ...[".SH SYNOPSIS", ".B ovation", "[\\fIcommand\\fR] [\\fIflags\\fR]"],
    ...[".SH DESCRIPTION", escaped(description)],
    ...[".SH COMMANDS", ...commands.flatMap(({ name, about }) => entry(bold(name), about))],
    ...sectionsOf(commands).flatMap(flagsOf),
    ...[".SH SIGNALS", ...signals.flatMap(([name, about]) => entry(bold(name), about))],
    ...[".SH EXIT STATUS", ...statuses.flatMap(([name, about]) => entry(bold(name), about))],
    ".SH SEE ALSO",
    `${bold("ovation help")} TOPIC, of`,
    escaped(`${Object.keys(topics).join(", ")}; and /docs of a running server.`),
  ];
  return `${lines.join("\n")}\n`;
}

/** Commands that share their flags, which are told once, and of backup only what serve has not. */
const sharing: readonly (readonly Command[])[] = [
  ["serve", "check", "health"],
  ["backup", "restore", "verify"],
];

function sectionsOf(
  commands: readonly CommandWords[],
): (readonly [title: string, flags: readonly FlagWords[]])[] {
  const ofServe = new Set(commands.find(({ name }) => name === "serve")?.flags.map(({ flag }) => flag));
  return commands.flatMap(({ name, flags }) => {
    const shared = sharing.find((names) => names.includes(name)) ?? [name];
    const own = name === "backup" ? flags.filter(({ flag }) => !ofServe.has(flag)) : flags;
    return own.length > 0 && name === shared[0] ? [[shared.join(", "), own] as const] : [];
  });
}

function flagsOf([title, flags]: readonly [title: string, flags: readonly FlagWords[]]): string[] {
  const groups = new Map<string, FlagWords[]>();
  for (const flag of flags) groups.set(flag.group, [...(groups.get(flag.group) ?? []), flag]);
  return [
    `.SH "FLAGS OF ${title.toUpperCase()}"`,
    ...[...groups].flatMap(([group, of]) => [`.SS ${group}`, ...of.flatMap(flagEntry)]),
  ];
}

function flagEntry({ flag, help, placeholder, fallback }: FlagWords): string[] {
  const value = placeholder === "" ? "" : `=\\fI${escaped(placeholder)}\\fR`;
  const shown = fallback === "" ? "" : ` (default: ${fallback})`;
  return entry(`${bold(flag)}${value}`, `${help}${shown}`);
}

function entry(tag: string, text: string): string[] {
  return [".TP", tag, escaped(text)];
}

function bold(text: string): string {
  return `\\fB${escaped(text)}\\fR`;
}

/** Text that roff takes as it stands: short lines, no escape, no request at the beginning of one. */
function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/\s+/g, " ")
    .replace(/(.{1,72})(?: |$)/g, "$1\n")
    .trimEnd()
    .replace(/^([.'])/gm, "\\&$1");
}

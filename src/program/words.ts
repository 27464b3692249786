/**
 * The words of the command line: every command with what it is and its flags, out of the same tables that
 * read them. Help in a shell's completion and the manual page are made of these.
 */
import { conformTable } from "../conform/command.ts";
import { loadTable } from "../load/options.ts";
import { calibrateTable, planTable } from "../plan/options.ts";
import { type Command, commands, settingsTable } from "../settings/config.ts";
import { flagOf, type Row, type Rows } from "../settings/table.ts";
import { keepTable } from "./keep-options.ts";
import { tokenTable } from "./mint.ts";

export interface FlagWords {
  /** With its dashes. */
  readonly flag: string;
  readonly help: string;
  readonly group: string;
  /** What stands behind "=": empty for a switch. */
  readonly placeholder: string;
  /** What may stand there, where that is a few words. */
  readonly values: readonly string[];
  readonly isFile: boolean;
  /** Its default, as help shows it; empty without one. */
  readonly fallback: string;
}

export interface CommandWords {
  readonly name: Command;
  readonly about: string;
  readonly flags: readonly FlagWords[];
  /** Whether a file may stand behind it. */
  readonly takesFile: boolean;
}

const tables: Readonly<Partial<Record<Command, { readonly rows: Rows }>>> = {
  ...{ serve: settingsTable, check: settingsTable, health: settingsTable },
  ...{ load: loadTable, token: tokenTable, conform: conformTable },
  ...{ plan: planTable, calibrate: calibrateTable },
  ...{ backup: keepTable, restore: keepTable, verify: keepTable },
};
const file: Omit<FlagWords, "flag" | "help"> = {
  ...{ group: "Other", placeholder: "file", values: [], isFile: true, fallback: "" },
};

/** `check --host`, which has no value there. */
const hostFlag: FlagWords = {
  ...{ flag: "--host", help: "look over this machine for a node of these settings", group: "Node" },
  ...{ placeholder: "", values: [], isFile: false, fallback: "" },
};

/** Every command, in the order of help. */
export function commandWords(): readonly CommandWords[] {
  return Object.entries(commands).map(([name, about]) => {
    const flags = flagsOf(tables[name as Command]?.rows);
    return {
      ...{ name: name as Command, about, takesFile: tables[name as Command] === keepTable },
      flags: name === "check" ? flags.map((words) => (words.flag === "--host" ? hostFlag : words)) : flags,
    };
  });
}

function flagsOf(rows: Rows | undefined): FlagWords[] {
  if (!rows) return [];
  const flags = Object.entries(rows).map(([key, row]) => wordsOf(key, row));
  return [
    ...flags,
    { ...file, flag: "--config", help: "a JSON file with these settings, keys as the flags" },
  ];
}

function wordsOf(key: string, { kind, help, group, fallback, fallbackShown }: Row<unknown>): FlagWords {
  const { placeholder } = kind;
  return {
    ...{ flag: `--${flagOf(key)}`, help, group, placeholder },
    values: placeholder.includes("|") ? placeholder.split("|") : [],
    isFile: placeholder === "path" || key === "data",
    fallback: fallbackShown ?? (typeof fallback === "string" ? fallback : ""),
  };
}

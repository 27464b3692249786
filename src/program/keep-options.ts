/**
 * Settings of `ovation backup`, `restore` and `verify`: a node's own, so that the flags and variables it was
 * started with lead to it, and the few that are theirs.
 */
import { settingsTable } from "../settings/config.ts";
import { matching } from "../settings/kinds.ts";
import { defineSettings, group, type Machine, parseTable, type SettingsOf } from "../settings/table.ts";
import { helpText } from "../settings/text.ts";

const keepRows = {
  ...settingsTable.rows,
  ...group("Backup", {
    url: {
      kind: matching(/^$|^https?:\/\/[^\s?#]{1,2000}$/, "an http or https address", "url"),
      fallback: "",
      fallbackShown: "this machine",
      help: "the node to back up, where it is another one's",
    },
    rate: {
      kind: matching(
        /^[1-9](\d{0,3}(MB?(\/s)?)?|GB?(\/s)?)$/,
        "whole megabytes a second, like 50MB, or 1GB",
        "rate",
      ),
      fallback: "50MB",
      help: "at most so much is read of its disk a second",
    },
  }),
};

export const keepTable = defineSettings({
  command: "ovation backup FILE, ovation restore FILE, ovation verify [FILE]",
  about: "Keeps a copy of what a node or a cluster holds, puts it back, and looks whether it holds together.",
  prefix: settingsTable.prefix,
  foreignPrefixes: settingsTable.foreignPrefixes,
  rows: keepRows,
  rules: settingsTable.rules,
});

export type KeepSettings = SettingsOf<typeof keepRows>;

/** What was asked for, or the mistakes in it. The file may stand anywhere among the flags. */
export function parseKeep(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
  machine: Machine,
):
  | {
      readonly settings: KeepSettings;
      readonly file: string | undefined;
      /** --nats-replicas where somebody said it: streams that are put back get as many. */
      readonly replicas: number | undefined;
    }
  | { readonly mistakes: readonly string[] } {
  const parsed = parseTable(keepTable, { ...{ argv, env, readFile, machine }, wordsMax: 1 });
  if ("mistakes" in parsed) return parsed;
  const { settings, sources, words } = parsed;
  const replicas = sources.natsReplicas.from === "default" ? undefined : settings.natsReplicas;
  return { settings, file: words[0], replicas };
}

/** Megabytes a second. */
export function rateOf({ rate }: Pick<KeepSettings, "rate">): number {
  return Number.parseInt(rate, 10) * (rate.includes("G") ? 1_000 : 1);
}

/** The text of `ovation backup --help`: what is theirs, and what leads to a node. */
export function keepHelp(): string {
  const { data, nats, natsPrefix, natsReplicas, adminKey, url, rate } = keepRows;
  const rows = { data, nats, natsPrefix, natsReplicas, adminKey, url, rate };
  const more = "\nAll other flags and variables of ovation serve are understood too.\n";
  return helpText({ ...keepTable, rows, rules: [] }, more);
}

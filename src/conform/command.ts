/** `ovation conform --url=…`: its settings, and what it prints. */
import type { Clock } from "../base/clock.ts";
import { nearest } from "../base/nearest.ts";
import { listOf, matching, oneLine } from "../settings/kinds.ts";
import { defineSettings, group, parseTable, withAddress } from "../settings/table.ts";
import { helpText } from "../settings/text.ts";
import { conform, sentences } from "./conform.ts";
import { junitOf, lineOf, sumOf } from "./report.ts";

const url = matching(/^https?:\/\/[^\s?#]{1,2000}$/, "an http or https address", "url");
const beginning = matching(/^[a-z]+(-\d*)?$/, "the name of a sentence, or its beginning", "name");

export const conformTable = defineSettings({
  command: "ovation conform",
  about: "Tries each sentence of the protocol on any server that claims to speak it.",
  prefix: "OVATION_CONFORM_",
  foreignPrefixes: [],
  rows: group("Conform", {
    url: {
      kind: url,
      fallback: "http://127.0.0.1:8080",
      help: "the server, with the path it is mounted under",
    },
    key: {
      kind: oneLine(4_096, "key"),
      fallback: "",
      help: "a key or a token that may do everything; sentences that need it are left out without one",
      secret: true,
    },
    prefix: {
      kind: matching(/^[A-Za-z0-9_-]{1,32}$/, "1 to 32 of A-Z a-z 0-9 _ -", "name"),
      fallback: "conform-",
      help: "what the ids of its videos begin with",
    },
    only: {
      kind: listOf(beginning, 0, 100),
      fallback: "",
      fallbackShown: "all",
      help: "these sentences only, by name or beginning of a name: like-6, stream",
    },
    junit: {
      kind: oneLine(4_096, "path"),
      fallback: "",
      help: "file to write a report for machines to, as JUnit",
    },
  }),
  rules: [],
});

export interface ConformIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
  readonly readFile: (path: string) => string;
  readonly writeFile: (path: string, text: string) => void;
}

export function conformHelp(): string {
  return helpText(
    conformTable,
    "\nExit codes: 0 all that was tried holds, 1 something does not, 2 mistakes in flags.\n",
  );
}

/** Who asks for a sentence that is none would hear that all of it holds. */
function unknownIn(only: readonly string[]): readonly string[] {
  return only
    .filter((beginning) => !sentences.some(({ name }) => name.startsWith(beginning)))
    .map((beginning) => {
      const areas = [...new Set(sentences.map(({ name }) => name.replace(/-\d+$/, "")))];
      const near = nearest(beginning.replace(/-\d*$/, ""), areas);
      const last = sentences.findLast(({ name }) => name.startsWith(`${near}-`));
      const hint = last ? `there are ${near}-1 to ${last.name}` : `they begin with ${areas.join(", ")}`;
      return `--only=${beginning} is the beginning of no sentence; ${hint}`;
    });
}

/** Runs it; answers the exit code. */
export async function runConform(flags: readonly string[], io: ConformIo): Promise<number> {
  const parsed = parseTable(conformTable, {
    ...{ argv: withAddress(flags), env: io.env, readFile: io.readFile },
    machine: { suffix: "" },
  });
  const mistakes = "mistakes" in parsed ? parsed.mistakes : unknownIn(parsed.settings.only);
  if ("mistakes" in parsed || mistakes.length > 0) {
    for (const mistake of mistakes) io.complain(`ovation: ${mistake}\n`);
    return 2;
  }
  const { key, prefix, only, junit } = parsed.settings;
  const at = parsed.settings.url.replace(/\/+$/, "");
  const begunAt = io.clock.date();
  try {
    const told = (outcome: Parameters<typeof lineOf>[0]) => io.print(lineOf(outcome));
    const outcomes = await conform({ url: at, key, prefix, only, clock: io.clock, told });
    io.print(sumOf(outcomes));
    if (junit !== "") io.writeFile(junit, junitOf(at, outcomes, begunAt));
    return outcomes.some(({ outcome }) => outcome === "broken") ? 1 : 0;
  } catch (error) {
    io.complain(`ovation: ${(error as Error).message}\n`);
    return 1;
  }
}

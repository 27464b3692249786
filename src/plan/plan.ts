/** `ovation plan`: reads its flags and its coefficients, prints the plan, answers the exit code. */
import { readFileSync } from "node:fs";
import { readCoefficients, shipped } from "./coefficients.ts";
import { fullAt, plan } from "./model.ts";
import { audienceOf, machineOf, parsePlanOptions } from "./options.ts";
import { planText, short } from "./text.ts";

/** What the commands of this folder may touch of the world. */
export interface PlanIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** The command that starts this same program. */
  readonly self: readonly string[];
}

/** Runs the command; `argv` starts after `plan`. Exit code: 0, or 2 for a bad flag or file. */
export function runPlan(argv: readonly string[], io: PlanIo): number {
  const readFile = (path: string): string => readFileSync(path, "utf8");
  const parsed = parsePlanOptions(argv, io.env, readFile);
  if ("mistakes" in parsed) {
    for (const mistake of parsed.mistakes) io.stderr(`ovation plan: ${mistake}\n`);
    return 2;
  }
  const { settings } = parsed;
  const costs = settings.coefficients === "" ? shipped : coefficientsIn(settings.coefficients, readFile);
  if ("mistake" in costs) {
    io.stderr(`ovation plan: --coefficients=${settings.coefficients}: ${costs.mistake}\n`);
    return 2;
  }
  const audience = audienceOf(settings);
  const machine = machineOf(settings);
  if (machine.memoryBytes * fullAt < machine.cores * costs.processBytes) {
    const takes = short(machine.cores * costs.processBytes);
    io.stderr(
      `ovation plan: --memory-gb: ${machine.cores} processes, one a core, take ${takes}B by themselves\n`,
    );
    return 2;
  }
  const planned = plan(audience, machine, costs);
  io.stdout(
    settings.json
      ? `${JSON.stringify({ audience, machine, coefficients: costs, plan: planned })}\n`
      : planText(audience, machine, costs, planned),
  );
  return 0;
}

function coefficientsIn(path: string, readFile: (path: string) => string) {
  try {
    return readCoefficients(readFile(path));
  } catch (error) {
    return { mistake: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * What every macro run has in common: its flags, its end, its result as one JSON line.
 *
 * A run is bounded in time and ends what it has started, however it ends. Its line goes to standard output
 * and, unless `--no-save` or fewer rounds than the default say that it was only a trial, to
 * bench/results/<name>.jsonl, from which the page is made.
 */
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { enterOwnNetwork, network } from "./network.ts";
import { type Place, place } from "./place.ts";
import { NeighbourWatch } from "./proc.ts";
import { round } from "./stats.ts";

export interface RunFlags {
  readonly rounds: number;
  /** Seconds of one measurement. */
  readonly seconds: number;
  /** The flags that only this run has. */
  readonly own: Readonly<Record<string, string | undefined>>;
  /** Those of its switches that were set. */
  readonly switches: ReadonlySet<string>;
}

export interface RunPlan {
  readonly name: string;
  readonly rounds: number;
  readonly seconds: number;
  /** A run that takes longer is ended as failed. */
  readonly minutesMax: number;
  /** Measured in a network of its own, where that can be had: see network.ts. */
  readonly ownNetwork?: boolean;
  /** Flags of its own, with their meaning. */
  readonly own?: Readonly<Record<string, string>>;
  /** Flags without a value, with their meaning. A run with one of them is a trial: it is not saved. */
  readonly switches?: Readonly<Record<string, string>>;
  /** Done once, in the network of the machine, before anything else; `measure` ends what it leaves. */
  readonly prepare?: (flags: RunFlags) => void;
}

/** One finished run. `figures` is the run's own. */
export interface Result<Figures extends object> {
  readonly run: string;
  readonly at: string;
  readonly place: Place;
  /** `own`, or `machine`: see network.ts. */
  readonly network?: string;
  /** What others took of the machine meanwhile, as a share of all cores: see proc.ts. */
  readonly neighbours?: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly figures: Figures;
}

export const resultsFolder = join(import.meta.dir, "results");

/** What has to be ended, last first. */
export class Ends {
  readonly #ends: (() => Promise<void>)[] = [];

  /** Notes that `thing` has to be ended; answers it. */
  add<Thing extends { end(): Promise<void> }>(thing: Thing): Thing {
    this.#ends.push(() => thing.end());
    return thing;
  }

  async all(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }
}

/** Plays a run and ends this process: 0 when it gave figures, 1 when it did not, 2 for bad flags. */
export async function play<Figures extends object>(
  plan: RunPlan,
  measure: (flags: RunFlags, ends: Ends) => Promise<Figures>,
): Promise<never> {
  const flags = readFlags(plan);
  if (network() === "machine") plan.prepare?.(flags);
  if (plan.ownNetwork) await enterOwnNetwork();
  const ends = new Ends();
  const neighbours = new NeighbourWatch();
  const leave = async (code: number): Promise<never> => {
    await ends.all();
    process.exit(code);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void leave(130));
  process.on("uncaughtException", (error) => {
    say(`${plan.name} failed: ${error.message}`);
    void leave(1);
  });
  const late = setTimeout(() => {
    say(`${plan.name} took longer than ${plan.minutesMax} minutes`);
    void leave(1);
  }, plan.minutesMax * 60_000);
  try {
    const figures = await measure(flags, ends);
    clearTimeout(late);
    report(plan, flags, figures, round(neighbours.read()));
    return await leave(0);
  } catch (error) {
    say(`${plan.name} failed: ${error instanceof Error ? error.message : String(error)}`);
    return leave(1);
  }
}

/** Progress, for the person who waits: standard output is the result's alone. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function report(
  plan: RunPlan,
  flags: RunFlags & { save: boolean },
  figures: object,
  neighbours: number,
): void {
  const { rounds, seconds } = flags;
  const result: Result<object> = {
    run: plan.name,
    at: new Date().toISOString(),
    place: place(),
    ...(plan.ownNetwork && { network: network() }),
    neighbours,
    rounds,
    seconds,
    figures,
  };
  const line = `${JSON.stringify(result)}\n`;
  if (flags.save && rounds >= plan.rounds) {
    mkdirSync(resultsFolder, { recursive: true });
    appendFileSync(join(resultsFolder, `${plan.name}.jsonl`), line);
  }
  process.stdout.write(line);
}

function readFlags(plan: RunPlan): RunFlags & { save: boolean } {
  const own = Object.fromEntries(
    Object.keys(plan.own ?? {}).map((name) => [name, { type: "string" as const }]),
  );
  const switches = Object.fromEntries(
    Object.keys(plan.switches ?? {}).map((name) => [name, { type: "boolean" as const, default: false }]),
  );
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: "string", default: String(plan.rounds) },
        seconds: { type: "string", default: String(plan.seconds) },
        "no-save": { type: "boolean", default: false },
        ...own,
        ...switches,
      },
    });
    const set = Object.entries(values).filter(([name, value]) => name in switches && value === true);
    return {
      rounds: positive("rounds", values.rounds),
      seconds: positive("seconds", values.seconds),
      save: !values["no-save"] && set.length === 0,
      own: values as unknown as Record<string, string | undefined>,
      switches: new Set(set.map(([name]) => name)),
    };
  } catch (error) {
    say(`bench: ${error instanceof Error ? error.message : String(error)}`);
    const lines = Object.entries({ rounds: "how often", seconds: "of one measurement", ...plan.own });
    for (const [name, help] of lines) say(`  --${name}=…  ${help}`);
    for (const [name, help] of Object.entries(plan.switches ?? {})) say(`  --${name}  ${help}`);
    process.exit(2);
  }
}

function positive(name: string, text: unknown): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be above 0`);
  return value;
}

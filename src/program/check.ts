/**
 * `ovation check`: the settings in effect and where each came from, and whether there are descriptors for the
 * streams they allow; with `--host`, what a node of these settings would find wanting of this machine. Held
 * by system/check-host.test.ts.
 */
import { availableParallelism } from "node:os";
import type { Clock } from "../base/clock.ts";
import { readCredentials } from "../settings/access.ts";
import { effectiveSettings, foreignIn, parseSettings } from "../settings/config.ts";
import { descriptors, judge, linesText } from "./host.ts";
import { readHost, streamsReading } from "./host-readings.ts";

export interface CheckIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  print(text: string): void;
  complain(text: string): void;
  readFile(path: string): string;
}

/** Prints; resolves with the exit code: 1 when something of the machine is warned of, 2 for mistakes. */
export async function runCheck(argv: readonly string[], io: CheckIo): Promise<number> {
  const host = argv.findIndex((word, index) => word === "--host" && isAlone(argv[index + 1]));
  const flags = argv.filter((_, index) => index !== host);
  const mistaken = (mistakes: readonly string[]): number => {
    for (const mistake of mistakes) io.complain(`ovation: ${mistake}\n`);
    return 2;
  };
  const parsed = parseSettings(flags, io.env, io.readFile);
  if ("mistakes" in parsed) return mistaken(parsed.mistakes);
  const { settings } = parsed;
  const credentials = readCredentials(settings, io.readFile);
  if ("mistakes" in credentials) return mistaken(credentials.mistakes);
  const workers = settings.workers === "auto" ? availableParallelism() : settings.workers;
  if (host < 0) {
    for (const warning of parsed.warnings) io.complain(`ovation: ${warning}\n`);
    const { ok, name, said, remedy } = descriptors(streamsReading(settings, workers));
    if (!ok) io.complain(`ovation: ${name}: ${said}: ${remedy}\n`);
    io.print(effectiveSettings(parsed.sources));
    return 0;
  }
  const readings = await readHost(settings, { clock: io.clock, workers, foreign: foreignIn(io.env) });
  const lines = judge(readings);
  io.print(linesText(lines));
  return lines.every(({ ok }) => ok) ? 0 : 1;
}

/** Whether the word before it has no value: then `--host` is not the address to listen on. */
function isAlone(next: string | undefined): boolean {
  return next === undefined || next.startsWith("-");
}

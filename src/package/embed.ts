/**
 * A node inside another program: routes to mount, and no port of its own.
 *
 * Options (options.ts) are the settings of the command line by the same names, defaults and checks, read by
 * the same table (config.ts), less those about ports and processes, which are the program's own. Unless told
 * otherwise nothing is kept on disk. Held by system/mounted.test.ts.
 *
 * Not here: which runtime this is; ovation.ts and ovation-bun.ts are the package's two ways in.
 */
import { readFileSync } from "node:fs";
import { systemClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { systemPrng } from "../base/prng.ts";
import type { Surroundings } from "../http/app.ts";
import { createServer } from "../http/server.ts";
import { peerIn, withBody } from "../http/surroundings.ts";
import type { Runtime } from "../node/runtime.ts";
import { Service } from "../node/service.ts";
import { parseSettings, type Settings } from "../settings/config.ts";
import { flagOf } from "../settings/table.ts";
import { OptionsRefused, type Ovation } from "./mounted.ts";
import type { OvationOptions } from "./options.ts";

/**
 * Starts a node on `runtime`. One alone is ready when this resolves; one over NATS answers 503 until it is.
 * Rejects with OptionsRefused, StartRefused or LedgerRefused; nothing is then left behind.
 */
export async function embed(options: OvationOptions, runtime: Runtime): Promise<Ovation> {
  const { log: write = toConsole, ...chosen } = options;
  const settings = settingsFrom({ data: ":memory:", logLevel: "warn", ...chosen });
  if (settings.media !== "" && !runtime.media) {
    throw new OptionsRefused("media needs Bun: here a folder of files is the program's own to serve");
  }
  const clock = systemClock();
  const log = createLog({ level: settings.logLevel, format: "json", write, now: () => clock.date() });
  const service = new Service({ settings, clock, prng: systemPrng(), log, runtime, readFile: readText });
  const failed = new Promise<Error>((resolve) => {
    service.running.catch(resolve);
  });
  try {
    if (settings.nats.length === 0) await service.running;
  } catch (error) {
    await service.close();
    throw error;
  }
  const { app, fetch } = createServer(service.doors);
  return {
    app,
    fetch(request, given) {
      const surroundings = given as Surroundings | undefined;
      const whole = withBody(request, surroundings);
      // What is wrong with it is said by the routes.
      return whole ? fetch(whole, peerIn(surroundings)) : app.fetch(request, surroundings);
    },
    connections: () => service.connections(),
    failed,
    drain: () => service.drain(),
    close: () => service.close(),
  };
}

/** Reads options as the command line reads its --config file. Throws OptionsRefused. */
function settingsFrom(options: Partial<Settings>): Settings {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const file = Object.fromEntries(given.map(([key, value]) => [flagOf(key), value]));
  const parsed = parseSettings(["--config=options"], {}, () => JSON.stringify(file));
  if ("mistakes" in parsed) throw new OptionsRefused(parsed.mistakes.join("\n"));
  return parsed.settings;
}

function toConsole(line: string): void {
  console.error(line.trimEnd());
}

function readText(path: string): string {
  return readFileSync(path, "utf8");
}

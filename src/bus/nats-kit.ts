/**
 * What tests of the NATS bus share: a bus with short waits, a log that can be read, and waiting for a
 * condition.
 */
import { connect } from "nats";
import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { systemPrng } from "../base/prng.ts";
import { type NatsBus, type NatsOptions, natsBus } from "./nats.ts";

export type MemoryLog = Log & { readonly lines: string[] };

/** A log of lines in memory. */
export function memoryLog(): MemoryLog {
  const lines: string[] = [];
  const say = (level: string) => (event: string, fields?: object) => {
    lines.push(`${level} ${event} ${JSON.stringify(fields ?? {})}`);
  };
  const log: MemoryLog = {
    lines,
    debug: say("debug"),
    info: say("info"),
    warn: say("warn"),
    error: say("error"),
    child: () => log,
  };
  return log;
}

/** Resolves as soon as `true_` holds. */
export async function until(true_: () => boolean, withinMs = 20_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!true_()) {
    if (performance.now() > endMs) throw new Error("it never became true");
    await Bun.sleep(5);
  }
}

/** A bus that notices a dead link within about a second. */
export function openBus(url: string, options: Partial<NatsOptions> = {}): NatsBus {
  return natsBus({
    servers: [url],
    name: "test",
    prefix: "ov",
    clock: systemClock(),
    prng: systemPrng(),
    log: memoryLog(),
    pingMs: 300,
    ...options,
  });
}

/** As `openBus`, once it is connected. */
export async function connectBus(url: string, options: Partial<NatsOptions> = {}): Promise<NatsBus> {
  const bus = openBus(url, options);
  await until(() => bus.connected());
  return bus;
}

/** One call of the JetStream API, as a person with NATS' own tools makes it. */
export async function callApi(url: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const bare = await connect({ servers: url });
  const payload = body ? JSON.stringify(body) : "";
  const answer = await bare.request(`$JS.API.${path}`, payload, { timeout: 5_000 });
  await bare.close();
  return answer.json() as Record<string, unknown>;
}

/** The server that leads a stream, by its name. */
export async function leaderOf(url: string, stream: string): Promise<string> {
  const { cluster } = await callApi(url, `STREAM.INFO.${stream}`);
  return (cluster as { leader: string }).leader;
}

/** Why a promise was rejected; fails when it was not. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it resolved");
}

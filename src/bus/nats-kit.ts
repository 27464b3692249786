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
  try {
    const payload = body ? JSON.stringify(body) : "";
    const answer = await bare.request(`$JS.API.${path}`, payload, { timeout: 5_000 });
    return answer.json() as Record<string, unknown>;
  } finally {
    await bare.close();
  }
}

/**
 * How long servers of one cluster may take to agree, in milliseconds: NATS votes in rounds of four to nine
 * seconds, a vote may be split several times, and streams and the cluster itself vote one after the other.
 */
export const electionsMs = 60_000;

/**
 * The server that leads a stream, by its name, once every copy of it is alive and current: before, the loss
 * of one more server would be the loss of two.
 */
export async function leaderOf(url: string, stream: string): Promise<string> {
  for (const endMs = performance.now() + electionsMs; performance.now() < endMs; await Bun.sleep(50)) {
    const info = await callApi(url, `STREAM.INFO.${stream}`).catch(() => undefined);
    const { leader, replicas = [] } = (info?.cluster ?? {}) as StreamCluster;
    if (leader && replicas.every(({ current, offline }) => current && !offline)) return leader;
  }
  throw new Error(`${stream} never was whole`);
}

/** As the API tells it. */
interface StreamCluster {
  readonly leader?: string;
  readonly replicas?: readonly { readonly current: boolean; readonly offline?: boolean }[];
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

/**
 * What a NATS server lets this user do, tried: for `ovation check --host`, before a node is started there.
 *
 * Nothing is made and nothing is left: it asks itself under the prefix, and asks JetStream about itself. A
 * permission that is missing shows as no answer. Held by system/check-host.test.ts.
 */
import { secret } from "../base/prng.ts";
import { type Bus, BusUnavailable, NobodyServes } from "./bus.ts";
import type { NatsCopies } from "./nats-copy.ts";
import type { JetStream } from "./nats-jetstream.ts";

export interface Inspected {
  readonly version: string;
  readonly payloadBytesMax: number;
  /** Why JetStream cannot be used; undefined: it can. */
  readonly jetstream: string | undefined;
  /** What was tried in vain. */
  readonly denied: readonly string[];
  /** Streams and buckets of the prefix. */
  readonly streams: readonly string[];
}

/** How long each answer is waited for, in ms. */
const answerMs = 3_000;

/** Tries everything once; the bus is connected. */
export async function inspect(
  bus: Pick<Bus, "serve" | "request">,
  jetstream: JetStream,
  copies: NatsCopies,
): Promise<Inspected> {
  const { version = "", payloadBytesMax = 0 } = jetstream.parts.link.server ?? {};
  const denied: string[] = [];
  const subject = `check.${secret(12)}`;
  const serving = bus.serve(subject, (payload) => payload);
  const asked = await tried(bus.request(subject, new Uint8Array([1]), answerMs));
  if (asked) denied.push("to ask and answer under the prefix, with _INBOX.>");
  serving.end();
  const trouble = await tried(jetstream.call("INFO", undefined, answerMs));
  let streams: readonly string[] = [];
  const named = copies.names().then((names) => {
    streams = names;
  });
  if ((await tried(named)) && !trouble) denied.push("to ask for streams: $JS.API.>");
  return { version, payloadBytesMax, jetstream: trouble, denied, streams };
}

/** Why it failed; undefined when it did not. */
async function tried(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof NobodyServes) return "not there for this user";
    if (!(error instanceof BusUnavailable)) throw error;
    return error.message;
  }
}

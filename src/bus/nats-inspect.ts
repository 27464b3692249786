/**
 * What a NATS server lets this user do, tried: for `ovation check --host`, before a node is started there.
 *
 * Nothing is made and nothing is left: it asks itself under the prefix, and asks JetStream about itself. A
 * permission that is missing shows as no answer. Held by system/check-host.test.ts.
 */
import { secret } from "../base/prng.ts";
import { type Bus, BusUnavailable, NobodyServes } from "./bus.ts";
import type { NatsCopies } from "./nats-copy.ts";
import type { JetStream, Json } from "./nats-jetstream.ts";

export interface Inspected {
  readonly version: string;
  readonly payloadBytesMax: number;
  /** Why JetStream cannot be used; undefined: it can. */
  readonly jetstream: string | undefined;
  /** What was tried in vain. */
  readonly denied: readonly string[];
  /** Streams and buckets of the prefix. */
  readonly streams: readonly string[];
  /** What of them is not as it should be, and whose else takes what is theirs. */
  readonly amiss: readonly Amiss[];
}

/** Something wrong with a stream, and what helps. */
export interface Amiss {
  readonly stream: string;
  readonly said: string;
  readonly remedy: string;
}

/** How long each answer is waited for, in ms. */
const answerMs = 3_000;

/** Tries everything once; the bus is connected. A stream is wanted to have `replicas` copies. */
export async function inspect(
  bus: Pick<Bus, "serve" | "request">,
  jetstream: JetStream,
  copies: NatsCopies,
  replicas: number,
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
  const amiss: Amiss[] = [];
  const looked = (async () => {
    streams = await copies.names();
    for (const stream of await copies.others()) amiss.push({ stream, ...takesOurs });
    for (const stream of streams) amiss.push(...(await wrongOf(stream, jetstream, replicas)));
  })();
  if ((await tried(looked)) && !trouble) denied.push("to ask for streams: $JS.API.>");
  return { version, payloadBytesMax, jetstream: trouble, denied, streams, amiss };
}

const takesOurs = {
  said: "takes what is published under --nats-prefix, and is none of ours",
  remedy: "other subjects for it, or another --nats-prefix",
};

/** What is not as a node wants it of one of our streams. */
async function wrongOf(stream: string, jetstream: JetStream, replicas: number): Promise<Amiss[]> {
  let info: Json;
  try {
    info = await jetstream.call(`STREAM.INFO.${stream}`, undefined, answerMs);
  } catch (error) {
    if (!(error instanceof BusUnavailable)) throw error;
    return [
      {
        stream,
        said: `does not answer (${error.message})`,
        remedy: "nats stream report, nats server report",
      },
    ];
  }
  const { config = {}, cluster = {} } = info as { config?: Json; cluster?: Json };
  const found: Omit<Amiss, "stream">[] = [];
  if (Number(config.num_replicas) < replicas) {
    const said = `${config.num_replicas} of --nats-replicas=${replicas} copies`;
    found.push({ said, remedy: `nats stream edit ${stream} --replicas=${replicas}` });
  }
  if (config.storage === "memory") {
    found.push({
      said: "is kept in memory",
      remedy: "back it up, remove it, and restore it to file storage",
    });
  }
  const peers = Array.isArray(cluster.replicas) ? (cluster.replicas as Json[]) : [];
  for (const { name, offline, current } of peers) {
    if (offline === true) found.push({ said: `its copy on ${name} is away`, remedy: `start ${name} again` });
    else if (current === false)
      found.push({ said: `its copy on ${name} is behind`, remedy: "wait, or look at its disk" });
  }
  return found.map((one) => ({ stream, ...one }));
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

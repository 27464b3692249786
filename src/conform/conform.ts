/**
 * `ovation conform`: tries the sentences of docs/protocol.md on any server, one check for each, named after
 * it. Held by system/conform.test.ts: our own servers keep all of them, and a server with a fault does not.
 */
import protocol from "../../docs/protocol.md" with { type: "text" };
import type { Clock } from "../base/clock.ts";
import { callChecks, likeChecks, totalChecks } from "./calls.ts";
import { commentChecks } from "./comments.ts";
import { liveChecks } from "./live.ts";
import { Broken, type Check, type Checks, Probe, Untried } from "./probe.ts";
import { authChecks, operatorChecks, seenChecks } from "./seen.ts";
import { pollChecks, resumeChecks, streamChecks } from "./streams.ts";

/** Checks under way at once: enough for one to wait for a beat while the others work. */
const atOnce = 8;
/** Longest that one check may take beside what it waits for by itself, in ms. */
const checkMs = 120_000;

const checks: Checks = {
  ...{ ...streamChecks, ...callChecks, ...likeChecks, ...totalChecks, ...commentChecks },
  ...{ ...resumeChecks, ...pollChecks, ...liveChecks, ...authChecks, ...operatorChecks },
};

/** Sentences that cannot be tried from outside, and why. */
export const beyond: Readonly<Record<string, string>> = {
  "call-15": "it is about clients",
  "like-14": "it takes a log that cannot be reached",
  "resume-7": "it is about clients",
  "resume-8": "it is about clients",
  "resume-9": "it is about clients",
  "poll-4": "it is about clients",
  "live-5": "it is about clients",
  "auth-3": "it takes a proof that allows less",
  "auth-4": "it takes a proof that ends soon",
};

export interface Sentence {
  readonly name: string;
  readonly says: string;
}

/** The sentences of the page, in its order. */
export const sentences: readonly Sentence[] = [...protocol.matchAll(/^- \*\*([a-z]+-\d+)\*\* (.+)$/gm)].map(
  ([, name = "", says = ""]) => ({ name, says }),
);

export interface Outcome extends Sentence {
  readonly outcome: "holds" | "broken" | "untried";
  /** Why it does not hold, or was not tried. */
  readonly why: string;
  readonly ms: number;
}

export interface ConformParts {
  readonly url: string;
  readonly key: string;
  readonly prefix: string;
  /** Beginnings of names; none: all sentences. */
  readonly only: readonly string[];
  readonly clock: Clock;
  /** Told of each outcome as it comes. */
  readonly told: (outcome: Outcome) => void;
}

/** Tries all sentences; outcomes in their order. Rejects in words when there is no such server or key. */
export async function conform(parts: ConformParts): Promise<readonly Outcome[]> {
  const probe = new Probe(parts);
  try {
    await probe.begin();
  } catch (error) {
    throw new Error(`${parts.url} is no server of this protocol: ${(error as Error).message}`);
  }
  await probe.tryKey();
  const wanted = sentences.filter(
    ({ name }) => parts.only.length === 0 || parts.only.some((beginning) => name.startsWith(beginning)),
  );
  const outcomes = new Map<string, Outcome>();
  const run = async (sentence: Sentence, check: Check | undefined) => {
    const outcome = await tried(parts.clock, probe, sentence, check);
    outcomes.set(sentence.name, outcome);
    parts.told(outcome);
  };
  const first = wanted.filter(({ name }) => !Object.hasOwn(seenChecks, name));
  // What waits longest begins first.
  first.sort((a, b) => Number(waitsFor(b.name)) - Number(waitsFor(a.name)));
  const lane = async () => {
    for (let next = first.shift(); next; next = first.shift()) await run(next, checks[next.name]);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  for (const stream of probe.streams) stream.close();
  for (const sentence of wanted) {
    const check = seenChecks[sentence.name];
    if (check) await run(sentence, check);
  }
  return wanted.flatMap(({ name }) => outcomes.get(name) ?? []);
}

/** Those that wait for a beat. */
function waitsFor(name: string): boolean {
  return name === "stream-3" || name === "stream-11";
}

async function tried(
  clock: Clock,
  probe: Probe,
  sentence: Sentence,
  check: Check | undefined,
): Promise<Outcome> {
  const fromMs = clock.elapsed();
  const ended = (outcome: Outcome["outcome"], why = ""): Outcome => {
    return { ...sentence, outcome, why, ms: Math.round(clock.elapsed() - fromMs) };
  };
  if (!check) return ended("untried", beyond[sentence.name] ?? "nobody has written its check");
  const late = Promise.withResolvers<void>();
  const timer = clock.after(checkMs, () => late.reject(new Broken(`not through after ${checkMs / 1000} s`)));
  try {
    await Promise.race([check(probe), late.promise]);
    return ended("holds");
  } catch (error) {
    if (error instanceof Untried) return ended("untried", error.message);
    return ended("broken", (error as Error).message);
  } finally {
    timer.cancel();
  }
}

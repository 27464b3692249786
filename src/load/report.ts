/**
 * The verdict on a run, and everything measured, as one object: what `--json` prints and what the text is
 * made from (report-text.ts). Counts and likes are whole numbers, durations milliseconds, rates per second.
 *
 * A run fails on a broken promise (something accepted is missing, counted twice, repeated or out of order)
 * and on not having been what was asked for (viewers that never came). Being slow is a figure, not a failure.
 */
import type { FinalWord } from "./crew.ts";
import { Latency, type Percentiles } from "./latency.ts";
import { type CountName, countNames, type Health } from "./link.ts";
import type { Outcome } from "./run.ts";

/** Above these a process of the generator is said to have been at its limit. */
const busyCores = 0.9;
const lateMs = 50;
const machineFull = 0.95;
/** Every viewer is promised the last like within this time. */
const promptMs = 1000;

export interface LoadReport {
  /** True when nothing failed. */
  readonly ok: boolean;
  /** What failed, one sentence each. */
  readonly failures: readonly string[];
  /** What a reader of the figures should know, one sentence each. */
  readonly notes: readonly string[];
  readonly run: {
    readonly urls: readonly string[];
    readonly viewers: number;
    readonly videos: number;
    readonly videoPrefix: string;
    readonly likesPerS: number;
    readonly likesBatch: number;
    readonly commentsPerS: number;
    readonly durationS: number;
    readonly seed: number;
    readonly processes: number;
    readonly interrupted: boolean;
  };
  readonly audience: {
    /** Viewers that had a stream when publishing began. */
    readonly connected: number;
    /** From dialling to the first snapshot. */
    readonly connectMs: Percentiles;
    readonly failedDials: number;
    /** Streams lost: told `bye`, cut without, unreadable; and answers other than 200. */
    readonly byes: number;
    readonly cuts: number;
    readonly broken: number;
    readonly refused: number;
    readonly reconnected: number;
    /** From losing a stream to the first event of the next. */
    readonly reconnectMs: Percentiles;
    readonly stalled: number;
    /** Stalled viewers whose connection the server reset; a mere close hides behind what they do not read. */
    readonly stalledReset: number;
  };
  readonly published: {
    readonly seconds: number;
    /** Requests sent, repeats included. */
    readonly requests: number;
    readonly likes: number;
    readonly likesPerS: number;
    readonly comments: number;
    /** Without a final answer: counted once or not at all. */
    readonly unknownLikes: number;
    readonly unknownComments: number;
    /** Publications that were answered 4xx or never left. */
    readonly refused: number;
    /** Publications that were due and not sent, because too many waited for an answer. */
    readonly skipped: number;
    readonly retries: number;
    /** Sent once more on purpose (`--repeat`). */
    readonly copies: number;
    /** Answers by status; "none" for requests without one, "unsent" for those that never left. */
    readonly statuses: Readonly<Record<string, number>>;
    /** From due to accepted: includes waiting in line, as for a real viewer. */
    readonly acceptMs: Percentiles;
  };
  readonly delivered: {
    /**
     * What the rates below are over: the time of publishing if the last news came within a second of its end
     * (as promised), otherwise the time until the last news.
     */
    readonly seconds: number;
    /** Each frame counts by how much it raised its viewer's total. */
    readonly likes: number;
    readonly likesPerS: number;
    readonly likesFrames: number;
    readonly commentFrames: number;
    /** `likes` and `comment` events. */
    readonly framesPerS: number;
    readonly bytesPerS: number;
    /** From `at` to arrival. */
    readonly likesMs: Percentiles;
    readonly commentsMs: Percentiles;
  };
  readonly exact: {
    /** Accepted likes that the totals lack, and likes they have too many, over all videos. */
    readonly likesLost: number;
    readonly likesDoubled: number;
    readonly viewersChecked: number;
    readonly viewersAway: number;
    /** Viewers whose last totals are not the accepted sum; how many likes they show too few and too many. */
    readonly viewersWrong: number;
    readonly likesBelow: number;
    readonly likesAbove: number;
    readonly totalsFell: number;
    /** Counted per viewer, but `commentsDoubled`: one comment under two ids. */
    readonly commentsLost: number;
    readonly commentsRepeated: number;
    readonly commentsDisordered: number;
    readonly commentsDoubled: number;
    /** Gaps that the server announced (`reset`), and comments they passed over. */
    readonly resets: number;
    readonly commentsPassed: number;
    readonly staleFrames: number;
    readonly badEvents: number;
  };
  readonly generator: {
    readonly publishers: Health;
    readonly audience: readonly Health[];
    /** How late publications were sent. */
    readonly slipMs: Percentiles;
    /** Share of all cores of this machine in use, 0…1. */
    readonly machineBusy: number;
    /** Share of reads that were recognised by their bytes instead of parsed again, 0…1. */
    readonly recognised: number;
    /** Why the figures may be the generator's own, one sentence each; empty if they are not. */
    readonly limits: readonly string[];
  };
}

/** Puts a report together. */
export function makeReport(outcome: Outcome): LoadReport {
  const finals = outcome.crew.finals;
  const counts = addCounts(finals);
  const exact = exactOf(outcome, finals, counts);
  const generator = generatorOf(outcome, finals);
  const failures = failuresOf(outcome, exact, counts);
  return {
    ok: failures.length === 0,
    failures,
    notes: notesOf(outcome, generator.limits, counts),
    run: runOf(outcome),
    audience: {
      connected: outcome.connected,
      connectMs: merge(finals, "connectMs"),
      failedDials: counts.failedDials,
      byes: counts.byes,
      cuts: counts.cuts,
      broken: counts.broken,
      refused: counts.refused,
      reconnected: counts.reconnected,
      reconnectMs: merge(finals, "reconnectMs"),
      stalled: outcome.options.stall,
      stalledReset: counts.stalledReset,
    },
    published: publishedOf(outcome),
    delivered: deliveredOf(outcome, finals, counts),
    exact,
    generator,
  };
}

type Counts = Readonly<Record<CountName, number>>;

function addCounts(finals: readonly FinalWord[]): Counts {
  const sum = (name: CountName): number =>
    finals.reduce((total, final) => total + final.tally.counts[name], 0);
  return Object.fromEntries(countNames.map((name) => [name, sum(name)])) as Record<CountName, number>;
}

type HistogramName = "likesMs" | "commentsMs" | "connectMs" | "reconnectMs";

function merge(finals: readonly FinalWord[], name: HistogramName): Percentiles {
  const all = Latency.empty();
  for (const { tally } of finals) all.add(Latency.decode(tally[name]));
  return all.percentiles();
}

function runOf({ options, crew, interrupted }: Outcome): LoadReport["run"] {
  return {
    urls: options.url,
    viewers: options.viewers,
    videos: options.videos,
    videoPrefix: options.videoPrefix,
    likesPerS: options.likes,
    likesBatch: options.likesBatch,
    commentsPerS: options.comments,
    durationS: options.duration,
    seed: options.seed,
    processes: crew.size,
    interrupted,
  };
}

function publishedOf({ publishers, publishedMs }: Outcome): LoadReport["published"] {
  const seconds = publishedMs / 1000;
  return {
    seconds,
    requests: publishers.sent,
    likes: publishers.acceptedLikes,
    likesPerS: publishers.acceptedLikes / seconds,
    comments: publishers.acceptedComments,
    unknownLikes: publishers.unknownLikes,
    unknownComments: publishers.unknownComments,
    refused: publishers.refused,
    skipped: publishers.skipped,
    retries: publishers.retries,
    copies: publishers.copies,
    statuses: publishers.statuses,
    acceptMs: publishers.acceptMs.percentiles(),
  };
}

function deliveredOf(
  outcome: Outcome,
  finals: readonly FinalWord[],
  counts: Counts,
): LoadReport["delivered"] {
  const lastNewsMs = Math.max(0, ...finals.map((final) => final.tally.lastNewsMs));
  const newsMs = lastNewsMs - outcome.publishStartMs;
  const seconds = (newsMs > outcome.publishedMs + promptMs ? newsMs : outcome.publishedMs) / 1000;
  const bytes = finals.reduce((total, final) => total + final.bytes, 0);
  return {
    seconds,
    likes: counts.delivered,
    likesPerS: counts.delivered / seconds,
    likesFrames: counts.likesFrames,
    commentFrames: counts.commentFrames,
    framesPerS: (counts.likesFrames + counts.commentFrames) / seconds,
    bytesPerS: bytes / seconds,
    likesMs: merge(finals, "likesMs"),
    commentsMs: merge(finals, "commentsMs"),
  };
}

function exactOf(outcome: Outcome, finals: readonly FinalWord[], counts: Counts): LoadReport["exact"] {
  const checks = finals.map((final) => final.check);
  const sum = (of: (check: FinalWord["check"]) => number): number =>
    checks.reduce((total, check) => total + of(check), 0);
  return {
    likesLost: outcome.settled.lost,
    likesDoubled: outcome.settled.doubled,
    viewersChecked: sum((check) => check.viewers),
    viewersAway: sum((check) => check.away),
    viewersWrong: sum((check) => check.wrongTotals),
    likesBelow: sum((check) => check.likesBelow),
    likesAbove: sum((check) => check.likesAbove),
    totalsFell: counts.fell,
    commentsLost: sum((check) => check.commentsLost),
    commentsRepeated: counts.repeats,
    commentsDisordered: counts.disorder,
    // Every process sees the same comments, so they do not add up.
    commentsDoubled: Math.max(0, ...checks.map((check) => check.commentsDoubled)),
    resets: counts.resets,
    commentsPassed: counts.passed + sum((check) => check.commentsReset),
    staleFrames: counts.stale,
    badEvents: counts.bad,
  };
}

function failuresOf(outcome: Outcome, exact: LoadReport["exact"], counts: Counts): string[] {
  const { options, crew, settled, connected, publishers, interrupted } = outcome;
  const failures: string[] = [];
  const fail = (count: number, words: string): void => {
    if (count > 0) failures.push(`${count.toLocaleString("en-US")} ${words}`);
  };
  fail(exact.likesLost, "accepted likes are missing from the totals");
  fail(exact.likesDoubled, "likes too many in the totals: counted twice, or not this run's");
  if (settled.totals.size === 0) failures.push(`no node tells its totals: ${settled.silent.join("; ")}`);
  fail(exact.viewersWrong, "viewers end with totals that are not the accepted sum");
  fail(exact.viewersAway, "viewers have no stream at the end");
  fail(exact.totalsFell, "times a total went down");
  fail(exact.commentsLost, "times a viewer was never shown an accepted comment");
  fail(exact.commentsRepeated, "times a viewer was shown a comment again");
  fail(exact.commentsDisordered, "times a viewer was shown a comment out of order");
  fail(exact.commentsDoubled, "comments stand under two ids");
  fail(exact.badEvents, "events were not as documented");
  fail(counts.broken, "streams could not be read");
  fail(crew.size - crew.finals.length, "audience processes ended early or did not answer");
  if (!interrupted) {
    fail(options.viewers - connected, `of ${options.viewers} viewers had no stream when publishing began`);
    if (options.likes > 0 && publishers.acceptedLikes === 0) failures.push("no like was accepted");
    if (options.comments > 0 && publishers.acceptedComments === 0) failures.push("no comment was accepted");
  }
  return failures;
}

function notesOf(outcome: Outcome, limits: readonly string[], counts: Counts): string[] {
  const { publishers, settled, crew } = outcome;
  const notes: string[] = [...limits];
  const note = (count: number, words: string): void => {
    if (count > 0) notes.push(`${count.toLocaleString("en-US")} ${words}`);
  };
  note(publishers.statuses["429"] ?? 0, "requests met a limit (429): the load was less than asked for");
  note(publishers.skipped, "publications were not sent, because too many waited for an answer");
  note(publishers.refused, "publications were refused");
  note(publishers.unknownLikes, "likes got no final answer: the totals may hold them or not");
  note(publishers.unknownComments, "comments got no final answer: they may stand or not");
  note(
    counts.refused,
    "stream requests were not answered 200: an EventSource would have given up, these came back",
  );
  note(counts.passed, "comments were passed over by an announced reset");
  note(counts.failedDials, "dials failed and were repeated, each at the next node of --url");
  if (settled.totals.size > 0)
    for (const silent of settled.silent) notes.push(`${silent}; the other nodes were asked`);
  const examples = crew.finals.flatMap((final) => [...final.check.examples, ...final.tally.examples]);
  for (const example of [...new Set([...examples, ...publishers.examples])].slice(0, 8)) {
    notes.push(`for example: ${example}`);
  }
  return notes;
}

function generatorOf(outcome: Outcome, finals: readonly FinalWord[]): LoadReport["generator"] {
  const audience = outcome.crew.healths;
  const slipMs = outcome.publishers.slipMs.percentiles();
  const why: string[] = [];
  const look = (name: string, { cores, lagP90 }: Health): void => {
    if (cores >= busyCores) why.push(`${name} used ${Math.round(cores * 100)} % of a core`);
    if (lagP90 >= lateMs) why.push(`${name} ran ${Math.round(lagP90)} ms late (p90)`);
  };
  audience.forEach((health, index) => {
    look(`audience process ${index + 1}`, health);
  });
  look("the publishers' process", outcome.health);
  if (slipMs.p99 >= lateMs) why.push(`requests left ${Math.round(slipMs.p99)} ms late (p99)`);
  const limits: string[] = [];
  if (why.length > 0) limits.push(`the generator was at its limit: ${why.join("; ")}`);
  if (outcome.machineBusy >= machineFull) {
    limits.push("all cores of this machine were in use: generator and server took them from each other");
  }
  return {
    publishers: outcome.health,
    audience,
    slipMs,
    machineBusy: outcome.machineBusy,
    recognised:
      finals.length === 0 ? 0 : finals.reduce((sum, final) => sum + final.recognised, 0) / finals.length,
    limits,
  };
}

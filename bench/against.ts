/**
 * `npm run bench:against -- --rev=8c5741b`: the working tree against another revision, in one run.
 *
 * Both are built, then measured in turn, pair by pair, the first of a pair changing: whatever the machine
 * does falls on both. What is told is the median of the pairs' ratios, now to before, and the medians of
 * both sides. Pairs beside which others took more than a tenth of the machine are kept apart (`apart`), and
 * the medians are those of the quiet ones; where there were none, of all, and that is said.
 * `--quick`: one pair of a few, in under three minutes. `--only=memory,fanout`: only these. What each of them
 * does stands in duel.ts.
 */
import { type Duel, duels, type Effort, type Measured } from "./duel.ts";
import { executable } from "./ovation.ts";
import { NeighbourWatch, neighboursMax } from "./proc.ts";
import { buildRevision, executableOf, type Revision, removeRevision } from "./revision.ts";
import { type Ends, play, type RunFlags, say } from "./run.ts";
import { median, medians, round } from "./stats.ts";

/** Where what `prepare` has built is told to the process that measures. */
const mark = "OVATION_BENCH_REVISION";
const quickDuels = ["fanout", "mixed-20", "flood", "memory"];
const full: Omit<Effort, "seconds"> = { viewers: 10_000, holders: 18_000, quietMs: 12_000 };
const quick: Effort = { seconds: 3, viewers: 10_000, holders: 10_000, quietMs: 6_000 };

interface Pair {
  readonly before: Measured;
  readonly now: Measured;
  /** What neighbours took of the machine meanwhile, 0…1. */
  readonly neighbours: number;
}

async function measure({ rounds, seconds, own, switches }: RunFlags, ends: Ends) {
  const isQuick = switches.has("quick");
  const effort = isQuick ? quick : { ...full, seconds };
  const names = own.only?.split(",") ?? (isQuick ? quickDuels : duels.map(({ name }) => name));
  const chosen = duels.filter(({ name }) => names.some((wanted) => name === wanted || isKind(name, wanted)));
  if (chosen.length === 0) throw new Error(`--only takes ${duels.map(({ name }) => name).join(", ")}`);
  const { tree, commit } = JSON.parse(process.env[mark] ?? "{}") as Revision;
  ends.add({ end: async () => removeRevision(tree) });
  const [before, now] = [executableOf(tree), executable()];
  const results: Record<string, unknown> = {};
  for (const duel of chosen) {
    const pairs: Pair[] = [];
    for (let i = 0; i < (isQuick ? 1 : rounds); i++) {
      pairs.push(await pairOf(duel, [before, now], i % 2 === 1, effort, ends));
    }
    results[duel.name] = tellPairs(pairs);
    for (const line of linesOf(duel.name, results[duel.name] as Told)) say(line);
  }
  return { against: commit, ...(isQuick && { quick: true }), duels: results };
}

/** `mixed` stands for all of `mixed-…`. */
function isKind(name: string, wanted: string): boolean {
  return name.startsWith(`${wanted}-`);
}

async function pairOf(
  duel: Duel,
  [before, now]: readonly [string, string],
  turned: boolean,
  effort: Effort,
  ends: Ends,
): Promise<Pair> {
  const neighbours = new NeighbourWatch();
  const first = await duel.measure(turned ? now : before, effort, ends);
  const second = await duel.measure(turned ? before : now, effort, ends);
  const share = round(neighbours.read());
  return turned
    ? { before: second, now: first, neighbours: share }
    : { before: first, now: second, neighbours: share };
}

interface Told {
  readonly before: Readonly<Record<string, number>>;
  readonly now: Readonly<Record<string, number>>;
  readonly ratio: Readonly<Record<string, number>>;
  readonly pairs: number;
  /** Of these pairs the neighbours took more than they may: their ratios count only where all are so. */
  readonly apart: readonly { readonly neighbours: number; readonly ratio: Record<string, number> }[];
  readonly limitedBy: readonly string[];
}

function tellPairs(pairs: readonly Pair[]): Told {
  const quiet = pairs.filter(({ neighbours }) => neighbours <= neighboursMax);
  const loud = pairs.filter((pair) => !quiet.includes(pair));
  const counted = quiet.length > 0 ? quiet : pairs;
  const ratios = counted.map(ratioOf);
  const full = counted.flatMap(({ before, now }) => [
    ...before.full.map((who) => `before: ${who}`),
    ...now.full.map((who) => `now: ${who}`),
  ]);
  return {
    before: medians(counted.map(({ before }) => before.figures)),
    now: medians(counted.map(({ now }) => now.figures)),
    ratio: Object.fromEntries(
      Object.keys(ratios[0] ?? {}).map((name) => [name, round(median(ratios.map((one) => one[name] ?? 0)))]),
    ),
    pairs: counted.length,
    apart: loud.map((pair) => ({ neighbours: pair.neighbours, ratio: ratioOf(pair) })),
    limitedBy: [...new Set(full)],
  };
}

function ratioOf({ before, now }: Pair): Record<string, number> {
  const names = Object.keys(now.figures).filter((name) => (before.figures[name] ?? 0) > 0);
  return Object.fromEntries(
    names.map((name) => [name, round((now.figures[name] ?? 0) / (before.figures[name] ?? 1))]),
  );
}

function linesOf(duel: string, { before, now, ratio, pairs, apart }: Told): string[] {
  const loud = apart.length === 0 ? "" : `, ${apart.length} beside loud neighbours`;
  const head = `${duel}: ${pairs} pair${pairs === 1 ? "" : "s"}${loud}`;
  return [
    head,
    ...Object.keys(now).map((name) => `  ${name} ${before[name]} → ${now[name]}  ×${ratio[name]}`),
  ];
}

await play(
  {
    name: "against",
    rounds: 3,
    seconds: 8,
    minutesMax: 60,
    ownNetwork: true,
    own: {
      rev: "the other revision; HEAD, if it is not said",
      only: `of ${duels.map(({ name }) => name).join(", ")}; several with commas`,
    },
    switches: { quick: "one pair of a few of them, in under three minutes" },
    // Packages may have to be fetched, which a network of its own could not.
    prepare: ({ own }) => {
      executable();
      process.env[mark] = JSON.stringify(buildRevision(own.rev ?? "HEAD"));
    },
  },
  measure,
);

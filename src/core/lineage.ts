/**
 * Lineage: the histories a log of comments has had, and which places still mean something in the one it has.
 *
 * A log may come back older than it was: put back from a copy, emptied, cut short by a loss of power. From
 * there on it gives out its numbers once more, for other comments. So a number alone is no place. Each start
 * and each discovered break opens a *branch* with a name of its own and the first number that is its, and a
 * place is a branch and a number, `<branch>-<seq>`. A place can be continued when its branch is one of ours
 * and the next branch begins behind it; whatever else was once given out lies on a history that is no more.
 * lineage.test.ts holds that against a model that loses its end at random.
 */
import { type EventId, formatId } from "./entry.ts";
import { limits } from "./limits.ts";

/** A stretch of a log under one name: up to where the next branch begins, or to its end. */
export interface Branch {
  /** `^[a-z0-9]{4,16}$`, never used twice. */
  readonly name: string;
  /** The first seq that is its. */
  readonly first: number;
}

const namePattern = /^[a-z0-9]{4,16}$/;

/** Whether `value` may name a branch. */
export function isBranchName(value: unknown): value is string {
  return typeof value === "string" && namePattern.test(value);
}

/** One log's branches; a lineage never changes, opening a branch gives another one. */
export class Lineage {
  /** Oldest first, never empty, each beginning behind the one before, the second perhaps with the first. */
  readonly branches: readonly Branch[];
  /** How many branches were ever opened: of two lineages of one log the greater is the newer. */
  readonly turn: number;

  private constructor(branches: readonly Branch[], turn: number) {
    this.branches = branches;
    this.turn = turn;
  }

  /** The lineage of a log that has always been one. */
  static begin(name: string, first = 1): Lineage {
    return new Lineage([{ name, first }], 1);
  }

  /** What `flat` and `turn` gave; undefined for anything else. */
  static read(flat: unknown, turn: unknown = 1): Lineage | undefined {
    if (!Array.isArray(flat) || flat.length < 2 || flat.length % 2 !== 0) return undefined;
    if (flat.length > 2 * limits.branchesMax || !isPlace(turn)) return undefined;
    const branches: Branch[] = [];
    for (let i = 0; i < flat.length; i += 2) {
      const [name, first] = [flat[i] as unknown, flat[i + 1] as unknown];
      if (!isBranchName(name) || !isPlace(first)) return undefined;
      const before = branches.at(-1)?.first ?? -1;
      if (first < before || (first === before && branches.length > 1)) return undefined;
      branches.push({ name, first });
    }
    return new Lineage(branches, turn);
  }

  /** As it is written down and sent: name, first, name, first … */
  flat(): (string | number)[] {
    return this.branches.flatMap(({ name, first }) => [name, first]);
  }

  get newest(): Branch {
    return this.branches.at(-1) as Branch;
  }

  /** Whether a branch of this name is remembered. */
  knows(name: string): boolean {
    return this.branches.some((branch) => branch.name === name);
  }

  /** Whether both are of one log at the same turn: a branch is opened once, so its name says it. */
  same(other: Lineage): boolean {
    return this.newest.name === other.newest.name;
  }

  /** The branch that `seq` belongs to; what is older than the oldest that is remembered counts as its. */
  nameOf(seq: number): string {
    const { branches } = this;
    let index = branches.length - 1;
    while (index > 0 && (branches[index] as Branch).first > seq) index--;
    return (branches[index] as Branch).name;
  }

  /** The id of what stands at `seq`. */
  idOf(seq: number): string {
    return formatId(this.nameOf(seq), seq);
  }

  /**
   * Whether everything up to this place is in our log as it was when the place was given out. On the newest
   * branch that is so for any number: whether the log has come so far is for its head to say.
   */
  continues({ branch, seq }: EventId): boolean {
    const index = this.branches.findIndex(({ name }) => name === branch);
    return index >= 0 && seq < (this.branches[index + 1]?.first ?? Number.POSITIVE_INFINITY);
  }

  /**
   * This lineage with a branch `name` from `first` on: what other branches had there is no more. Beyond
   * limits.branchesMax the oldest is forgotten, and its ids with it.
   */
  open(name: string, first: number): Lineage {
    // The oldest one names what stands before everything: whoever saw an empty log may go on from there.
    const kept = this.branches.filter(
      (branch, i) => branch.first < first || (i === 0 && branch.first === first),
    );
    return new Lineage([...kept, { name, first }].slice(-limits.branchesMax), this.turn + 1);
  }

  /** As `open`, for a log of which nothing before `first` is left. */
  anew(name: string, first: number): Lineage {
    return new Lineage([{ name, first }], this.turn + 1);
  }
}

function isPlace(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

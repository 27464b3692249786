/**
 * Whether a SQLite ledger's file holds together: everything that is written down twice, or follows from
 * what else is there, is worked out again and compared.
 *
 * The log is folded anew behind the written totals, and all of it from nothing where it is still whole.
 * What is wrong is told in lines for an operator; nothing is changed. Held by sqlite-verify.test.ts, which
 * breaks a file in each of these ways.
 */
import { decodeRecord } from "../core/record.ts";
import { countSums } from "./count-sums.ts";
import { checkEntries } from "./entries-verify.ts";
import { Fold } from "./fold.ts";
import { LedgerRefused } from "./ledger.ts";
import { lineageOf, type Prepare, prepareAll, type Statements } from "./schema.ts";
import { isOfSqlite, openToVerify, refusal } from "./sqlite-file.ts";
import { timelineSums } from "./timeline-sums.ts";
import { timelineOf } from "./timelines.ts";
import { checkMembers, differences, likesIn, onceMax, type Verdict, Wrong, wrongMax } from "./verdict.ts";
import { Written } from "./written.ts";

/**
 * Looks through the ledger's file, which is called `shown` in what is said. Throws LedgerRefused when it
 * cannot be read, is in use, or is of a version that this program has not yet brought up to date. Damage that
 * ends the reading is told as other damage is, and nothing is counted then.
 */
export function verifySqlite(file: string, shown = file): Verdict {
  const { prepare, damage, close } = openToVerify(file, shown);
  let statements: Statements | undefined;
  const wrong = new Wrong();
  try {
    for (const line of damage(wrongMax)) wrong.say(line);
    statements = prepareAll(prepare);
    return look(statements, prepare, wrong);
  } catch (error) {
    if (!isOfSqlite(error) && !(error instanceof LedgerRefused)) throw error;
    if (wrong.lines.length === 0) throw error instanceof LedgerRefused ? error : refusal(shown, error);
    wrong.say(`the rest cannot be read: ${error.message}`);
    return { videos: 0, likes: 0, comments: 0, records: 0, unread: true, wrong: wrong.lines };
  } finally {
    for (const statement of Object.values(statements ?? {})) statement.finalize();
    close();
  }
}

function look(statements: Statements, prepare: Prepare, wrong: Wrong): Verdict {
  const meta = (name: string): unknown => statements.metaGet.get(name)?.value;
  const once = meta("likes") === "once";
  const fold = foldOf(once);
  let upTo: number;
  try {
    upTo = new Written(statements, fold).read(true);
  } catch (error) {
    throw new LedgerRefused(`its totals cannot be read: ${(error as Error).message}`);
  }
  checkTotals(statements, wrong);
  for (const line of timelineSums(statements, fold.videos)) wrong.say(line);
  const records = checkLog(statements, { fold, upTo, once }, wrong);
  const likes = likesIn(fold);
  checkMembers(fold, likes, wrong);
  const entries = checkEntries(statements, prepare, (line) => wrong.say(line));
  for (const line of countSums(statements, prepare)) wrong.say(line);
  const lineage = lineageOf(meta("lineage"));
  if (!lineage) wrong.say("its lineage is damaged");
  else if (lineage.newest.first > entries.head + 1) {
    wrong.say(
      `its lineage begins a branch at ${lineage.newest.first}, and the comments end at ${entries.head}`,
    );
  }
  return { videos: fold.videos.size, likes, comments: entries.comments, records, wrong: wrong.lines };
}

function foldOf(once: boolean): Fold {
  return new Fold({ seed: 1, onceMax: once ? onceMax : undefined, timeline: timelineOf(undefined) });
}

/** Each video has one version, and whole numbers of likes. */
function checkTotals(statements: Statements, wrong: Wrong): void {
  let last: { video: string; version: number } | undefined;
  for (const { video, kind, count, version } of statements.totalsAll.iterate()) {
    if (!Number.isSafeInteger(count) || count < 0) wrong.say(`${video} has ${count} of ${kind}`);
    if (last?.video === video && last.version !== version) wrong.say(`${video} has totals of two versions`);
    last = { video, version };
  }
}

interface Folded {
  readonly fold: Fold;
  readonly upTo: number;
  readonly once: boolean;
}

/** Folds the log behind the totals; and all of it from nothing, to compare, where it is all there. */
function checkLog(statements: Statements, { fold, upTo, once }: Folded, wrong: Wrong): number {
  const whole = statements.logFirst.get()?.seq === 1 && !fold.idle.begun ? foldOf(once) : undefined;
  const compare = (): void => {
    if (whole) for (const line of differences(fold, whole)) wrong.say(line);
  };
  let last: { seq: number; at: number } | undefined;
  let records = 0;
  let compared = false;
  for (const { seq, at, record: bytes, whose } of statements.logFrom.iterate(0, 0)) {
    const record = decodeRecord(bytes, whose ?? undefined);
    if (last && seq !== last.seq + 1) wrong.say(`rows ${last.seq + 1} to ${seq - 1} of its log are missing`);
    if (last && at < last.at) wrong.say(`row ${seq} of its log is older than the one before`);
    last = { seq, at };
    records++;
    if (seq > upTo && !compared) {
      compare();
      compared = true;
    }
    if (!record) {
      wrong.say(`row ${seq} of its log is damaged`);
      continue;
    }
    whole?.apply(record, at, at);
    if (seq > upTo) fold.apply(record, at, at);
    else fold.remember(record, at);
  }
  if (!compared) compare();
  const lastSeq = last?.seq ?? upTo;
  if (lastSeq < upTo) wrong.say(`its totals go up to row ${upTo}, and its log ends at ${lastSeq}`);
  return records;
}

/**
 * Whether the comments of a SQLite ledger are in order: part of sqlite-verify.ts.
 *
 * Each entry names the one before it of its video, counts on from it (a removal need not), and a removal
 * stands behind what it removed, which is gone. Of a video whose oldest entries were forgotten the first
 * names one that is no more.
 */
import type { VideoId } from "../core/interaction.ts";
import type { EntryRow, Prepare, Statements } from "./schema.ts";

interface Last {
  readonly seq: number;
  readonly nth: number;
}

/** Tells what is wrong, a line each; answers how many comments there are, and the highest place. */
export function checkEntries(
  statements: Statements,
  prepare: Prepare,
  say: (line: string) => void,
): { readonly comments: number; readonly head: number } {
  const all = prepare<EntryRow & { readonly nth: number }, []>("SELECT * FROM entries ORDER BY seq");
  const stands = prepare<{ seq: number }, [number, string]>(
    "SELECT seq FROM entries WHERE seq = ?1 AND video = ?2 AND target IS NULL",
  );
  const keys = prepare<{ seq: number | null }, []>("SELECT max(seq) AS seq FROM comment_keys");
  const lasts = new Map<VideoId, Last>();
  let comments = 0;
  try {
    for (const { seq, video, previous, nth, target, text } of all.iterate()) {
      const last = lasts.get(video);
      const isFirst = target === 0 && previous === 0;
      const named = isFirst || (last ? previous === last.seq : previous >= 0 && previous < seq);
      if (!named) say(`comment ${seq} of ${video} follows ${previous}, and ${last?.seq ?? 0} is before it`);
      if (last && nth < last.nth + (target !== null && target > 0 ? 0 : 1))
        say(`comment ${seq} of ${video} is counted as number ${nth}`);
      if (target === null) {
        comments++;
        if (text === null) say(`comment ${seq} of ${video} has no text`);
      } else if (target >= seq || stands.get(target, video)) {
        say(`comment ${target} of ${video} is there, and ${seq} says that it was removed`);
      }
      lasts.set(video, { seq, nth });
    }
    const head = statements.head.get()?.head ?? 0;
    const keyed = keys.get()?.seq ?? 0;
    if (keyed > head) say(`a key stands for comment ${keyed}, and the comments end at ${head}`);
    return { comments, head };
  } finally {
    for (const query of [all, stands, keys]) query.finalize();
  }
}

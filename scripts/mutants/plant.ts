/**
 * A mutant: one small edit of the source that breaks one thing, and the tests that should notice.
 *
 * What is edited is found by its text, which must stand in the file exactly once, so an edit whose place was
 * rewritten is an error with a name and never a mutant that silently does nothing (mutants.test.ts).
 */

export interface Mutant {
  /** What is wrong once it is planted, in words. */
  readonly name: string;
  /** Paths from the root of the repository. */
  readonly file: string;
  readonly tests: readonly string[];
  readonly before: string;
  readonly after: string;
}

/** Edits of `file` that `tests` should notice: a name, the text before, the text after. */
export function plant(
  file: string,
  tests: readonly string[],
  edits: readonly (readonly [name: string, before: string, after: string])[],
): readonly Mutant[] {
  return edits.map(([name, before, after]) => ({ name, file, tests, before, after }));
}

/** `text` with the mutant planted, or what is wrong with it, in one line. */
export function planted({ name, file, before, after }: Mutant, text: string): string | { wrong: string } {
  const places = text.split(before).length - 1;
  if (places !== 1) return { wrong: `${name}: its text stands in ${file} ${places} times, not once` };
  const edited = text.replace(before, () => after);
  if (edited === text) return { wrong: `${name}: changes nothing in ${file}` };
  try {
    new Bun.Transpiler({ loader: "ts" }).transformSync(edited);
  } catch {
    return { wrong: `${name}: leaves ${file} unreadable` };
  }
  return edited;
}

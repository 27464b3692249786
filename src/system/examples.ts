/** The `@example` of a public function's documentation, as an editor shows it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

/** The example above `export function NAME` in `file`; throws when there is none. */
export function exampleOf(file: string, name: string): string {
  const text = readFileSync(join(root, file), "utf8");
  const before = text.slice(0, text.search(new RegExp(`^export (async )?function ${name}\\b`, "m")));
  const comment = before.slice(before.lastIndexOf("/**"));
  const example = /@example\n([\s\S]*?)\n \*(\/| @)/.exec(comment)?.[1];
  if (example === undefined) throw new Error(`${file} shows no example of ${name}`);
  return example.replace(/^ \* ?/gm, "");
}

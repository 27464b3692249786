/** The guide shows the snippets as they are; src/system/snippets.test.ts runs them. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const guide = readFileSync(join(import.meta.dir, "../docs/embed.md"), "utf8");
const folder = join(import.meta.dir, "snippets");

test("each block of the guide is a file of snippets/, and each file is in the guide", () => {
  const blocks = [...guide.matchAll(/```\w+\n([\s\S]*?)```/g)].map(([, text]) => text);
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
  expect(files.length).toBeGreaterThan(4);
  expect([...blocks].sort()).toEqual([...files].sort());
});

/**
 * The pages of docs/, typed as they stand: what runs there runs, and prints what they say. The embedding
 * guide is run in a browser, by snippets.test.ts.
 *
 * Mostly waits: for streams of some seconds, and for servers to be ready.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { blocksOf, hasty, isAsSaid, type Typed, typePage } from "./typed.ts";

// Pages wait for each other, see `inTurn`.
setDefaultTimeout(240_000);
/** Pages that are typed at once: each mostly waits, and starts whole programs. */
const atOnce = 3;

const lanes: Promise<unknown>[] = Array.from({ length: atOnce }, () => Promise.resolve());
let turns = 0;

/** Runs `run` after what was begun before it in the same lane. */
function inTurn<T>(run: () => Promise<T>): Promise<T> {
  const lane = turns++ % atOnce;
  const done = (lanes[lane] ?? Promise.resolve()).then(run);
  lanes[lane] = done.catch(() => {});
  return done;
}

const folder = join(import.meta.dir, "../../docs");
const pages = readdirSync(folder).filter((name) => name.endsWith(".md") && name !== "embed.md");

function isSaid({ printed, expected }: Typed): boolean {
  return expected === undefined || isAsSaid(printed, expected);
}

describe("docs", () => {
  for (const name of pages) {
    const page = readFileSync(join(folder, name), "utf8");
    if (!blocksOf(page).some(({ language }) => language === "sh")) continue;
    test.concurrent(name, async () => {
      const once = await inTurn(() => typePage(page));
      const typed = once.every(isSaid) ? once : await inTurn(() => typePage(page, 10));
      for (const { block, printed, expected = "" } of typed.filter((one) => !isSaid(one))) {
        expect(`${block}\n${printed.trim()}`).toBe(`${block}\n${expected.trim()}`);
      }
    });
  }

  test("no block asks a node that it has only just started", () => {
    const all = pages.flatMap((name) => hasty(readFileSync(join(folder, name), "utf8")));
    expect(all).toEqual([]);
    const block = (...lines: string[]) => ["```sh", ...lines, "```", ""].join("\n");
    expect(hasty(block("ovation --port=1 &", "curl a"))).toEqual(["curl a"]);
    expect(hasty(block("ovation &", "ovation --port=1 &", "until b; do :; done", "curl a"))).toEqual([]);
  });

  test("a line that fails, or prints something else, is noticed", async () => {
    expect(isAsSaid('{"id":"a-1"}\n', '{"id":"…"}')).toBe(true);
    expect(isAsSaid('{"id":"a-1"} more', '{"id":"…"}')).toBe(false);
    await expect(typePage("```sh\necho here; false\necho not\n```\n")).rejects.toThrow("here");
    expect(await typePage("```sh\necho 1\n```\n\n```text\n2\n```\n\n```console\nfalse\n```\n")).toEqual([
      { block: "echo 1\n", printed: "1\n\n", expected: "2\n" },
    ]);
  });
});

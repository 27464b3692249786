/** The list of planted faults: each can be planted as the source stands now, and there are enough of them. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mutants } from "./mutants/all.ts";
import { type Mutant, planted } from "./mutants/plant.ts";

const root = join(import.meta.dir, "..");
const folders = ["core", "ledger", "dispatcher", "video", "fanout", "trust"];

describe("planted faults", () => {
  test("each has its text in the source, once, and leaves a source that can be read", () => {
    const wrong = mutants.flatMap((mutant) => {
      const text = planted(mutant, readFileSync(join(root, mutant.file), "utf8"));
      return typeof text === "string" ? [] : [text.wrong];
    });
    expect(wrong).toEqual([]);
  });

  test("each has a name of its own, and tests that are there", () => {
    const names = mutants.map(({ file, name }) => `${file}: ${name}`);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
    expect(mutants.flatMap(({ tests }) => tests).filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(mutants.filter(({ tests }) => tests.length === 0)).toEqual([]);
  });

  test("are at least sixty, in every folder that counts", () => {
    expect(mutants.length).toBeGreaterThanOrEqual(60);
    for (const folder of folders) {
      const here = mutants.filter(({ file }) => file.startsWith(`src/${folder}/`));
      expect(`${folder}: ${here.length > 2}`).toBe(`${folder}: true`);
    }
  });

  test("one whose text is gone, stands twice, changes nothing or breaks the file is told as such", () => {
    const mutant = (before: string, after: string): Mutant => ({
      ...{ name: "a fault", file: "src/a.ts", tests: [] },
      before,
      after,
    });
    const text = "const a = 1;\nconst b = 1;\n";
    expect(planted(mutant("a = 1", "a = 2"), text)).toBe("const a = 2;\nconst b = 1;\n");
    expect(planted(mutant("1;\nconst b", "'$&';\nconst b"), text)).toBe("const a = '$&';\nconst b = 1;\n");
    for (const [before, after, why] of [
      ["c = 1", "c = 2", "0 times"],
      ["= 1", "= 2", "2 times"],
      ["a = 1", "a = 1", "changes nothing"],
      ["a = 1", "a = (1", "unreadable"],
    ] as const) {
      expect(planted(mutant(before, after), text)).toEqual({ wrong: expect.stringContaining(why) });
    }
  });
});

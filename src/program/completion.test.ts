/** Completion, by the shells that are there; and the manual page, by groff. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commands } from "../settings/config.ts";
import { completion, shells } from "./completion.ts";
import { manual } from "./manual.ts";
import { commandWords } from "./words.ts";

/** What `command` prints, with `text` in a file of its own at the end, behind all its complaints. */
function asked(command: readonly string[], text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "ovation-words-"));
  const file = join(folder, "words");
  writeFileSync(file, text);
  const { stdout, stderr } = Bun.spawnSync([...command, file], { stdin: "ignore" });
  rmSync(folder, { recursive: true });
  return `${stderr}${stdout}`;
}

const ask = `
try() {
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  _ovation 2>/dev/null
  echo "\${COMPREPLY[*]}"
}
try ovation lo
try ovation --rol
try ovation --role = fr
try ovation load --view
try ovation serve --durability =
try ovation help aut
try ovation completion ''
`;

describe("words of the command line", () => {
  test("every command is there, and has its flags", () => {
    const words = commandWords();
    expect(words.map(({ name }) => String(name))).toEqual(Object.keys(commands));
    const role = words[0]?.flags.find(({ flag }) => flag === "--role");
    expect(role).toMatchObject({
      values: ["both", "frontend", "dispatcher"],
      fallback: "both",
      isFile: false,
    });
    expect(words[0]?.flags.find(({ flag }) => flag === "--tls-cert")).toMatchObject({ isFile: true });
  });

  test.skipIf(!Bun.which("bash"))("bash completes commands, flags, values, topics", () => {
    expect(
      asked(["bash"], `${completion("bash")}${ask}`)
        .trimEnd()
        .split("\n"),
    ).toEqual([
      ...["load", "--role=", "frontend", "--viewers=", "process power", "auth"],
      `${shells.join(" ")} --help`,
    ]);
  });

  for (const shell of shells) {
    test.skipIf(!Bun.which(shell))(`${shell} reads its script`, () => {
      expect(asked([shell, "-n"], completion(shell) ?? "")).toBe("");
    });
  }

  test("no other shell has one", () => {
    expect(completion("tcsh")).toBeUndefined();
    expect(completion("constructor")).toBeUndefined();
  });

  test("the manual page has every flag, and every line of requests is one of man(7)", () => {
    const page = manual("1.2.3");
    for (const { flags } of commandWords()) {
      for (const { flag } of flags) expect(page).toContain(`\\fB${flag.replaceAll("-", "\\-")}\\fR`);
    }
    const requests = page.split("\n").filter((line) => /^[.']/.test(line));
    expect(requests.filter((line) => !/^\.(TH|SH|SS|TP|B)( |$)/.test(line))).toEqual([]);
  });

  test.skipIf(!Bun.which("groff"))("groff sets it without a complaint", () => {
    const set = asked(["groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-P-cbou"], manual("1.2.3"));
    expect(set).toStartWith("OVATION(1)");
    expect(set).toContain("--review-url");
    expect(set).toContain("ended by signal n");
  });
});

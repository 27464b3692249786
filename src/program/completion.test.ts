/** Completion, by the shells that are there; and the manual page, by groff and mandoc. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commands } from "../settings/config.ts";
import { completion, shells } from "./completion.ts";
import { manual } from "./manual.ts";
import { commandWords } from "./words.ts";

/** A shell that waits for what does not come is ended. */
const patienceMs = 20_000;
setDefaultTimeout(patienceMs + 5_000);

/** What `command` prints, with `text` in a file of its own at the end, behind all its complaints. */
function asked(command: readonly string[], text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "ovation-words-"));
  const file = join(folder, "words");
  writeFileSync(file, text);
  const { stdout, stderr } = Bun.spawnSync([...command, file], { stdin: "ignore", timeout: patienceMs });
  rmSync(folder, { recursive: true });
  return `${stderr}${stdout}`;
}

const made = { version: "1.2.3", date: "2026-11-28" };

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
try ovation --role fr
try ovation --viewer-likes 5
try ovation check --ho
try ovation help serv
try ovation --data = "$0"
try ovation backup "$0"
try ovation load --json --video-p
`;

/** Types into a zsh of its own, at a terminal, and prints what stands there after Tab. */
const zshAsk = (script: string): string => `
cat > $0.words <<'@@@'
${script}
@@@
zmodload zsh/zpty
zpty z "TERM=dumb zsh -f -i"
zpty -w z "unsetopt zle_bracketed_paste prompt_cr prompt_sp; PS1=; autoload -Uz compinit; compinit -u -D"
zpty -w z "source $0.words"
zpty -w z 'tell() { print -r -- "<$BUFFER>"; BUFFER= }; zle -N tell; bindkey "^X" tell'
zpty -w z "print REA''DY"
zpty -r -m z out '*READY*'
for line in 'ovation lo' 'ovation --rol' 'ovation --role=fr' 'ovation check --ho' "ovation backup $0.w"; do
  zpty -w -n z "$line"$'\t\x18'
  zpty -r -m z out '*<*>*'
  print -r -- "\${\${out##*<}%%>*}"
done
zpty -d z
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
    const check = words.find(({ name }) => name === "check")?.flags.find(({ flag }) => flag === "--host");
    expect(check?.placeholder).toBe("");
    expect(words.filter(({ takesFile }) => takesFile).map(({ name }) => String(name))).toEqual([
      ...["backup", "restore", "verify"],
    ]);
  });

  test.skipIf(!Bun.which("bash"))("bash completes commands, flags, values, topics", () => {
    const said = asked(["bash"], `${completion("bash")}${ask}`)
      .trimEnd()
      .split("\n");
    const file = expect.stringMatching(/^\/\S+\/words$/);
    expect(said).toEqual([
      ...["load", "--role=", "frontend", "--viewers=", "process power", "auth"],
      ...[`${shells.join(" ")} --help`, "frontend", "", "--host", "serve", file, file, "--video-prefix="],
    ]);
  });

  test.skipIf(!Bun.which("zsh"))("zsh completes them at a terminal of its own", () => {
    const said = asked(["zsh", "-f"], zshAsk(completion("zsh") ?? ""));
    expect(said.split("\n")).toEqual([
      ...["ovation load ", "ovation --role=", "ovation --role=frontend ", "ovation check --host "],
      ...[expect.stringMatching(/^ovation backup \/\S+\/words\.words $/), ""],
    ]);
  });

  test.skipIf(!Bun.which("fish"))("fish completes them", () => {
    const words = ["lo", "--rol", "--role=fr", "--role fr", "help aut", "check --ho", "completion z"];
    const ask = words.map((word) => `complete -C 'ovation ${word}' | string split -f1 \\t`).join("\n");
    const said = asked(["fish", "--no-config"], `${completion("fish")}${ask}`)
      .trimEnd()
      .split("\n");
    expect(said).toEqual(["load", "--role", "--role=frontend", "frontend", "auth", "--host", "zsh"]);
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
    const page = manual(made);
    for (const { flags } of commandWords()) {
      for (const { flag } of flags) expect(page).toContain(`\\fB${flag.replaceAll("-", "\\-")}\\fR`);
    }
    const requests = page.split("\n").filter((line) => /^[.']/.test(line));
    expect(requests.filter((line) => !/^\.(TH|SH|SS|TP|B)( |$)/.test(line))).toEqual([]);
  });

  test.skipIf(!Bun.which("mandoc"))("mandoc has nothing to say of it", () => {
    expect(asked(["mandoc", "-Tlint"], manual(made))).toBe("");
  });

  test.skipIf(!Bun.which("groff"))("groff sets it without a complaint", () => {
    const set = asked(["groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-P-cbou"], manual(made));
    expect(set).toStartWith("OVATION(1)");
    expect(set).toContain("--review-url");
    expect(set).toContain("ended by signal n");
  });
});

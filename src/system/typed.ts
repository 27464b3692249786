/**
 * A page of docs/ as a stranger types it, top to bottom in one shell.
 *
 * Of its blocks, `sh` is typed as it stands; any other language with a file's name behind it (`js like.mjs`)
 * is that file; `text` right behind an `sh` is what that prints, `…` standing for anything. `console` and
 * the rest are shown and not run. `ovation` is this program, and the folder has the scripts of the
 * repository; ports of the page become free ones, and a node that is started with `&` is ready before the
 * next line is typed. What needs a tool that is not here is left out.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dieWithUs } from "./child.ts";
import { program } from "./cluster.ts";
import { freePorts } from "./ports.ts";

interface Block {
  readonly language: string;
  /** The name of its file, or nothing. */
  readonly file: string;
  readonly text: string;
}

export interface Typed {
  readonly block: string;
  readonly printed: string;
  /** What the page says that it prints; undefined where it says nothing. */
  readonly expected: string | undefined;
}

const tools = ["node", "python3", "go", "nats-server", "openssl"];
/** Ports that pages use, in the clear. */
const portPattern = /\b(8080|8081|8082|4222|4223|7422|9000)\b/g;
const starts = /^(?:\w+=\S* )*ovation(?: --\S+)* &$/;

export function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```(\w+) ?(\S*)\n([\s\S]*?)^```$/gm)].map(
    ([, language = "", file = "", text = ""]) => ({ language, file, text }),
  );
}

/** Blocks that ask a node which they have only just started: pasted whole, they find nobody there. */
export function hasty(page: string): string[] {
  const blocks = blocksOf(page).filter(({ language }) => language === "sh");
  return blocks.flatMap(({ text }) => {
    const lines = text.trimEnd().split("\n");
    const next = lines[lines.findLastIndex((line) => starts.test(line)) + 1];
    return lines.some((line) => starts.test(line)) && next && !next.startsWith("until ") ? [next] : [];
  });
}

/** Whether `printed` is what a page says, `…` standing for anything. */
export function isAsSaid(printed: string, expected: string): boolean {
  const pattern = expected
    .trim()
    .split("…")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("[\\s\\S]*?");
  return new RegExp(`^${pattern}$`).test(printed.trim());
}

/**
 * Runs the blocks of `page`. Rejects with all that was printed when a line fails. What the page gives a time
 * of its own (`--max-time`) has `patience` times as long: a machine may be busier than a reader's.
 */
export async function typePage(page: string, patience = 1): Promise<Typed[]> {
  const folder = mkdtempSync(join(tmpdir(), "ovation-typed-"));
  try {
    const names = [...new Set(page.match(portPattern))];
    const free = await freePorts(names.length + 1);
    const port = (text: string): string => `${free[names.indexOf(text)] ?? free.at(-1)}`;
    const here = (text: string): string =>
      text
        .replace(portPattern, port)
        .replace(/--max-time (\d+)/g, (_, seconds) => `--max-time ${Number(seconds) * patience}`);
    const blocks = blocksOf(page);
    for (const { file, text } of blocks) if (file !== "") writeFileSync(join(folder, file), here(text));
    writeProgram(folder);
    symlinkSync(join(import.meta.dir, "../../scripts"), join(folder, "scripts"));
    const typed = blocks.flatMap(({ language, file, text }, index) => {
      if (language !== "sh" || file !== "" || tools.some((tool) => misses(text, tool))) return [];
      const next = blocks[index + 1];
      return [{ text: here(text), expected: next?.language === "text" ? here(next.text) : undefined }];
    });
    const printed = await run(
      folder,
      typed.map(({ text }) => text),
      port("8080"),
    );
    return typed.map(({ text, expected }, index) => ({
      block: text,
      printed: printed[index] ?? "",
      expected,
    }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function misses(text: string, tool: string): boolean {
  return new RegExp(`(^|[\\s(|;])${tool} `, "m").test(text) && !Bun.which(tool);
}

function writeProgram(folder: string): void {
  const file = join(folder, "bin/ovation");
  mkdirSync(join(folder, "bin"));
  const command = [...dieWithUs, ...program].map((word) => `'${word}'`).join(" ");
  writeFileSync(file, `#!/bin/sh\nexec ${command} "$@"\n`);
  chmodSync(file, 0o755);
}

const mark = "@@ what follows is of another block";

async function run(folder: string, blocks: readonly string[], port: string): Promise<string[]> {
  const lines = blocks.flatMap((block) => [
    ...block.trimEnd().split("\n").flatMap(ready(port)),
    `echo; echo '${mark}'`,
  ]);
  const end = "started=; trap '[ -z \"$started\" ] || { kill $started; wait; } 2>/dev/null || :' EXIT";
  writeFileSync(join(folder, "typed.sh"), ["set -eu", end, ...lines].join("\n"));
  const { PATH = "", HOME = folder } = process.env;
  const child = Bun.spawn([...dieWithUs, "sh", "typed.sh"], {
    cwd: folder,
    env: {
      ...{ PATH: `${join(folder, "bin")}:${PATH}`, HOME, OVATION_HOST: "127.0.0.1", OVATION_PORT: port },
      ...{ OVATION_DRAIN: "0ms", OVATION_LOG_LEVEL: "error" },
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [printed, said] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`a line of the page failed:\n${printed}\n${said}`);
  return printed.split(mark);
}

/** A line, and what remembers the program that it starts, or waits for the node. */
function ready(ofThePage: string) {
  return (line: string): string[] => {
    if (!line.endsWith(" &")) return [line];
    const lines = [line, 'started="$started $!"'];
    if (!starts.test(line)) return lines;
    const port = /--port=(\d+)/.exec(line)?.[1] ?? ofThePage;
    const isReady = `curl -sf http://127.0.0.1:${port}/health/ready >/dev/null`;
    return [...lines, `until ${isReady}; do kill -0 $!; sleep 0.1; done`];
  };
}

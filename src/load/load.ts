/**
 * `ovation load`: a real audience over real sockets, and the proof that everything accepted reached it.
 *
 * Two doors: `runLoad` is the command, `runLoadWorker` the hidden role of its audience processes. What a run
 * does is in run.ts; this file reads flags, shows progress, prints the report and answers the exit code.
 */
import { readFileSync } from "node:fs";
import { parseLoadOptions } from "./options.ts";
import { makeReport } from "./report.ts";
import { renderGlance, renderReport } from "./report-text.ts";
import { play, type Sight } from "./run.ts";
import { runWorker } from "./worker.ts";

/** What the command may touch of the world. */
export interface LoadIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Whether standard error is a terminal, and how wide (0 if unknown): progress is shown only there. */
  readonly isTTY: boolean;
  readonly columns: number;
  /** The command that starts this same program: `[process.execPath]`, and the script unless compiled. */
  readonly self: readonly string[];
  /** Aborts on the first interrupt: the run stops publishing and prints what it has. */
  readonly interrupt: AbortSignal;
}

const progressMs = 250;

/**
 * Runs the command. `argv` starts after `load`. Exit code: 0 everything accepted was shown to everyone
 * exactly once, 1 something was not or the run could not be made, 2 bad flags, 130 interrupted.
 */
export async function runLoad(argv: readonly string[], io: LoadIo): Promise<number> {
  const parsed = parseLoadOptions(argv, io.env, (path) => readFileSync(path, "utf8"));
  if ("mistakes" in parsed) {
    for (const mistake of parsed.mistakes) io.stderr(`ovation load: ${mistake}\n`);
    return 2;
  }
  const { settings } = parsed;
  for (const warning of parsed.warnings) io.stderr(`ovation load: ${warning}\n`);
  const progress = new Progress(io, settings.viewers, io.isTTY && !settings.quiet);
  const played = await play(settings, io.self, io.interrupt, (sight) => progress.see(sight));
  progress.stop();
  if (typeof played === "string" || "mistake" in played) {
    const isMistake = typeof played !== "string";
    io.stderr(`ovation load: ${isMistake ? played.mistake : played}\n`);
    return isMistake ? 2 : 1;
  }
  const report = makeReport(played.outcome);
  io.stdout(settings.json ? `${JSON.stringify(report)}\n` : renderReport(report));
  await played.end();
  if (!report.ok) return 1;
  return report.run.interrupted ? 130 : 0;
}

/** One audience process: orders on standard input, words through `write`. Ends when its input does. */
export async function runLoadWorker(write: (text: string) => void): Promise<number> {
  return runWorker(Bun.stdin.stream(), write);
}

/** The line that is rewritten while a run goes on. */
class Progress {
  readonly #io: LoadIo;
  readonly #viewers: number;
  readonly #shown: boolean;
  #timer: Timer | undefined;
  #sight: Sight | undefined;
  #before = { atMs: 0, in: 0, out: 0, frames: 0 };

  constructor(io: LoadIo, viewers: number, shown: boolean) {
    this.#io = io;
    this.#viewers = viewers;
    this.#shown = shown;
  }

  see(sight: Sight): void {
    this.#sight = sight;
    if (this.#shown) this.#timer ??= setInterval(() => this.#draw(), progressMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.#timer) this.#io.stderr("\r\x1b[2K");
  }

  #draw(): void {
    const sight = this.#sight;
    if (!sight) return;
    const { pulse } = sight.crew;
    const now = {
      atMs: performance.now(),
      in: sight.publishers?.acceptedLikes ?? 0,
      out: pulse.delivered,
      frames: pulse.frames,
    };
    const before = this.#before;
    const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1000);
    this.#before = now;
    const glance = {
      phase: sight.phase,
      open: pulse.open,
      viewers: this.#viewers,
      likesIn: (now.in - before.in) / seconds,
      likesOut: (now.out - before.out) / seconds,
      frames: (now.frames - before.frames) / seconds,
      p50: pulse.p50,
      p99: pulse.p99,
    };
    this.#io.stderr(`\r\x1b[2K${renderGlance(glance, this.#io.columns || 80)}`);
  }
}

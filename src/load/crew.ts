/**
 * The audience processes of a run, seen from the run: started as this same program in another role, spoken to
 * over pipes (link.ts), added up into one.
 *
 * Processes rather than threads, because descriptors are limited per process and a second event loop must not
 * share the first one's pauses.
 */
import type { Subprocess } from "bun";
import type { Health, Order, Pulse, Word } from "./link.ts";
import { eachLine } from "./link.ts";

/** Hidden first word of the command line that makes this program an audience process. */
export const workerRole = "load-worker";

export type FinalWord = Extract<Word, { kind: "final" }>;

const silent: Pulse = { open: 0, connected: 0, delivered: 0, frames: 0, p50: 0, p99: 0 };

class Member {
  readonly process: Subprocess<"pipe", "pipe", "inherit">;
  pulse = silent;
  final: FinalWord | undefined;
  gone = false;

  constructor(command: readonly string[], changed: () => void) {
    // Its own session: an interrupt typed at the terminal is the run's to handle.
    this.process = Bun.spawn({
      cmd: [...command],
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
      detached: true,
    });
    const heard = (line: string): void => {
      const word = JSON.parse(line) as Word;
      if (word.kind === "pulse") this.pulse = word.pulse;
      else this.final = word;
      changed();
    };
    void eachLine(this.process.stdout, heard).finally(() => {
      this.gone = true;
      changed();
    });
  }

  tell(order: Order): void {
    this.process.stdin.write(`${JSON.stringify(order)}\n`);
    this.process.stdin.flush();
  }
}

export class Crew {
  readonly #members: readonly Member[];
  #changed: () => void = () => undefined;

  /** Starts `count` processes of `self`, the command that starts this program. */
  constructor(self: readonly string[], count: number) {
    const command = [...self, workerRole];
    this.#members = Array.from({ length: count }, () => new Member(command, () => this.#changed()));
  }

  /** Tells every process something of its own. */
  tell(order: (index: number) => Order): void {
    this.#members.forEach((member, index) => {
      member.tell(order(index));
    });
  }

  /** All pulses as one; percentiles are of the process that fares worst. */
  get pulse(): Pulse {
    const pulses = this.#members.map((member) => member.pulse);
    const sum = (of: (pulse: Pulse) => number): number =>
      pulses.reduce((total, pulse) => total + of(pulse), 0);
    return {
      open: sum((pulse) => pulse.open),
      connected: sum((pulse) => pulse.connected),
      delivered: sum((pulse) => pulse.delivered),
      frames: sum((pulse) => pulse.frames),
      p50: Math.max(0, ...pulses.map((pulse) => pulse.p50)),
      p99: Math.max(0, ...pulses.map((pulse) => pulse.p99)),
    };
  }

  /** What processes said last; shorter than the crew if one died or did not answer. */
  get finals(): readonly FinalWord[] {
    return this.#members.flatMap((member) => (member.final ? [member.final] : []));
  }

  get healths(): readonly Health[] {
    return this.finals.map((final) => final.health);
  }

  /** Processes that ended without having said their last word. */
  get lost(): number {
    return this.#members.filter((member) => member.gone && !member.final).length;
  }

  get size(): number {
    return this.#members.length;
  }

  /**
   * Waits until `met`, asked whenever a process says something or ends, but not longer than `waitMs`, nor
   * after `signal` aborts.
   */
  async until(met: () => boolean, waitMs: number, signal?: AbortSignal): Promise<void> {
    if (met() || signal?.aborted) return;
    await new Promise<void>((resolve) => {
      const over = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", over);
        this.#changed = () => undefined;
        resolve();
      };
      const timer = setTimeout(over, waitMs);
      signal?.addEventListener("abort", over);
      this.#changed = () => {
        if (met()) over();
      };
    });
  }

  /** Ends every process: its input closes, and it leaves. Resolves when all are gone (3 s at most). */
  async dismiss(): Promise<void> {
    for (const member of this.#members) void member.process.stdin.end();
    const gone = Promise.all(this.#members.map((member) => member.process.exited));
    await Promise.race([gone, Bun.sleep(3000)]);
    for (const member of this.#members) if (member.process.exitCode === null) member.process.kill("SIGKILL");
  }
}

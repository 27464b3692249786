/**
 * What the kernel says about processes and sockets: processor time, memory, listen queues. Linux only.
 *
 * User memory is the proportional set size (PSS) of a process: pages shared by several count once. Kernel
 * memory of sockets is not in it and is read apart.
 */
import { readdirSync, readFileSync } from "node:fs";
import { cpuSeconds } from "../src/plan/proc.ts";

/** Seconds that a process' first thread was ready to run and had no core: others' doing. */
export function starvedSeconds(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[1]) / 1e9;
}

/** Cores in use on the whole machine, as seconds of work and of everything since boot. */
function machineSeconds(): { busy: number; all: number } {
  const fields = (readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "")
    .trim()
    .split(/\s+/)
    .slice(1, 9)
    .map(Number);
  const all = fields.reduce((sum, field) => sum + field, 0);
  const idle = (fields[3] ?? 0) + (fields[4] ?? 0);
  return { busy: (all - idle) / 100, all: all / 100 };
}

/**
 * Bytes that the kernel holds in buffers of TCP sockets, and how many sockets there are (both ends of each).
 */
export function socketMemory(): { sockets: number; bytes: number } {
  const tcp = /^TCP: inuse (\d+) .* mem (\d+)$/m.exec(readFileSync("/proc/net/sockstat", "utf8"));
  return { sockets: Number(tcp?.[1] ?? 0), bytes: Number(tcp?.[2] ?? 0) * 4096 };
}

/** Connections that found a listen queue full, since boot. */
export function listenOverflows(): number {
  const lines = readFileSync("/proc/net/netstat", "utf8").split("\n");
  const names = lines[0]?.split(" ") ?? [];
  return Number(lines[1]?.split(" ")[names.indexOf("ListenOverflows")] ?? 0);
}

/** Cores used per group of processes, and by the machine as a share of all cores, since it was started. */
export class CpuWatch<Group extends string> {
  readonly #groups: Readonly<Record<Group, readonly number[]>>;
  readonly #before: Record<Group, number>;
  readonly #machine = machineSeconds();
  readonly #startMs = performance.now();

  constructor(groups: Readonly<Record<Group, readonly number[]>>) {
    this.#groups = groups;
    this.#before = this.#read();
  }

  read(): CpuUse<Group> {
    const seconds = (performance.now() - this.#startMs) / 1000;
    const now = this.#read();
    const machine = machineSeconds();
    const used = {} as Record<Group, number>;
    for (const name in now) used[name] = now[name] - this.#before[name];
    const all = machine.all - this.#machine.all;
    return { seconds, used, machine: all > 0 ? (machine.busy - this.#machine.busy) / all : 0 };
  }

  #read(): Record<Group, number> {
    const now = {} as Record<Group, number>;
    for (const name in this.#groups) {
      now[name] = this.#groups[name].reduce((sum, pid) => sum + cpuSeconds(pid), 0);
    }
    return now;
  }
}

/**
 * What others took of the machine, as a share of all cores, since it was started: everything busy that was
 * neither this process nor anything it started.
 */
export class NeighbourWatch {
  readonly #machine = machineSeconds();
  readonly #own = ownSeconds();

  read(): number {
    const machine = machineSeconds();
    const all = machine.all - this.#machine.all;
    if (all <= 0) return 0;
    const others = machine.busy - this.#machine.busy - (ownSeconds() - this.#own);
    return Math.max(0, others / all);
  }
}

/** Above this share of the machine, neighbours had a say in what was measured. */
export const neighboursMax = 0.1;

/** Of this process and its descendants, those that have ended included. */
function ownSeconds(): number {
  return familyOf(process.pid).reduce((sum, pid) => sum + wholeSeconds(pid), 0);
}

function wholeSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // User and system time of its own, and of children it has waited for.
    return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) / 100;
  } catch {
    // It has ended, and its time has gone to whoever waited for it.
    return 0;
  }
}

export interface CpuUse<Group extends string> {
  readonly seconds: number;
  /** Seconds of processor time by group. */
  readonly used: Readonly<Record<Group, number>>;
  /** Share of all cores in use, by anyone, 0…1. */
  readonly machine: number;
}

/** Above these something is said to have been at its limit. */
const processFull = 0.9;
const machineFull = 0.95;

/** Who was at its limit: groups by name (a group of one process), the machine, or nobody. */
export function limitedBy<Group extends string>(use: CpuUse<Group>): string[] {
  const full: string[] = [];
  for (const name in use.used) if (use.used[name] / use.seconds >= processFull) full.push(name);
  if (use.machine >= machineFull) full.push("machine");
  return full;
}

/** A process and all that it started. */
export function familyOf(pid: number): number[] {
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), parentOf(name)] as const);
  const family = [pid];
  for (const member of family) {
    for (const [child, parent] of parents) if (parent === member) family.push(child);
  }
  return family;
}

function parentOf(pid: string): number {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    // It has ended meanwhile.
    return 0;
  }
}

/** Ends a process at once, if it has not ended by itself. */
export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has.
  }
}

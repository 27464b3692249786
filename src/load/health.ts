/**
 * Whether this process of the generator kept up: its share of a core, and how late its timers ran. A
 * generator that lags measures itself, so a report says so instead of blaming the server.
 *
 * The verdict goes by the 90th percentile: Bun serves sockets before timers, so that in a flood of frames a
 * few timers come late although no frame does.
 */
import { cpuUsage } from "node:process";
import { Latency } from "./latency.ts";
import type { Health } from "./link.ts";

const everyMs = 20;

export class HealthWatch {
  readonly #lagMs = Latency.empty();
  #cpu = cpuUsage();
  #sinceMs = performance.now();
  #dueMs = performance.now() + everyMs;
  readonly #timer: Timer;

  constructor() {
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      this.#lagMs.record(Math.max(0, nowMs - this.#dueMs));
      this.#dueMs = nowMs + everyMs;
    }, everyMs);
  }

  /** Forgets what was; measuring begins now. */
  reset(): void {
    this.#lagMs.reset();
    this.#cpu = cpuUsage();
    this.#sinceMs = performance.now();
  }

  /** How it fared since `reset`. */
  read(): Health {
    const cpu = cpuUsage(this.#cpu);
    const elapsedUs = Math.max(1, (performance.now() - this.#sinceMs) * 1000);
    return {
      cores: (cpu.user + cpu.system) / elapsedUs,
      lagP90: this.#lagMs.at(90),
      lagMax: this.#lagMs.at(100),
    };
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

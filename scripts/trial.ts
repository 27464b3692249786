/**
 * A node to try other people's programs with: on a port and a folder that stay when it is killed, drained and
 * started again. What `npm run proxies` and `npm run clients` have in common.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../src/system/ports.ts";

const root = join(import.meta.dir, "..");
/** The kernel ends a child when this script is killed itself. */
export const dieWithUs: readonly string[] = Bun.which("setpriv") ? ["setpriv", "--pdeathsig", "KILL"] : [];
const readyMs = 60_000;

/** Writes a line for whoever watches. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A folder under the system's for temporary ones, which `remove` takes away. */
export function folder(name: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `ovation-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** `ovation` with `words`, from source, under this very Bun. */
export function ovation(...words: readonly string[]): string[] {
  return [...dieWithUs, process.execPath, join(root, "src/program/main.ts"), ...words];
}

/** Asks again every 20 ms until `look` is true; false when it was not within `withinMs`. */
export async function until(look: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    if (await look()) return true;
    await Bun.sleep(20);
  }
  return false;
}

export class TrialNode {
  readonly port: number;
  readonly #folder = folder("trial");
  readonly #flags: readonly string[];
  #child: Bun.Subprocess | undefined;

  private constructor(port: number, flags: readonly string[]) {
    this.port = port;
    this.#flags = flags;
  }

  /** A node that is ready. */
  static async open(...flags: readonly string[]): Promise<TrialNode> {
    const [port = 0] = await freePorts(1);
    const node = new TrialNode(port, flags);
    await node.start();
    return node;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it, the first time or again; resolves when it is ready. */
  async start(): Promise<void> {
    const own = [`--port=${this.port}`, "--host=127.0.0.1", `--data=${this.#folder.path}`];
    const quiet = ["--log-level=error", "--log-format=json"];
    this.#child = Bun.spawn(ovation(...own, ...quiet, ...this.#flags), {
      stdio: ["ignore", "inherit", "inherit"],
    });
    const ready = async () => (await fetch(`${this.url}/health/ready`).catch(() => undefined))?.ok === true;
    if (!(await until(ready, readyMs))) throw new Error("the node does not start");
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.exited;
  }

  /** Sends its viewers away over --drain, and ends it. */
  async drain(): Promise<void> {
    this.#child?.kill("SIGTERM");
    await this.#child?.exited;
  }

  async viewers(video: string): Promise<number> {
    return ((await this.#state(video)) as { viewers: number }).viewers;
  }

  /** Likes of one kind, the default one of `post` below. */
  async hearts(video: string): Promise<number> {
    return ((await this.#state(video)) as { totals: { heart?: number } }).totals.heart ?? 0;
  }

  async close(): Promise<void> {
    await this.kill();
    this.#folder.remove();
  }

  async #state(video: string): Promise<unknown> {
    return (await fetch(`${this.url}/v1/videos/${video}`)).json();
  }
}

/**
 * A real cluster for tests: processes of this program over real nats-servers, each of which can be hurt.
 *
 * A `NodeProcess` is a place (a name, a port, settings) whose process comes and goes, as a `NatsServer` is.
 * The built executable is run where it is newer than the source, so that what is tested is what was
 * written. No process outlives the tests, not even killed ones.
 */
import { expect } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { LoadReport } from "../load/report.ts";
import { dieWithUs, linesOf } from "./child.ts";
import type { NatsServer } from "./nats.ts";
import { freePorts } from "./ports.ts";
import { executable } from "./server.ts";

export type Role = "both" | "frontend" | "dispatcher";
type Command = readonly string[];

const root = join(import.meta.dir, "../..");
const logLinesMax = 2_000;

/** The command that starts this program as it is written now. */
export const program: Command = isBuilt()
  ? [executable]
  : [process.execPath, join(root, "src/program/main.ts")];

function isBuilt(): boolean {
  const builtMs = statSync(executable, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return [...new Bun.Glob("src/**/*.ts").scanSync({ cwd: root })]
    .filter((path) => !path.endsWith(".test.ts") && !path.startsWith("src/system/"))
    .every((path) => statSync(join(root, path)).mtimeMs < builtMs);
}

/** Asks until `met` answers true; the names of what it waits for are in the error. */
export async function until(
  what: string,
  met: () => boolean | Promise<boolean>,
  withinMs = 30_000,
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await met())) {
    if (performance.now() > endMs) throw new Error(`it never came true within ${withinMs} ms: ${what}`);
    await Bun.sleep(20);
  }
}

/** A GET's JSON; undefined when there is no answer, or none with 200. */
export async function getJson<T>(url: string, headers: Record<string, string> = {}): Promise<T | undefined> {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(3_000) });
    return response.status === 200 ? ((await response.json()) as T) : void (await response.body?.cancel());
  } catch {
    return undefined;
  }
}

export const adminKey = "only-for-these-tests";

export class NodeProcess {
  readonly lines: string[] = [];
  readonly flags: readonly string[];
  /** What its next process is. */
  command: Command = program;
  #child: Bun.Subprocess<"ignore", "pipe", "inherit"> | undefined;

  constructor(
    readonly name: string,
    readonly role: Role,
    readonly port: number,
    readonly nats: string,
    more: readonly string[] = [],
  ) {
    this.flags = [
      `--role=${role}`,
      `--nats=${nats}`,
      `--port=${port}`,
      `--node=${name}`,
      ...["--host=127.0.0.1", "--drain=500ms", "--log-format=json", ...more],
    ];
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get exited(): Promise<number> | undefined {
    return this.#child?.exited;
  }

  /** `env` is added to its environment. */
  start(env: Readonly<Record<string, string>> = {}): void {
    const child = Bun.spawn([...dieWithUs, ...this.command, ...this.flags], {
      cwd: "/",
      env: { PATH: process.env.PATH ?? "", OVATION_ADMIN_KEY: adminKey, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child = child;
    void this.#listen(child.stdout);
  }

  async #listen(stdout: ReadableStream<Uint8Array>): Promise<void> {
    for await (const line of linesOf(stdout)) {
      if (line.startsWith("{")) this.lines.push(line);
      if (this.lines.length > logLinesMax) this.lines.shift();
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** kill -9, and waits until it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    child?.kill("SIGCONT");
    child?.kill("SIGKILL");
    await child?.exited;
  }

  /** SIGTERM; resolves with the exit code. */
  async stop(): Promise<number> {
    const child = this.#child;
    this.#child = undefined;
    child?.kill("SIGTERM");
    return (await child?.exited) ?? 0;
  }

  async isReady(): Promise<boolean> {
    return (await getJson(`${this.url}/health/ready`)) !== undefined;
  }

  async ready(): Promise<void> {
    await until(`${this.name} is ready; its log:\n${this.lines.slice(-8).join("\n")}`, () => {
      const code = this.#child?.exitCode ?? null;
      if (code !== null)
        throw new Error(`${this.name} ended with ${code}:\n${this.lines.slice(-8).join("\n")}`);
      return this.isReady();
    });
  }

  /** Events of its log, in order. */
  events(): string[] {
    return this.lines.map((line) => (JSON.parse(line) as { event: string }).event);
  }
}

export interface Shape {
  readonly dispatchers?: number;
  readonly frontends?: number;
  readonly flags?: readonly string[];
  /** What the nodes are; this program as it is written now by default. */
  readonly command?: Command;
}

export class Cluster {
  readonly dispatchers: NodeProcess[] = [];
  readonly frontends: NodeProcess[] = [];
  readonly servers: readonly NatsServer[];

  constructor(servers: readonly NatsServer[]) {
    this.servers = servers;
  }

  get nodes(): readonly NodeProcess[] {
    return [...this.dispatchers, ...this.frontends];
  }

  get nats(): string {
    return this.servers.map(({ url }) => url).join();
  }

  /** Adds a node that has not started yet. */
  async add(role: Role, flags: readonly string[] = [], nats = this.nats): Promise<NodeProcess> {
    const [port = 0] = await freePorts(1);
    const list = role === "dispatcher" ? this.dispatchers : this.frontends;
    const node = new NodeProcess(`${role}-${list.length + 1}`, role, port, nats, flags);
    list.push(node);
    return node;
  }

  async ready(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.ready()));
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    for (const server of this.servers) await server.close();
  }
}

/** A whole cluster over `servers`, ready; closing it closes them too. */
export async function startCluster(
  servers: readonly NatsServer[],
  { dispatchers = 2, frontends = 3, flags = [], command = program }: Shape = {},
): Promise<Cluster> {
  const cluster = new Cluster(servers);
  for (let i = 0; i < dispatchers; i++) await cluster.add("dispatcher", flags);
  for (let i = 0; i < frontends; i++) await cluster.add("frontend", flags);
  for (const node of cluster.nodes) {
    node.command = command;
    node.start();
  }
  await cluster.ready();
  return cluster;
}

/** `ovation load` under way. */
export class Load {
  readonly video: string;
  readonly seed: number;
  readonly #child: Bun.Subprocess<"ignore", "pipe", "inherit">;
  readonly #cluster: Cluster;
  readonly #videos: readonly string[];
  readonly #startMs = performance.now();

  constructor(cluster: Cluster, flags: readonly string[], urls: readonly string[]) {
    this.#cluster = cluster;
    this.seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    this.video = `v${this.seed.toString(36)}`;
    const count = Number(flags.find((flag) => flag.startsWith("--videos="))?.slice("--videos=".length) ?? 1);
    this.#videos =
      count === 1 ? [this.video] : Array.from({ length: count }, (_, i) => `${this.video}-${i + 1}`);
    const more = ["--json", "--quiet", `--seed=${this.seed}`, `--video-prefix=${this.video}`, "--settle=30"];
    const command = [...dieWithUs, ...program, "load", `--url=${urls.join()}`, ...more, ...flags];
    this.#child = Bun.spawn(command, { cwd: "/", stdio: ["ignore", "pipe", "inherit"] });
  }

  /** Resolves once so many likes stand in the totals: everybody is connected, and publishing goes on. */
  async counted(likes: number): Promise<void> {
    await until(`${likes} likes counted`, async () => {
      for (const { url } of this.#cluster.frontends) {
        const video = await getJson<Told>(`${url}/v1/videos/${this.#videos[0]}`);
        if (video && sum(video.totals) * this.#videos.length >= likes) return true;
      }
      return false;
    });
  }

  /** Ends with the report; prints one line of it. */
  async report(of: string): Promise<LoadReport> {
    const text = await new Response(this.#child.stdout).text();
    const code = await this.#child.exited;
    if (!text.startsWith("{")) throw new Error(`load ended with ${code}: ${text}`);
    const report = JSON.parse(text) as LoadReport;
    const { published: p, exact: e, delivered: d, audience: a } = report;
    const ms = (value: number) => `${Math.round(value)} ms`;
    const facts = [
      `sent ${p.requests} (${p.retries} again, ${p.copies} twice)`,
      `acked ${p.likes} likes ${p.comments} comments, unknown ${p.unknownLikes}+${p.unknownComments}`,
      `received ${d.likesFrames}+${d.commentFrames} frames, repeated ${e.commentsRepeated}`,
      `lost ${e.likesLost}+${e.commentsLost}, doubled ${e.likesDoubled}+${e.commentsDoubled}`,
      `out of order ${e.commentsDisordered}, viewers off ${e.viewersWrong}, resets ${e.resets}`,
      `streams lost ${a.cuts + a.byes}, back ${a.reconnected}`,
      `within p50 ${ms(a.reconnectMs.p50)} max ${ms(a.reconnectMs.max)}`,
      `accept p50 ${ms(p.acceptMs.p50)} p99 ${ms(p.acceptMs.p99)} max ${ms(p.acceptMs.max)}`,
      `took ${((performance.now() - this.#startMs) / 1000).toFixed(1)} s`,
    ];
    console.info(`${of} (seed ${this.seed}): ${facts.join(", ")}`);
    for (const note of [...report.failures, ...report.notes]) console.info(`  ${note}`);
    return report;
  }
}

/** Viewers on all frontends, likes and comments to all of them, a tenth of the likes twice. */
export function startLoad(
  cluster: Cluster,
  flags: readonly string[] = [],
  urls = cluster.frontends.map(({ url }) => url),
): Load {
  return new Load(cluster, ["--viewers=60", "--likes=150", "--comments=10", "--repeat=10", ...flags], urls);
}

/** Everything acked was counted once and shown to everyone once, in order, and everything was acked. */
export function expectExact(report: LoadReport): void {
  expect(report.failures).toEqual([]);
  expect(report.published).toMatchObject({ unknownLikes: 0, unknownComments: 0, refused: 0, skipped: 0 });
  expect(report.exact.commentsPassed).toBe(0);
}

export interface Told {
  readonly totals: Readonly<Record<string, number>>;
  readonly viewers: number;
  readonly version: number;
}

export function sum(totals: Readonly<Record<string, number>>): number {
  return Object.values(totals).reduce((all, count) => all + count, 0);
}

interface Reachable {
  readonly nodes: readonly { readonly name: string; readonly url: string }[];
}

/**
 * Whether the cluster is whole: every node takes a like (repeated under its key until it is acked), and all
 * then tell the same totals. Answers the milliseconds since `sinceMs`, a reading of `performance.now()`.
 */
export async function healed(cluster: Reachable, sinceMs: number, withinMs = 30_000): Promise<number> {
  const video = `healed-${Math.floor(sinceMs)}-${cluster.nodes.length}`;
  const like = async ({ name, url }: Reachable["nodes"][number]): Promise<void> => {
    await until(
      `${name} takes a like`,
      async () => (await likeTimed(url, video, `${video}-${name}`)).status === 202,
      withinMs,
    );
  };
  await Promise.all(cluster.nodes.map(like));
  await Promise.all(
    cluster.nodes.map(({ name, url }) =>
      until(
        `${name} tells ${cluster.nodes.length} likes`,
        async () => {
          const told = await getJson<Told>(`${url}/v1/videos/${video}`);
          return told !== undefined && sum(told.totals) === cluster.nodes.length;
        },
        withinMs,
      ),
    ),
  );
  return performance.now() - sinceMs;
}

export interface Timed {
  /** 0: no answer. */
  readonly status: number;
  readonly retryAfter: string | null;
  readonly ms: number;
}

/** One like, and how long its answer took. */
export async function likeTimed(url: string, video: string, key: string): Promise<Timed> {
  const startMs = performance.now();
  const answered = (status: number, retryAfter: string | null): Timed => ({
    status,
    retryAfter,
    ms: performance.now() - startMs,
  });
  try {
    const response = await fetch(`${url}/v1/videos/${video}/likes`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: '{"kind":"heart"}',
      signal: AbortSignal.timeout(5_000),
    });
    await response.body?.cancel();
    return answered(response.status, response.headers.get("retry-after"));
  } catch {
    return answered(0, null);
  }
}

/**
 * How long a publisher may wait to hear that the log is away, in ms, and what a busy machine adds to that.
 */
const refusalMaxMs = 2_000;
const slackMs = 1_000;

/**
 * Publishes to each of `nodes` for `forMs` while they cannot reach the log: every answer must be 503, with
 * `Retry-After`, and in time. Answers the slowest one's milliseconds.
 */
export async function refusals(nodes: readonly NodeProcess[], forMs: number): Promise<number> {
  const endMs = performance.now() + forMs;
  const answers: Timed[] = [];
  const publish = async ({ name, url }: NodeProcess): Promise<void> => {
    for (let n = 0; performance.now() < endMs; n++) {
      answers.push(await likeTimed(url, "away", `${name}-${endMs}-${n}`));
      await Bun.sleep(100);
    }
  };
  await Promise.all(nodes.map(publish));
  expect(answers.filter(({ status, retryAfter }) => status !== 503 || !retryAfter)).toEqual([]);
  const slowestMs = Math.max(...answers.map(({ ms }) => ms));
  expect(slowestMs).toBeLessThan(refusalMaxMs + slackMs);
  return slowestMs;
}

/**
 * Real nats-server processes for tests: started on free ports of the loopback address, with JetStream in
 * a temporary folder, and never left running.
 *
 * A `NatsServer` is a place (ports and a folder) and its process may come and go: `kill` and `start` again on
 * the same folder is a crash and a restart, `pause` and `resume` are a hang.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dieWithUs } from "./child.ts";
import { freePorts } from "./ports.ts";

export interface NatsServerOptions {
  /** Lines added to the configuration file: authorization, tls and the like. */
  readonly config?: string;
  /** Default true. */
  readonly jetstream?: boolean;
  /** Where JetStream keeps what it stores; its own folder by default. */
  readonly store?: string;
}

const children = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

export class NatsServer {
  readonly port: number;
  readonly folder: string;
  readonly #config: string;
  #child: ChildProcess | undefined;

  constructor(port: number, folder: string, config: string) {
    this.port = port;
    this.folder = folder;
    this.#config = config;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the process and waits until it greets. */
  async start(): Promise<void> {
    const file = join(this.folder, "nats.conf");
    writeFileSync(file, this.#config);
    const command = [...dieWithUs, "nats-server", "-c", file, "-a", "127.0.0.1", "-p", `${this.port}`];
    const child = spawn(command[0] as string, command.slice(1), { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000);
    });
    children.add(child);
    child.once("exit", () => children.delete(child));
    this.#child = child;
    await greeting(this.port, () => {
      if (child.exitCode !== null) throw new Error(`nats-server ended: ${said}`);
    });
  }

  /** kill -9, and waits until it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGCONT");
    child.kill("SIGKILL");
    await gone;
  }

  /** Takes away all it has stored; only while it is dead. */
  empty(): void {
    rmSync(this.#store, { recursive: true, force: true });
  }

  /** Keeps a copy of all it has stored, for `putBack`; only while it is dead. */
  copy(): void {
    cpSync(this.#store, this.#copy, { recursive: true });
  }

  /** Puts back what was copied; only while it is dead. */
  putBack(): void {
    this.empty();
    cpSync(this.#copy, this.#store, { recursive: true });
  }

  /** Dies, and comes back without its store. */
  async restartEmpty(): Promise<void> {
    await this.kill();
    this.empty();
    await this.start();
  }

  /** Dies, and comes back with its store as it is now after `meanwhile` has come to its end. */
  async restartOlder(meanwhile: () => Promise<unknown>): Promise<void> {
    await this.kill();
    this.copy();
    await this.start();
    await meanwhile();
    await this.kill();
    this.putBack();
    await this.start();
  }

  get #store(): string {
    return join(this.folder, "jetstream");
  }

  get #copy(): string {
    return join(this.folder, "copy");
  }

  /** SIGSTOP: connections stay open and nothing answers. Resolves when it has stopped. */
  async pause(): Promise<void> {
    this.#child?.kill("SIGSTOP");
    const stopped = (): boolean => / T /.test(readFileSync(`/proc/${this.pid}/stat`, "utf8"));
    while (this.#child && !stopped()) await Bun.sleep(1);
  }

  /** SIGCONT. */
  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Ends the process and forgets its folder. */
  async close(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** One server with JetStream, ready. */
export async function startNats(options: NatsServerOptions = {}): Promise<NatsServer> {
  const [port = 0] = await freePorts(1);
  const server = prepare(port, "solo", options.config ?? "", options);
  await server.start().catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  return server;
}

/** Servers of one cluster, ready and with a JetStream leader. */
export async function startCluster(size: number): Promise<NatsServer[]> {
  const ports = await freePorts(2 * size);
  const routes = ports.slice(size).map((port) => `nats-route://127.0.0.1:${port}`);
  const servers = Array.from({ length: size }, (_, i) =>
    prepare(
      ports[i] ?? 0,
      `n${i}`,
      `cluster { name: test, listen: "127.0.0.1:${ports[size + i]}", routes: [${routes.join(", ")}] }`,
    ),
  );
  await Promise.all(servers.map((server) => server.start()));
  return servers;
}

function prepare(
  port: number,
  name: string,
  more: string,
  { jetstream = true, store }: NatsServerOptions = {},
): NatsServer {
  const folder = mkdtempSync(join(tmpdir(), "ovation-nats-"));
  const stores = jetstream ? `jetstream { store_dir: "${store ?? folder}" }` : "";
  return new NatsServer(port, folder, `server_name: ${name}\n${stores}\n${more}\n`);
}

/** Resolves once something on `port` says INFO. */
async function greeting(port: number, check: () => void): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    check();
    const greeted = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      const done = (is: boolean): void => {
        socket.destroy();
        resolve(is);
      };
      socket.once("data", () => done(true));
      socket.once("error", () => done(false));
      socket.setTimeout(1000, () => done(false));
    });
    if (greeted) return;
    await Bun.sleep(25);
  }
  throw new Error(`no nats-server on port ${port}`);
}

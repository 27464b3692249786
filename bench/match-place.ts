/**
 * Where match-run.ts plays a match: a node alone on a folder, or a cluster over a nats-server, each of whose
 * processes can be killed and started again in its place.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { dieWithUs } from "../src/system/child.ts";
import { startNats } from "../src/system/nats.ts";
import { freePorts } from "../src/system/ports.ts";
import { executable } from "./ovation.ts";

/** The same for the whole run, whatever is written meanwhile. */
const binary = executable();
const readyMs = 60_000;
/** What is dead stays so for a while, as under systemd. */
const deadMs = 1_000;
/** The stream's clock runs faster than the machine's, so what viewers see lies far from the median. */
const flags = [
  ...["--media-ahead=1h", "--media-behind=1h", "--comment-history=100000", "--comment-rate=100000"],
  ...["--host=127.0.0.1", "--drain=0ms", "--log-format=json", "--log-level=error", "--tick=250ms"],
];

/** A process that can be killed, and started again where it was. */
export interface Mortal {
  readonly role: string;
  /** kill -9, a second of nothing, and again: resolves once it is ready. */
  die(): Promise<void>;
}

export interface Place {
  readonly name: string;
  /** Where viewers and publishers go, and everybody who can be asked. */
  readonly doors: readonly string[];
  readonly nodes: readonly string[];
  readonly mortals: readonly Mortal[];
  /** What becomes of the log when all who have folded it are gone: undefined, or what is wrong with it. */
  anew(): Promise<string | undefined>;
  end(): Promise<void>;
}

/** One process in its place. */
class Member implements Mortal {
  readonly role: string;
  readonly port: number;
  readonly #own: readonly string[];
  #child: Bun.Subprocess | undefined;

  constructor(role: string, port: number, own: readonly string[]) {
    this.role = role;
    this.port = port;
    this.#own = own;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const command = [...dieWithUs, binary, "serve", `--port=${this.port}`, ...flags, ...this.#own];
    const child = Bun.spawn(command, { stdio: ["ignore", "inherit", "inherit"], env: {} });
    this.#child = child;
    const ready = async () => (await fetch(`${this.url}/health/ready`).catch(() => undefined))?.ok === true;
    await until(`the ${this.role} is ready`, () => {
      if (child.exitCode !== null) throw new Error(`the ${this.role} does not start`);
      return ready();
    });
  }

  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.exited;
  }

  async die(): Promise<void> {
    await this.kill();
    await Bun.sleep(deadMs);
    await this.start();
  }
}

/** Asks every 50 ms until it is so; throws when it is not within `withinMs`. */
export async function until(
  what: string,
  met: () => boolean | Promise<boolean>,
  withinMs = readyMs,
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await met())) {
    if (performance.now() > endMs) throw new Error(`it never came true: ${what}`);
    await Bun.sleep(50);
  }
}

/** A node alone, on a folder that it finds again. */
export async function nodeAlone(): Promise<Place> {
  const data = mkdtempSync(join(tmpdir(), "ovation-match-"));
  const [port = 0] = await freePorts(1);
  const node = new Member("node", port, [`--data=${data}`]);
  const end = async (): Promise<void> => {
    await node.kill();
    rmSync(data, { recursive: true, force: true });
  };
  const anew = async (): Promise<string | undefined> => {
    await node.kill();
    const { exitCode, stdout } = Bun.spawnSync([binary, "verify", `--data=${data}`], { env: {} });
    await node.start();
    return exitCode === 0 ? undefined : `ovation verify: ${stdout.toString().trim()}`;
  };
  await node.start();
  return {
    name: "a node alone",
    doors: [node.url],
    nodes: [node.url],
    mortals: [node, node, node],
    anew,
    end,
  };
}

/** Two dispatchers and three frontends over a nats-server, as `npm run cluster`. */
export async function cluster(): Promise<Place> {
  // Debian puts servers where the PATH of an ordinary user does not look.
  process.env.PATH = [process.env.PATH, "/usr/local/sbin", "/usr/sbin"].join(delimiter);
  const nats = await startNats();
  const roles = ["dispatcher", "dispatcher", "frontend", "frontend", "frontend"];
  const ports = await freePorts(roles.length);
  const members = roles.map((role, index) => {
    const own = [`--role=${role}`, `--node=${role}-${index}`, `--nats=${nats.url}`];
    return new Member(role, ports[index] ?? 0, own);
  });
  const end = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.kill()));
    await nats.close();
  };
  const [one, two, frontend] = members as [Member, Member, Member];
  const server: Mortal = {
    role: "nats-server",
    async die() {
      await nats.kill();
      await Bun.sleep(deadMs);
      await nats.start();
    },
  };
  const anew = async (): Promise<undefined> => {
    await Promise.all([one.kill(), two.kill()]);
    await Promise.all([one.start(), two.start()]);
  };
  try {
    await Promise.all(members.map((member) => member.start()));
  } catch (error) {
    await end();
    throw error;
  }
  const doors = members.filter(({ role }) => role === "frontend").map(({ url }) => url);
  const mortals = [frontend, one, server, two];
  return { name: "a cluster", doors, nodes: members.map(({ url }) => url), mortals, anew, end };
}

/**
 * A whole cluster on this machine, for trying: NATS with JetStream in a temporary folder, two dispatchers,
 * three frontends, all on free ports of the loopback address. Ctrl-C ends everything and removes the
 * folder.
 *
 * Flags go to every node: `npm run cluster -- --demo --kinds=heart,fire`. What dies is started again after
 * a second, as systemd would, so that `kill -9` can be tried on each of them.
 */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { secret } from "../src/base/prng.ts";
import { parseSettings } from "../src/settings/config.ts";
import { dieWithUs } from "../src/system/child.ts";
import { type NatsServer, startNats } from "../src/system/nats.ts";
import { freePorts } from "../src/system/ports.ts";

const root = join(import.meta.dir, "..");
const againMs = 1_000;
const drain = "1s";
/** How long nodes may take to end after their drain. */
const endMs = 5_000;
/** The kernel ends a node when this script is killed itself. */

interface Member {
  readonly name: string;
  readonly role: string;
  readonly port: number;
  process: Bun.Subprocess | undefined;
}

const flags = process.argv.slice(2);
const adminKey = process.env.OVATION_ADMIN_KEY ?? secret(20);
let ending = false;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function fail(text: string): never {
  process.stderr.write(`ovation: ${text}\n`);
  process.exit(1);
}

/** Debian puts servers where the PATH of an ordinary user does not look. */
process.env.PATH = [process.env.PATH, "/usr/local/sbin", "/usr/sbin"].join(delimiter);
if (!Bun.which("nats-server")) {
  fail("there is no nats-server: apt-get install nats-server, or see https://nats.io/download");
}
// A mistake is told once here, not five times by the nodes.
const checked = parseSettings([...flags, "--nats=nats://127.0.0.1:1"], {}, (path) => {
  throw new Error(`${path}: give flags here`);
});
if ("mistakes" in checked) fail(checked.mistakes.join("\novation: "));

const nats = await startNats();
const names = ["dispatcher-1", "dispatcher-2", "frontend-1", "frontend-2", "frontend-3"];
const ports = await freePorts(names.length);
const members: Member[] = names.map((name, index) => ({
  name,
  role: name.split("-")[0] ?? "",
  port: ports[index] ?? 0,
  process: undefined,
}));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void end());
for (const member of members) start(member, nats);
for (const member of members) await ready(member);
greet();
setInterval(() => void keepNats(), againMs);

function start(member: Member, { url }: NatsServer): void {
  const { name, role, port } = member;
  const own = [`--node=${name}`, `--role=${role}`, `--port=${port}`, `--nats=${url}`, "--host=127.0.0.1"];
  const child = Bun.spawn(
    [
      ...dieWithUs,
      process.execPath,
      join(root, "src/program/main.ts"),
      "--log-level=warn",
      `--drain=${drain}`,
      ...flags,
      ...own,
    ],
    {
      env: { ...process.env, OVATION_ADMIN_KEY: adminKey },
      stdio: ["ignore", "inherit", "inherit"],
      // Its own session: a Ctrl-C at the terminal is ours to pass on.
      detached: true,
    },
  );
  member.process = child;
  void child.exited.then((code) => {
    if (ending) return;
    say(`${name} ended with ${code}; it is started again`);
    setTimeout(() => !ending && start(member, nats), againMs);
  });
}

async function ready({ name, port, process: child }: Member): Promise<void> {
  while (!ending) {
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    if (child?.exitCode !== null) fail(`${name} does not start`);
    await Bun.sleep(50);
  }
}

function greet(): void {
  if (ending) return;
  const frontends = members
    .filter(({ role }) => role === "frontend")
    .map(({ port }) => `http://127.0.0.1:${port}`);
  const ovation = existsSync(join(root, "dist/ovation")) ? "dist/ovation" : "npm start --";
  const row = (name: string, url: string, pid: number | undefined) =>
    say(`  ${name.padEnd(14)}${url.padEnd(26)}pid ${pid}`);
  row("nats", nats.url, nats.pid);
  for (const { name, port, process: child } of members) row(name, `http://127.0.0.1:${port}`, child?.pid);
  say(`\nOpen ${frontends[0]} and ${frontends[1]} side by side, or bring an audience:`);
  say(`  ${ovation} load --url=${frontends.join()} --viewers=6000 --likes=200 --comments=5`);
  say("\nWho is there, and what is watched where:");
  say(`  curl -s -H 'X-API-Key: ${adminKey}' ${frontends[0]}/v1/cluster`);
  say("\nTry kill -9 on any of them while the audience is there. Ctrl-C ends everything.\n");
}

/** NATS, too, is started again, on what it had stored. */
async function keepNats(): Promise<void> {
  const { pid } = nats;
  if (ending || pid === undefined || lives(pid)) return;
  say("nats ended; it is started again");
  await nats.kill();
  await Bun.sleep(againMs);
  if (!ending) await nats.start();
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The first call lets nodes drain, the second kills. */
async function end(): Promise<void> {
  const signal = ending ? "SIGKILL" : "SIGTERM";
  if (!ending) say("\nending");
  ending = true;
  for (const { process: child } of members) child?.kill(signal);
  const all = Promise.all(members.map(({ process: child }) => child?.exited));
  await Promise.race([all, Bun.sleep(endMs)]);
  for (const { process: child } of members) child?.kill("SIGKILL");
  await nats.close();
  process.exit(0);
}

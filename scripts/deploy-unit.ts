/**
 * Part of `npm run deploy:check`: deploy/ovation.service under a real systemd, as it is but for where the
 * executable and its variables are. Where this machine was not booted with systemd, one is started as a
 * user's, by root, in a mount namespace of its own with an empty /run: it obeys the same directives.
 *
 * Looked at: that it starts once the node says so, what its process may do, that a reload, a stop and a
 * mistake in the settings come to what the unit says, and that a node that was killed is there again with
 * what it had. Needs root; ends with 1 when something is not so.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const folder = mkdtempSync(join(tmpdir(), "ovation-unit-"));
const config = join(folder, "home/.config");
const [settings, output] = [join(folder, "ovation.env"), join(folder, "out")];
const units = join(config, "systemd/user");
const own = { HOME: join(folder, "home"), XDG_RUNTIME_DIR: "/run", XDG_CONFIG_HOME: config };
/** Longest that anything is waited for, in ms. */
const withinMs = 20_000;

function expect(what: string, is: boolean): void {
  if (!is) throw new Error(`not so: ${what}`);
}

async function until(what: string, is: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await is())) {
    expect(what, performance.now() < endMs);
    await Bun.sleep(20);
  }
}

function freePort(): number {
  const taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port } = taken;
  taken.stop(true);
  return Number(port);
}

function writeUnit(port: number | string, drainS = 1): void {
  const text = readFileSync(join(root, "deploy/ovation.service"), "utf8")
    .replace("ExecStart=/usr/local/bin/ovation", `ExecStart=${join(root, "dist/ovation")}`)
    .replace("-/etc/ovation.env", settings)
    .replace(
      "Environment=OVATION_DATA=/var/lib/ovation",
      `Environment=OVATION_DATA=${join(config, "ovation")}`,
    )
    .replace("TimeoutStopSec=30", "TimeoutStopSec=2")
    .replace("[Service]", `[Service]\nStandardOutput=append:${output}\nStandardError=append:${output}`);
  mkdirSync(units, { recursive: true });
  writeFileSync(join(units, "ovation.service"), text);
  writeFileSync(
    settings,
    `OVATION_PORT=${port}\nOVATION_HOST=127.0.0.1\nOVATION_DRAIN=${drainS}s\nBUN_OPTIONS=--version\n`,
  );
}

const manager = (): Bun.Subprocess => {
  const prepare =
    "mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/systemd/system /run/user && umask 0";
  const run = `${prepare} && exec /lib/systemd/systemd --user --log-target=null`;
  const env = { ...process.env, ...own };
  return Bun.spawn(["unshare", "-m", "sh", "-c", run], { env, stdio: ["ignore", "ignore", "ignore"] });
};

async function tryUnit(pid: number, port: number): Promise<void> {
  const systemctl = (...words: string[]): string => {
    const command = ["nsenter", "-m", "-t", `${pid}`, "systemctl", "--user", ...words];
    return Bun.spawnSync(command, { env: { ...process.env, ...own } }).stdout.toString();
  };
  const told = (name: string): string => systemctl("show", "ovation", "-p", name, "--value").trim();
  const said = (event: string): boolean => readFileSync(output, "utf8").includes(`"event":"${event}"`);
  const url = `http://127.0.0.1:${port}`;
  const total = async (): Promise<unknown> =>
    ((await (await fetch(`${url}/v1/videos/v`)).json()) as { totals: { heart?: number } }).totals.heart;
  await until("systemd runs", () => systemctl("is-system-running").includes("running"));
  systemctl("start", "ovation");
  expect("it has started when it says that it listens", told("ActiveState") === "active");
  expect("it listens then", (await fetch(`${url}/health/live`)).ok);
  const main = told("MainPID");
  const status = readFileSync(`/proc/${main}/status`, "utf8");
  for (const line of ["Seccomp:\t2", "NoNewPrivs:\t1", "CapEff:\t0000000000000000", "Umask:\t0077"]) {
    expect(`its process has ${line}`, status.includes(line));
  }
  expect("its process is nobody's", !/^Uid:\t0\t/m.test(status));
  systemctl("reload", "ovation");
  await until("a reload reads keys again", () => said("reloaded"));
  const like = { method: "POST", body: '{"kind":"heart"}', headers: { "content-type": "application/json" } };
  await until("a like is taken", async () => (await fetch(`${url}/v1/videos/v/likes`, like)).status === 202);
  await until("it counts", async () => (await total()) === 1);
  process.kill(Number(main), "SIGKILL");
  await until("what was killed is started again", () => told("NRestarts") === "1");
  await until("and is there with what it had", async () => (await total().catch(() => 0)) === 1);
  systemctl("stop", "ovation");
  expect("a stop is a drain, and no failure", said("stopped") && told("Result") === "success");
  writeUnit(port, 4);
  systemctl("daemon-reload");
  systemctl("start", "ovation");
  const streams = await Promise.all(Array.from({ length: 40 }, () => fetch(`${url}/v1/videos/v/events`)));
  const startMs = performance.now();
  systemctl("stop", "ovation");
  expect("a drain may take longer than TimeoutStopSec", told("Result") === "success");
  expect("and it did", performance.now() - startMs > 2_000);
  const ends = await Promise.all(streams.map((stream) => stream.text()));
  expect(
    "each viewer was told",
    ends.every((text) => text.includes("event: bye")),
  );
  writeUnit("none");
  systemctl("start", "ovation");
  await until("a mistake in the settings is 2", () => told("ExecMainStatus") === "2");
  expect("and is not tried again", told("ActiveState") === "failed" && told("NRestarts") === "0");
}

chmodSync(folder, 0o755);
let running: Bun.Subprocess | undefined;
try {
  const port = freePort();
  writeUnit(port);
  running = manager();
  await tryUnit(running.pid, port);
  process.stdout.write("the unit runs under systemd\n");
} catch (error) {
  process.stdout.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
} finally {
  running?.kill("SIGTERM");
  await running?.exited;
  rmSync(folder, { recursive: true, force: true });
}

/**
 * `npm run cluster` and the commands of docs/cluster.md, as an evaluator types them: they work, and nothing
 * is left behind.
 */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { electionsMs } from "../bus/nats-kit.ts";
import type { ClusterView } from "../core/nodes.ts";
import { getJson, healed, program, until } from "./cluster.ts";
import { freePorts } from "./ports.ts";

setDefaultTimeout(150_000);

let child: Bun.Subprocess<"ignore", "pipe", "inherit"> | undefined;
afterAll(async () => {
  child?.kill("SIGTERM");
  await child?.exited;
});

test("a cluster in one command", async () => {
  child = Bun.spawn([process.execPath, join(import.meta.dir, "../../scripts/cluster.ts"), "--kinds=heart"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const script = child;
  let said = "";
  void (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of script.stdout) said += decoder.decode(chunk);
  })();
  await until("it says how to end it", () => said.includes("Ctrl-C ends everything"));

  const rows = [...said.matchAll(/^ {2}(\S+) +(\S+:\/\/\S+) +pid (\d+)$/gm)];
  const members = rows.map(([, name = "", url = "", pid]) => ({ name, url, pid: Number(pid) }));
  expect(members.map(({ name }) => name)).toEqual([
    "nats",
    "dispatcher-1",
    "dispatcher-2",
    "frontend-1",
    "frontend-2",
    "frontend-3",
  ]);
  const nodes = members.filter(({ name }) => name !== "nats");
  const [, key = ""] = /X-API-Key: (\w+)/.exec(said) ?? [];
  const [, url = ""] = /(\S+\/v1\/cluster)/.exec(said) ?? [];
  const seen = await getJson<ClusterView>(url, { "x-api-key": key });
  expect(seen?.nodes.map(({ node }) => node)).toEqual(nodes.map(({ name }) => name));
  expect(said).toContain(
    `load --url=${nodes
      .slice(2)
      .map((node) => node.url)
      .join()}`,
  );

  process.kill(members[1]?.pid ?? 0, "SIGKILL");
  await until("the killed one is started again", () => said.includes("dispatcher-1 ended with 137"));
  await healed({ nodes }, performance.now());

  const nats = members[0]?.pid ?? 0;
  const [, folder = ""] = /-c (\S+)\/nats\.conf/.exec(await commandOf(nats)) ?? [];
  expect(existsSync(folder)).toBe(true);
  script.kill("SIGINT");
  expect(await script.exited).toBe(0);
  expect(existsSync(folder)).toBe(false);
  for (const { pid } of members) expect(existsSync(`/proc/${pid}`)).toBe(false);
});

async function commandOf(pid: number): Promise<string> {
  return (await Bun.file(`/proc/${pid}/cmdline`).text()).replaceAll("\0", " ");
}

/** The commands of the nth block of docs/cluster.md that names machines: who types them, and what. */
async function typed(block: number): Promise<{ readonly who: string; readonly words: string[] }[]> {
  const page = await Bun.file(join(import.meta.dir, "../../docs/cluster.md")).text();
  const blocks = [...page.matchAll(/```console\n(\w+\$ [\s\S]*?)```/g)];
  const lines = blocks[block]?.[1]?.trim().split("\n") ?? [];
  return lines.map((line) => {
    const [who = "", ...words] = line.split(/\s+/);
    return { who: who.replace("$", ""), words };
  });
}

for (const block of [0, 1]) {
  test(`docs/cluster.md for several machines, ${["one NATS server", "three of them"][block]}`, async () => {
    const commands = await typed(block);
    // Every machine of the page is a port here: of NATS' clients, of its routes, and of each node's HTTP.
    const ports = await freePorts(6 + commands.length);
    const folder = mkdtempSync(join(tmpdir(), "ovation-typed-"));
    const here = (text: string, who: string) =>
      text
        .replaceAll(/10\.0\.0\.(\d):4222/g, (_, n) => `127.0.0.1:${ports[Number(n) - 1]}`)
        .replaceAll(/10\.0\.0\.(\d):6222/g, (_, n) => `127.0.0.1:${ports[Number(n) + 2]}`)
        .replace("0.0.0.0:6222", `127.0.0.1:${ports[Number(who.slice(-1)) + 2]}`)
        .replace("/var/lib/nats", join(folder, who));
    const nodes: { name: string; url: string }[] = [];
    const processes = commands.map(({ who, words: [name = "", ...flags] }, index) => {
      const own = flags.map((flag) => here(flag, who));
      const port = ports[6 + index];
      if (name === "ovation") nodes.push({ name: who, url: `http://127.0.0.1:${port}` });
      const command =
        name === "ovation"
          ? [...program, ...own, `--port=${port}`, "--drain=0ms", "--log-level=warn"]
          : [name, ...own, "-p", `${ports[Math.max(0, Number(who.slice(-1)) - 1) || 0]}`];
      return Bun.spawn(command, { cwd: folder, stdio: ["ignore", "inherit", "ignore"] });
    });
    expect(processes.length).toBe([5, 4][block] ?? 0);
    // Three servers first elect who leads them.
    await healed({ nodes }, performance.now(), electionsMs);
    for (const process of processes) process.kill("SIGTERM");
    await Promise.all(processes.map((process) => process.exited));
    rmSync(folder, { recursive: true });
  });
}

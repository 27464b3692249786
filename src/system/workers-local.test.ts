/** `--workers` without NATS: one has the ledger, the others hold the viewers, and each of them may die. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  adminKey,
  Cluster,
  expectExact,
  getJson,
  healed,
  likeTimed,
  type NodeProcess,
  refusals,
  startLoad,
  sum,
  type Told,
  until,
} from "./cluster.ts";
import { Viewer } from "./events.ts";

setDefaultTimeout(60_000);
const count = 3;
const drainMs = 500;

const folders: string[] = [];
const clusters: Cluster[] = [];
let node: NodeProcess;
let cluster: Cluster;
beforeAll(async () => {
  cluster = await started();
  [node] = cluster.frontends as [NodeProcess];
});
afterAll(async () => {
  for (const one of clusters) await one.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "ovation-workers-"));
  folders.push(made);
  return made;
}

/** A node of several workers with a ledger in a folder, ready. */
async function started(data = folder(), sockets = folder()): Promise<Cluster> {
  const all = new Cluster([]);
  clusters.push(all);
  const flags = [`--workers=${count}`, `--data=${data}`, "--log-level=debug"];
  const made = await all.add("both", flags, "");
  made.start({ TMPDIR: sockets });
  await until("all of them are ready", () => {
    const listens = (line: string) => (JSON.parse(line) as { workers?: number }).workers === count;
    return made.lines.some((line) => line.includes('"event":"listening"') && listens(line));
  });
  return all;
}

/** Processes of the workers as they are now, the one with the ledger first. */
function workersOf({ lines, name }: NodeProcess): number[] {
  const pids = new Map<string, number>();
  for (const line of lines) {
    const { event, worker, pid } = JSON.parse(line) as { event: string; worker?: string; pid?: number };
    if (event === "worker started" && worker && pid) pids.set(worker, pid);
  }
  return Array.from({ length: count }, (_, index) => pids.get(`${name}-${index + 1}`) ?? 0);
}

/** Waits for the process that takes the place of `pid`. */
async function replaced(of: NodeProcess, index: number, pid: number): Promise<void> {
  const name = `${of.name}-${index + 1}`;
  const isReady = (line: string): boolean => {
    const { event, node: from } = JSON.parse(line) as { event: string; node?: string };
    return event === "ready" && from === name;
  };
  const before = of.lines.filter(isReady).length;
  process.kill(pid, "SIGKILL");
  await until(`${name} is ready again`, () => of.lines.filter(isReady).length > before);
}

test("kill -9 of each worker in turn, the one with the ledger too: nothing is lost or doubled", async () => {
  const load = startLoad(cluster, ["--duration=5"]);
  await load.counted(100);
  for (const index of [1, 2, 0]) {
    await replaced(node, index, workersOf(node)[index] as number);
    await Bun.sleep(500);
  }
  await healed(cluster, performance.now());
  const report = await load.report("every worker dies");
  expectExact(report);
  expect(report.audience.cuts).toBeGreaterThan(0);
  expect(report.audience.reconnected).toBe(report.audience.cuts + report.audience.byes);
  expect(report.exact.resets).toBe(0);
});

test("who lost a worker comes back to the one in its place, so that all hold as many as before", async () => {
  const holders = (viewers: readonly Viewer[]): [number, number] => {
    const names = viewers.map(({ heard }) => heard[0]?.says.node);
    const at = (n: number): number => names.filter((name) => name === `${node.name}-${n}`).length;
    return [at(2), at(3)];
  };
  const watch = async (): Promise<Viewer> => {
    const viewer = await Viewer.open(`${node.url}/v1/videos/spread/events`);
    await viewer.until(({ event }) => event === "hello");
    return viewer;
  };
  const before = await Promise.all(Array.from({ length: 80 }, watch));
  const [first = 0, second = 0] = holders(before);
  await replaced(node, 2, workersOf(node)[2] as number);
  await until("those who lost it know", () => before.filter(({ ended }) => ended).length === second);
  // By chance every second one would come to either, and the first would hold three times as many.
  const back: Viewer[] = [];
  await until("they come to the one that lost its own", async () => {
    back.push(await watch());
    return holders(back)[1] >= 5;
  });
  // Nobody is steered any more once it holds as many as the other.
  const wanted = Math.min(first, second) - 5;
  while (holders(back)[1] < wanted && back.length < 2 * wanted) back.push(await watch());
  const [more, again] = holders(back);
  expect(again).toBe(wanted);
  expect(more).toBeLessThan(0.4 * wanted);
  for (const viewer of [...before, ...back]) viewer.close();
});

test("while the one with the ledger hangs, publishers hear so within 2 s and streams go on", async () => {
  const viewer = await Viewer.open(`${node.url}/v1/videos/hang/events`);
  await viewer.until(({ event }) => event === "snapshot");
  const [ledger = 0] = workersOf(node);
  process.kill(ledger, "SIGSTOP");
  try {
    await refusals([node], 2_500);
    const beat = await viewer.until(({ event, says }) => event === "beat" && says.stale === true);
    expect(beat.says.stale).toBe(true);
  } finally {
    process.kill(ledger, "SIGCONT");
  }
  const key = "after-the-hang";
  await until("likes are taken", async () => (await likeTimed(node.url, "hang", key)).status === 202);
  // What was refused may have been counted, each of it once.
  await viewer.until(({ event, says }) => event === "likes" && sum(says.totals as Told["totals"]) > 0);
  await viewer.until(({ event, says }) => event === "beat" && says.stale === undefined);
  expect(viewer.ended).toBe(false);
  viewer.close();
});

test("what moderators decide holds on all, and after the one with the ledger was killed", async () => {
  const headers = { "x-api-key": adminKey, "content-type": "application/json" };
  const body = JSON.stringify({ user: "rude", seconds: 600 });
  const answer = await fetch(`${node.url}/v1/admin/bans`, { method: "POST", headers, body });
  expect(answer.status).toBe(204);
  const comment = async (): Promise<number> => {
    const { status } = await fetch(`${node.url}/v1/videos/mod/comments`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ user: "rude", text: "hello" }),
      keepalive: false,
    });
    return status;
  };
  for (const round of ["before", "after"]) {
    // New connections come to all workers before long.
    await until(`it holds on all ${round}`, async () => {
      const all = await Promise.all(Array.from({ length: 12 }, comment));
      return all.every((status) => status === 403);
    });
    const audit = await getJson<{ decisions: { action: string }[] }>(`${node.url}/v1/admin/audit`, headers);
    expect(audit?.decisions.map(({ action }) => action)).toEqual(["ban"]);
    if (round === "before") await replaced(node, 0, workersOf(node)[0] as number);
    await node.ready();
  }
});

test("SIGTERM drains: viewers are told bye, and nothing is left behind", async () => {
  const [data, sockets] = [folder(), folder()];
  const [own] = (await started(data, sockets)).frontends as [NodeProcess];
  const [inside = ""] = readdirSync(sockets);
  expect(statSync(join(sockets, inside)).mode & 0o777).toBe(0o700);
  const viewer = await Viewer.open(`${own.url}/v1/videos/v/events`);
  await viewer.until(({ event }) => event === "snapshot");
  expect((await likeTimed(own.url, "v", "k1")).status).toBe(202);
  const stopped = own.stop();
  await viewer.untilEnd();
  expect(viewer.heard.at(-1)).toMatchObject({ event: "bye" });
  expect(await stopped).toBe(0);
  expect(readdirSync(sockets)).toEqual([]);

  // One process goes on with what several wrote.
  const [alone] = (await started(data, sockets)).frontends as [NodeProcess];
  const told = await getJson<Told>(`${alone.url}/v1/videos/v`);
  expect(told?.totals.heart).toBe(1);
  const workers = workersOf(alone);
  await alone.kill();
  await until(
    "no worker is left",
    () => !workers.some((pid) => existsSync(`/proc/${pid}`)),
    drainMs + 20_000,
  );
  await until("no socket is left", () => readdirSync(sockets).length === 0);
});

test("a ledger or a folder that cannot be had ends all of them, with the reason", async () => {
  const all = new Cluster([]);
  clusters.push(all);
  const flags = [`--workers=${count}`, "--data=/proc/nowhere"];
  const [ledger, folder] = [await all.add("both", flags, ""), await all.add("both", flags, "")];
  ledger.start();
  folder.start({ TMPDIR: "/proc/nowhere" });
  for (const [node, why] of [
    [ledger, "cannot be used"],
    [folder, "takes no folder"],
  ] as const) {
    expect(await node.exited).toBe(1);
    expect(node.lines.some((line) => line.includes("cannot start") && line.includes(why))).toBe(true);
  }
});

/**
 * Readiness of real processes follows what publishing through them really does, and a node that does not fit
 * the others ends with one line that says so.
 *
 * Mostly waits: for readiness to come and go.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { Cluster, getJson, likeTimed, NodeProcess, type Role, until } from "./cluster.ts";
import { startNats } from "./nats.ts";
import { freePorts } from "./ports.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function bench(config = ""): Promise<Cluster> {
  const cluster = new Cluster([await startNats({ config })]);
  closers.push(() => cluster.close());
  return cluster;
}

/** Starts a node that need not become ready. */
async function started(cluster: Cluster, name: string, role: Role, flags: readonly string[] = []) {
  const [port = 0] = await freePorts(1);
  const node = new NodeProcess(name, role, port, cluster.nats, flags);
  closers.push(() => node.kill());
  node.start();
  return node;
}

/** Why a node is not ready; empty when it is; undefined when it does not answer. */
async function reasons({ url }: NodeProcess): Promise<readonly string[] | undefined> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2_000) });
    const body = (await response.json()) as { reasons?: readonly string[] };
    return response.status === 200 ? [] : body.reasons;
  } catch {
    return undefined;
  }
}

const saysOf = (node: NodeProcess, wanted: readonly string[]) =>
  until(
    `${node.name} says ${wanted}; its log:\n${node.lines.slice(-5).join("\n")}`,
    async () => Bun.deepEquals(await reasons(node), wanted),
    20_000,
  );

/** Ends by itself with 1; the line that says why. */
async function refusal(node: NodeProcess): Promise<string> {
  expect(await node.exited).toBe(1);
  const said = node.lines.map((line) => JSON.parse(line) as { event: string; reason?: string });
  const reason = said.find(({ event }) => event === "cannot start")?.reason ?? "";
  console.info(`refused: ${reason}`);
  return reason;
}

describe("a node that does not fit", () => {
  test("another --region on the same log, another node of the same name", async () => {
    const cluster = await bench();
    const first = await started(cluster, "n1", "both", ["--region=a"]);
    await first.ready();
    const [other, twin] = [
      await started(cluster, "n2", "both", ["--region=b"]),
      await started(cluster, "n1", "frontend", ["--region=a"]),
    ];
    expect(await refusal(other)).toBe(
      "--region is b here and a on n1, which shares this log: nodes of one log are of one region",
    );
    expect(await refusal(twin)).toBe("another node named n1 runs: give each its own --node");
    expect(await likeTimed(first.url, "v", "k")).toMatchObject({ status: 202 });
    expect(await getJson<{ totals: object }>(`${first.url}/v1/videos/v`)).toMatchObject({
      totals: { heart: 1 },
    });
    // A life that ended without a word leaves a lease behind, but not its name.
    await first.kill();
    const next = await started(cluster, "n1", "both", ["--region=a"]);
    await next.ready();
  }, 60_000);
});

describe("readiness", () => {
  test("a frontend waits for a dispatcher, and says so again when the last one is gone", async () => {
    const cluster = await bench();
    const frontend = await started(cluster, "f1", "frontend");
    await saysOf(frontend, ["no-dispatcher"]);
    const dispatcher = await started(cluster, "d1", "dispatcher");
    await saysOf(frontend, []);
    await dispatcher.kill();
    await saysOf(frontend, ["no-dispatcher"]);
    expect((await likeTimed(frontend.url, "v", "k")).status).toBe(503);
  }, 60_000);

  /** What a user of NATS may not do, and what a dispatcher then says of itself. */
  const cases: readonly [what: string, denied: string, says: readonly string[]][] = [
    ["answer", 'publish: { deny: ["_INBOX.>"] }', ["requests-unanswered"]],
    ["be asked", 'subscribe: { deny: ["ov.health.*", "ov.ingest"] }', ["requests-unanswered"]],
    ["write its lease", 'publish: { deny: ["$KV.ov_nodes.>"] }', ["lease-unwritten"]],
  ];
  test.each(cases)(
    "a dispatcher that may not %s is not ready, and says why",
    async (_, denied, says) => {
      const user = `{ user: node, password: s3cret, permissions: { ${denied} } }`;
      const cluster = await bench(`authorization { users: [ ${user} ] }`);
      const flags = ["--nats-user=node", "--nats-password=s3cret"];
      const dispatcher = await started(cluster, "d1", "dispatcher", flags);
      await saysOf(dispatcher, says);
      expect(
        dispatcher.lines.filter((line) => line.includes("PERMISSIONS_VIOLATION")).length,
      ).toBeGreaterThan(0);
    },
    60_000,
  );
});

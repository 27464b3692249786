/** Flags that let a node into NATS, from the command line to a cluster that works, or a reason why not. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "nats";
import type { ClusterView } from "../core/nodes.ts";
import { adminKey, getJson, healed, likeTimed, NodeProcess, sum, type Told, until } from "./cluster.ts";
import { startNats } from "./nats.ts";
import { accountOfOperator, authority, creds } from "./nats-secrets.ts";
import { freePorts } from "./ports.ts";

setDefaultTimeout(90_000);

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function server(config: string): Promise<number> {
  const started = await startNats({ config });
  closers.push(() => started.close());
  return started.port;
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "ovation-entrance-"));
  closers.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

async function node(name: string, nats: string, flags: readonly string[]): Promise<NodeProcess> {
  const [port = 0] = await freePorts(1);
  const started = new NodeProcess(name, "both", port, nats, flags);
  closers.push(() => started.kill());
  started.start();
  return started;
}

/** Is ready, and takes and tells likes. */
async function works(one: NodeProcess): Promise<void> {
  await one.ready();
  await healed({ nodes: [one] }, performance.now());
}

/** Lives, is not ready, and says why in its log. */
async function staysOut(one: NodeProcess, reason: RegExp): Promise<void> {
  const why = (): string | undefined => one.lines.find((line) => line.includes("waiting for NATS"));
  await until(`${one.name} says that it waits`, () => why() !== undefined);
  expect((JSON.parse(why() ?? "{}") as { reason: string }).reason).toMatch(reason);
  expect(await one.isReady()).toBe(false);
}

describe("a node enters", () => {
  test("by TLS of one's own authority, with a user and password, at whichever server is there", async () => {
    const at = folder();
    for (const name of ["ours", "theirs"]) await authority(at, name);
    const port = await server(
      `tls { cert_file: "${at}/ours-server.pem", key_file: "${at}/ours-server.key" }\n` +
        `authorization { user: ann, password: "s3cret" }`,
    );
    const [dead] = await freePorts(1);
    const servers = `nats://127.0.0.1:${dead},nats://localhost:${port}`;
    const user = ["--nats-user=ann", "--nats-password=s3cret"];
    await works(await node("in", servers, [`--nats-ca=${at}/ours.pem`, ...user]));
    const only = `tls://127.0.0.1:${port}`;
    await staysOut(await node("strange", only, [`--nats-ca=${at}/theirs.pem`, ...user]), /cert|sign|issuer/i);
    await staysOut(await node("nobody", only, [`--nats-ca=${at}/ours.pem`]), /authorization/i);
  });

  test("by a token", async () => {
    const port = await server(`authorization { token: "t0ken" }`);
    await works(await node("in", `nats://127.0.0.1:${port}`, ["--nats-token=t0ken"]));
    await staysOut(await node("out", `nats://127.0.0.1:${port}`, ["--nats-token=other"]), /authorization/i);
  });

  test("by a credentials file", async () => {
    const at = folder();
    const { config, account } = accountOfOperator();
    const port = await server(config);
    await Bun.write(`${at}/ours.creds`, creds(account));
    await Bun.write(`${at}/theirs.creds`, creds(nkeys.createAccount()));
    const url = `nats://127.0.0.1:${port}`;
    await works(await node("in", url, [`--nats-creds=${at}/ours.creds`]));
    await staysOut(await node("out", url, [`--nats-creds=${at}/theirs.creds`]), /authorization/i);
  });

  test("not with a file that cannot be read: it ends with one line", async () => {
    const one = await node("none", "nats://127.0.0.1:1", ["--nats-ca=/nowhere/ca.pem"]);
    expect(await one.exited).toBe(1);
    expect(one.lines.at(-1)).toContain("--nats-ca: cannot read /nowhere/ca.pem (ENOENT)");
  });
});

test("systems with prefixes of their own share a NATS and nothing else", async () => {
  const url = `nats://127.0.0.1:${await server("")}`;
  const [red, blue] = [
    await node("red", url, ["--nats-prefix=red"]),
    await node("blue", url, ["--nats-prefix=blue", "--partitions=2"]),
  ];
  await works(red);
  await works(blue);
  const told = async (one: NodeProcess): Promise<number> =>
    sum((await getJson<Told>(`${one.url}/v1/videos/final`))?.totals ?? {});
  expect((await likeTimed(red.url, "final", "k")).status).toBe(202);
  await until("it is counted", async () => (await told(red)) === 1);
  expect(await told(blue)).toBe(0);
  expect((await likeTimed(blue.url, "final", "k")).status).toBe(202);
  await until("the same key counts there too", async () => (await told(blue)) === 1);
  for (const one of [red, blue]) {
    const view = await getJson<ClusterView>(`${one.url}/v1/cluster`, { "x-api-key": adminKey });
    expect(view?.nodes.map((row) => row.node)).toEqual([one.name]);
  }
});

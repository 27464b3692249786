/** Two JetStreams with domains of their own, joined by a leaf node, and one of our prefix on each. */
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NatsServer, startNats } from "../system/nats.ts";
import { freePorts } from "../system/ports.ts";
import { connectBus, memoryLog, rejection, until } from "./nats-kit.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function server(domain: string | undefined, leafnodes: string): Promise<NatsServer> {
  const folder = mkdtempSync(join(tmpdir(), "ovation-domain-"));
  const named = domain === undefined ? "" : `, domain: ${domain}`;
  const config = `jetstream { store_dir: "${folder}"${named} }\nleafnodes { ${leafnodes} }`;
  const started = await startNats({ config, jetstream: false });
  closers.push(async () => {
    await started.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return started;
}

const one = new Uint8Array([1]);
const wanted = { name: "log_0", subject: "log.0" };

async function joined(hubDomain: string | undefined) {
  const [port] = await freePorts(1);
  const hub = await server(hubDomain, `listen: "127.0.0.1:${port}"`);
  const leaf = await server("leaf", `remotes: [{ url: "nats-leaf://127.0.0.1:${port}" }]`);
  const log = memoryLog();
  const buses = { hub: await connectBus(hub.url), leaf: await connectBus(leaf.url, { log }) };
  closers.push(async () => {
    for (const bus of Object.values(buses)) await bus.close();
  });
  return { ...buses, log };
}

for (const hubDomain of ["hub", undefined]) {
  const name = hubDomain === undefined ? "without a domain" : "with a domain";
  test(`what a hub ${name} took in our place is not acknowledged, and that is said once`, async () => {
    const { hub, leaf, log } = await joined(hubDomain);
    await hub.streams.open(wanted);
    const refused = () => rejection(leaf.streams.append("log.0", one, 1_000));
    // Until the two are joined nobody takes it at all.
    let error = await refused();
    for (; !error.message.includes("domain"); error = await refused()) await Bun.sleep(20);
    await refused();
    expect(error.message).toBe(
      `JetStream domain "${hubDomain ?? ""}" took what is for "leaf": use another --nats-prefix`,
    );
    expect(log.lines.filter((line) => line.includes("another JetStream answers"))).toHaveLength(1);
  });
}

test("one's own domain acknowledges, as does a server without one", async () => {
  const { hub, leaf } = await joined("hub");
  await leaf.streams.open({ ...wanted, name: "own", subject: "own.0" });
  expect((await leaf.streams.append("own.0", one, 1_000)).seq).toBe(1);
  const plain = await startNats();
  closers.push(() => plain.close());
  const bus = await connectBus(plain.url);
  closers.push(() => bus.close());
  await bus.streams.open(wanted);
  expect((await bus.streams.append("log.0", one, 1_000)).seq).toBe(1);
  await until(() => hub.connected());
});

/**
 * Buckets that are removed, emptied or set back under those who use them, and what is put back.
 *
 * Mostly waits: for the loss to be noticed.
 */
import { afterEach, expect, test } from "bun:test";
import { startNats } from "../system/nats.ts";
import type { Table } from "./bus.ts";
import type { NatsBus, NatsOptions } from "./nats.ts";
import { callApi, connectBus, memoryLog, until } from "./nats-kit.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function bench() {
  const nats = await startNats();
  closers.push(() => nats.close());
  const log = memoryLog();
  const member = async (options: Partial<NatsOptions> = {}): Promise<NatsBus> => {
    const bus = await connectBus(nats.url, { log, tableLookMs: 300, ...options });
    closers.push(() => bus.close());
    return bus;
  };
  const [writer, watcher] = [await member(), await member()];
  const open = (bus: NatsBus) => bus.table("routes", { restoredMax: 100 });
  return { nats, log, member, open, writer: await open(writer), watcher: await open(watcher) };
}

/** What a watch believes, and whether it ever was told that a row went. */
async function watched(table: Table) {
  const seen = { rows: new Map<string, string>(), gone: [] as string[], synced: 0 };
  table.watch(
    (key, value) => {
      if (value === undefined) {
        seen.rows.delete(key);
        seen.gone.push(key);
      } else seen.rows.set(key, value);
    },
    () => seen.synced++,
  );
  await until(() => seen.synced > 0);
  return seen;
}

/** The rows of a bucket, as one who comes new sees them. */
async function rowsIn(bus: NatsBus): Promise<string[]> {
  const { rows } = await watched(await bus.table("routes"));
  return [...rows].map(([key, value]) => `${key}=${value}`).sort();
}

/** Resolves as soon as the bucket holds just these rows. */
async function holds(bus: NatsBus, wanted: string[]): Promise<void> {
  for (const endMs = performance.now() + 20_000; ; await Bun.sleep(100)) {
    const rows = await rowsIn(bus);
    if (Bun.deepEquals(rows, wanted)) return;
    if (performance.now() > endMs) expect(rows).toEqual(wanted);
  }
}

const rows = ["v1.n1=a", "v2.n1=a", "v3.n1=a"];
const put = async (table: Table): Promise<void> => {
  for (const row of rows) await table.put(...(row.split("=") as [string, string]));
};

for (const how of ["removed", "emptied"] as const) {
  const lose = (url: string) =>
    callApi(url, how === "removed" ? "STREAM.DELETE.KV_ov_routes" : "STREAM.PURGE.KV_ov_routes");

  test(`a table that is ${how} is put back by a member that put its rows and watches nothing`, async () => {
    const { nats, member, writer } = await bench();
    await put(writer);
    await writer.put("v4.n1", "a");
    await writer.remove("v4.n1");
    await lose(nats.url);
    await holds(await member(), rows);
  }, 30_000);

  test(`a table that is ${how} is put back by one that only watches, who is told of no loss`, async () => {
    const { nats, log, member, writer, watcher } = await bench();
    const brief = await member();
    await put(await brief.table("routes"));
    await brief.close();
    const seen = await watched(watcher);
    await until(() => seen.rows.size === 3);
    await lose(nats.url);
    // A row that is put meanwhile is newer than what is restored, and one that is removed stays away.
    await writer.put("v2.n1", "b");
    await writer.put("v5.n1", "b");
    await writer.remove("v3.n1");
    await holds(await member(), ["v1.n1=a", "v2.n1=b", "v5.n1=b"]);
    await until(() => seen.rows.get("v2.n1") === "b" && seen.rows.size === 3);
    expect(seen.gone).toEqual(["v3.n1"]);
    const said = log.lines.filter((line) => line.startsWith("warn a table lost rows"));
    expect(said).toEqual(['warn a table lost rows: they are put back {"stream":"KV_ov_routes","rows":1}']);
  }, 30_000);
}

test("a store that comes back older: rows since then are put back, own rows as they were", async () => {
  const { nats, member, writer, watcher } = await bench();
  const seen = await watched(watcher);
  await put(writer);
  await nats.kill();
  await Bun.$`cp -r ${nats.folder} ${nats.folder}-older`;
  closers.push(() => Bun.$`rm -rf ${nats.folder}-older`);
  await nats.start();
  await writer.put("v1.n1", "b").catch(() => Bun.sleep(1_000).then(() => writer.put("v1.n1", "b")));
  await writer.put("v6.n1", "b");
  await until(() => seen.rows.get("v6.n1") === "b");
  await nats.kill();
  await Bun.$`rm -rf ${nats.folder} && mv ${nats.folder}-older ${nats.folder}`;
  await nats.start();
  await holds(await member(), ["v1.n1=b", ...rows.slice(1), "v6.n1=b"]);
}, 60_000);

test("leases go on while their bucket is made again: who renews stays, who does not runs out", async () => {
  const { nats, member } = await bench();
  const lease = { leaseMs: 8_000 };
  const [a, b] = [
    await (await member()).table("leases", lease),
    await (await member()).table("leases", lease),
  ];
  const seen = await watched(b);
  await a.put("dies", "1");
  await a.put("lives", "1");
  await until(() => seen.rows.size === 2);
  await callApi(nats.url, "STREAM.DELETE.KV_ov_leases");
  let renewals = 0;
  const renewing = setInterval(() => void a.put("lives", `${++renewals}`).catch(() => {}), 1_000);
  await until(() => seen.synced > 1);
  expect(seen.gone).toEqual([]);
  await until(() => seen.gone.length > 0);
  clearInterval(renewing);
  expect(seen.gone).toEqual(["dies"]);
  expect(Number(seen.rows.get("lives"))).toBeGreaterThan(3);
}, 30_000);

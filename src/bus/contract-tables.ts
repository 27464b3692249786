/** The part of the buses' suite that is about tables: rows, leases, and what watches are told. */
import { expect, test } from "bun:test";
import { network, type Open, rejection, watched } from "./contract-kit.ts";

export function tabling(open: Open): void {
  const at = network(open);

  test("a watch is told of rows there are, then of every change, once each", async () => {
    const [ta, tb] = [await at.a.table("routes"), await at.b.table("routes")];
    await ta.put("v1.n1", "1");
    await tb.put("v2.n1", "2");
    const seen = watched(tb);
    await at.net.until(() => seen.synced === 1);
    expect([...seen.story].sort()).toEqual(["v1.n1=1", "v2.n1=2"]);
    await ta.put("v1.n1", "1");
    await ta.put("v1.n1", "3");
    await ta.remove("v2.n1");
    await ta.remove("v2.n1");
    await ta.remove("never.was");
    await ta.put("v3", "");
    await at.net.until(() => seen.rows.has("v3"));
    expect(seen.story.slice(2)).toEqual(["v1.n1=3", "v2.n1=undefined", "v3="]);
    const late = watched(ta);
    await at.net.until(() => late.synced === 1);
    expect([...late.rows].sort()).toEqual([
      ["v1.n1", "3"],
      ["v3", ""],
    ]);
  });

  test("an empty table syncs too, and tables do not mix", async () => {
    const [nodes, routes] = [await at.a.table("nodes"), await at.a.table("routes")];
    const seen = watched(nodes);
    await at.net.until(() => seen.synced === 1);
    await routes.put("a", "1");
    await nodes.put("b", "2");
    await at.net.until(() => seen.rows.size > 0);
    expect(seen.story).toEqual(["b=2"]);
  });

  test("a row vanishes a lease after its last put, for every watch, and renewal keeps it", async () => {
    const lease = { leaseMs: at.net.leaseMs };
    const [ta, tb] = [await at.a.table("leases", lease), await at.b.table("leases", lease)];
    const seen = watched(tb);
    await ta.put("dies", "1");
    await ta.put("lives", "1");
    await at.net.until(() => seen.rows.size === 2);
    for (let i = 0; i < 4; i++) {
      await at.net.pass(at.net.leaseMs / 3);
      await ta.put("lives", "1");
    }
    await at.net.until(() => !seen.rows.has("dies"));
    expect(seen.story).toEqual(["dies=1", "lives=1", "dies=undefined"]);
    const late = watched(ta);
    await at.net.until(() => late.synced === 1);
    expect([...late.rows.keys()]).toEqual(["lives"]);
    await at.net.until(() => seen.rows.size === 0 && late.rows.size === 0);
    await ta.put("dies", "2");
    await at.net.until(() => seen.rows.get("dies") === "2");
  });

  test("a late watch counts the age a row already had", async () => {
    const lease = { leaseMs: at.net.leaseMs };
    const [ta, tb] = [await at.a.table("leases", lease), await at.b.table("leases", lease)];
    await ta.put("old", "1");
    await at.net.pass(0.7 * at.net.leaseMs);
    const late = watched(tb);
    await at.net.until(() => late.synced === 1);
    await at.net.pass(0.6 * at.net.leaseMs);
    expect(late.story).toEqual(["old=1", "old=undefined"]);
  });

  test("one name with two leases is refused", async () => {
    await at.a.table("leases", { leaseMs: at.net.leaseMs });
    expect(String(await rejection(at.b.table("leases", { leaseMs: 2 * at.net.leaseMs })))).toContain(
      "leases",
    );
  });

  test("an ended watch is told nothing", async () => {
    const table = await at.a.table("t");
    const seen = watched(table);
    const other = watched(table);
    await at.net.until(() => seen.synced === 1 && other.synced === 1);
    seen.end();
    seen.end();
    await table.put("k", "v");
    await at.net.until(() => other.rows.size === 1);
    expect(seen.story).toEqual([]);
  });

  test("last write wins, and watches agree", async () => {
    const [ta, tb] = [await at.a.table("t"), await at.b.table("t")];
    const [sa, sb] = [watched(ta), watched(tb)];
    const writes: Promise<void>[] = [];
    for (let i = 0; i < 60; i++) {
      const table = i % 2 ? ta : tb;
      writes.push(i % 7 === 3 ? table.remove(`k${i % 5}`) : table.put(`k${i % 5}`, `${i}`));
    }
    await Promise.all(writes);
    await ta.put("end", "1");
    await at.net.until(() => sa.rows.has("end") && sb.rows.has("end"));
    expect([...sa.rows].sort()).toEqual([...sb.rows].sort());
  });
}

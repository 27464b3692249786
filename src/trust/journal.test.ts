/** The journal that one worker keeps for all of its machine; the others are in moderation.test.ts. */
import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unixMs, VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import { BusUnavailable } from "../bus/bus.ts";
import { memoryHub } from "../bus/memory.ts";
import { limits } from "../core/limits.ts";
import { anybody, type Identity } from "./identity.ts";
import {
  fileJournal,
  fileName,
  type Journal,
  relayedJournal,
  serveJournal,
  tableJournal,
} from "./journal.ts";
import { Moderation } from "./moderation.ts";

const desk: Identity = { ...anybody, by: "key", sub: "desk", rights: new Set(["moderate"]) };
const rude = { video: "v" as never, text: "hi", user: "rude", key: undefined, atMs: unixMs(0) };

test("what any worker decides is written by the one with the ledger, which brings it back", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ovation-journal-"));
  const clock = new VirtualClock();
  const metrics = createMetrics();
  /** The one with the ledger, and another, as they begin anew. */
  const begin = async () => {
    const hub = memoryHub({ clock });
    const [own, other] = [hub.connect(), hub.connect()];
    const journal = fileJournal(folder);
    serveJournal(own, journal);
    const keeper = { table: await own.table("moderation"), journal, clock, metrics };
    await Moderation.open(keeper);
    const table = await other.table("moderation");
    const worker = await Moderation.open({ table, journal: relayedJournal(other), clock, metrics });
    return { own, other, worker };
  };
  try {
    const before = await begin();
    const untilMs = unixMs(clock.date() + 60_000);
    await before.worker.restrict({ type: "mute", user: "rude", untilMs }, desk);
    await before.own.close();
    const lost = before.worker.restrict({ type: "mute", user: "other", untilMs }, desk);
    expect(await lost.catch((error) => error)).toBeInstanceOf(BusUnavailable);
    const { worker } = await begin();
    expect(worker.comment(rude, anybody, undefined)?.rejected).toBe("muted");
    expect((await worker.audit(10)).map(({ by, action }) => `${by} ${action}`)).toEqual(["key:desk mute"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a request that is none is no decision", async () => {
  const hub = memoryHub({ clock: new VirtualClock() });
  const [own, other] = [hub.connect(), hub.connect()];
  const journal = fileJournal(":memory:");
  serveJournal(own, journal);
  for (const payload of ["", "{}", '{"newest":-1}', '{"append":7}', '{"append":{"by":"x"}}']) {
    const asked = other.request("journal", new TextEncoder().encode(payload), 100);
    expect(await asked.catch((error) => error)).toBeInstanceOf(BusUnavailable);
  }
  expect(await relayedJournal(other).newest(10)).toEqual([]);
});

test("a person is forgotten in the file, whoever asks, and nothing of theirs comes back", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ovation-journal-"));
  const hub = memoryHub({ clock: new VirtualClock() });
  const [own, other] = [hub.connect(), hub.connect()];
  const journals = [fileJournal(folder), tableJournal(await own.table("audit"), "n1", new VirtualClock())];
  serveJournal(own, journals[0] as Journal);
  const row = { key: "mute.x", value: '{"user":"Rude"}' };
  try {
    for (const journal of journals) {
      await journal.append({ atMs: unixMs(1), by: "key:desk", action: "mute", about: { user: "Rude" }, row });
      await journal.append({ atMs: unixMs(2), by: "token:rude", action: "remove", about: { video: "v" } });
      await journal.append({ atMs: unixMs(3), by: "key:desk", action: "mute", about: { user: "kind" } });
    }
    await relayedJournal(other).forget(" RUDE ");
    await journals[1]?.forget("rude");
    for (const journal of [...journals, fileJournal(folder)]) {
      const told = await journal.newest(10);
      expect(told.map(({ by, about }) => [by, about.user])).toEqual([
        ["key:desk", "kind"],
        ["token:erased", undefined],
        ["key:desk", "erased"],
      ]);
    }
    expect(readFileSync(join(folder, fileName), "utf8").toLowerCase()).not.toContain("rude");
    expect(readdirSync(folder)).toEqual([fileName]);
    await journals[0]?.append({ atMs: unixMs(4), by: "key:desk", action: "ban", about: { user: "late" } });
    expect(await fileJournal(folder).newest(10)).toHaveLength(4);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a table that nobody tells of is not waited for without end", async () => {
  const clock = new VirtualClock();
  let ended = 0;
  const watch = () => ({ end: () => void ended++ });
  const journal = tableJournal({ put: async () => {}, remove: async () => {}, watch }, "n1", clock);
  const asked = Promise.allSettled([journal.newest(10), journal.forget("ann")]);
  await clock.run(2 * limits.requestMs, 100);
  for (const { status } of await asked) expect(status).toBe("rejected");
  expect(ended).toBe(2);
});

/** Decisions that decide nothing: what holds already is taken, and not written down as a decision. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import type { Table } from "../bus/bus.ts";
import { memoryBus } from "../bus/memory.ts";
import { anybody, type Identity } from "./identity.ts";
import { fileJournal } from "./journal.ts";
import { Moderation } from "./moderation.ts";
import { noRules } from "./rules.ts";

const v = "v" as never;
const desk: Identity = { ...anybody, by: "key", sub: "desk", rights: new Set(["moderate"]) };

function open(table: Table): Promise<Moderation> {
  const journal = fileJournal(":memory:");
  return Moderation.open({ table, journal, clock: new VirtualClock(), metrics: createMetrics() });
}

test("rules that hold already are no decision", async () => {
  const moderation = await open(await memoryBus({ clock: new VirtualClock() }).table("moderation"));
  const said = async () => (await moderation.audit(10)).map(({ action }) => action);
  await moderation.setRules(v, { ...noRules }, desk);
  expect(await said()).toEqual([]);
  for (let again = 0; again < 3; again++) {
    await moderation.setRules(v, { ...noRules, slowModeMs: 5 }, desk);
    expect(moderation.rules(v).slowModeMs).toBe(5);
  }
  expect(await said()).toEqual(["video"]);
  await moderation.setRules(v, noRules, desk);
  expect(await said()).toEqual(["video", "video"]);
});

test("they undo all the same what this node has not heard of yet", async () => {
  const written: string[] = [];
  const deaf = await open({
    put: async (_, value) => void written.push(value),
    remove: async () => {},
    watch: (_, synced) => {
      synced?.();
      return { end: () => {} };
    },
  });
  await deaf.setRules(v, noRules, desk);
  expect(written).toEqual([JSON.stringify(noRules)]);
});

test("who erases themselves is not named by that decision either", async () => {
  const moderation = await open(await memoryBus({ clock: new VirtualClock() }).table("moderation"));
  await moderation.setRules(v, { ...noRules, slowModeMs: 5 }, desk);
  await moderation.erased(" DESK ", desk);
  const told = await moderation.audit(10);
  expect(told.map(({ action, by }) => [action, by])).toEqual([
    ["erase", "key:erased"],
    ["video", "key:erased"],
  ]);
});

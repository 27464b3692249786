/** Whom a node finds, on the bus that all share: what is refused at its start, and what is said later. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { memoryHub } from "../bus/memory.ts";
import { limits } from "../core/limits.ts";
import { encodeNodeRow } from "../core/nodes.ts";
import { Company } from "./company.ts";

async function bench() {
  const clock = new VirtualClock();
  const hub = memoryHub({ clock });
  const lines: string[] = [];
  const log = createLog({
    ...{ level: "error", format: "json" },
    write: (line) => lines.push(JSON.parse(line).event),
    now: () => clock.date(),
  });
  const meet = async (node: string, region: string, incarnation = "one") => {
    const bus = hub.connect();
    const nodes = await bus.table("nodes", { leaseMs: limits.leaseMs });
    const self = { node, region, incarnation };
    const row = { ...self, role: "both" as const, startedMs: 0, renewals: 0, viewers: 0 };
    const put = (renewals = 0) => nodes.put(node, encodeNodeRow({ ...row, renewals }));
    const company = await Company.meet({ self, bus, nodes, clock, log });
    await put();
    return { company, bus, put };
  };
  /** Why a start was refused; undefined when it was not. */
  const refusal = (meeting: Promise<unknown>): Promise<string | undefined> =>
    meeting.then(
      () => undefined,
      (error: Error) => `${error.name}: ${error.message}`,
    );
  return { clock, lines, meet, refusal };
}

test("a node of another region is refused in one line, while one of the first lives", async () => {
  const { clock, lines, meet, refusal } = await bench();
  const { bus } = await meet("n1", "a");
  expect(await refusal(meet("n2", "a"))).toBeUndefined();
  expect(await refusal(meet("n3", "b"))).toBe(
    "StartRefused: --region is b here and a on n1, which shares this log: nodes of one log are of one region",
  );
  await bus.close();
  await clock.run(limits.leaseMs + 1, 500);
  expect(await refusal(meet("n3", "b"))).toBeUndefined();
  expect(lines).toEqual(["a node of another region shares this log"]);
});

test("a living name is not given twice; one that died is free at once, though its lease lasts", async () => {
  const { lines, meet, refusal } = await bench();
  const { bus, company } = await meet("n1", "a");
  expect(await refusal(meet("n1", "a", "two"))).toBe(
    "StartRefused: another node named n1 runs: give each its own --node",
  );
  company.close();
  await bus.close();
  expect(await refusal(meet("n1", "b", "three"))).toBeUndefined();
  expect(lines).toEqual([]);
});

test("two lives of one name that could not see each other are told of it, and told again", async () => {
  const { clock, lines, meet } = await bench();
  const first = await meet("n1", "a");
  first.bus.cut();
  await clock.run(limits.leaseMs + 1, 500);
  const second = await meet("n1", "a", "two");
  first.bus.heal();
  await second.put(1);
  const said = "another node has this name";
  expect(lines).toEqual([said]);
  await first.put(2);
  expect(lines).toEqual([said, said]);
  for (let renewals = 3; renewals < 13; renewals++) await first.put(renewals);
  expect(lines).toEqual([said, said]);
  await clock.run(limits.saidAgainMs, 500);
  await first.put(13);
  expect(lines).toEqual([said, said, said]);
});

/**
 * Readiness follows what writes really do: a partition that takes nothing is named with its reason, once,
 * others go on, and it comes back by itself.
 */
import { afterEach, expect, test } from "bun:test";
import { systemClock } from "../base/clock.ts";
import { systemPrng } from "../base/prng.ts";
import { callApi, connectBus, memoryLog, rejection, until } from "../bus/nats-kit.ts";
import type { VideoId } from "../core/interaction.ts";
import { startNats } from "../system/nats.ts";
import { openJetstreamLedger } from "./jetstream.ts";
import { closeAll, closers, likesAt, member, one, server } from "./jetstream-kit.ts";
import { type Ledger, LedgerUnavailable } from "./ledger.ts";

afterEach(closeAll);

const two = { partitions: 2, snapshotMs: 3_600_000 };

/** A video of each of two partitions. */
function videosOf(ledger: Ledger): [string, string] {
  const videos = Array.from({ length: 50 }, (_, i) => `v${i}`);
  const of = (lane: number): string => videos.find((v) => ledger.laneOf(v as VideoId) === lane) as string;
  return [of(0), of(1)];
}

async function update(url: string, stream: string, over: object): Promise<void> {
  const { config } = await callApi(url, `STREAM.INFO.${stream}`);
  const answer = await callApi(url, `STREAM.UPDATE.${stream}`, { ...(config as object), ...over });
  expect(answer.error).toBeUndefined();
}

test("a stream that is full is named, others take likes, and with room it is ready by itself", async () => {
  const nats = await server();
  const { ledger, log } = await member(nats.url, two);
  const [full, whole] = videosOf(ledger);
  await ledger.append(one(full, "a"));
  expect(ledger.troubles()).toEqual([]);
  await update(nats.url, "ov_log_0", { max_msgs: 3, discard: "new" });
  // Nobody likes anything for a while: nothing has failed, and nothing is claimed to have.
  for (let i = 0; i < 5; i++) await ledger.append(one(full, `b${i}`)).catch(() => {});
  await until(() => !ledger.ready());
  expect(ledger.troubles()).toMatchObject([{ stream: "ov_log_0" }]);
  expect(await rejection(ledger.append(one(full, "c")))).toBeInstanceOf(LedgerUnavailable);
  await ledger.append(one(whole, "c"));
  await until(() => likesAt(ledger, whole) === 1);
  const said = () => log.lines.filter((line) => line.includes("log takes no likes"));
  await Bun.sleep(2_500);
  expect(said()).toHaveLength(1);
  expect(said()[0]).toContain("ov_log_0");
  await update(nats.url, "ov_log_0", { max_msgs: -1, discard: "old" });
  await until(() => ledger.ready());
  await ledger.append(one(full, "c"));
}, 30_000);

test("a permission that is missing is found at once, before any viewer likes", async () => {
  const user = 'user: a, password: a, permissions: { publish: { deny: ["ov.log.1"] } }';
  const nats = await startNats({
    config: `authorization { users: [{ ${user} }, { user: b, password: b }] }`,
  });
  closers.push(() => nats.close());
  const bus = await connectBus(nats.url, { user: "a", password: "a" });
  const log = memoryLog();
  const parts = { streams: bus.streams, clock: systemClock(), prng: systemPrng(), log };
  const ledger = await openJetstreamLedger({ ...parts, ...two, commentHistory: 10 });
  closers.push(async () => {
    await ledger.close();
    await bus.close();
  });
  await until(() => ledger.troubles().length === 1 && !ledger.troubles()[0]?.reason.includes("tried"));
  expect(ledger.troubles()[0]?.stream).toBe("ov_log_1");
  const [whole] = videosOf(ledger);
  await ledger.append(one(whole, "a"));
}, 30_000);

test("a hole that no snapshot fills is not counted as too little: the node waits and says so", async () => {
  const nats = await server();
  const whole = await member(nats.url, { partitions: 1, snapshotMs: 2_000 });
  for (let i = 0; i < 5; i++) await whole.ledger.append(one("v", `${i}`));
  await until(() => likesAt(whole.ledger, "v") === 5);
  await callApi(nats.url, "STREAM.PURGE.ov_log_0");
  await whole.ledger.append(one("v", "after"));
  const bus = await connectBus(nats.url);
  const log = memoryLog();
  const parts = { streams: bus.streams, clock: systemClock(), prng: systemPrng(), log };
  let opened: Ledger | undefined;
  const opening = openJetstreamLedger({ ...parts, ...two, partitions: 1, commentHistory: 10 }).then(
    (ledger) => {
      opened = ledger;
    },
  );
  closers.push(async () => {
    await opened?.close();
    await bus.close();
  });
  const said = () => log.lines.filter((line) => line.includes("no snapshot holds them"));
  await until(() => said().length > 0);
  expect(opened).toBeUndefined();
  expect(said()[0]).toContain("ov_log_0");
  // The dispatcher that has the records writes them down in time, and that is all it takes.
  await opening;
  expect(likesAt(opened as unknown as Ledger, "v")).toBe(6);
  expect(said().filter((line) => line.startsWith("error"))).toHaveLength(1);
}, 30_000);

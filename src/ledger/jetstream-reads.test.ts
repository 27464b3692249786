/**
 * What a reader is told by one dispatcher after another never falls, and holds all that was answered before
 * it asked, while each of them reads the log back at its own pace.
 */
import { afterEach, expect, test } from "bun:test";
import { rejection } from "../bus/nats-kit.ts";
import type { VideoId } from "../core/interaction.ts";
import { likesOf } from "../core/totals.ts";
import { startProxy } from "../system/proxy.ts";
import { like, record } from "./contract-bench.ts";
import { closeAll, closers, likesAt, type Member, member, one, server } from "./jetstream-kit.ts";
import { LedgerUnavailable } from "./ledger.ts";

afterEach(closeAll);

const v = "v" as VideoId;

test("a reader who asks any dispatcher hears no less than before, and all that was answered", async () => {
  const nats = await server();
  const members = [await member(nats.url), await member(nats.url), await member(nats.url)];
  let going = true;
  let answered = 0;
  const publish = async (by: number): Promise<void> => {
    while (going) {
      await members[by]?.ledger.append({ likes: [record([like("v")])], comments: [] });
      answered++;
    }
  };
  const publishers = [0, 1, 2, 0, 1, 2].map(publish);
  let [reads, last, behind] = [0, 0, 0];
  const endMs = performance.now() + 2_000;
  while (performance.now() < endMs) {
    const { ledger } = members[reads++ % members.length] as Member;
    const atLeast = answered;
    const folded = likesAt(ledger, "v");
    if (folded < Math.max(last, atLeast)) behind++;
    const told = likesOf((await ledger.current(v)).counts);
    expect(told).toBeGreaterThanOrEqual(last);
    expect(told).toBeGreaterThanOrEqual(atLeast);
    last = told;
  }
  going = false;
  await Promise.all(publishers);
  console.info({ reads, answered, behind });
  // Else there was nothing to see.
  expect(behind).toBeGreaterThan(0);
}, 20_000);

test("while the log cannot be asked, nothing is told that might be too little, and soon", async () => {
  const nats = await server();
  const network = await startProxy(nats.port);
  closers.push(() => network.close());
  const { ledger } = await member(network.url);
  await ledger.append(one("v", "k"));
  network.stall("both");
  const startMs = performance.now();
  expect(await rejection(ledger.current(v))).toBeInstanceOf(LedgerUnavailable);
  expect(performance.now() - startMs).toBeLessThan(2_000);
  expect(likesAt(ledger, "v")).toBe(1);
}, 20_000);

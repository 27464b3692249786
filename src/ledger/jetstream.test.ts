/** The ledger of many nodes over a real nats-server passes the suite of every ledger. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { systemClock } from "../base/clock.ts";
import { systemPrng } from "../base/prng.ts";
import type { NatsBus } from "../bus/nats.ts";
import { connectBus, memoryLog } from "../bus/nats-kit.ts";
import type { VideoId } from "../core/interaction.ts";
import { type NatsServer, startNats } from "../system/nats.ts";
import { describeLedger } from "./contract.ts";
import { draft } from "./contract-bench.ts";
import { openJetstreamLedger } from "./jetstream.ts";
import { reopening } from "./jetstream-kit.ts";
import type { Ledger } from "./ledger.ts";

const commentHistory = 12;
let server: NatsServer;
let logs = 0;

beforeAll(async () => {
  server = await startNats();
});
afterAll(() => server.close());

/** A ledger over a bus of its own. */
async function openOver(prefix: string): Promise<{ ledger: Ledger; bus: NatsBus; end: () => Promise<void> }> {
  const bus = await connectBus(server.url, { prefix });
  const ledger = await openJetstreamLedger({
    streams: bus.streams,
    clock: systemClock(),
    prng: systemPrng(),
    log: memoryLog(),
    partitions: 3,
    commentHistory,
    // Each start is one after which nobody lived.
    vouched: async () => false,
  });
  const end = async (): Promise<void> => {
    await ledger.close();
    await bus.close();
  };
  return { ledger, bus, end };
}

describeLedger("ledger in JetStream", () => reopening(openOver, `l${logs++}`, commentHistory), {
  skip: ["advance"],
});

test("pages are true, however videos, removals, limits and places mix", async () => {
  const one = fc.record({ video: fc.constantFrom("a", "b", "b", "b"), removes: fc.option(fc.nat(30)) });
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(one, { maxLength: 60 }), async (steps) => {
      const { ledger, end } = await openOver(`p${round++}`);
      const said: { video: string; seq: number; removed: boolean }[] = [];
      for (const { video, removes } of steps) {
        const target = removes === null ? undefined : said[removes % (said.length + 1)];
        if (target && (await ledger.retract(target.video as VideoId, target.seq))) {
          target.removed = true;
          said.push({ video: target.video, seq: ledger.head(), removed: false });
        } else {
          const [placed] = await ledger.append({ likes: [], comments: [draft(video, "text")] });
          said.push({ video, seq: placed?.seq as number, removed: false });
        }
      }
      for (const video of ["a", "b"]) {
        const left = said.filter((entry) => entry.video === video && !entry.removed).map(({ seq }) => seq);
        const oldest = Math.min(left.length, commentHistory - said.filter(({ removed }) => removed).length);
        for (const limit of [1, 2, 5, 100]) {
          const newest = await ledger.entries(video as VideoId, undefined, limit);
          const seqs = newest.entries.map(({ seq }) => seq);
          expect(seqs).toEqual(left.filter((seq) => seq > newest.floor));
          expect(seqs.length).toBeLessThanOrEqual(limit);
          expect(seqs.length).toBeGreaterThanOrEqual(Math.min(limit, oldest));
          const after = left[Math.floor(left.length / 2)] ?? 0;
          for (const place of [0, after, Math.max(0, after - 1)]) {
            const page = await ledger.entries(video as VideoId, place, limit);
            const following = left.filter((seq) => seq > page.floor);
            expect(page.floor).toBeGreaterThanOrEqual(place);
            expect(page.entries.map(({ seq }) => seq)).toEqual(following.slice(0, limit));
            expect(page.more).toBe(following.length > limit);
          }
        }
      }
      await end();
    }),
    { numRuns: 12 },
  );
}, 60_000);

/**
 * A log that went back or is gone, under several dispatchers: what was answered stays counted, exactly, on
 * all of them, totals never fall, and it heals by itself, over a real nats-server whose store the test
 * changes.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { systemPrng } from "../base/prng.ts";
import { callApi, until } from "../bus/nats-kit.ts";
import type { VideoId } from "../core/interaction.ts";
import { likesOf } from "../core/totals.ts";
import type { NatsServer } from "../system/nats.ts";
import { like, record } from "./contract-bench.ts";
import { agreeOn, closeAll, insist, likesAt, type Member, member, one, server } from "./jetstream-kit.ts";
import { LedgerUnavailable } from "./ledger.ts";

afterEach(closeAll);

const few = { partitions: 2, snapshotMs: 400 };

/** Watches that no total and no version of a member ever falls, by asking and by what it announces. */
function neverFalls(members: readonly Member[], videos: readonly string[]) {
  const falls: string[] = [];
  const highest = new Map<string, { likes: number; version: number }>();
  const look = (name: string, likes: number, version: number): void => {
    const before = highest.get(name) ?? { likes: 0, version: 0 };
    if (likes < before.likes || version < before.version) falls.push(`${name}: ${before.likes} → ${likes}`);
    highest.set(name, { likes, version });
  };
  for (const [index, { ledger }] of members.entries()) {
    ledger.onChanges((changes) => {
      for (const { video, totals } of changes) {
        look(`heard ${index} ${video}`, likesOf(totals.counts), totals.version);
      }
    });
  }
  const timer = setInterval(() => {
    for (const [index, { ledger }] of members.entries()) {
      for (const video of videos) {
        const { counts, version } = ledger.totals(video as VideoId);
        look(`asked ${index} ${video}`, likesOf(counts), version);
      }
    }
  }, 5);
  return () => {
    clearInterval(timer);
    expect(falls).toEqual([]);
  };
}

/**
 * Independent publishers with and without keys, at several members, while `during` happens. Of those without
 * a key each counts once if it was answered, and at most once if not.
 */
async function publish(members: readonly Member[], during: () => Promise<void>) {
  const prng = systemPrng();
  const expected = new Map<string, number>();
  const loose = { sent: 0, acked: 0 };
  const under: Promise<unknown>[] = [];
  let going = true;
  let sent = 0;
  const pump = (async () => {
    while (going) {
      for (let i = 0; i < 4; i++) {
        const video = `v${sent % 6}`;
        const batch = one(video, `k${sent++}`);
        expected.set(video, (expected.get(video) ?? 0) + 1);
        under.push(insist(members, prng, batch as never));
        if (i === 0) under.push(insist(members, prng, batch as never));
      }
      const { ledger } = members[sent % members.length] as Member;
      loose.sent++;
      const append = ledger.append({ likes: [record([like("loose")])], comments: [] });
      under.push(
        append.then(
          () => loose.acked++,
          (error: unknown) => {
            if (!(error instanceof LedgerUnavailable)) throw error;
          },
        ),
      );
      await Bun.sleep(10);
    }
  })();
  await during();
  going = false;
  await pump;
  await Promise.all(under);
  return { expected, loose };
}

/** Resolves when every member takes likes of every partition again; the time that took, in ms. */
async function healed(members: readonly Member[], sinceMs: number): Promise<number> {
  await until(() => members.every(({ ledger }) => ledger.ready()), 30_000);
  for (const { ledger } of members) {
    for (const video of ["v0", "v1", "v2", "v3", "v4", "v5"]) await ledger.current(video as VideoId);
  }
  return Math.round(performance.now() - sinceMs);
}

const videos = ["v0", "v1", "v2", "v3", "v4", "v5", "loose"];

async function faulted(
  what: string,
  fault: (nats: NatsServer, members: readonly Member[]) => Promise<number>,
  options: { readonly snapshotMs?: number } = {},
): Promise<readonly Member[]> {
  const nats = await server();
  const settings = { ...few, ...options };
  const members = [await member(nats.url, settings), await member(nats.url, settings)];
  const stop = neverFalls(members, videos);
  let healMs = 0;
  const { expected, loose } = await publish(members, async () => {
    await Bun.sleep(600);
    const sinceMs = await fault(nats, members);
    await Bun.sleep(20);
    healMs = await healed(members, sinceMs);
    await Bun.sleep(600);
  });
  await agreeOn(members, expected, loose);
  stop();
  console.info(`${what}: healed after ${healMs} ms; ${loose.acked} of ${loose.sent} without a key`);
  // One that starts later reads the same from what is there.
  const late = await member(nats.url, settings);
  await agreeOn([...members, late], expected, loose);
  return members;
}

describe("a log", () => {
  for (const snapshotMs of [200, 3_600_000]) {
    const how = snapshotMs === 200 ? "with snapshots" : "before any snapshot";
    test(`that is emptied, ${how}, is seeded anew`, async () => {
      await faulted(
        `emptied ${how}`,
        async (nats) => {
          await nats.kill();
          nats.empty();
          const sinceMs = performance.now();
          await nats.start();
          return sinceMs;
        },
        { snapshotMs },
      );
    }, 60_000);

    test(`that is put back from a copy, ${how}, is seeded anew`, async () => {
      await faulted(
        `put back ${how}`,
        async (nats) => {
          await nats.kill();
          nats.copy();
          await nats.start();
          await Bun.sleep(900);
          await nats.kill();
          nats.putBack();
          const sinceMs = performance.now();
          await nats.start();
          return sinceMs;
        },
        { snapshotMs },
      );
    }, 60_000);
  }

  test("whose stream is removed while running is made and seeded anew", async () => {
    await faulted("stream removed", async (nats) => {
      const sinceMs = performance.now();
      for (const index of [0, 1]) await callApi(nats.url, `STREAM.DELETE.ov_log_${index}`);
      return sinceMs;
    });
  }, 60_000);

  test("whose stream is purged while running goes on as it was", async () => {
    await faulted(
      "stream purged",
      async (nats) => {
        const sinceMs = performance.now();
        await callApi(nats.url, "STREAM.PURGE.ov_log_0");
        return sinceMs;
      },
      { snapshotMs: 200 },
    );
  }, 60_000);
});

test("snapshots that are removed while running are written anew", async () => {
  const members = await faulted("snapshots removed", async (nats) => {
    const sinceMs = performance.now();
    await callApi(nats.url, "STREAM.DELETE.ov_snapshots");
    return sinceMs;
  });
  expect(likesAt((members[0] as Member).ledger, "v0")).toBeGreaterThan(0);
}, 60_000);

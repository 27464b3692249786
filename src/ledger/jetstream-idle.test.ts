/**
 * Idle videos are forgotten by all nodes alike, and a log that is full is not so for ever: over a real
 * nats-server, on nodes whose running time is set by the test.
 */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { type Clock, type Elapsed, systemClock } from "../base/clock.ts";
import { until } from "../bus/nats-kit.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { likesOf } from "../core/totals.ts";
import { like, record } from "./contract-bench.ts";
import { closeAll, type Member, member, server } from "./jetstream-kit.ts";

setDefaultTimeout(60_000);
afterEach(closeAll);

test("a full log forgets what was idle for long, on each node the same, whoever starts when", async () => {
  const { url } = await server();
  let ranMs = 0;
  const real = systemClock();
  const clock: Clock = { ...real, elapsed: () => (real.elapsed() + ranMs) as Elapsed };
  const open = () => member(url, { clock, partitions: 1, videosMax: 8, snapshotMs: 100 });
  const nodes: Member[] = [await open(), await open()];
  const [one, two] = nodes as [Member, Member];
  const give = (video: string, count = 1) =>
    one.ledger.append({ likes: [record([like(video, undefined, { count })])], comments: [] });
  const hearts = ({ ledger }: Member, video: string) => likesOf(ledger.totals(video as VideoId).counts);
  const videos = [..."abcdefgh"];

  for (const video of videos) await give(video, video === "a" ? limits.fewLikes : 1);
  await until(() => nodes.every(({ ledger }) => ledger.holdings()[0]?.videos === 8));
  expect(nodes.map(({ ledger }) => ledger.room(like("new")))).toEqual(["videos", "videos"]);
  expect(nodes.map(({ ledger }) => ledger.room(like("b")))).toEqual(["room", "room"]);

  // Nobody likes anything: the log's time goes on all the same, a window at most at a time.
  await until(() => {
    if (two.ledger.room(like("new")) === "room") return true;
    ranMs += limits.keyWindowMs;
    return false;
  });
  await give("new");
  await until(() => nodes.every((node) => hearts(node, "new") === 1));
  const held = (node: Member) => [...videos, "new"].map((video) => hearts(node, video));
  expect(held(two)).toEqual(held(one));
  expect(hearts(one, "a")).toBe(limits.fewLikes);
  expect(one.ledger.holdings()[0]?.forgotten).toBeGreaterThan(0);
  expect(one.ledger.holdings()[0]?.videos).toBeLessThan(8);

  const late = await open();
  expect(held(late)).toEqual(held(one));
  await give("b");
  await until(() => [...nodes, late].every((node) => hearts(node, "b") > 0));
  const versions = [...nodes, late].map(({ ledger }) => ledger.totals("b" as VideoId));
  expect(versions[1]).toEqual(versions[0]);
  expect(versions[2]).toEqual(versions[0]);
});

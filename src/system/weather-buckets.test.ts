/**
 * Each of our buckets is removed, then emptied, under a cluster that is used: what stood in it stands there
 * again, and meanwhile viewers are shown every like within a second.
 *
 * Mostly waits: until tables are looked at again.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { callApi } from "../bus/nats-kit.ts";
import { adminKey, type Cluster, startCluster, until } from "./cluster.ts";
import { post, Viewer } from "./events.ts";
import { type NatsServer, startNats } from "./nats.ts";
import { expectShown, Shown, Tapping } from "./tapping.ts";

setDefaultTimeout(90_000);

let nats: NatsServer;
let cluster: Cluster;
beforeAll(async () => {
  nats = await startNats();
  cluster = await startCluster([nats], { dispatchers: 2, frontends: 2 });
  const mute = { user: "ann", video: "v", seconds: 600 };
  expect((await post(`${urlOf(0)}/v1/admin/mutes`, mute, { "x-api-key": adminKey })).status).toBe(204);
});
afterAll(() => cluster.close());

const urlOf = (index: number): string => cluster.frontends[index]?.url ?? "";
/** What ann is told who comments: on every node she is muted, whatever becomes of the table that says so. */
const muted = async (): Promise<(number | undefined)[]> =>
  Promise.all(
    cluster.frontends.map(
      async ({ url }) => (await post(`${url}/v1/videos/v/comments`, { user: "ann", text: "hi" })).status,
    ),
  );

/** The subjects that a bucket holds, as NATS' own tools show them; undefined: there is no bucket. */
async function keysIn(bucket: string): Promise<string[] | undefined> {
  const answer = await callApi(nats.url, `STREAM.INFO.KV_ov_${bucket}`, { subjects_filter: ">" });
  const { subjects = {} } = (answer.state ?? {}) as { subjects?: Record<string, number> };
  return answer.state ? Object.keys(subjects).sort() : undefined;
}

const of = (video: string) => (subject: string) => subject.includes(`.${video}.`);

test.each(["routes", "nodes", "moderation", "audit"])("the bucket of %s", async (bucket) => {
  const urls = cluster.frontends.map(({ url }) => url);
  const viewers = await Promise.all(urls.map((url) => Viewer.open(`${url}/v1/videos/${bucket}/events`)));
  const shown = viewers.map((viewer) => new Shown(viewer));
  await until(
    "both nodes' rows stand",
    async () => (await keysIn("routes"))?.filter(of(bucket)).length === 2,
  );
  const before = await keysIn(bucket);
  expect(before?.length).toBeGreaterThan(0);
  const tapping = new Tapping({ urls, video: bucket, perSecond: 20 });
  const healedMs: number[] = [];
  for (const how of ["DELETE", "PURGE"]) {
    await callApi(nats.url, `STREAM.${how}.KV_ov_${bucket}`);
    const sinceMs = performance.now();
    await until(`${bucket} is whole`, async () => Bun.deepEquals(await keysIn(bucket), before));
    healedMs.push(Math.round(performance.now() - sinceMs));
    expect(await muted()).toEqual([403, 403]);
  }
  await tapping.end();
  const wanted = tapping.acceptedMs.length;
  await until("the last like is shown", () => shown.every(({ likes }) => likes >= wanted));
  for (const viewer of viewers) viewer.close();
  const slowestMs = Math.max(...shown.map((one) => one.slowestMs(tapping.acceptedMs)));
  console.info(
    `KV_ov_${bucket}: whole ${healedMs[0]} ms after it was removed, ${healedMs[1]} ms after it was ` +
      "emptied; " +
      `${tapping.acceptedMs.length} likes, ${JSON.stringify([...tapping.answers])}, ` +
      `shown after at most ${Math.round(slowestMs)} ms`,
  );
  expectShown(tapping, shown);
  expect([...tapping.answers.keys()]).toEqual([202]);
  expect(slowestMs).toBeLessThan(1_000);
});

/**
 * Webhooks of a cluster over a real NATS server: each event is told by one node, whoever dies.
 *
 * Mostly waits: until nobody has watched for a while.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Event, Receiver } from "../hooks/receiver-kit.ts";
import {
  adminKey,
  type Cluster,
  getJson,
  likeTimed,
  startCluster,
  sum,
  type Told,
  until,
} from "./cluster.ts";
import { post, Viewer } from "./events.ts";
import { startNats } from "./nats.ts";

const secret = "only-for-this-test-0123456789abcdef";
const videos = Array.from({ length: 12 }, (_, n) => `v${n}`);

describe("webhooks of two dispatchers", () => {
  const receiver = new Receiver();
  let cluster: Cluster;
  beforeAll(async () => {
    const flags = [`--webhook-urls=${receiver.url}`, `--webhook-secrets=${secret}`, "--milestones=5,20"];
    cluster = await startCluster([await startNats()], { dispatchers: 2, frontends: 2, flags });
  });
  afterAll(async () => {
    await cluster.close();
    await receiver.goAway();
  });

  /** Which node told what, in the order of arrival. */
  const told = (type: string): (Event & { node: string })[] =>
    receiver.got.flatMap(({ body }) => {
      const { node, events } = JSON.parse(body) as { node: string; events: Event[] };
      return events.filter((event) => event.type === type).map((event) => ({ ...event, node }));
    });
  const likes = async (count: number, round: string) => {
    const urls = cluster.frontends.map(({ url }) => url);
    for (const video of videos) {
      for (let n = 0; n < count; n++) {
        const key = `${round}-${video}-${n}`;
        await until(`like ${key} is taken`, async () => {
          return (await likeTimed(urls[n % urls.length] ?? "", video, key)).status === 202;
        });
      }
    }
  };
  const names = (events: readonly Event[]) => events.map(({ id }) => id);

  test("tell who watches once, by the owner, and comments once, by whoever wrote them down", async () => {
    const [one, two] = cluster.frontends;
    const query = videos.map((video) => `video=${video}`).join("&");
    const viewer = await Viewer.open(`${one?.url}/v1/events?${query}`);
    const other = await Viewer.open(`${two?.url}/v1/events?${query}`);
    for (const [n, video] of videos.entries()) {
      for (const node of cluster.nodes) {
        const { status } = await post(
          `${node.url}/v1/videos/${video}/comments`,
          { text: `comment ${n}` },
          { "idempotency-key": `c-${n}` },
        );
        expect(status).toBe(201);
      }
    }
    await receiver.until(() => told("video_occupied").length >= videos.length);
    await receiver.until(() => told("comment_published").length >= videos.length);
    await likes(5, "first");
    await receiver.until(() => told("milestone").length >= 2 * videos.length);
    viewer.close();
    other.close();

    const owners = await getJson<{ routes: { video: string; owner: string }[] }>(
      `${cluster.dispatchers[0]?.url}/v1/cluster`,
      { "x-api-key": adminKey },
    );
    const ownerOf = (video: string) => owners?.routes.find((route) => route.video === video)?.owner;
    for (const type of ["video_occupied", "milestone"]) {
      for (const { video, node } of told(type)) expect([video, node]).toEqual([video, ownerOf(video) ?? ""]);
      expect(new Set(told(type).map(({ node }) => node)).size).toBe(2);
    }
    expect(
      told("video_occupied")
        .map(({ video }) => video)
        .sort(),
    ).toEqual([...videos].sort());
    expect(
      told("comment_published")
        .map(({ video }) => video)
        .sort(),
    ).toEqual([...videos].sort());
    expect(new Set(names(told("milestone"))).size).toBe(told("milestone").length);
    expect(told("milestone").map(({ mark }) => mark)).toEqual(Array(2 * videos.length).fill(5));
  }, 60_000);

  test("tell what a dispatcher took into death, under the same ids if twice", async () => {
    const [victim, heir] = cluster.dispatchers;
    await likes(14, "second");
    // The last likes before each mark fall while an owner is dead and nobody knows it yet.
    await victim?.kill();
    await likes(1, "third");
    for (const video of videos) {
      await until(`${video} has all its likes`, async () => {
        const state = await getJson<Told>(`${heir?.url}/v1/videos/${video}`);
        return state !== undefined && sum(state.totals) === 20;
      });
    }
    const reached = () => told("milestone").filter(({ mark }) => mark === 20);
    await receiver.until(() => new Set(names(reached())).size === 2 * videos.length);
    expect(new Set(reached().map(({ node }) => node))).toEqual(new Set([heir?.name ?? ""]));
  }, 60_000);

  test("tell that nobody watches any more, once each", async () => {
    await receiver.until(
      () => new Set(told("video_vacated").map(({ video }) => video)).size === videos.length,
    );
    expect(told("video_vacated").length).toBe(videos.length);
  }, 60_000);

  test("and nothing of it is in any log", () => {
    const logged = cluster.nodes.flatMap(({ lines }) => lines).join("\n");
    for (const word of [secret, "secret-in-the-url", "comment 1"]) expect(logged).not.toContain(word);
  });
});

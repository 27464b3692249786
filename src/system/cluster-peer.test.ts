/**
 * A peer on NATS that says what is not so: a video goes on within seconds, with what its log holds. Over a
 * real server, by a bare client that shares no code with the program.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { connect, headers, type NatsConnection } from "nats";
import { type Cluster, startCluster } from "./cluster.ts";
import { type Heard, post, Viewer } from "./events.ts";
import { startNats } from "./nats.ts";

setDefaultTimeout(120_000);

let cluster: Cluster;
let nats: NatsConnection;
let url = "";
const viewers: Viewer[] = [];
beforeAll(async () => {
  const server = await startNats();
  cluster = await startCluster([server], { dispatchers: 1, frontends: 1 });
  nats = await connect({ servers: server.url });
  url = cluster.frontends[0]?.url ?? "";
});
afterAll(async () => {
  for (const viewer of viewers) viewer.close();
  await nats.close();
  await cluster.close();
});

async function watch(video: string): Promise<Viewer> {
  const viewer = await Viewer.open(`${url}/v1/videos/${video}/events`);
  viewers.push(viewer);
  await viewer.until(({ event }) => event === "snapshot");
  return viewer;
}

const like = (video: string) => post(`${url}/v1/videos/${video}/likes`, { kind: "heart", count: 1 });
const say = (video: string, text: string) => post(`${url}/v1/videos/${video}/comments`, { text });
const heartsOf = ({ says }: Heard): unknown => (says.totals as { heart?: number } | undefined)?.heart;
const metric = async (name: string): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^ovation_${name} (.*)$`, "m").exec(text)?.[1]);
};

/** What a dispatcher says next of `video`, to be said again with other words. */
async function overheard(video: string): Promise<Record<string, unknown>> {
  const subscription = nats.subscribe(`ov.tick.${video}`, { max: 1 });
  await nats.flush();
  await like(video);
  for await (const message of subscription) return message.json() as Record<string, unknown>;
  throw new Error("nothing was said");
}

/** Tells a tick with totals of `version`. */
async function lieOfLikes(video: string, version: (before: number) => number): Promise<void> {
  const viewer = await watch(video);
  const tick = await overheard(video);
  const lie = { ...tick, v: version(Number(tick.v)), c: { heart: 77_777, skull: 5 } };
  nats.publish(`ov.tick.${video}`, JSON.stringify(lie));
  await nats.flush();
  await like(video);
  await viewer.until((heard) => heartsOf(heard) === 2);
  // It goes on live from there.
  await like(video);
  await viewer.until((heard) => heard.event === "likes" && heartsOf(heard) === 3);
  expect(JSON.stringify(viewer.heard)).not.toContain("skull");
}

/** Tells a comment at `place`. */
async function lieOfComments(video: string, place: number): Promise<void> {
  const viewer = await watch(video);
  const { says } = await say(video, "first");
  await viewer.until(({ says: told }) => told.text === "first");
  const at = headers();
  at.set("Nats-Sequence", `${place}`);
  at.set("Nats-Last-Sequence", String(says?.id).split("-")[1] as string);
  const lie = { type: "comment", text: "lie", at: Date.now() };
  nats.publish(`ov.comment.${video}`, JSON.stringify(lie), { headers: at });
  await nats.flush();
  await say(video, "second");
  const shown = ({ event, says: told }: Heard, text: string): boolean =>
    told.text === text || (event === "snapshot" && JSON.stringify(told.comments).includes(text));
  await viewer.until((heard) => shown(heard, "second"));
  await say(video, "third");
  await viewer.until(({ event, says: told }) => event === "comment" && told.text === "third");
}

test("whatever a peer says of a video, it goes on with what its log holds", async () => {
  await Promise.all([
    lieOfLikes("beyond", () => Number.MAX_SAFE_INTEGER),
    lieOfLikes("highest", () => 2 ** 46),
    lieOfLikes("likely", (before) => before + 1_000),
    lieOfComments("far", Number.MAX_SAFE_INTEGER),
    lieOfComments("ahead", 1_000_000),
  ]);
  // Those that were believed at first; the others were never shown.
  expect(await metric("watches_contradicted_total")).toBe(2);
});

/**
 * NATS comes back without its store, with an older one, or without one of our streams, while comments are
 * written and watched: no id ever names two comments, a live viewer is shown each once and in order or is
 * told `reset`, and whoever resumes gets all that follows or `reset`.
 */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { callApi, connectBus } from "../bus/nats-kit.ts";
import { decodeJson } from "../core/wire.ts";
import { type Cluster, type NodeProcess, startCluster, until } from "./cluster.ts";
import { type Heard, Viewer } from "./events.ts";
import { type NatsServer, startNats } from "./nats.ts";

setDefaultTimeout(120_000);
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Comment {
  readonly id: string;
  readonly text: string;
}

/** What every id was ever said to name. */
class Names {
  readonly twice: string[] = [];
  readonly #texts = new Map<string, string>();

  see({ id, text }: Comment): void {
    const before = this.#texts.get(id);
    if (before !== undefined && before !== text) this.twice.push(`${id}: ${before}, then ${text}`);
    this.#texts.set(id, text);
  }
}

/** Comments to every node in turn, each sent once; those that were answered. */
function writing({ nodes }: Cluster, names: Names) {
  const answered: Comment[] = [];
  let going = true;
  const writers = nodes.map(async ({ url, name }) => {
    for (let n = 0; going; n++) {
      const text = `${name} ${n}`;
      const answer = await fetch(`${url}/v1/videos/v/comments`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ text }),
        signal: AbortSignal.timeout(5_000),
      }).catch(() => undefined);
      if (answer?.status === 201) {
        const { id } = (await answer.json()) as { id: string };
        names.see({ id, text });
        answered.push({ id, text });
      } else await answer?.body?.cancel();
      await Bun.sleep(answer?.status === 201 ? 25 : 100);
    }
  });
  const end = async (): Promise<void> => {
    going = false;
    await Promise.all(writers);
  };
  return { answered, end };
}

/** What a stream told since it was last begun: its snapshot and all that followed, or all that it resumed. */
function told(heard: readonly Heard[], names: Names): { texts: string[]; resets: number } {
  let texts: string[] = [];
  let resets = 0;
  for (const { event, says } of heard) {
    if (event === "reset") resets++;
    const comments = event === "snapshot" ? (says.comments as Comment[]) : event === "comment" ? [says] : [];
    if (event === "snapshot") texts = [];
    for (const comment of comments as Comment[]) {
      names.see(comment);
      texts.push(comment.text);
    }
  }
  return { texts, resets };
}

/** What the stream holds in the end, in order. */
async function written(nats: NatsServer): Promise<string[]> {
  const bus = await connectBus(nats.url);
  const texts: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const reading = bus.streams.read({
    name: "comments",
    subject: "comments.v",
    from: 1,
    receive: ({ payload }) => texts.push(String(decodeJson(payload)?.text)),
    caughtUp: resolve,
  });
  await promise;
  reading.end();
  await bus.close();
  return texts;
}

type Fault = (nats: NatsServer, wait: () => Promise<void>) => Promise<unknown>;
const faults: readonly (readonly [string, Fault])[] = [
  ["comes back without its store", (nats) => nats.restartEmpty()],
  ["comes back with an older store", (nats, wait) => nats.restartOlder(wait)],
  ["loses the stream of comments", (nats) => callApi(nats.url, "STREAM.DELETE.ov_comments")],
  ["loses what dispatchers share", (nats) => callApi(nats.url, "STREAM.DELETE.ov_snapshots")],
];

for (const [what, fault] of faults) {
  test(`NATS ${what}`, async () => {
    const nats = await startNats();
    const cluster = await startCluster([nats], { dispatchers: 2, frontends: 2 });
    closers.push(() => cluster.close());
    const names = new Names();
    const viewers: Viewer[] = [];
    for (const { url } of [...cluster.frontends, ...cluster.frontends]) {
      const viewer = await Viewer.open(`${url}/v1/videos/v/events`);
      closers.push(() => viewer.close());
      viewers.push(viewer);
    }
    const { answered, end } = writing(cluster, names);
    const more = async (count: number): Promise<void> => {
      const from = answered.length;
      await until(`${count} comments more`, () => answered.length >= from + count);
    };
    await more(60);
    await fault(nats, () => more(40));
    const lastBefore = answered.at(-1) as Comment;
    const sinceMs = performance.now();
    await more(1);
    const healedMs = Math.round(performance.now() - sinceMs);
    await more(80);
    await end();
    const order = await written(nats);
    const last = order.at(-1) as string;
    const hears = ({ heard }: Viewer): boolean => told(heard, names).texts.at(-1) === last;
    await until("all hear the end", () => viewers.every(hears));
    let resets = 0;
    for (const { heard } of viewers) {
      const shown = told(heard, names);
      resets += shown.resets;
      expect(shown.texts).toEqual(order.slice(-shown.texts.length));
    }
    const { url } = cluster.frontends[0] as NodeProcess;
    let [resumed, begun] = [0, 0];
    for (const { id, text } of answered.filter((one, i) => i % 7 === 0 || one === lastBefore)) {
      if (text === last) continue;
      const viewer = await Viewer.open(`${url}/v1/videos/v/events`, { "last-event-id": id });
      await until(`the place of ${text} is resumed`, () => hears(viewer));
      viewer.close();
      const shown = told(viewer.heard, names);
      expect(shown.texts).toEqual(order.slice(-shown.texts.length));
      if (shown.resets > 0) begun++;
      else {
        resumed++;
        expect(shown.texts).toHaveLength(order.length - 1 - order.indexOf(text));
        expect(order).toContain(text);
      }
    }
    expect(names.twice).toEqual([]);
    const facts = [`${answered.length} answered, ${order.length} there`, `${resets} live viewers reset`];
    facts.push(`${resumed} places resumed, ${begun} begun anew`);
    console.info(`NATS ${what}: comments again after ${healedMs} ms, ${facts.join(", ")}`);
  });
}

test("the only dispatcher dies and comes back: a branch begins, and no viewer is reset", async () => {
  const nats = await startNats();
  const cluster = await startCluster([nats], { dispatchers: 1, frontends: 1 });
  closers.push(() => cluster.close());
  const { url } = cluster.frontends[0] as NodeProcess;
  const dispatcher = cluster.dispatchers[0] as NodeProcess;
  const viewer = await Viewer.open(`${url}/v1/videos/v/events`);
  closers.push(() => viewer.close());
  const say = async (text: string): Promise<string> => {
    for (;;) {
      const answer = await fetch(`${url}/v1/videos/v/comments`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": text },
        body: JSON.stringify({ text }),
      });
      if (answer.status === 201) return ((await answer.json()) as { id: string }).id;
      await answer.body?.cancel();
      await Bun.sleep(100);
    }
  };
  const branchOf = (id: string): string => id.slice(0, id.indexOf("-"));
  const before = [await say("1"), await say("2")];
  await dispatcher.kill();
  dispatcher.start();
  const after = [await say("3"), await say("4")];
  const branches = [...before, ...after].map(branchOf);
  expect(branches).toEqual([branches[0], branches[0], branches[2], branches[2]] as string[]);
  expect(branches[2]).not.toBe(branches[0] as string);
  await viewer.until(({ says }) => says.text === "4");
  expect(viewer.named("comment").map(({ says }) => says.text)).toEqual(["1", "2", "3", "4"]);
  const resumed = await Viewer.open(`${url}/v1/videos/v/events`, { "last-event-id": before[0] as string });
  closers.push(() => resumed.close());
  await resumed.until(({ says }) => says.text === "4");
  expect(resumed.named("comment").map(({ says }) => says.text)).toEqual(["2", "3", "4"]);
  expect([...viewer.named("reset"), ...resumed.named("reset")]).toEqual([]);
});

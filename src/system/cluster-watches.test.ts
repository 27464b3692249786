/**
 * A dispatcher whose watch of the routes is restarted a hundred times while videos get their first viewers.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "nats";
import { systemClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import { seededPrng } from "../base/prng.ts";
import { natsBus } from "../bus/nats.ts";
import type { NatsTable } from "../bus/nats-table.ts";
import type { Kind, VideoId } from "../core/interaction.ts";
import { openMemoryLedger } from "../ledger/memory.ts";
import { Node } from "../node/node.ts";
import { until } from "./cluster.ts";
import { startNats } from "./nats.ts";

setDefaultTimeout(90_000);
const restarts = 100;

test("no delivery is missed, and no consumers pile up", async () => {
  const nats = await startNats();
  const clock = systemClock();
  const log = createLog({ level: "error", format: "json", write: () => {}, now: () => 0 });
  const start = async (role: "dispatcher" | "frontend") => {
    const prng = seededPrng(1);
    const bus = natsBus({ servers: [nats.url], name: role, prefix: "ov", clock, prng, log });
    const ledger = role === "dispatcher" ? openMemoryLedger({ clock, commentHistory: 20 }) : undefined;
    const kinds = ["heart"];
    const settings = { role, node: role, region: "main", kinds, tickMs: 50, commentTickMs: 20 };
    const node = await Node.start({
      settings: {
        ...settings,
        commentRate: 500,
        commentHistory: 20,
        drainMs: 0,
        beatMs: 15_000,
        streamAgeMs: 0,
      },
      ...{ bus, ledger, clock, prng, metrics: createMetrics(), log },
    });
    return { bus, node };
  };
  const [dispatcher, frontend] = [await start("dispatcher"), await start("frontend")];
  const bare = await connect({ servers: nats.url });
  const routes = (await dispatcher.bus.table("routes")) as NatsTable;
  let consumersMax = 0;
  let delivered = 0;
  const leave = new AbortController();
  const slowest = { ms: 0 };
  for (let n = 0; n < restarts; n++) {
    const video = `v${n}` as VideoId;
    routes.disturb();
    const stream = frontend.node.frontend?.open({
      videos: [video],
      lastEventId: undefined,
      asked: leave,
    });
    const viewer = new Frames(stream as ReadableStream<Uint8Array>);
    await viewer.until("event: snapshot");
    if (n % 2 === 1) routes.disturb();
    const startMs = performance.now();
    const like = { video, kind: "heart" as Kind, count: 1, user: undefined, key: undefined };
    expect(await frontend.node.ingest.like(like)).toBeUndefined();
    await viewer.until("event: likes");
    slowest.ms = Math.max(slowest.ms, performance.now() - startMs);
    delivered++;
    const answer = await bare.request("$JS.API.STREAM.INFO.KV_ov_routes");
    const { state } = answer.json() as { state: { consumer_count: number } };
    consumersMax = Math.max(consumersMax, state.consumer_count);
  }
  console.info(
    `restarts ${1.5 * restarts}, sent ${restarts}, received ${delivered}, ` +
      `slowest ${Math.round(slowest.ms)} ms, most consumers ${consumersMax}`,
  );
  // One that is in use, and those whose end is still on its way.
  expect(consumersMax).toBeLessThanOrEqual(3);
  await until(
    "every row is known",
    () => [...(dispatcher.node.dispatcher?.routes.videos() ?? [])].length === restarts,
  );
  leave.abort();
  for (const { node, bus } of [frontend, dispatcher]) {
    await node.close();
    await bus.close();
  }
  await bare.close();
  await nats.close();
});

/** A viewer's stream as text. */
class Frames {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  async until(frame: string): Promise<void> {
    while (!this.#text.includes(frame)) {
      const { value, done } = await this.#reader.read();
      if (done) throw new Error(`it ended: ${this.#text}`);
      this.#text += this.#decoder.decode(value);
    }
  }
}

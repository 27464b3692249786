/**
 * The reader of streams against a server that skips, goes silent and answers late: what real ones rarely do.
 */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { seededPrng } from "../base/prng.ts";
import { limits } from "../core/limits.ts";
import { BusUnavailable } from "./bus.ts";
import { ApiError, type JetStream, type Json } from "./nats-jetstream.ts";
import type { Received } from "./nats-link.ts";
import { Reader } from "./nats-reader.ts";

interface Call {
  readonly body: Json | undefined;
  readonly answer: (json: Json) => void;
  readonly refuse: (error: Error) => void;
}

/** A server of which a test decides every word. */
function fakeServer() {
  const clock = new VirtualClock();
  const calls: Call[] = [];
  const answers: string[] = [];
  const deleted: string[] = [];
  let deliver: (message: Received) => void = () => {};
  const link = {
    connected: () => true,
    onConnected: () => ({ end() {} }),
    subscribe: (_inbox: string, receive: (message: Received) => void) => {
      deliver = receive;
      return { end() {} };
    },
    publish: (subject: string) => answers.push(subject) > 0,
  };
  const jetstream = {
    parts: { link, clock, prng: seededPrng(1), log: undefined },
    call: (path: string, body?: Json, timeoutMs: number = limits.requestMs) =>
      new Promise<Json>((answer, refuse) => {
        calls.push({ body, answer, refuse });
        if (path.startsWith("CONSUMER.DELETE")) deleted.push(path);
        clock.after(timeoutMs, () => refuse(new BusUnavailable("no answer")));
      }),
  };
  const message = (fields: object): void => deliver(fields as Received);
  return {
    clock,
    answers,
    jetstream: jetstream as unknown as JetStream,
    /** Waits for the next consumer to be asked for. */
    async created(): Promise<Omit<Call, "body"> & { from: number }> {
      for (;;) {
        const call = calls.shift();
        const config = call?.body?.config as { opt_start_seq: number } | undefined;
        if (call && config) return { ...call, from: config.opt_start_seq };
        await clock.run(10, 10);
      }
    },
    deleted,
    message(seq: number, delivered: number, pending = 0): void {
      const reply = `$JS.ACK.s.c.1.${seq}.${delivered}.1000000.${pending}`;
      message({ subject: "n", reply, data: new Uint8Array([seq]) });
    },
    control(fields: Record<string, string>, reply = ""): void {
      const headers = { code: 100, get: (name: string) => fields[name] ?? "" };
      message({ subject: "i", reply, headers, data: new Uint8Array(0), respond: () => answers.push(reply) });
    },
  };
}

async function started(from = 1) {
  const server = fakeServer();
  const got: (number | "caught up")[] = [];
  const reader = new Reader(server.jetstream, {
    stream: "s",
    from,
    receive: ({ seq }) => got.push(seq),
    caughtUp: () => got.push("caught up"),
  });
  const consumer = await server.created();
  return { server, got, reader, consumer };
}

const idle = { num_pending: 0, delivered: { consumer_seq: 0 } };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("messages that come before the answer are kept, and received once, in order", async () => {
  const { server, got, consumer } = await started();
  server.message(1, 1, 1);
  server.message(2, 2);
  expect(got).toEqual([]);
  consumer.answer({ num_pending: 0, delivered: { consumer_seq: 2 } });
  await turn();
  server.message(3, 3);
  expect(got).toEqual([1, 2, "caught up", 3, "caught up"]);
});

test("an answer that counts none pending is not the end while some are on their way", async () => {
  const { server, got, consumer } = await started();
  consumer.answer({ num_pending: 0, delivered: { consumer_seq: 1 } });
  await turn();
  expect(got).toEqual([]);
  server.message(1, 1);
  expect(got).toEqual([1, "caught up"]);
});

test("an empty stream has caught up at once", async () => {
  const { got, consumer } = await started();
  consumer.answer(idle);
  await turn();
  expect(got).toEqual(["caught up"]);
});

test("a hole, and a heartbeat that tells of one, begin anew behind the last message", async () => {
  const { server, got, consumer } = await started(5);
  expect(consumer.from).toBe(5);
  consumer.answer({ num_pending: 9 });
  await turn();
  server.message(5, 1, 8);
  server.message(8, 3, 6);
  server.message(9, 4, 5);
  const second = await server.created();
  expect(second.from).toBe(6);
  second.answer({ num_pending: 4 });
  await turn();
  server.message(6, 1, 3);
  server.control({ "Nats-Last-Consumer": "2" });
  expect((await server.created()).from).toBe(7);
  expect(got).toEqual([5, 6]);
});

test("silence begins anew, heartbeats do not, and the old consumer is deleted", async () => {
  const { server, got, consumer, reader } = await started();
  consumer.answer(idle);
  await turn();
  for (let i = 0; i < 10; i++) {
    await server.clock.run(1_900, 100);
    server.control({ "Nats-Last-Consumer": "0" });
  }
  expect(got.length).toBe(11);
  expect(server.deleted).toEqual([]);
  expect((await server.created()).from).toBe(1);
  expect(server.deleted.length).toBe(1);
  reader.end();
});

test("a consumer that does not answer is soon replaced, though nobody answers its end", async () => {
  const { server, got, consumer, reader } = await started(5);
  const askedMs = [server.clock.elapsed()];
  const consumers = [consumer];
  for (let i = 0; i < 4; i++) {
    consumers.push(await server.created());
    askedMs.push(server.clock.elapsed());
  }
  const waitedMs = askedMs.slice(1).map((ms, i) => ms - (askedMs[i] as number));
  // One dead server of three gets a third of all consumers; two in a row cost less than three seconds.
  expect((waitedMs[0] as number) + (waitedMs[1] as number)).toBeLessThan(3_000);
  // A server that is merely slow gets as long for its answer as any other.
  expect(waitedMs.at(-1)).toBeGreaterThanOrEqual(limits.requestMs);
  expect(server.deleted.length).toBe(4);
  consumers[0]?.answer(idle);
  await turn();
  expect(got).toEqual([]);
  consumers.at(-1)?.answer(idle);
  await turn();
  expect(got).toEqual(["caught up"]);
  reader.end();
});

test("a cluster that refuses while it has no leader is asked at least every two seconds", async () => {
  const { server, got, consumer, reader } = await started();
  let last = consumer;
  const startMs = server.clock.elapsed();
  for (let i = 0; i < 20; i++) {
    last.refuse(new ApiError("JetStream system temporarily unavailable", 10_008));
    last = await server.created();
  }
  expect(server.clock.elapsed() - startMs).toBeLessThan(40_000);
  expect(server.clock.elapsed() - startMs).toBeGreaterThan(5_000);
  last.answer(idle);
  await turn();
  expect(got).toEqual(["caught up"]);
  reader.end();
});

describe("a stream that ends before what was read of it", () => {
  async function told(prepared: () => { firstSeq: number; lastSeq: number; from?: number }) {
    const server = fakeServer();
    const prepare = async () => prepared();
    const reader = new Reader(server.jetstream, { stream: "s", from: 8, receive: () => {}, prepare });
    return { server, reader };
  }

  test("is never asked for what lies beyond its end", async () => {
    let lastSeq = 3;
    const { server, reader } = await told(() => ({ firstSeq: 1, lastSeq }));
    const asked = server.created();
    let from = 0;
    void asked.then((consumer) => {
      from = consumer.from;
    });
    await server.clock.run(20_000, 10);
    expect(from).toBe(0);
    lastSeq = 7;
    expect((await asked).from).toBe(8);
    reader.end();
  });

  test("is read on where whoever reads it says", async () => {
    const { server, reader } = await told(() => ({ firstSeq: 1, lastSeq: 3, from: 2 }));
    expect((await server.created()).from).toBe(2);
    reader.end();
  });
});

describe("a consumer on a copy that is behind its stream", () => {
  async function behind(firstSeq: number) {
    const server = fakeServer();
    const got: (number | "caught up")[] = [];
    const reader = new Reader(server.jetstream, {
      stream: "s",
      from: 8,
      receive: ({ seq }) => got.push(seq),
      caughtUp: () => got.push("caught up"),
      prepare: async () => ({ firstSeq, lastSeq: 9 }),
    });
    (await server.created()).answer(idle);
    await turn();
    return { server, got, reader };
  }

  test("has caught up when it has what the stream's leader has", async () => {
    const { server, got, reader } = await behind(1);
    server.control({ "Nats-Last-Consumer": "0" });
    server.message(8, 1);
    expect(got).toEqual([8]);
    server.message(9, 2);
    expect(got).toEqual([8, 9, "caught up"]);
    reader.end();
  });

  test("is believed after a while: somebody may have deleted the last message", async () => {
    const { server, got, reader } = await behind(1);
    for (let i = 0; i < 6; i++) {
      expect(got).toEqual([]);
      await server.clock.run(1_900, 100);
      server.control({ "Nats-Last-Consumer": "0" });
    }
    expect(got).toEqual(["caught up"]);
    reader.end();
  });

  test("is believed at once when the stream holds nothing", async () => {
    const { got, reader } = await behind(10);
    expect(got).toEqual(["caught up"]);
    reader.end();
  });
});

test("flow control is answered, so that the server goes on", async () => {
  const { server, consumer } = await started();
  consumer.answer(idle);
  await turn();
  server.control({}, "_FC.1");
  server.control({ "Nats-Consumer-Stalled": "_FC.2", "Nats-Last-Consumer": "0" });
  expect(server.answers).toEqual(["_FC.1", "_FC.2"]);
});

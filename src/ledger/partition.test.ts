/** A partition over a log of which a test decides every answer: what those who ask for totals are told. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import type { VideoId } from "../core/interaction.ts";
import { encodeRecord } from "../core/record.ts";
import { likesOf } from "../core/totals.ts";
import { like, record } from "./contract-bench.ts";
import { Partition } from "./partition.ts";
import type { Stored, StreamRead, Streams } from "./streams.ts";

const v = "v" as VideoId;

test("who asks for totals is told of a log that was asked after it, once it has been read", async () => {
  const clock = new VirtualClock();
  const asked: ((lastSeq: number) => void)[] = [];
  let receive: (stored: Stored) => void = () => {};
  let seq = 0;
  const streams = {
    connected: () => true,
    onConnected: () => ({ end() {} }),
    full: (name: string) => name,
    ensure: async () => ({ firstSeq: 1, lastSeq: 0 }),
    last: async () => undefined,
    append: async () => ({ seq: ++seq, repeated: false }),
    state: () =>
      new Promise((resolve) => {
        asked.push((lastSeq) => resolve({ firstSeq: 1, lastSeq }));
      }),
    read(read: StreamRead) {
      receive = read.receive;
      queueMicrotask(() => read.caughtUp?.());
      return { end() {}, again() {} };
    },
  };
  const partition = new Partition({
    index: 0,
    streams: streams as unknown as Streams,
    clock,
    log: createLog({ level: "error", format: "json", write: () => {}, now: () => 0 }),
    fold: { seed: 0.5 },
    changed: () => {},
    keepMs: 1_000,
  });
  await partition.start();
  await clock.run(1, 1);
  /** The likes somebody is told; undefined while it waits. */
  const ask = () => {
    const told: { likes?: number } = {};
    void partition.current(v).then(({ counts }) => {
      told.likes = likesOf(counts);
    });
    return told;
  };
  const first = ask();
  await clock.run(1, 1);
  // A like is answered now, elsewhere: whoever asks from here on must be told of it.
  const [second, third] = [ask(), ask()];
  await clock.run(1, 1);
  expect(asked).toHaveLength(1);
  asked[0]?.(0);
  await clock.run(1, 1);
  expect([first.likes, second.likes]).toEqual([0, undefined]);
  expect(asked).toHaveLength(2);
  asked[1]?.(1);
  await clock.run(1, 1);
  expect([second.likes, third.likes]).toEqual([undefined, undefined]);
  receive({ seq: 1, subject: "log.0", payload: encodeRecord(record([like("v")])), atMs: 1 });
  await clock.run(1, 1);
  expect([second.likes, third.likes]).toEqual([1, 1]);
  partition.close();
});

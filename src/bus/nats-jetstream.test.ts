/** What JetStream's answers are taken for, where real servers rarely give them. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { seededPrng } from "../base/prng.ts";
import { BusUnavailable } from "./bus.ts";
import { JetStream, type Json, StreamMismatch } from "./nats-jetstream.ts";
import { memoryLog, rejection } from "./nats-kit.ts";
import type { Link } from "./nats-link.ts";

const wanted = { name: "ov_log_0", config: { subjects: ["ov.log.0"] }, mayDiffer: [] };
const info = {
  created: "2026-01-01T00:00:00Z",
  config: { subjects: ["ov.log.0"], max_msgs_per_subject: -1 },
  state: { first_seq: 1, last_seq: 7 },
};

/** JetStream of which every answer is `answer`. */
function answering(answer: Json) {
  const asked: string[] = [];
  const link = {
    connected: () => true,
    request: async (subject: string) => {
      asked.push(subject);
      return { data: new TextEncoder().encode(JSON.stringify(answer)) };
    },
  };
  const parts = { clock: new VirtualClock(), prng: seededPrng(1), log: memoryLog() };
  return { jetstream: new JetStream({ ...parts, link: link as unknown as Link }), asked };
}

describe("where a stream ends", () => {
  test("is said by a server alone, and by one of a cluster that knows its leader", async () => {
    for (const more of [{}, { cluster: { name: "c", leader: "n1" } }]) {
      const { jetstream } = answering({ ...info, ...more });
      expect((await jetstream.ensure(wanted)).lastSeq).toBe(7);
      expect((await jetstream.state(wanted.name)).lastSeq).toBe(7);
    }
  });

  test("is not believed of one that knows no leader: its copy may be behind", async () => {
    const { jetstream, asked } = answering({ ...info, cluster: { name: "c", replicas: [] } });
    expect(await rejection(jetstream.ensure(wanted))).toBeInstanceOf(BusUnavailable);
    expect(await rejection(jetstream.state(wanted.name))).toBeInstanceOf(BusUnavailable);
    expect(asked).toEqual(Array(2).fill("$JS.API.STREAM.INFO.ov_log_0"));
  });

  test("does not matter of a stream that is not as wanted", async () => {
    const { jetstream } = answering({ ...info, config: { subjects: ["other"] } });
    expect(await rejection(jetstream.ensure(wanted))).toBeInstanceOf(StreamMismatch);
  });
});

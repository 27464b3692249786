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
    onConnected: () => {},
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

describe("an id that is under way", () => {
  const underWay = {
    error: { code: 409, err_code: 10_158, description: "duplicate message id is in process" },
  };

  /** A server that says so `times` times before it gives the first one's place. */
  function slow(times: number) {
    const clock = new VirtualClock();
    let left = times;
    const link = {
      connected: () => true,
      onConnected: () => {},
      request: async (subject: string) => {
        const answer = subject.endsWith("INFO") ? {} : left-- > 0 ? underWay : { seq: 5, duplicate: true };
        return { data: new TextEncoder().encode(JSON.stringify(answer)) };
      },
    };
    const parts = { clock, prng: seededPrng(1), log: memoryLog() };
    return { clock, jetstream: new JetStream({ ...parts, link: link as unknown as Link }) };
  }

  test("is asked for again until it has a place: no stranger's like is refused with it", async () => {
    const { clock, jetstream } = slow(3);
    const appended = jetstream.append("ov.entry.v", new Uint8Array(1), 1_000);
    await clock.run(200);
    expect(await appended).toEqual({ seq: 5, repeated: true });
  });

  test("is given up when its time is over", async () => {
    const { clock, jetstream } = slow(1_000);
    const refused = rejection(jetstream.append("ov.entry.v", new Uint8Array(1), 1_000));
    await clock.run(1_100);
    expect(await refused).toBeInstanceOf(BusUnavailable);
  });
});

/** Appends of one partition against a log of which a test decides every answer. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { NobodyServes } from "../bus/bus.ts";
import { limits } from "../core/limits.ts";
import { decodeRecord } from "../core/record.ts";
import { Appender } from "./appender.ts";
import { like, record } from "./contract-bench.ts";
import { Fold } from "./fold.ts";
import type { Streams } from "./streams.ts";

interface Sent {
  readonly payload: Uint8Array;
  readonly ack: (seq: number) => void;
  readonly fail: (error: Error) => void;
}

function bench(folded = 0) {
  const clock = new VirtualClock();
  const sent: Sent[] = [];
  const told = { doubted: 0, missing: 0, unread: 0, folded };
  const streams = {
    append: (_subject: string, payload: Uint8Array) =>
      new Promise((resolve, reject) => {
        sent.push({ payload, ack: (seq) => resolve({ seq, repeated: false }), fail: reject });
      }),
  };
  const appender = new Appender({
    streams: streams as unknown as Streams,
    clock,
    subject: "log.0",
    once: false,
    head: () => ({ stamp: "1" }),
    branch: () => "first",
    folded: () => told.folded,
    doubted: () => told.doubted++,
    missing: () => told.missing++,
    unread: () => told.unread++,
    changed: () => {},
  });
  /** What an append comes to; "waits" while it is under way. */
  const append = () => {
    const outcome = { is: "waits" };
    appender.append(record([like("v")])).then(
      () => {
        outcome.is = "taken";
      },
      () => {
        outcome.is = "refused";
      },
    );
    return outcome;
  };
  /** Verified, and its first try acknowledged. */
  const begun = async () => {
    appender.verified();
    sent.shift()?.ack(++told.folded);
    await clock.run(1, 1);
  };
  return { clock, sent, told, appender, append, begun };
}

describe("an append", () => {
  test("is not sent while the log is not verified", async () => {
    const { clock, sent, append, appender, begun } = bench();
    const early = append();
    await clock.run(1, 1);
    expect(early.is).toBe("refused");
    expect(sent).toEqual([]);
    await begun();
    expect(appender.trouble).toBeUndefined();
    append();
    expect(sent).toHaveLength(1);
    appender.refuse("away");
    expect([appender.trouble, appender.refused]).toEqual(["away", true]);
  });

  test("that nobody was there to take is sent again until somebody is", async () => {
    const { clock, sent, told, append, appender, begun } = bench();
    await begun();
    const one = append();
    sent.shift()?.fail(new NobodyServes("nobody serves"));
    await clock.run(1, 1);
    expect(told.missing).toBe(1);
    // Whoever looks at the log refuses what would go to it, until it is looked at.
    appender.refuse("the log is being looked at");
    const two = append();
    await clock.run(1_000, 10);
    expect([one.is, two.is, sent.length]).toEqual(["waits", "waits", 0]);
    await begun();
    await clock.run(100, 10);
    expect(sent).toHaveLength(2);
    for (const [i, { ack }] of sent.entries()) ack(told.folded + 1 + i);
    await clock.run(1, 1);
    appender.read(told.folded + 2);
    await clock.run(1, 1);
    expect([one.is, two.is]).toEqual(["taken", "taken"]);
  });

  test("is refused within limits.storeMs when there is none, and then at once", async () => {
    const { clock, sent, append, begun } = bench();
    await begun();
    const one = append();
    for (let ms = 0; ms < limits.storeMs; ms += 10) {
      for (const { fail } of sent.splice(0)) fail(new NobodyServes("nobody serves"));
      await clock.run(10, 10);
    }
    expect(one.is).toBe("refused");
    await clock.run(20, 10);
    sent.splice(0);
    const two = append();
    for (const { fail } of sent.splice(0)) fail(new NobodyServes("nobody serves"));
    await clock.run(1, 1);
    expect(two.is).toBe("refused");
  });

  test("is taken when it has been read back", async () => {
    const { clock, sent, append, appender, begun } = bench();
    await begun();
    const one = append();
    sent[0]?.ack(7);
    await clock.run(10, 1);
    expect(one.is).toBe("waits");
    appender.read(6);
    await clock.run(1, 1);
    expect(one.is).toBe("waits");
    appender.read(7);
    await clock.run(1, 1);
    expect(one.is).toBe("taken");
    expect(appender.unfolded).toEqual([]);
  });

  test("that is not read back soon is taken all the same, and kept until it is", async () => {
    const { clock, sent, told, append, appender, begun } = bench();
    await begun();
    const one = append();
    sent[0]?.ack(7);
    await clock.run(limits.foldWaitMs + 1, 1);
    expect(one.is).toBe("taken");
    expect(told.unread).toBe(1);
    expect(appender.unfolded).toMatchObject([{ seq: 7, branch: "first", head: { stamp: "1" } }]);
    appender.read(7);
    expect(appender.unfolded).toEqual([]);
  });

  test("is refused when the log is doubted before it was read back, and not kept", async () => {
    const { clock, sent, append, appender, begun } = bench();
    await begun();
    const [acked, underWay] = [append(), append()];
    sent[0]?.ack(7);
    await clock.run(1, 1);
    appender.refuse("away");
    appender.verified();
    sent[1]?.ack(8);
    await clock.run(limits.foldWaitMs + 1, 1);
    expect([acked.is, underWay.is]).toEqual(["refused", "refused"]);
    expect(appender.unfolded).toEqual([]);
  });

  test("under a place that is taken is refused, and the log doubted", async () => {
    const { clock, sent, told, append, begun } = bench(20);
    await begun();
    const one = append();
    sent[0]?.ack(3);
    await clock.run(1, 1);
    expect(one.is).toBe("refused");
    expect(told.doubted).toBe(1);
  });

  test("beyond what may be answered without being read back is refused", async () => {
    const { clock, sent, append, begun } = bench();
    await begun();
    for (let i = 0; i < limits.unfoldedMax; i++) {
      append();
      sent.at(-1)?.ack(100 + i);
    }
    await clock.run(limits.foldWaitMs + 1, 1);
    const more = append();
    await clock.run(1, 1);
    expect(more.is).toBe("refused");
    expect(sent).toHaveLength(limits.unfoldedMax);
  });
});

describe("readiness", () => {
  test("wants one append that succeeded, which counts nothing", async () => {
    const { clock, sent, appender } = bench();
    appender.verified();
    expect([appender.trying, appender.trouble === undefined]).toEqual([true, false]);
    const fold = new Fold({ seed: 0.5 });
    const said = decodeRecord(sent[0]?.payload as Uint8Array);
    expect(said && fold.apply(said, 1, 1)).toEqual([]);
    sent[0]?.ack(1);
    await clock.run(1, 1);
    expect(appender.trouble).toBeUndefined();
  });

  test("ends with a failure, and comes back by itself", async () => {
    const { clock, sent, told, append, appender, begun } = bench();
    await begun();
    append();
    sent.shift()?.fail(new Error("full"));
    await clock.run(1, 1);
    expect(appender.trouble).toBe("full");
    for (let tries = 1; tries <= 3; tries++) {
      await clock.run(limits.probeMs, 10);
      expect(sent).toHaveLength(1);
      sent.shift()?.fail(new Error("full"));
      await clock.run(1, 1);
    }
    await clock.run(limits.probeMs, 10);
    sent.shift()?.ack(9);
    await clock.run(1, 1);
    expect(appender.trouble).toBeUndefined();
    expect(told.missing).toBe(0);
    await clock.run(10 * limits.probeMs, 100);
    expect(sent).toEqual([]);
  });

  test("is not touched by what was on its way to a leader that died", async () => {
    const { clock, sent, append, appender, begun } = bench();
    await begun();
    append();
    append();
    sent[1]?.ack(9);
    await clock.run(1, 1);
    sent[0]?.fail(new Error("no answer"));
    await clock.run(1, 1);
    expect(appender.trouble).toBeUndefined();
  });
});

/** The arithmetic of plans: the talk's own figures, what grows with what, and what runs out first. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readCoefficients, shipped } from "./coefficients.ts";
import { type Audience, fullAt, type Machine, plan } from "./model.ts";
import { audienceOf, machineOf, parsePlanOptions } from "./options.ts";
import { ticksPerS } from "./pace.ts";
import { planText, short } from "./text.ts";

function asked(...flags: readonly string[]): { audience: Audience; machine: Machine } {
  const parsed = parsePlanOptions(flags, {}, () => "");
  if ("mistakes" in parsed) throw new Error(parsed.mistakes.join());
  return { audience: audienceOf(parsed.settings), machine: machineOf(parsed.settings) };
}

function planned(...flags: readonly string[]) {
  const { audience, machine } = asked(...flags);
  return plan(audience, machine, shipped);
}

describe("a plan", () => {
  // QCon London 2020: 100,000 connections a frontend, 18 M and 25.3 M viewers at the same time.
  test.each([
    ["18M", 180],
    ["25.3M", 253],
  ])(
    "of the talk's %s viewers has the talk's %d frontends where nothing but connections counts",
    (viewers, count) => {
      const big = ["--cores=1024", "--memory-gb=10000", "--network-gbit=1000", "--tick=1s", "--comments=0"];
      const got = planned(`--viewers=${viewers}`, ...big);
      expect([got.frontends, got.talk.frontends]).toEqual([count, count]);
      expect(got.first.what).toBe("a frontend's streams");
    },
  );

  test("counts writes, not likes: a thousand times the likes are the same frontends", () => {
    const few = planned("--viewers=1M", "--likes=1k", "--comments=0");
    const many = planned("--viewers=1M", "--likes=1M", "--likes-batch=50", "--comments=0");
    expect(few.frontends).toBe(many.frontends);
    expect(many.dispatchers).toBeGreaterThan(0);
  });

  test.each([
    [["--network-gbit=0.1", "--node-streams=10M"], "a frontend's network"],
    [["--likes=60k", "--tick=1s", "--node-streams=10M"], "the keys of likes that a region remembers"],
    [["--memory-gb=1", "--tick=60s", "--node-streams=10M"], "a frontend's memory"],
    [["--tick=50ms"], "a frontend's cores"],
    [["--node-streams=10k"], "a frontend's streams"],
  ])("with %j names %s first", (flags, what) => {
    expect(planned("--viewers=2M", "--comments=0", ...flags).first.what).toBe(what);
  });

  test("of a video that one process can serve says what that takes, and at which pace", () => {
    const { alone } = planned("--viewers=5k", "--likes=100", "--comments=5");
    expect(alone?.windowMs).toBeCloseTo(50, 0);
    expect(alone?.cores).toBeGreaterThan(0.5);
    expect(alone?.cores).toBeLessThan(1);
    // What a viewer reads is 20 ticks of 150 bytes and five names of 45, and five comments of 190.
    expect(Number(alone?.payloadBytesPerS) / 5_000).toBeGreaterThan(20 * (150 + 4 * 45) + 5 * 190 - 500);
    expect(Number(alone?.payloadBytesPerS) / 5_000).toBeLessThan(20 * (150 + 5 * 45) + 5 * 190);
    expect(Number(alone?.bitsPerS) / 8).toBeGreaterThan(Number(alone?.payloadBytesPerS));
    // More viewers than it can write to in a tick are written to less often; too many are refused.
    const many = planned("--viewers=20k", "--likes=100", "--comments=5").alone;
    expect(many?.windowMs).toBeGreaterThan(130);
    expect(many?.cores).toBeLessThan(1);
    expect(planned("--viewers=200k", "--likes=0", "--comments=0").alone).toBeUndefined();
    expect(planned("--viewers=50k", "--likes=200k", "--comments=0").alone).toBeUndefined();
  });

  test("counts requests where clients put taps together: those are what ticks come of", () => {
    const one = planned("--viewers=5k", "--likes=10", "--comments=0");
    const batched = planned("--viewers=5k", "--likes=100", "--likes-batch=10", "--comments=0");
    expect(batched.writesPerViewerPerS).toBe(one.writesPerViewerPerS);
  });

  test("of several regions counts the ticks of each: frontends write those of all", () => {
    const [one, three] = ["1", "3"].map((regions) =>
      planned("--viewers=9k", "--likes=3k", "--comments=0", `--regions=${regions}`),
    );
    expect(three?.writesPerViewerPerS).toBeCloseTo(3 * (one?.writesPerViewerPerS ?? 0), 1);
    expect([three?.alone, three?.nats, three?.dispatchers]).toEqual([undefined, 9, 6]);
  });

  test("of viewers who poll says what caches save, of the talk's frontends and of ours", () => {
    const { talk, frontends, withoutCaches } = planned("--viewers=18M", "--stream-share=0.2");
    expect(talk).toEqual({ frontends: 180, frontendsWithCaches: 36, dispatchers: 1 });
    expect(withoutCaches?.frontends).toBe(planned("--viewers=18M").frontends);
    expect(frontends).toBeLessThan(0.21 * (withoutCaches?.frontends ?? 0));
    expect(planned("--viewers=18M").withoutCaches).toBeUndefined();
  });

  test("of a few does not take the memory of the processes for theirs", () => {
    const { first } = planned("--viewers=100", "--comments=0");
    expect(first.what).not.toBe("a frontend's memory");
    const grown = planned(`--viewers=${Math.floor(100 * first.at)}`, "--comments=0");
    expect(grown.frontends).toBe(2);
    const tight = planned("--viewers=100", "--cores=1024", "--memory-gb=1").first;
    expect(tight).toEqual({ what: "a frontend's memory", at: 0 });
  });

  test("those who poll cost the nodes two requests a second, video and cache", () => {
    const { polls, frontends } = planned("--viewers=1M", "--stream-share=0.1", "--caches=3", "--poll=2s");
    expect(polls).toEqual({ atCaches: 450_000, atNodes: 6 });
    expect(frontends).toBeLessThan(planned("--viewers=1M").frontends);
  });

  test("fills no node beyond what it may hold, and has never fewer nodes for more viewers", () => {
    const settings = fc.record({
      viewers: fc.integer({ min: 9, max: 50_000_000 }),
      likes: fc.integer({ min: 0, max: 1_000_000 }),
      comments: fc.integer({ min: 0, max: 200 }),
      regions: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(settings, ({ viewers, likes, comments, regions }) => {
        const flags = [`--likes=${likes}`, `--comments=${comments}`, `--regions=${regions}`];
        const one = planned(`--viewers=${viewers}`, ...flags);
        const { cores, memory, network, streams } = one.frontend.uses;
        // One viewer is never refused for want of anything.
        if (one.frontend.viewers > 1) {
          for (const use of [cores, memory, network]) expect(use).toBeLessThanOrEqual(fullAt + 1e-9);
          expect(streams).toBeLessThanOrEqual(1 + 1e-9);
        }
        expect(one.frontends * one.frontend.viewers).toBeCloseTo(viewers, 0);
        expect(planned(`--viewers=${2 * viewers}`, ...flags).frontends).toBeGreaterThanOrEqual(one.frontends);
      }),
      { numRuns: 200 },
    );
  });

  test("says how many frontends a tick of a second would take, where it is shorter", () => {
    const fast = planned("--viewers=2M");
    expect(fast.frontendsAtSecond).toBe(planned("--viewers=2M", "--tick=1s").frontends);
    expect(fast.frontendsAtSecond).toBeLessThan(fast.frontends);
    expect(planned("--viewers=2M", "--tick=5s").frontendsAtSecond).toBeUndefined();
  });

  test("has a beat for those whose video is quiet", () => {
    const { alone } = planned("--viewers=1500", "--likes=0", "--comments=0");
    expect(alone?.writesPerS).toBeCloseTo(100, 0);
  });

  test("ticks as often as there are likes, and never more often than asked", () => {
    expect(ticksPerS(0, 50)).toBe(0);
    expect(ticksPerS(0.1, 50)).toBeCloseTo(0.1, 2);
    expect(ticksPerS(1e9, 50)).toBeCloseTo(20, 3);
  });

  test("is told in words", () => {
    const { audience, machine } = asked("--viewers=18M", "--price-node=0.2", "--stream-share=0.5");
    const text = planText(audience, machine, shipped, plan(audience, machine, shipped));
    for (const word of [
      "18M viewers of 1 video, 1 region,",
      "frontends",
      "an hour",
      "polls",
      "alone        more than one process",
      "180 frontends, 90 of them",
    ])
      expect(text).toContain(word);
    expect([0.42, 999, 1_000, 2_126_000, 18e6].map(short)).toEqual(["0.42", "999", "1k", "2.13M", "18M"]);
  });
});

describe("its flags", () => {
  test("say what is wrong", () => {
    const mistakes = (...flags: readonly string[]) => {
      const parsed = parsePlanOptions(flags, {}, () => "");
      return "mistakes" in parsed ? parsed.mistakes : [];
    };
    expect(mistakes("--viewers=18M", "--likes=2.5k")).toEqual([]);
    for (const flag of [
      "--viewers=18m",
      "--viewers=0",
      "--viewers=1e6",
      "--stream-share=1.2",
      "--tick=-1s",
      "--likes=NaN",
      "--viewers=",
      "--comments=-1",
      "--regions=1.5",
      "--viewers=1.5",
      "--viewers=0.0005k",
      "--viewers=11G",
    ]) {
      expect(mistakes(flag)).toHaveLength(1);
    }
    expect(mistakes("--viewers=10", "--videos=11")).toEqual(["--videos: more than --viewers"]);
    expect(mistakes("--viewers=10", "--regions=11")).toEqual(["--regions: more than --viewers"]);
    expect(mistakes("--stream-share=0")).toEqual(["--stream-share: nobody holds a stream"]);
  });
});

describe("a file of coefficients", () => {
  test("is read as it was written, or refused in a line", () => {
    expect(readCoefficients(JSON.stringify(shipped))).toEqual(shipped);
    const { busUs: _, ...lacking } = shipped;
    const isNone = "not an object of coefficients, as `ovation calibrate` prints it";
    const wrong: readonly (readonly [value: unknown, mistake: string])[] = [
      [{ ...shipped, writeUs: 0 }, "writeUs: must be a number above 0"],
      [{ ...shipped, likeUs: "11" }, "likeUs: must be a number above 0"],
      [{ ...shipped, of: 5 }, "of: must be at most 200 characters"],
      [{ ...shipped, more: 1, yet: 2 }, "more, yet: unknown"],
      [lacking, "busUs: missing"],
      [{}, `${Object.keys(shipped).join(", ")}: missing`],
      [[], isNone],
      [null, isNone],
    ];
    for (const [value, mistake] of wrong) {
      expect(readCoefficients(JSON.stringify(value))).toEqual({ mistake });
    }
    expect(readCoefficients("{")).toEqual({ mistake: "not JSON" });
  });
});

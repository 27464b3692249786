/** A node's pulse: when publishing through it is in vain, and when it is not any more. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { BusUnavailable } from "../bus/bus.ts";
import { limits } from "../core/limits.ts";
import { Pulse } from "./pulse.ts";

const { pulseMs, pulseAgainMs } = limits;
type Answer = readonly string[] | "none";

function bench(trusting = true) {
  const clock = new VirtualClock();
  const state = { answer: [] as Answer, connected: true, asked: 0 };
  const pulse = new Pulse({
    clock,
    trusting,
    unanswered: "no-dispatcher",
    connected: () => state.connected,
    ask: async () => {
      state.asked++;
      if (state.answer === "none") throw new BusUnavailable("nobody serves");
      return state.answer;
    },
  });
  return { clock, state, pulse };
}

test("two failures in a row make it not ready, one answer ready again", async () => {
  const { clock, state, pulse } = bench();
  await clock.run(pulseMs, 10);
  expect(pulse.reasons()).toEqual([]);
  for (const [answer, reasons] of [
    ["none", ["no-dispatcher"]],
    [["ledger-unavailable:ov_log_1"], ["ledger-unavailable:ov_log_1"]],
  ] as const) {
    state.answer = answer;
    const { asked } = state;
    while (state.asked === asked) await clock.run(10, 10);
    expect(pulse.reasons()).toEqual([]);
    await clock.run(pulseAgainMs, 10);
    expect(pulse.reasons()).toEqual([...reasons]);
    state.answer = [];
    await clock.run(pulseAgainMs, 10);
    expect(pulse.reasons()).toEqual([]);
  }
});

test("one bad dispatcher of two, asked in turn, is no reason", async () => {
  const { clock, state, pulse } = bench();
  for (let turn = 0; turn < 10; turn++) {
    state.answer = turn % 2 ? "none" : [];
    const { asked } = state;
    while (state.asked === asked) await clock.run(10, 10);
    expect(pulse.reasons()).toEqual([]);
  }
});

test("who trusts nobody is not ready before the first answer", async () => {
  const { clock, state, pulse } = bench(false);
  expect(pulse.reasons()).toEqual(["no-dispatcher"]);
  state.answer = "none";
  await clock.run(5 * pulseMs, 10);
  expect(pulse.reasons()).toEqual(["no-dispatcher"]);
  state.answer = [];
  await clock.run(pulseAgainMs, 10);
  expect(pulse.reasons()).toEqual([]);
});

test("nothing is asked while messages do not travel, nor after the end", async () => {
  const { clock, state, pulse } = bench();
  await clock.run(1);
  state.connected = false;
  await clock.run(5 * pulseMs, 10);
  expect([state.asked, ...pulse.reasons()]).toEqual([1]);
  state.connected = true;
  await clock.run(pulseMs, 10);
  expect(state.asked).toBe(2);
  pulse.close();
  await clock.run(5 * pulseMs, 10);
  expect(state.asked).toBe(2);
  expect(clock.next()).toBeUndefined();
});

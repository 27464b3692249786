/** Closed videos, as viewers are told of them: by rules, by the log, and over a deletion. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import { VideoState } from "../video/state.ts";
import { Closed } from "./closed.ts";

const v = "v" as VideoId;

function bench() {
  const clock = new VirtualClock();
  const watch = new VideoState(v, 20, 0);
  const told: string[] = [];
  const tell = (_: VideoState, bytes: Uint8Array) =>
    told.push(/"state":"([a-z]+)"/.exec(new TextDecoder().decode(bytes))?.[1] ?? "");
  const closed = new Closed(clock, { find: () => watch, tell });
  /** What a deletion leaves of it, see VideoState. */
  const clear = () => {
    Object.assign(watch.over, { byRules: false, byLog: false });
    closed.deleted(v);
  };
  return { clock, watch, told, closed, clear };
}

describe("a closed video", () => {
  test("that was deleted and closed again, in whichever order that is heard, is told to be closed", () => {
    const { clock, watch, told, closed, clear } = bench();
    closed.turn(v, true);
    clear();
    clock.advance(5_000);
    expect([watch.over.now, closed.has(v), told.at(-1)]).toEqual([true, true, "closed"]);
  });

  test("that was deleted stays open", () => {
    const { clock, watch, told, closed, clear } = bench();
    closed.turn(v, true);
    clear();
    closed.turn(v, false);
    clock.advance(20_000);
    expect([watch.over.now, told]).toEqual([false, ["closed"]]);
  });

  test("that the log keeps is over until it is opened", () => {
    const { watch, told, closed } = bench();
    closed.turn(v, true);
    closed.forget(v);
    expect([watch.over, closed.has(v)]).toMatchObject([{ byRules: false, byLog: true, now: true }, false]);
    closed.turn(v, false);
    expect([watch.over.now, told]).toEqual([false, ["closed", "open"]]);
  });
});

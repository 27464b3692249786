import { describe, expect, test } from "bun:test";
import { limits } from "../core/limits.ts";
import { kit, v } from "../frontend/frontend-kit.ts";
import { Reader } from "./reader.ts";

async function reading(count: number, logHistory = 1_000) {
  const { clock, hub, log } = await kit({ logHistory });
  const bus = hub.connect();
  for (let i = 1; i <= count; i++) await log.comment(v, `t${i}`);
  const reader = new Reader(bus);
  const list = async (
    seq: number | undefined,
    limit = 10,
    branch = log.ledger.lineage().newest.name,
    held = false,
  ) => {
    const listing = await reader.listing(v, seq === undefined ? undefined : { branch, seq }, limit, {
      nowMs: clock.date(),
      held,
    });
    if ("rejected" in listing) throw new Error(listing.rejected);
    const texts = listing.comments.map(({ text }) => text);
    return { texts, more: listing.more, reset: listing.reset };
  };
  return { clock, bus, log, reader, list };
}
const texts = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `t${from + i}`);

describe("a listing", () => {
  test("without a place is the newest, oldest of them first", async () => {
    const { list } = await reading(30);
    expect(await list(undefined)).toEqual({ texts: texts(21, 30), more: false, reset: undefined });
  });

  test("goes on behind a place, page by page, to the end", async () => {
    const { list, log } = await reading(25);
    expect(await list(0)).toEqual({ texts: texts(1, 10), more: true, reset: undefined });
    expect(await list(20)).toEqual({ texts: texts(21, 25), more: false, reset: undefined });
    expect(await list(25)).toEqual({ texts: [], more: false, reset: undefined });
    await log.retract(v, 22);
    expect((await list(20)).texts).toEqual(["t21", "t23", "t24", "t25"]);
  });

  test("says so when what follows does not follow that place", async () => {
    const { list } = await reading(40, 20);
    expect(await list(5)).toEqual({ texts: texts(21, 30), more: true, reset: true });
    expect(await list(9_000)).toEqual({ texts: texts(31, 40), more: false, reset: true });
    expect(await list(30, 10, "zzzz")).toEqual({ texts: texts(31, 40), more: false, reset: true });
  });
});

describe("a reader", () => {
  test("says that the log is away when nobody answers, or when the answer is none", async () => {
    const { clock, bus, log, reader } = await reading(1);
    log.beforeAnswer = () => new Promise(() => {});
    const asked = [
      reader.state(v, undefined, 1),
      reader.listing(v, undefined, 1, { nowMs: clock.date(), held: false }),
      reader.cluster(),
    ];
    await clock.run(limits.requestMs + 10, 10);
    for (const answer of asked) expect(await answer).toMatchObject({ rejected: "unavailable" });
    bus.cut();
    expect(await reader.state(v, undefined, 1)).toMatchObject({ rejected: "unavailable" });
    const liar = { request: async () => new TextEncoder().encode('{"epoch":"no such epoch!"}') };
    const fooled = new Reader(liar);
    expect(await fooled.state(v, undefined, 1)).toMatchObject({ rejected: "unavailable" });
    expect(await fooled.cluster()).toMatchObject({ rejected: "unavailable" });
  });
});

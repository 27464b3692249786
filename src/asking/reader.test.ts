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

  test("says so behind a place that was deleted with its video", async () => {
    const { list, log } = await reading(20);
    await log.ledger.deletions.delete(v);
    expect(await list(15)).toEqual({ texts: [], more: false, reset: true });
    await log.comment(v, "anew");
    expect(await list(15)).toEqual({ texts: ["anew"], more: false, reset: true });
    expect(await list(22)).toEqual({ texts: [], more: false, reset: undefined });
    expect(await list(undefined)).toMatchObject({ texts: ["anew"], reset: undefined });
  });
});

describe("a listing where much was removed", () => {
  const many = 2_500;
  const removing = async (from: number, to: number, history = 10_000) => {
    const found = await reading(many, history);
    for (let i = from; i <= to; i++) await found.log.retract(v, i);
    return found;
  };

  test("of the newest shows those before what was removed", async () => {
    const { list } = await removing(11, many);
    expect(await list(undefined)).toEqual({ texts: texts(1, 10), more: false, reset: undefined });
    expect((await list(undefined, 100)).texts).toEqual(texts(1, 10));
  });

  test("goes on over it to what came behind, and can be paged to the end", async () => {
    const { list, log } = await removing(6, many);
    await log.comment(v, "last");
    expect(await list(0, 5)).toMatchObject({ texts: texts(1, 5), more: true });
    expect(await list(5, 5)).toEqual({ texts: ["last"], more: false, reset: undefined });
    expect(await list(0, 100)).toMatchObject({ texts: [...texts(1, 5), "last"], more: false });
  });

  test("is no longer than it is wanted", async () => {
    const { list } = await removing(2, 9);
    expect(await list(0, 5)).toMatchObject({ texts: ["t1", ...texts(10, 13)], more: true });
    expect(await list(13, 5)).toMatchObject({ texts: texts(14, 18), more: true });
  });

  test("ends somewhere, where all that is kept was removed", async () => {
    const { list } = await removing(1, many);
    expect(await list(undefined)).toMatchObject({ texts: [], more: false });
    expect(await list(0)).toMatchObject({ texts: [], more: false });
  });
});

describe("a log that opened a branch", () => {
  test("is listed on from places it still has, and begins anew for those it lost", async () => {
    const { list, log } = await reading(20);
    const before = log.lineage.newest.name;
    await log.rollBack(15);
    await log.comment(v, "new16");
    expect(await list(12, 10, before)).toMatchObject({
      texts: ["t13", "t14", "t15", "new16"],
      reset: undefined,
    });
    expect(await list(17, 2, before)).toMatchObject({ texts: ["t15", "new16"], reset: true });
    expect(await list(15, 2, log.lineage.newest.name)).toMatchObject({ texts: ["new16"], reset: undefined });
  });

  test("is told once: who knows its newest branch is not told again", async () => {
    const { log, reader, bus } = await reading(3);
    const sizes: number[] = [];
    const counting = {
      request: async (subject: string, payload: Uint8Array, ms: number) => {
        const reply = await bus.request(subject, payload, ms);
        sizes.push(new TextDecoder().decode(reply).includes("lineage") ? 1 : 0);
        return reply;
      },
    };
    const other = new Reader(counting);
    for (let i = 0; i < 3; i++) await other.state(v, undefined, 1);
    log.turn(4);
    for (let i = 0; i < 3; i++) await other.state(v, undefined, 1);
    expect(sizes).toEqual([1, 0, 0, 1, 0, 0]);
    const [one, two] = [await other.state(v, undefined, 1), await reader.state(v, undefined, 1)];
    expect("rejected" in one || "rejected" in two || one.lineage.flat()).toEqual(log.lineage.flat());
  });

  test("is believed again from one who is behind, if only such answer", async () => {
    const { log, reader } = await reading(3);
    const before = log.lineage;
    await reader.state(v, undefined, 1);
    log.turn(4);
    await reader.state(v, undefined, 1);
    log.lineage = before;
    let refused = 0;
    while ("rejected" in (await reader.state(v, undefined, 1))) refused++;
    expect(refused).toBeGreaterThan(5);
    expect(refused).toBeLessThan(100);
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

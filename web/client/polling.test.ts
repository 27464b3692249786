/** What the client does without a stream, where the server has told it to poll; on a clock moved by hand. */
import { describe, expect, test } from "bun:test";
import { FakeOutside } from "./fakes.ts";
import { createFeed } from "./feed.ts";
import { createLine } from "./line.ts";
// There before the client fetches it: on a clock moved by hand, fetching takes no time.
import "./polling.ts";
import type { Offer } from "./polling.ts";
import type { State } from "./types.ts";

const B = "http://s/";
const offer: Offer = { url: "videos/{video}/live", everyMs: 2_000 };
const said = (n: number) => ({ video: "v", id: `e-${n}`, text: `t${n}`, at: 1_000 + n });

/** A client that asked for a stream, got `streamed` if anything, and was told to poll; `live` answers. */
async function told(
  live: (url: string) => object | number,
  more: Partial<Offer> = {},
  videos = ["v"],
  streamed?: object,
) {
  const outside = new FakeOutside();
  const states: State[] = [];
  const heard: string[] = [];
  const feed = createFeed(() => outside.now());
  for (const video of videos) {
    feed.listen(video, {
      likes: ({ totals, version }) => heard.push(`${version}:${totals.heart}`),
      comment: ({ text, history }) => heard.push(history ? `(${text})` : text),
      retract: ({ id }) => heard.push(`-${id}`),
      reset: ({ reason }) => heard.push(reason),
    });
  }
  outside.answer = ({ url }) => {
    const answer = live(url);
    return typeof answer === "number" ? new Response("", { status: answer }) : Response.json(answer);
  };
  const line = createLine({
    ...{ outside, base: B, token: () => "secret", lastId: "", take: feed.take, known: feed.known },
    ...{ latencyMs: () => undefined, told: (state) => states.push(state) },
  });
  line.want(videos);
  await outside.pass(0);
  if (streamed) outside.source.say("snapshot", streamed);
  const bye = async () => {
    outside.source.say("bye", { reason: "share", retry: 45_000, poll: { ...offer, ...more } });
    // What it polls with is fetched now: asked for once more, it is there when that is.
    await import("./polling.ts");
    await outside.pass(0);
  };
  await bye();
  return { outside, line, heard, bye, states, urls: () => outside.calls.map(({ url }) => url) };
}

const state = (version: number, comments: object[] = [], retracted: string[] = []) => ({
  ...{ cursor: `e-1-${version}`, video: "v", everyMs: 2_000, totals: { heart: 10 * version }, viewers: 3 },
  ...{ version, comments, retracted },
});

describe("told to poll", () => {
  test("it shows what a stream would: totals, comments and removals, each once", async () => {
    let now = state(1, [said(1)]);
    const { outside, heard, urls, states } = await told(() => now);
    expect(heard).toEqual(["1:10", "(t1)"]);
    now = state(2, [said(1), said(2)]);
    await outside.pass(2_500);
    now = state(2, [said(2)], ["e-1"]);
    await outside.pass(5_000);
    expect(heard).toEqual(["1:10", "(t1)", "2:20", "t2", "-e-1"]);
    expect(new Set(urls())).toEqual(new Set([`${B}v1/videos/v/live`]));
    expect(states.at(-1)).toMatchObject({ phase: "live", via: "cache" });
    // What it is told is everybody's: it says nothing of who it is.
    expect(outside.calls.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  test("the pace is the server's, some more or less", async () => {
    const { outside, urls } = await told(() => ({ ...state(1), everyMs: 4_000 }));
    outside.chance = 0;
    await outside.pass(4_000);
    expect(urls()).toHaveLength(2);
    outside.chance = 0.999;
    await outside.pass(3_000);
    expect(urls()).toHaveLength(3);
    await outside.pass(4_900);
    expect(urls()).toHaveLength(3);
    await outside.pass(100);
    expect(urls()).toHaveLength(4);
  });

  test("each of several videos has its address, signed for it alone where it must be", async () => {
    const both = await told((url) => ({ ...state(1), video: url.includes("/w/") ? "w" : "v" }), {}, [
      "v",
      "w",
    ]);
    expect(both.urls()).toEqual([`${B}v1/videos/v/live`, `${B}v1/videos/w/live`]);
    const urls = { v: "videos/v/live?until=1&sig=a", w: "videos/w/live?until=1&sig=b" };
    const signed = await told(() => state(1), { urls }, ["v", "w"]);
    expect(signed.urls()).toEqual([
      `${B}v1/videos/v/live?until=1&sig=a`,
      `${B}v1/videos/w/live?until=1&sig=b`,
    ]);
  });

  test("about once a minute it asks for a stream again, says that it polls, and stays with what it gets", async () => {
    const { outside, bye, urls, states } = await told(() => state(1));
    expect(outside.source.query().get("polling")).toBeNull();
    await outside.pass(59_000);
    expect(outside.sources).toHaveLength(1);
    await outside.pass(1_500);
    expect(outside.sources).toHaveLength(2);
    expect(outside.source.query().get("polling")).toBe("1");
    await bye();
    await outside.pass(61_000);
    expect(outside.sources).toHaveLength(3);
    outside.source.say("hello", { connection: "c", beat: 90_000 });
    const polls = urls().length;
    await outside.pass(80_000);
    expect([urls().length, outside.sources.length]).toEqual([polls, 3]);
    expect(states.map(({ phase }) => phase)).not.toContain("reconnecting");
    outside.source.fail(0);
    await outside.pass(10_000);
    expect(outside.source.query().get("polling")).toBeNull();
  });

  test("an address that is refused is given up for a stream, a server in trouble is asked less often", async () => {
    let answer: object | number = 503;
    const { outside, urls, heard } = await told(() => answer);
    await outside.pass(20_000);
    expect([urls().length < 6, outside.sources.length]).toEqual([true, 1]);
    answer = state(1);
    await outside.pass(16_000);
    expect(heard).toEqual(["1:10"]);
    answer = 403;
    await outside.pass(8_000);
    expect(outside.sources).toHaveLength(2);
  });

  test("an answer from an older cache changes nothing, a log that began anew does", async () => {
    let now = state(5);
    const { outside, heard } = await told(() => now);
    now = state(4);
    await outside.pass(9_000);
    expect(heard).toEqual(["5:50"]);
    await outside.pass(20_000);
    expect(heard).toEqual(["5:50", "epoch", "4:40"]);
  });

  test("what was deleted is told once, and does not come back from an older cache", async () => {
    let now: object = state(1, [said(1), said(2)]);
    const { outside, heard, bye } = await told(() => now);
    heard.length = 0;
    const deleted = { ...state(2), totals: {}, deleted: "e-3" };
    now = deleted;
    await outside.pass(2_500);
    expect(heard).toEqual(["deleted", "2:undefined"]);
    now = state(1, [said(1), said(2), said(2.5)]);
    await outside.pass(9_000);
    now = { ...deleted, comments: [said(4)] };
    await outside.pass(9_000);
    await outside.pass(60_000);
    await bye();
    await outside.pass(2_500);
    expect(heard).toEqual(["deleted", "2:undefined", "t4"]);
  });

  test("what was deleted while it went from a stream to polls is told", async () => {
    const { outside, heard, bye } = await told(() => ({ ...state(2, [said(4)]), deleted: "e-3" }));
    // Whoever has just come has seen nothing of before.
    expect(heard).toEqual(["2:20", "(t4)"]);
    await outside.pass(61_000);
    await bye();
    await outside.pass(2_500);
    expect(heard).toEqual(["2:20", "(t4)"]);
    const other = await told(
      () => ({ ...state(2, [said(4)]), deleted: "e-3" }),
      {},
      ["v"],
      state(1, [said(1)]),
    );
    await other.outside.pass(2_500);
    expect(other.heard).toEqual(["1:10", "(t1)", "deleted", "2:20", "(t4)"]);
  });

  test("a video that is wanted no more is not polled on", async () => {
    const { outside, line, urls } = await told(() => state(1));
    line.want([]);
    await outside.pass(90_000);
    expect([urls().length, outside.sources.length]).toEqual([1, 1]);
  });
});

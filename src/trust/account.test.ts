/**
 * The account of work: no sequence of calls costs this node more than twice what it was charged, and nobody
 * is charged more than their purse holds, whoever they are and however many networks they have.
 */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Elapsed, VirtualClock } from "../base/clock.ts";
import { limits } from "../core/limits.ts";
import { createServer } from "../http/server.ts";
import { fakeDoors, fakeFrontend } from "../system/fake-doors.ts";
import { groupOf } from "./address.ts";
import { Allowance, prices } from "./allowance.ts";
import { anybody, type Identity } from "./identity.ts";
import { payerAt, payerOf } from "./payer.ts";

const settings = {
  ...{ viewerLikes: 1e6, viewerComments: 1e6, viewerStreams: 1e6, viewerWork: 200 },
  ...{ addressLikes: 1e6, addressComments: 1e6, addressStreams: 1e6, addressWork: 400 },
  ...{ nodeStreams: 1e6, nodeAccepts: 1e6 },
};
const burst = 4_000;

test("who is the first to like a video pays for it, others do not; a site's networks pay together", () => {
  const allowance = new Allowance(settings);
  const now = 0 as Elapsed;
  const first = (address: string, video: string) =>
    allowance.video(payerAt(groupOf(address)), video as never, now) === undefined;
  const most = burst / prices.newVideo;
  for (let i = 0; i < most; i++) expect(first("192.0.2.1", `v${i}`)).toBe(true);
  expect([first("192.0.2.1", "one more"), first("192.0.2.1", "v0"), first("192.0.2.2", "v1")]).toEqual([
    false,
    true,
    true,
  ]);
  let taken = 0;
  for (let network = 0; network < 256; network++) {
    for (let i = 0; i < most; i++)
      if (first(`2001:db8:1:${network.toString(16)}00::1`, `${network}-${i}`)) taken++;
  }
  expect(taken).toBeWithin(15 * most, 17 * most);
});

describe("who pays", () => {
  const viewer: Identity = { ...anybody, by: "token", sub: "ann" };
  const key = (rights: Identity["rights"]): Identity => ({ ...anybody, by: "key", sub: "k", rights });
  const names = (address: string) => payerAt(groupOf(address))?.purses.map(({ name }) => name);

  test("an address, by /64, /56 and /48; a viewer; servers and this machine nothing", () => {
    expect(names("192.0.2.1")).toEqual(["192.0.2.1"]);
    expect(names("::ffff:192.0.2.1")).toEqual(["192.0.2.1"]);
    expect(names("2001:db8:1:23ff::9")).toEqual([
      "2001:db8:1:23ff::/64",
      "2001:db8:1:23/56",
      "2001:db8:1/48",
    ]);
    expect(names("2001:db8:1:ff::9")?.[1]).toBe("2001:db8:1:0/56");
    expect(payerOf(viewer, "192.0.2.1")?.purses).toEqual([{ name: "ann", depth: 1 }]);
    expect(payerOf(key(new Set(["watch"])), "192.0.2.1")?.by).toBe("address");
    for (const right of ["comment", "moderate"] as const) {
      expect(payerOf(key(new Set([right])), "192.0.2.1")).toBeUndefined();
    }
    for (const own of ["127.0.0.1", "::1", undefined]) expect(payerAt(own)).toBeUndefined();
  });

  test("is charged out of every purse or out of none", () => {
    const allowance = new Allowance(settings);
    const now = 0 as Elapsed;
    const take = (address: string, units: number) =>
      allowance.work(payerAt(groupOf(address)), units, now) === undefined;
    // Four networks of one /56 empty it; a fifth has its own purse, and cannot use it.
    for (let i = 0; i < 4; i++) expect(take(`2001:db8:1:${i}::1`, burst)).toBe(true);
    expect(take("2001:db8:1:4::1", burst)).toBe(false);
    expect(take("2001:db8:1:4::1", 1)).toBe(false);
    // What was refused there was taken out of nothing.
    for (let i = 1; i <= 12; i++) expect(take(`2001:db8:1:${i}00::1`, burst)).toBe(true);
    expect(take("2001:db8:1:d00::1", 10)).toBe(false);
    expect(take("2001:db8:2:0::1", burst)).toBe(true);
  });

  test("the dearest call there is always fits an untouched purse", () => {
    const poor = new Allowance({ ...settings, addressWork: 1, viewerWork: 1 });
    const units = prices.call + prices.stream + limits.videosPerStreamMax * (prices.video + prices.watch);
    expect(poor.work(payerAt("192.0.2.1"), prices.call, 0 as Elapsed)).toBeUndefined();
    expect(poor.work(payerAt("192.0.2.1"), units - prices.call, 0 as Elapsed)).toBeUndefined();
  });
});

/** What a call does that costs something, as the parts behind the door would see it. */
type Call = { readonly at: number; readonly kind: string; readonly video: number; readonly gapMs: number };

const calls = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 5 }),
    kind: fc.constantFrom(
      "stream",
      "streams",
      "poll",
      "totals",
      "listing",
      "put",
      "like",
      "comment",
      "proof",
    ),
    video: fc.nat(3_000),
    gapMs: fc.nat(40),
  }),
  { minLength: 50, maxLength: 400 },
);

/** An account that notes what it has charged. */
class Noting extends Allowance {
  charged = 0;

  override work(...of: Parameters<Allowance["work"]>): ReturnType<Allowance["work"]> {
    const over = super.work(...of);
    if (!over && of[0]) this.charged += of[1];
    return over;
  }

  override spent(...of: Parameters<Allowance["spent"]>): void {
    super.spent(...of);
    if (of[0]) this.charged += of[1];
  }
}

interface Made {
  readonly cost: number;
  readonly charged: number;
  readonly seconds: number;
  readonly taken: number;
}

/** Makes `calls` from addresses of one /48; what they cost by the prices, and from when to when. */
async function make(made: readonly Call[]): Promise<Made> {
  const clock = new VirtualClock();
  const allowance = new Noting(settings);
  let cost = 0;
  const watched = new Set<string>();
  const watch = (video: string): void => {
    cost += watched.has(video) ? prices.video : prices.video + prices.watch;
    watched.add(video);
  };
  const { doors } = fakeDoors({ clock, allowance });
  const asked = fakeDoors().asked;
  const frontend = {
    ...fakeFrontend(asked),
    watched: (video: string) => watched.has(video),
    open: (request: Parameters<ReturnType<typeof fakeFrontend>["open"]>[0]) => {
      cost += prices.stream;
      for (const video of request.videos) watch(video);
      return fakeFrontend(asked).open(request);
    },
    poll: (...of: Parameters<ReturnType<typeof fakeFrontend>["poll"]>) => {
      watch(of[0]);
      return fakeFrontend(asked).poll(...of);
    },
  };
  const reader = {
    state: async (...of: Parameters<typeof doors.reader.state>) => {
      cost += prices.question;
      return doors.reader.state(...of);
    },
    listing: async (...of: Parameters<typeof doors.reader.listing>) => {
      cost += prices.reading;
      return doors.reader.listing(...of);
    },
  };
  const watching = {
    watch: async (_: string, video: string) => {
      watch(video);
      return "done" as const;
    },
  };
  const all = { ...doors, frontend, reader, watching, settings: { ...doors.settings, trustProxy: 1 } };
  const server = createServer(all as unknown as typeof doors);
  let taken = 0;
  for (const { at, kind, video, gapMs } of made) {
    clock.advance(gapMs);
    const path = {
      stream: `/v1/videos/v${video}/events`,
      streams: `/v1/events?${Array.from({ length: 32 }, (_, i) => `video=v${video + i}`).join("&")}`,
      poll: `/v1/videos/v${video}/poll`,
      totals: `/v1/videos/v${video}`,
      listing: `/v1/videos/v${video}/comments`,
      put: `/v1/connections/n1.open/videos/v${video}`,
      like: `/v1/videos/v${video}/likes`,
      comment: `/v1/videos/v${video}/comments`,
      proof: "/v1/cluster",
    }[kind];
    const method = kind === "put" ? "PUT" : kind === "like" || kind === "comment" ? "POST" : "GET";
    const body = kind === "like" ? '{"kind":"heart"}' : kind === "comment" ? '{"text":"hi"}' : undefined;
    const headers = { "x-forwarded-for": `2001:db8:1:${at}::1`, "content-type": "application/json" };
    const request = new Request(`http://localhost${path}`, { method, headers, ...(body && { body }) });
    const { status, body: said } = await server.fetch(request);
    const text = new TextDecoder().decode((await said?.getReader().read())?.value);
    if (status !== 429 && !text.includes("limit")) {
      cost += prices.call;
      taken++;
    }
  }
  return {
    cost,
    charged: allowance.charged,
    seconds: made.reduce((sum, { gapMs }) => sum + gapMs, 0) / 1000,
    taken,
  };
}

test("no sequence of calls costs more than twice what it is charged, nor than its purse holds", async () => {
  let [refused, most] = [0, 0];
  await fc.assert(
    fc.asyncProperty(calls, async (made) => {
      const { cost, charged, seconds, taken } = await make(made);
      expect(cost).toBeLessThanOrEqual(2 * charged);
      // All six networks lie in one /56, which is four times as deep as each.
      const held = 4 * (burst + settings.addressWork * seconds);
      expect(charged).toBeLessThanOrEqual(held);
      expect(cost).toBeLessThanOrEqual(2 * held);
      refused += made.length - taken;
      most = Math.max(most, cost / held);
    }),
    { numRuns: 40 },
  );
  // The purse is what held them, and not only a little of it is ever used.
  expect(refused).toBeGreaterThan(0);
  expect(most).toBeGreaterThan(0.5);
});

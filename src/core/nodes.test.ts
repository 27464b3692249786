import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { VideoId } from "./interaction.ts";
import { limits } from "./limits.ts";
import {
  decodeHealth,
  decodeNodeRow,
  encodeHealth,
  encodeNodeRow,
  ownerOf,
  parseRouteKey,
  routeKey,
} from "./nodes.ts";

const videos = Array.from({ length: 2_000 }, (_, i) => `match-${i}` as VideoId);
const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);

describe("a row of the table", () => {
  test("of a node is read back as it was written", () => {
    const row = {
      node: "n-1",
      role: "frontend",
      region: "eu",
      incarnation: "abc",
      startedMs: 5,
      renewals: 7,
      viewers: 3,
    } as const;
    expect(decodeNodeRow("n-1", encodeNodeRow(row))).toEqual(row);
    expect(decodeNodeRow("n 1", encodeNodeRow(row))).toBeUndefined();
    expect(decodeNodeRow("n-1", encodeNodeRow({ ...row, region: "a\nb" }))).toBeUndefined();
    expect(decodeNodeRow("n-1", encodeNodeRow(row).replace("frontend", "king"))).toBeUndefined();
  });

  test("of a node is never made of noise", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (value) => {
        const row = decodeNodeRow("n", value);
        if (row) expect(row.node).toBe("n");
      }),
    );
  });

  test("of a route is named by video and node", () => {
    fc.assert(
      fc.property(name, name, (video, node) => {
        expect(parseRouteKey(routeKey(video as VideoId, node))).toEqual({ video: video as VideoId, node });
      }),
    );
  });

  test.each(["", ".", "v", "ab", "v.", ".n", "v.n.m", "v n.m", "v.n\n"])("of a route is not %p", (key) =>
    expect(parseRouteKey(key)).toBeUndefined(),
  );
});

describe("the owner of a video", () => {
  test("is one of the names, the same whatever their order", () => {
    const names = fc.uniqueArray(name, { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(names, name, (all, video) => {
        const owner = ownerOf(video as VideoId, all);
        expect(all).toContain(owner as string);
        expect(ownerOf(video as VideoId, [...all].reverse())).toBe(owner);
      }),
    );
    expect(ownerOf("v" as VideoId, [])).toBeUndefined();
  });

  test("moves only with its own dispatcher, and spreads evenly", () => {
    const all = ["host-0", "host-1", "host-2", "host-3"];
    const owners = videos.map((video) => ownerOf(video, all));
    for (const gone of all) {
      const rest = all.filter((other) => other !== gone);
      videos.forEach((video, i) => {
        const now = ownerOf(video, rest);
        if (owners[i] !== gone) expect(now).toBe(owners[i]);
        else expect(rest).toContain(now as string);
      });
      const share = owners.filter((owner) => owner === gone).length / videos.length;
      expect(share).toBeGreaterThan(0.15);
      expect(share).toBeLessThan(0.35);
    }
  });
});

describe("what a dispatcher says of its health", () => {
  test("is understood, and nothing else is", () => {
    for (const reasons of [[], ["draining"], ["ledger-unavailable", "ledger-unavailable:ov_log_1"]]) {
      expect(decodeHealth(encodeHealth(reasons))).toEqual(reasons);
    }
    for (const said of [[5], ["a b"], ["a\n"], [""], Array(limits.reasonsMax + 1).fill("a")]) {
      expect(decodeHealth(encodeHealth(said as string[]))).toBeUndefined();
    }
    for (const noise of ["", "[]", "{}", '{"reasons":"draining"}', "\u0000"]) {
      expect(decodeHealth(new TextEncoder().encode(noise))).toBeUndefined();
    }
  });
});

/** What the claims of a verified token come to: who that is, until when, and what it may do where. */
import { describe, expect, test } from "bun:test";
import type { VideoId } from "../core/interaction.ts";
import { forbids, identityOf } from "./identity.ts";

const good = { sub: "ada", exp: 2_000_000_000, videos: ["v", "match-*"] };

describe("a token's claims", () => {
  test("without `can` a viewer watches, likes and comments; `admin` is never among them", () => {
    expect(identityOf(good, 0)).toMatchObject({
      by: "token",
      sub: "ada",
      untilMs: 2_000_000_000_000,
      rights: new Set(["watch", "like", "comment"]),
    });
    expect(identityOf({ ...good, can: ["watch", "admin", "fly"] }, 0)).toMatchObject({
      rights: new Set(["watch"]),
    });
  });

  // JSON.parse reads 1e999 as Infinity.
  test.each([
    ["an end beyond all numbers", { ...good, exp: JSON.parse("1e999") as number }, "no exp"],
    ["no end", { ...good, exp: undefined }, "no exp"],
    ["nobody", { ...good, sub: " " }, "no sub"],
    ["no videos", { ...good, videos: [] }, "names no videos"],
    ["more than 100 videos", { ...good, videos: Array(101).fill("v") }, "names no videos"],
    ["a star in the middle", { ...good, videos: ["a*b"] }, "end in *"],
    ["rights that are no list", { ...good, can: 7 }, '"can"'],
    ["roles that are no list", { ...good, roles: {} }, '"roles"'],
    ["a name of 129 characters", { ...good, name: "x".repeat(129) }, "name"],
  ])("%s: refused, and the claim is named", (_, claims, message) => {
    expect(identityOf(claims, 0)).toContain(message);
  });

  test("its end is one that a date can name", () => {
    expect(identityOf({ ...good, exp: 1e300 }, 0)).toMatchObject({ untilMs: 8.64e15 });
  });

  test("videos are those it names, and those that begin as it says", () => {
    const who = identityOf(good, 0);
    if (typeof who === "string") throw new Error(who);
    const may = (video: string) => forbids(who, "watch", video as VideoId) === undefined;
    expect([may("v"), may("match-1"), may("match-")]).toEqual([true, true, true]);
    expect([may("m"), may("vv"), may("match"), may("amatch-1")]).toEqual([false, false, false, false]);
    expect(forbids(who, "moderate", "v" as VideoId)?.rejected).toBe("forbidden");
    const all = identityOf({ ...good, videos: ["*"] }, 0);
    expect(typeof all === "object" && forbids(all, "like", "any" as VideoId)).toBeUndefined();
  });
});

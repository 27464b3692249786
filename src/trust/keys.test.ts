/** API keys: which lines are keys, what a mistake is told as, and whose a given key is. */
import { describe, expect, test } from "bun:test";
import { seededPrng } from "../base/prng.ts";
import { ApiKeys } from "./keys.ts";

const studio = "studio:publish:publish-key-of-16+";

function read(items: readonly string[], adminKey = ""): ApiKeys {
  const keys = ApiKeys.read(items, adminKey);
  if ("mistakes" in keys) throw new Error(keys.mistakes.join("\n"));
  return keys;
}

describe("API keys", () => {
  test("are found by their text, with the rights of their scopes", () => {
    const keys = read([studio, "desk:moderate+publish:moderate-key-of-16"], "admin-key-of-16ch");
    expect(keys.size).toBe(3);
    expect(keys.find("publish-key-of-16+")).toMatchObject({
      by: "key",
      sub: "studio",
      rights: new Set(["like", "comment"]),
    });
    expect(keys.find("moderate-key-of-16")?.rights).toEqual(
      new Set(["watch", "moderate", "like", "comment"]),
    );
    expect(keys.find("admin-key-of-16ch")?.rights.has("admin")).toBe(true);
    expect([keys.find(""), keys.find("publish-key-of-16"), keys.find(studio)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([keys.has("admin"), read([studio]).has("admin"), read([]).find("")]).toEqual([
      true,
      false,
      undefined,
    ]);
  });

  test("that anybody could guess are none, the admin key too", () => {
    for (const key of ["a", "123456789012345"]) {
      expect(ApiKeys.read([], key)).toEqual({
        mistakes: [expect.stringContaining("--admin-key has less than 16")],
      });
    }
  });

  test.each([
    ...[
      "aaaaaaaaaaaaaaaaaaaa",
      "passwordpassword",
      "Passw0rdPassw0rd",
      "1234567890123456",
      "abcdefghijklmnop",
    ],
    ...[
      "adminadminadmin1",
      "changeme-changeme",
      "change-me-change-me",
      "super-secret-admin-key",
      "qwertyuiop123456",
    ],
    ...["ovation-ovation-ovation", "dddccbbaaabbccdd", "letmeinletmeinletmein", "blue!blue!blue!blue!"],
  ])("that may do everything are not as easily guessed as %s", (key) => {
    expect(ApiKeys.read([], key)).toEqual({
      mistakes: ["--admin-key can be guessed: try openssl rand -base64 24"],
    });
    expect(ApiKeys.read([`boss:watch+admin:${key}`], "")).toEqual({
      mistakes: [expect.stringContaining("the key of boss can be guessed")],
    });
    expect(ApiKeys.read([`other:watch:${key}`], "")).toBeInstanceOf(ApiKeys);
  });

  test("that chance has made are taken", () => {
    const prng = seededPrng(1);
    for (let tries = 0; tries < 2_000; tries++) {
      const hex = Array.from({ length: 16 }, () => prng.between(0, 15).toString(16)).join("");
      expect(ApiKeys.read([], hex)).toBeInstanceOf(ApiKeys);
    }
  });

  test("stand until they are taken out, and may look like tokens", () => {
    const keys = read([studio, "dots:watch:aaaa.bbbbbbbbbb.cccc"]);
    const { proof = "" } = keys.find("publish-key-of-16+") ?? {};
    expect([keys.stands(proof), read([]).stands(proof), keys.stands("")]).toEqual([true, false, false]);
    expect([keys.someLikeTokens, read([studio]).someLikeTokens]).toEqual([true, false]);
  });

  test.each([
    ["a name twice", [studio, "studio:watch:another-key-of-16"], "2: the name studio is taken"],
    ["15 characters", ["a:watch:123456789012345"], "1: the key of a has less than 16 characters"],
    ["a scope that is none", ["a:fly:1234567890123456"], '1: no scope "fly"'],
    ["an inherited scope", ["a:constructor:1234567890123456"], '1: no scope "constructor"'],
    ["no scope", ["a:1234567890123456"], "1: must be NAME:SCOPES:KEY"],
    ["a space in the key", ["a:watch:12345678 0123456"], "1: must be NAME:SCOPES:KEY"],
    ["more than 256", Array.from({ length: 257 }, (_, i) => `k${i}:watch:1234567890123456`), "at most 256"],
  ])("%s: told, and no key is", (_, items, mistake) => {
    const keys = ApiKeys.read(items, "");
    const told = "mistakes" in keys ? keys.mistakes.join("\n") : "";
    expect(told).toContain(mistake);
    expect(told).not.toContain("of-16");
    expect(told).not.toMatch(/\d{15}/);
  });

  test("every mistake is told at once", () => {
    expect(ApiKeys.read(["a:watch:short", "b", studio], "")).toMatchObject({
      mistakes: [expect.stringContaining("1:"), expect.stringContaining("2:")],
    });
  });
});

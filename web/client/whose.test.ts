/** Whose line it is: one name for all tokens of a viewer, another for everybody else. */
import { expect, test } from "bun:test";
import { whoseLine } from "./whose.ts";

const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;

test("a fresh token of one viewer is the same line; another viewer, right or video is another", () => {
  const ann = { sub: "änn", videos: ["v"], exp: 1 };
  const same = [ann, { ...ann, exp: 2 }, { ...ann, iat: 1, jti: "x" }];
  expect(new Set(same.map((one) => whoseLine(jwt(one)))).size).toBe(1);
  const others = [ann, { ...ann, sub: "ben" }, { ...ann, can: ["moderate"] }, { ...ann, videos: ["w"] }];
  const names = [...others.map(jwt), "no jwt", undefined].map(whoseLine);
  expect(new Set(names).size).toBe(names.length);
});

test("nobody's line has no name, and no name holds a token", () => {
  for (const nobody of [undefined, ""]) expect(whoseLine(nobody)).toBe("");
  for (const token of ["a-key-that-is-secret", "a.b.c", "e30.bnVsbA.c", jwt({ sub: "ann" })]) {
    expect(whoseLine(token)).not.toContain(token);
  }
});

/** The check of values against schemas: each word of JSON Schema that we use can fail. */
import { describe, expect, test } from "bun:test";
import { list, mistakesIn, object, ref, type Schema } from "./schema.ts";

const name: Schema = { type: "string", minLength: 1, maxLength: 3 };
const known = { Pair: object({ a: name, b: { type: "integer", minimum: 0, maximum: 9 } }, "b") };
const check = (value: unknown, schema: Schema, strict = true) => mistakesIn(value, schema, { known, strict });

describe("a value against a schema", () => {
  test.each<[string, unknown, Schema, string[]]>([
    ["a whole pair", { a: "x", b: 1 }, ref("Pair"), []],
    ["without what may be missing", { a: "x" }, ref("Pair"), []],
    ["without what must be there", { b: 1 }, ref("Pair"), ["$.a is missing"]],
    ["more than is known", { a: "x", c: 1 }, ref("Pair"), ["$.c is not in the document"]],
    ["a list where an object is", [], ref("Pair"), ["$ is no object"]],
    ["null where an object is", null, ref("Pair"), ["$ is no object"]],
    ["a reference to nothing", 1, ref("Gone"), ["$ is #/components/schemas/Gone, which nobody knows"]],
    ["text too long, counted as people do", "👏👏👏👏", name, ["$ has 4 characters"]],
    ["text as long as it may be", "👏👏👏", name, []],
    ["no text at all", "", name, ["$ has 0 characters"]],
    ["another pattern", "b", { type: "string", pattern: "^a$" }, ["$ is not ^a$"]],
    ["another word", "b", { type: "string", enum: ["a", "c"] }, ["$ is none of a, c"]],
    ["a number where text is", 1, { type: "string" }, ["$ is no string"]],
    ["half a number", 1.5, { type: "integer" }, ["$ is no integer"]],
    ["too little", -1, { type: "integer", minimum: 0 }, ["$ is -1"]],
    ["too much", 10, { type: "number", maximum: 9.5 }, ["$ is 10"]],
    ["text where a number is", "1", { type: "number" }, ["$ is no number"]],
    ["text where yes or no is", "true", { type: "boolean" }, ["$ is no boolean"]],
    ["another constant", false, { const: true }, ["$ is not true"]],
    ["a bad item", [1, "x"], list({ type: "integer" }), ["$[1] is no integer"]],
    ["too many items", [1, 2], list({ type: "integer" }, 1), ["$ has 2 items"]],
    ["no list", {}, list({}), ["$ is no list"]],
    ["members of any name", { x: 1, y: -1 }, counts(), ["$.y is -1"]],
  ])("%s", (_, value, schema, mistakes) => {
    expect(check(value, schema)).toEqual(mistakes);
  });

  test("a client passes over members it does not know", () => {
    expect(check({ a: "x", c: 1 }, ref("Pair"), false)).toEqual([]);
  });
});

function counts(): Schema {
  return { type: "object", additionalProperties: { type: "integer", minimum: 0 } };
}

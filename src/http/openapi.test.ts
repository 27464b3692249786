/** The document against the routes, and real answers against its schemas. */
import { describe, expect, test } from "bun:test";
import { call, fakeDoors, posted } from "../system/fake-doors.ts";
import { refusals } from "../system/refusals.ts";
import { statusOf } from "./answer.ts";
import { openapi, refusalsOf, templateOf } from "./openapi.ts";
import { rows } from "./routes.ts";
import { type Schema, schemas } from "./schemas.ts";
import { createServer } from "./server.ts";

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { name: string; in: string }[];
  readonly responses: Readonly<Record<string, { content?: Record<string, { schema: Schema }> }>>;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}
const document = JSON.parse(openapi("1.2.3")) as Document;

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);

/** What is wrong with `value`, in the few words of JSON Schema that our schemas use. */
function mistakes(value: unknown, schema: Schema, at = "$"): string[] {
  if (schema.$ref)
    return mistakes(value, document.components.schemas[schema.$ref.split("/").at(-1) ?? ""] ?? {}, at);
  if ("const" in schema) return value === schema.const ? [] : [`${at} is not ${schema.const}`];
  switch (schema.type) {
    case "object": {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return [`${at} is no object`];
      const missing = (schema.required ?? []).filter((name) => !(name in value));
      return [
        ...missing.map((name) => `${at}.${name} is missing`),
        ...Object.entries(value).flatMap(([name, member]) => {
          const known = schema.properties?.[name] ?? schema.additionalProperties;
          if (known) return mistakes(member, known, `${at}.${name}`);
          return schema.properties ? [`${at}.${name} is not in the document`] : [];
        }),
      ];
    }
    case "array":
      if (!Array.isArray(value)) return [`${at} is no list`];
      return value.flatMap((item, i) => mistakes(item, schema.items ?? {}, `${at}[${i}]`));
    case "integer":
      return Number.isInteger(value) ? [] : [`${at} is no integer`];
    default:
      return typeof value === schema.type ? [] : [`${at} is no ${schema.type}`];
  }
}

describe("openapi.json", () => {
  test("is served, and has every row of the table and nothing else", async () => {
    const served = await call({ path: "/openapi.json" });
    expect(served.response.headers.get("content-type")).toBe("application/json");
    expect(JSON.parse(served.text)).toMatchObject({ openapi: "3.1.0", info: { version: "0.0.0" } });
    expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
      rows.map(({ method, path }) => `${method} ${templateOf(path)}`).sort(),
    );
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("names every path parameter, and every schema it points to", () => {
    for (const { path, operation } of operations) {
      const named = operation.parameters.filter((p) => p.in === "path").map(({ name }) => `{${name}}`);
      expect([...(path.match(/\{[a-z]+\}/g) ?? [])]).toEqual(named);
    }
    const text = JSON.stringify(document);
    const wanted = new Set([...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map((match) => match[1]));
    expect([...wanted].sort()).toEqual(Object.keys(schemas).sort());
  });

  test("every operation is routed: its method answers, others are 405", async () => {
    const server = createServer(fakeDoors().doors);
    for (const { path, method } of operations) {
      const url = `http://node${path.replace(/\{[a-z]+\}/g, "v")}`;
      const known = await server.fetch(new Request(url, { method }));
      expect([404, 405].includes(known.status) ? await known.text() : "").not.toContain(
        "there is nothing here",
      );
      const other = await server.fetch(new Request(url, { method: "PATCH" }));
      expect([path, other.status]).toEqual([path, 405]);
      expect(other.headers.get("allow")?.split(", ")).toContain(method);
    }
  });

  test("every refusal that the tests know is in the document", () => {
    for (const [what, { method = "GET", path }, status, code] of refusals) {
      const plain = path.split("?")[0] ?? "";
      const row = rows.find((candidate) => {
        const pattern = candidate.path.replace(/:[a-z]+(\{\.\+\})?/g, "[^/]+");
        return candidate.method === method && new RegExp(`^${pattern}$`).test(plain);
      });
      if (!row) {
        expect([what, code]).toEqual([what, "not-found"]);
        continue;
      }
      expect([what, [...refusalsOf(row)].includes(code as never)]).toEqual([what, true]);
      expect(statusOf[code as keyof typeof statusOf]).toBe(status);
    }
  });

  test("answers have the shape that the document gives them", async () => {
    const said = { video: "v", id: "abcd-1", user: "u", text: "t", at: 1 } as never;
    const listing = async () => ({ comments: [said], more: true, reset: true as const });
    const crowd = { fans: 0, set: () => {} };
    const doors = { reader: { ...fakeDoors().doors.reader, listing }, crowd };
    const calls = [
      ["Verdicts", posted("/v1/likes", { items: [{ video: "v", kind: "heart" }, {}] })],
      ["Placed", posted("/v1/videos/v/comments", { text: "hi" })],
      ["Video", { path: "/v1/videos/v" }],
      ["Comments", { path: "/v1/videos/v/comments" }],
      ["Poll", { path: "/v1/videos/v/poll" }],
      ["Config", { path: "/v1/config" }],
      ["Fans", { path: "/v1/demo" }],
      ["Status", { path: "/health/live" }],
      ["Error", { path: "/v1/events" }],
    ] as const;
    for (const [name, tried] of calls) {
      const { text } = await call({ ...tried, doors });
      expect([name, mistakes(JSON.parse(text), schemas[name])]).toEqual([name, []]);
    }
    expect(mistakes({ id: 5, more: 1 }, schemas.Placed)).toEqual([
      "$.id is no string",
      "$.more is not in the document",
    ]);
  });
});

/** The document against the routes, and real answers against its schemas. */
import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { call, fakeDoors, posted } from "../system/fake-doors.ts";
import { refusals } from "../system/refusals.ts";
import { statusOf } from "./answer.ts";
import { openapi, refusalsOf, templateOf } from "./openapi.ts";
import { rows } from "./routes.ts";
import type { Row } from "./row.ts";
import { mistakesIn, type Schema } from "./schema.ts";
import { schemas } from "./schemas.ts";
import { createServer } from "./server.ts";

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly { name: string; in: string; description?: string }[];
  readonly responses: Readonly<Record<string, { content?: Record<string, { schema: Schema }> }>>;
}
interface Document {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly securitySchemes: Readonly<Record<string, object>>;
  };
}
const document = JSON.parse(openapi("1.2.3")) as Document;

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);

const mistakes = (value: unknown, schema: Schema): string[] =>
  mistakesIn(value, schema, { known: document.components.schemas, strict: true });

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

  test("calls operations by names that people can say, under tags and proofs that it explains", () => {
    const schemes = Object.keys(document.components.securitySchemes);
    const tags = document.tags.map(({ name }) => name);
    for (const { path, operation } of operations) {
      expect(operation.operationId).toMatch(/^[a-z]+([A-Z][a-z]+)+$/);
      expect([path, tags]).toEqual([path, expect.arrayContaining([...operation.tags])]);
      const named = operation.security.flatMap((one) => Object.keys(one));
      expect([path, schemes]).toEqual([path, expect.arrayContaining(named)]);
    }
    const security = (id: string) =>
      operations.find(({ operation }) => operation.operationId === id)?.operation.security;
    expect(security("getLiveness")).toEqual([]);
    expect(security("likeVideo")).toContainEqual({});
    expect(security("getCluster")).toEqual([{ key: [] }, { keyHeader: [] }]);
    expect(operations.find(({ path }) => path.endsWith("/likes"))?.operation.operationId).toBe("likeVideo");
  });

  test("says where it came from, also under a path of its own", async () => {
    expect(document.servers[0]?.url).toBe("/");
    const program = new Hono().route("/live/now", createServer(fakeDoors().doors).app);
    for (const name of ["openapi", "asyncapi"]) {
      const text = await (await program.request(`http://x/live/now/${name}.json`)).text();
      expect(text).toContain(name === "openapi" ? '"url":"/live/now"' : '"pathname":"/live/now"');
    }
  });

  test("names every path parameter, and every schema it points to", () => {
    for (const { path, operation } of operations) {
      const named = operation.parameters.filter((p) => p.in === "path").map(({ name }) => `{${name}}`);
      expect([...(path.match(/\{[a-z]+\}/g) ?? [])]).toEqual(named);
      expect(operation.parameters.filter(({ description }) => !description)).toEqual([]);
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

  test("what publishes is refused on a video that is closed, and a body may come too slowly", () => {
    const publishing = ["likeVideo", "unlikeVideo", "addComment"].map((id) =>
      rows.find((row) => row.id === id),
    );
    for (const row of publishing) {
      const codes = [...refusalsOf(row as Row)];
      expect([row?.id, codes]).toEqual([row?.id, expect.arrayContaining(["closed", "too-slow"])]);
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

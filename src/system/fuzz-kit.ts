/**
 * What the fuzz runs send and how: requests that nobody would write, as many as FUZZ_RUNS says, made from
 * FUZZ_SEED.
 */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { rows } from "../http/routes.ts";
import type { How, Running } from "./server.ts";

/** Of a stack, a source path, a runtime's error page. */
export const inside =
  /\bat [\w.<>]+ \(|\.ts:\d|node_modules|\$bunfs|\/work\/|<!doctype|TypeError|SyntaxError/i;
export const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Of requests, and again of bytes: 20,000 at the executable unless told otherwise. */
export const runsOf = (how: How): number =>
  Number(process.env.FUZZ_RUNS ?? (how === "executable" ? 10_000 : 400));
/** Bytes of memory after the run for each before it, once warm: what was asked must not pile up. */
export const growthMax = 1.5;
export const warmRuns = 400;
/** Runs from which several go on at once, each with a seed of its own. */
const manyRuns = 100_000;
export const lanesOfMany = 8;
/** Runs `numRuns` times in all. */
export async function tryAll<T>(
  made: fc.Arbitrary<T>,
  run: (one: T) => Promise<void>,
  numRuns: number,
): Promise<void> {
  const lanes = numRuns < manyRuns ? 1 : lanesOfMany;
  await Promise.all(
    Array.from({ length: lanes }, (_, lane) =>
      fc.assert(fc.asyncProperty(made, run), { numRuns: Math.ceil(numRuns / lanes), seed: seed + lane }),
    ),
  );
}

const nasty = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    "",
    "__proto__",
    "constructor",
    "a\r\nevent: bye\r\ndata: {}\r\n\r\n",
    "a\n\nid: x",
    "v 5\r\nhello\r\nPUB admin.evil",
    "../../etc/passwd",
    "%2e%2e%2f",
    "\u0000",
    "*",
    ">",
    "a.b",
    "💥".repeat(300),
    "x".repeat(5000),
  ),
);
const segment = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("v", "w") },
  nasty.map((text) => encodeURIComponent(text.toWellFormed())),
  fc.string({ unit: "grapheme-ascii", maxLength: 20 }).map((text) => text.replace(/[?#\s]/g, "_")),
);
const path = fc.oneof(
  fc.tuple(fc.constantFrom(...rows.map((row) => row.path)), segment, segment).map(([template, a, b]) => {
    const filled = [a, b];
    return template.replace(/:[a-z]+(\{\.\+\})?/g, () => filled.shift() ?? "v");
  }),
  fc.array(segment, { maxLength: 6 }).map((segments) => `/${segments.join("/")}`),
);
const query = fc.oneof(
  fc.constant(""),
  fc
    .array(fc.tuple(fc.constantFrom("video", "after", "wait", "limit", "last_event_id", "x"), nasty), {
      maxLength: 4,
    })
    .map((pairs) => `?${new URLSearchParams(pairs.map(([name, value]) => [name, value.toWellFormed()]))}`)
    // A poll that waits is an answer too, but this test does not wait for it.
    .map((text) => text.replace(/wait=\d+/g, "wait=0")),
);
const field = fc.oneof(
  nasty,
  fc.integer({ min: -2, max: 60 }),
  fc.double(),
  fc.constantFrom(null, true, [], {}, "heart", "clap"),
  fc.jsonValue({ maxDepth: 3 }),
);
const body = fc.oneof(
  fc
    .dictionary(
      // Without "fans": a crowd called up by chance would add to the totals held against what was accepted.
      fc.constantFrom("kind", "count", "user", "key", "text", "items", "seconds", "__proto__", "x"),
      field,
    )
    .map((fields) => JSON.stringify(fields)),
  fc
    .record({ kind: fc.constantFrom("heart", "clap"), count: fc.integer({ min: 1, max: 50 }) })
    .map((like) => {
      return JSON.stringify(like);
    }),
  fc.record({ text: nasty, user: nasty }).map((comment) => JSON.stringify(comment)),
  fc
    .array(fc.record({ video: fc.constantFrom("v", "a b"), kind: field, count: field }), { maxLength: 20 })
    .map((items) => JSON.stringify({ items })),
  nasty,
  fc.integer({ min: 1, max: 20_000 }).map((depth) => "[".repeat(depth)),
);
const headers = fc.dictionary(
  fc.constantFrom(
    "idempotency-key",
    "last-event-id",
    "origin",
    "authorization",
    "x-api-key",
    "if-none-match",
    "range",
  ),
  fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 200 }).map((text) => text.trim()),
);
const odd = fc.record({
  method: fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "POST", "POST"),
  path,
  query,
  headers,
  type: fc.constantFrom("application/json", "application/json; charset=utf-8", "text/plain", ""),
  body,
});
/** As odd, at a row of the table and with its method: what gets past the router. */
export const fitting: typeof odd = fc
  .tuple(fc.constantFrom(...rows), fc.constantFrom("v", "w"), segment, odd)
  .map(([row, video, other, rest]) => {
    const filled = row.path.includes(":connection") ? [other, video] : [video, other];
    const path = row.path.replace(/:[a-z]+(\{\.\+\})?/g, () => filled.shift() ?? "v");
    return { ...rest, path, method: row.method };
  });
/** Some must be taken, or the totals would be held against nothing. */
export const good: typeof odd = fc.record({
  method: fc.constant("POST"),
  path: fc.constantFrom("/v1/videos/v/likes", "/v1/videos/w/likes"),
  query: fc.constant(""),
  headers: fc.constant({}),
  type: fc.constant("application/json"),
  body: fc.integer({ min: 1, max: 50 }).map((count) => JSON.stringify({ kind: "heart", count })),
});
export const request = fc.oneof(
  { weight: 4, arbitrary: odd },
  { weight: 5, arbitrary: fitting },
  { weight: 1, arbitrary: good },
);

export type Tried = typeof request extends fc.Arbitrary<infer T> ? T : never;

/** Bytes of memory that an executable holds; undefined where it is not a process of its own. */
export function memoryOf(node: Running): number | undefined {
  if (!("pid" in node)) return undefined;
  const status = readFileSync(`/proc/${node.pid}/status`, "utf8");
  return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
}

export const megabytes = (bytes: number): string => (bytes / 1_000_000).toFixed(1);

/**
 * What docs/http.md says of each call and of each event: the calls from their table (src/http/routes.ts), the
 * events from their schemas (src/http/event-schemas.ts). docs.ts puts it into the page.
 */
import { type Code, statusOf } from "../src/http/answer.ts";
import { controlRoomEvents, type EventRow, videoEvents } from "../src/http/event-schemas.ts";
import { refusalsOf } from "../src/http/openapi.ts";
import { rows } from "../src/http/routes.ts";
import { type Row, tags } from "../src/http/row.ts";
import type { Schema } from "../src/http/schema.ts";
import { type SchemaName, schemas } from "../src/http/schemas.ts";

/** Codes that many calls may answer with, by what a call has: the page says them once, before the calls. */
const commonCodes: ReadonlySet<Code> = new Set([
  ...([
    "unauthorized",
    "forbidden",
    "banned",
    "cross-site",
    "work-rate",
    "unavailable",
    "bad-query",
  ] as const),
  ...(["bad-content-type", "too-large", "too-slow", "bad-json", "bad-body"] as const),
  ...(["bad-video", "unknown-video"] as const),
]);

/** Who is let in, in words. */
const rights: Readonly<Record<Row["right"], string>> = {
  anybody: "everybody, unasked",
  watch: "who may watch",
  like: "who may like",
  comment: "who may comment",
  moderate: "moderators",
  metrics: "who may read metrics",
  admin: "operators",
};

/** A section for each call, under what they are about. */
export function callsSection(): string {
  return Object.entries(tags)
    .map(([tag, about]) => {
      const calls = rows.filter((row) => row.tag === tag).map(callOf);
      return [`### ${about}`, ...calls].join("\n\n");
    })
    .join("\n\n");
}

function callOf(row: Row): string {
  const { method, summary, right, orThisMachine, query, body, keyed, resumes, answer } = row;
  const own = [...refusalsOf(row)].filter((code) => !commonCodes.has(code)).sort();
  const here =
    orThisMachine === "always" ? ", and this machine" : ", and this machine while there is no admin key";
  const asked = (query ?? []).map(({ name, about }) => `\`${name}\` (${about})`);
  const headers = [...(keyed ? ["Idempotency-Key"] : []), ...(resumes ? ["Last-Event-ID"] : [])];
  const shown = answer.schema ? `: ${shapeOf(answer.schema)}` : answer.type ? `: \`${answer.type}\`` : "";
  const lines = [
    `#### ${method} ${row.path.replace(/\{.*\}$/, "")}`,
    "",
    `${summary}.`,
    "",
    `- for ${rights[right]}${orThisMachine ? here : ""}`,
    ...(asked.length > 0 ? [`- query: ${asked.join(", ")}`] : []),
    ...(headers.length > 0 ? [`- header: \`${headers.join("`, `")}\``] : []),
    ...(body ? [`- body: ${shapeOf(body)}`] : []),
    `- ${answer.status}, ${answer.about}${shown}`,
    ...(own.length > 0 ? [`- refused: ${own.map((code) => `${code} ${statusOf[code]}`).join(", ")}`] : []),
  ];
  return lines.join("\n");
}

/** A row for each event of a stream. */
export function eventsSection(): string {
  const head = ["| event | fields | what it says | `id:` |", "|---|---|---|---|"];
  const events = Object.entries({ ...videoEvents, ...controlRoomEvents });
  return [...head, ...events.map(([name, row]) => eventOf(name, row))].join("\n");
}

function eventOf(name: string, { about, id, payload }: EventRow): string {
  const { properties = {}, required = [] } = payload.$ref ? schemas.SaidComment : payload;
  const fields = Object.entries(properties).map(([field, schema]) => {
    const { description } = schema;
    const mark = required.includes(field) ? "" : "?";
    return `\`${field}\`${mark}${description === undefined ? "" : ` (${description})`}`;
  });
  return `| \`${name}\` | ${fields.join(", ")} | ${about} | ${id} |`.replaceAll("\n", " ");
}

/** A schema as people write it: `{"kind", "count"?}`. */
function shapeOf(name: SchemaName): string {
  return `\`${membersOf(schemas[name])}\``;
}

function membersOf(schema: Schema, depth = 0): string {
  const { $ref, type, items, properties, required = [] } = schema;
  if ($ref !== undefined) return membersOf(schemas[$ref.split("/").at(-1) as SchemaName], depth);
  if (type === "array" && items) return `[${depth > 1 ? "" : membersOf(items, depth)}…]`;
  if (type !== "object" || !properties) return "";
  const members = Object.entries(properties).map(([name, member]) => {
    const inner = membersOf(member, depth + 1);
    const shown = inner.length > 3 && depth === 0 ? `: ${inner}` : "";
    return `"${name}"${required.includes(name) ? "" : "?"}${shown}`;
  });
  return `{${members.join(", ")}}`;
}

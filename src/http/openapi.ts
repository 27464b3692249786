/**
 * `/openapi.json`, made from the route table: OpenAPI 3.1, complete by construction.
 *
 * Nothing is described twice: statuses of refusals follow from their codes, and codes that every call of a
 * shape shares follow from the shape (a body may be too large wherever there is a body).
 */
import { type Code, statusOf } from "./answer.ts";
import { tokenCookie } from "./auth.ts";
import { rows } from "./routes.ts";
import { isForStaff, type QueryRow, type Row, tags } from "./row.ts";
import { ref, type Schema } from "./schema.ts";
import { keyText, schemas, videoId } from "./schemas.ts";

const bodyRefusals: readonly Code[] = [
  "bad-content-type",
  "too-large",
  "too-slow",
  "bad-json",
  "bad-body",
  "busy",
];

/** Every code that `row` may answer with. */
export function refusalsOf(row: Row): ReadonlySet<Code> {
  const codes = new Set<Code>(row.refusals);
  const namesVideos = row.path.includes(":video") || row.query?.some(({ kind }) => kind === "videos");
  if (namesVideos) for (const code of ["bad-video", "unknown-video"] as const) codes.add(code);
  if (row.body) for (const code of bodyRefusals) codes.add(code);
  if (row.query || row.path.startsWith("/v1/")) codes.add("bad-query");
  if (row.right === "anybody") return codes;
  for (const code of ["unauthorized", "forbidden", "unavailable", "work-rate"] as const) codes.add(code);
  if (isForStaff(row)) codes.add("admin-off");
  else codes.add("banned");
  if (row.method !== "GET") codes.add("cross-site");
  return codes;
}

/** `/v1/videos/:video` → `/v1/videos/{video}` */
export function templateOf(path: string): string {
  return path.replace(/:([a-z]+)(\{[^}]*\})?/g, "{$1}");
}

/**
 * The document, as JSON text. `at`: the path under which the routes are mounted, "" for the root; it is the
 * document's server, so that a client made from it goes where the document came from.
 */
export function openapi(version: string, at = ""): string {
  const paths: Record<string, Record<string, object>> = {};
  for (const row of rows) {
    const path = templateOf(row.path);
    paths[path] = { ...paths[path], [row.method.toLowerCase()]: operation(row) };
  }
  return JSON.stringify({
    openapi: "3.1.0",
    info: {
      title: "Ovation",
      version,
      description:
        "Live reactions of an audience: likes and comments over Server-Sent Events. " +
        "What the events of a stream hold is said by /asyncapi.json.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: at === "" ? "/" : at, description: "where this document came from" }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: { schemas, securitySchemes },
  });
}

const securitySchemes = {
  token: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description:
      "With --auth=token: who the viewer is and what they may do. Also as the cookie or the query.",
  },
  tokenCookie: { type: "apiKey", in: "cookie", name: tokenCookie, description: "The token, from own pages." },
  tokenQuery: {
    type: "apiKey",
    in: "query",
    name: "token",
    description: "The token, for EventSource, which sends no headers.",
  },
  key: { type: "http", scheme: "bearer", description: "The --admin-key, or one of --api-keys." },
  keyHeader: {
    type: "apiKey",
    in: "header",
    name: "X-API-Key",
    description: "The same in a header of its own.",
  },
};

/**
 * Any one of them lets a caller in; {} is nobody in particular: to viewers' calls with --auth=open, to an
 * operator's from this machine. */
function securityOf(row: Row): readonly object[] {
  if (row.right === "anybody") return [];
  const keys = [{ key: [] }, { keyHeader: [] }];
  const proofs = [...keys, { token: [] }, { tokenCookie: [] }, { tokenQuery: [] }];
  const isForKeys = row.right === "admin" || row.right === "metrics";
  const ways = isForKeys ? keys : proofs;
  return isForStaff(row) && !row.orThisMachine ? ways : [...ways, {}];
}

function operation(row: Row): object {
  const { status, about: what } = row.answer;
  return {
    operationId: row.id,
    tags: [row.tag],
    summary: row.summary,
    description: `${row.summary}. Answers ${status}: ${what}.`,
    security: securityOf(row),
    parameters: parameters(row),
    ...(row.body && {
      requestBody: { required: true, content: { "application/json": { schema: ref(row.body) } } },
    }),
    responses: { [status]: { description: what, ...contentOf(row) }, ...refusalAnswers(row) },
  };
}

function contentOf({ answer }: Row): object {
  if (answer.schema) return { content: { "application/json": { schema: ref(answer.schema) } } };
  return answer.type ? { content: { [answer.type]: { schema: { type: "string" } } } } : {};
}

const about: Readonly<Record<string, string>> = {
  video: "a video's id; a new one begins a new video",
  comment: "a comment's id, as events and answers tell it",
  connection: "a stream's name, as its event `hello` tells it",
  second: "a second of the video's own time, Unix seconds",
  file: "a path in the --media folder",
  user: "the name of a person, as comments carry it",
  "Idempotency-Key": "makes a repeat harmless: within 120 s the same key on the same video counts once",
  "Last-Event-ID": "the `id:` a stream is to go on behind, as EventSource sends it by itself",
};

function parameters(row: Row): object[] {
  const inPath = [...row.path.matchAll(/:([a-z]+)/g)].map(([, name]) => ({
    name,
    in: "path",
    description: about[name ?? ""],
    required: true,
    schema: name === "video" ? videoId : { type: "string" },
  }));
  const inQuery = (row.query ?? []).map((member) => ({
    name: member.name,
    in: "query",
    description: member.about,
    required: member.kind === "videos",
    schema: querySchema(member),
  }));
  const header = (name: string) => ({
    ...{ name, in: "header", description: about[name] },
    ...{ required: false, schema: name === "Idempotency-Key" ? keyText : { type: "string" } },
  });
  return [
    ...inPath,
    ...inQuery,
    ...(row.keyed ? [header("Idempotency-Key")] : []),
    ...(row.resumes ? [header("Last-Event-ID")] : []),
  ];
}

function querySchema({ name, kind, min = 0, max }: QueryRow): Schema {
  if (kind === "videos") return { type: "array", items: videoId };
  if (kind === "text") return name === "key" ? keyText : { type: "string" };
  return { type: "integer", minimum: min, ...(max !== undefined && { maximum: max }) };
}

function refusalAnswers(row: Row): Record<string, object> {
  const codes = new Map<number, Code[]>();
  for (const code of refusalsOf(row)) {
    codes.set(statusOf[code], [...(codes.get(statusOf[code]) ?? []), code]);
  }
  const answers: Record<string, object> = {};
  for (const [status, names] of codes) {
    const again = status === 429 || status === 503;
    answers[status] = {
      description: `\`code\` is one of: ${names.join(", ")}`,
      ...(again && { headers: { "Retry-After": { schema: { type: "integer" }, description: "seconds" } } }),
      content: { "application/json": { schema: ref("Error") } },
    };
  }
  return answers;
}

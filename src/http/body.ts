/**
 * Reads a request's JSON body, once, within a bound of bytes and of time.
 *
 * Order matters: the type is checked before the size, the size before anything is read, and nothing is
 * parsed that is not well-formed UTF-8 in full. A length announced is enforced by the HTTP parser below;
 * one not announced (chunked) is counted here. Requiring application/json also keeps foreign pages out
 * without preflight. Held by server.test.ts; how much of all bodies is there at once is bodies.ts.
 */
import { reject } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { refuse, refused } from "./answer.ts";
import { late, type Read } from "./bodies.ts";
import type { Doors } from "./doors.ts";
import type { Entry } from "./entry.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });
const tooLong = Symbol("too long");
type Bytes = ArrayBuffer | Uint8Array | typeof tooLong;
const jsonType = /^application\/json[\t ]*(;|$)/i;

/** The parsed body, or the answer that refuses it. */
export function readJson(
  { bodies }: Pick<Doors, "bodies">,
  { request, payer }: Pick<Entry, "request" | "payer">,
  bytesMax: number,
): unknown {
  const { headers } = request;
  const type = headers.get("content-type");
  if (type !== "application/json" && (type === null || !jsonType.test(type))) {
    return refuse("bad-content-type", "content-type must be application/json");
  }
  const announced = headers.get("content-length");
  const length = announced === null ? bytesMax : Number(announced);
  if (length > bytesMax) return tooLarge(bytesMax);
  const refusal = bodies.refuses(payer, length);
  if (refusal) return refused(refusal);
  // Not `bytes()`: the request of @hono/node-server has none.
  const reading: Promise<Bytes> =
    announced === null ? readBounded(request.body, bytesMax) : request.arrayBuffer();
  return bodies.read(payer, length, reading, (read) => jsonIn(read, bytesMax));
}

function jsonIn(read: Read<Bytes>, bytesMax: number): unknown {
  if (read === late) return tooSlow();
  // The client left in the middle of its body: nobody reads this answer, and it is no bug of ours.
  if (read === undefined) return refuse("bad-body", "the body ended early");
  if (read === tooLong || read.byteLength > bytesMax) return tooLarge(bytesMax);
  if (read.byteLength > limits.bodyBytesMax && nestedDeeper(new Uint8Array(read))) {
    return refused(reject("bad-body", `the body must not nest deeper than ${depthMax}`));
  }
  try {
    return JSON.parse(decoder.decode(read)) as unknown;
  } catch {
    return refuse("bad-json", "the body is not JSON in UTF-8");
  }
}

/** What still comes of that body is not waited for. */
function tooSlow(): Response {
  const answer = refuse("too-slow", `a body must be here within ${limits.bodyMs / 1000} s`);
  answer.headers.set("connection", "close");
  return answer;
}

function tooLarge(bytesMax: number): Response {
  return refuse("too-large", `the body must have at most ${bytesMax} bytes`);
}

/** All of `body`; `tooLong` as soon as it is longer than `bytesMax`, the rest is not read. */
async function readBounded(
  body: ReadableStream<Uint8Array> | null,
  bytesMax: number,
): Promise<Uint8Array | typeof tooLong> {
  if (body === null) return new Uint8Array(0);
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > bytesMax) {
      void reader.cancel().catch(() => {});
      return tooLong;
    }
    chunks.push(value);
  }
  const [first] = chunks;
  if (first && chunks.length === 1) return first;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

const depthMax = 16;

/**
 * Whether a large body nests deeper than `depthMax`: half a megabyte of "[" holds the parser for a tenth of
 * a second. Looks at brackets outside strings; UTF-8 never hides one of these bytes in a longer character.
 */
function nestedDeeper(bytes: Uint8Array): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > depthMax) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return false;
}

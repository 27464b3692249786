/**
 * The --media folder: video files for the demo page, with the ranges that players ask for (RFC 9110,
 * section 14).
 *
 * A name is refused unless the file it ends at, links followed, lies inside the folder. Uses Bun.file, which
 * sends without copying through JavaScript: one of the two files of http/ that know Bun.
 */
import { realpath, stat } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { holds } from "./answer.ts";

const headersOfAll = {
  "accept-ranges": "bytes",
  "x-content-type-options": "nosniff",
  // A stranger's SVG or HTML among the videos must not become a page of ours.
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "cross-origin",
};

/** Playlists and manifests of a stream that goes on: a cached one would end the film where it was then. */
const growing = /\.(m3u8?|mpd)$/i;

/**
 * What Bun 1.4.5 takes for something else by the end of the name: an MPEG-2 segment (RFC 8216) is TypeScript
 * to it, "text/javascript", and a proxy that compresses texts then squeezes every segment and drops ranges.
 */
const types = new Map([
  [".ts", "video/mp2t"],
  [".cmfv", "video/mp4"],
  [".cmfa", "audio/mp4"],
  [".m4a", "audio/mp4"],
  [".aac", "audio/aac"],
  [".key", "application/octet-stream"],
]);

/** Serves the files under `folder`; undefined for a name that leads nowhere, or out of it. */
export function mediaFolder(
  folder: string,
): (request: Request, name: string) => Promise<Response | undefined> {
  return async (request, name) => {
    const path = await pathInside(folder, name);
    return path === undefined ? undefined : fileAnswer(request, path);
  };
}

async function pathInside(folder: string, name: string): Promise<string | undefined> {
  const steps = name.split("/");
  // Hidden files and "..": refused by their first character.
  if (name.length > 1024 || steps.some((step) => step === "" || step[0] === ".")) return undefined;
  if (name.includes("\0") || name.includes("\\")) return undefined;
  try {
    const root = await realpath(folder);
    const path = await realpath(join(root, ...steps));
    return path.startsWith(root + sep) ? path : undefined;
  } catch {
    return undefined;
  }
}

async function fileAnswer(request: Request, path: string): Promise<Response | undefined> {
  const stats = await stat(path);
  if (!stats.isFile()) return undefined;
  const size = stats.size;
  const file = Bun.file(path);
  const etag = `"${size.toString(36)}-${Math.floor(stats.mtimeMs).toString(36)}"`;
  const type = types.get(extname(path).toLowerCase()) ?? file.type;
  const caching = growing.test(path) ? "no-cache" : "public, max-age=3600";
  const headers = { ...headersOfAll, "cache-control": caching, "content-type": type, etag };
  if (holds(request.headers.get("if-none-match"), etag)) return new Response(null, { status: 304, headers });
  // Not by opening it: its length is known, and it would be read for nothing.
  if (request.method === "HEAD") {
    return new Response(null, { headers: { ...headers, "content-length": String(size) } });
  }
  const range = rangeOf(request, etag, size);
  if (range === "unsatisfiable") {
    return new Response(null, { status: 416, headers: { ...headers, "content-range": `bytes */${size}` } });
  }
  if (range === undefined) return new Response(file, { headers });
  const contentRange = `bytes ${range.from}-${range.to}/${size}`;
  const part = file.slice(range.from, range.to + 1);
  return new Response(part, { status: 206, headers: { ...headers, "content-range": contentRange } });
}

interface Range {
  readonly from: number;
  /** The last byte, included. */
  readonly to: number;
}

/**
 * The one range asked for; undefined for none, for several, and for what is not a range: then all is sent.
 */
function rangeOf(request: Request, etag: string, size: number): Range | "unsatisfiable" | undefined {
  const ifRange = request.headers.get("if-range");
  if (ifRange !== null && ifRange !== etag) return undefined;
  const match = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/.exec(request.headers.get("range") ?? "");
  const [, first = "", last = ""] = match ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { from: size - length, to: size - 1 };
  }
  const from = Number(first);
  const to = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < from) return undefined;
  return from >= size ? "unsatisfiable" : { from, to };
}

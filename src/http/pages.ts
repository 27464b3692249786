/**
 * The web page out of the binary: every file of web/ as a finished answer.
 *
 * A file whose name holds a hash never changes and is cached for good; any other is asked for again each time
 * and answered 304 while it is the same. Scripts may be imported by pages of other origins, documents may not
 * do anything this policy does not name. Held by pages.test.ts.
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { assets } from "../../web/dist/manifest.ts";
import { holds } from "./answer.ts";
import type { Asset } from "./doors.ts";

/** The files that the bundler made of web/, as text inside this program. */
export const webAssets: readonly Asset[] = assets;

/** No inline script, no foreign host but for video and pictures; `'self'` frames only. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' https: http: blob:",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
  "require-trusted-types-for 'script'",
].join("; ");

/** Smaller files gain nothing from compression. */
const gzipBytesMin = 1024;

/** Answers GET and HEAD for one file. */
export type Page = (request: Request) => Response;

/** The answer of each path. Hashes and compresses once, at start. */
export function pagesOf(assets: readonly Asset[]): ReadonlyMap<string, Page> {
  return new Map(assets.map((asset) => [asset.path, pageOf(asset)]));
}

function pageOf(asset: Asset): Page {
  const plain = new TextEncoder().encode(asset.body);
  const squeezed = plain.length >= gzipBytesMin ? new Uint8Array(gzipSync(plain)) : undefined;
  const etag = `W/"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`;
  const headers = headersOf(asset, etag, squeezed !== undefined);
  return (request) => {
    if (holds(request.headers.get("if-none-match"), etag))
      return new Response(null, { status: 304, headers });
    const gzip = squeezed && /(^|[,\s])gzip($|[,;\s])/i.test(request.headers.get("accept-encoding") ?? "");
    if (!gzip) return new Response(plain, { headers });
    return new Response(squeezed, { headers: { ...headers, "content-encoding": "gzip" } });
  };
}

function headersOf(asset: Asset, etag: string, varies: boolean): Record<string, string> {
  const script = asset.type.startsWith("text/javascript") || asset.path.endsWith(".d.ts");
  const headers: Record<string, string> = {
    "content-type": asset.type.includes("charset") ? asset.type : `${asset.type}; charset=utf-8`,
    "cache-control": asset.immutable ? "public, max-age=31536000, immutable" : "no-cache",
    etag,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": script ? "cross-origin" : "same-origin",
  };
  if (varies) headers.vary = "Accept-Encoding";
  if (script) headers["access-control-allow-origin"] = "*";
  if (asset.type.startsWith("text/html")) headers["content-security-policy"] = contentSecurityPolicy;
  return headers;
}

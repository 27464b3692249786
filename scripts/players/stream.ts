/**
 * A live stream whose pictures say which they are, and a server for it: HLS and DASH of one encoder (ffmpeg),
 * with dates, and the players' own files beside.
 *
 * The top of each picture is its number in binary, one block of `BLOCK_PX` per bit, lowest bit first: what a
 * page reads back off a canvas is what its viewer sees, whatever the player believes.
 */
import { join } from "node:path";

export const BITS = 20;
export const BLOCK_PX = 16;
export const FRAMES_PER_SECOND = 25;
const BAR_PX = 32;
const SEGMENT_SECONDS = 2;
/** Segments that stay listed: more than the viewer who is behind needs. */
const LISTED = 30;

const number = `255*mod(floor(N/pow(2,floor(X/${BLOCK_PX}))),2)`;
const clock = `geq=lum='if(lt(Y,${BAR_PX}),${number},96+64*mod(floor((X+Y+4*N)/32),2))':cb=128:cr=128`;

/** Starts to encode into `folder`; the answer ends it. */
export function encode(folder: string): () => Promise<void> {
  const seconds = String(SEGMENT_SECONDS);
  const listed = String(LISTED);
  const source = `color=black:s=${BITS * BLOCK_PX}x180:r=${FRAMES_PER_SECOND},${clock}`;
  const video = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p"];
  const keys = ["-g", String(FRAMES_PER_SECOND * SEGMENT_SECONDS), "-keyint_min", "1", "-sc_threshold", "0"];
  const hls = ["-f", "hls", "-hls_time", seconds, "-hls_list_size", listed];
  const dash = ["-f", "dash", "-seg_duration", seconds, "-window_size", listed, "-extra_window_size", "5"];
  const child = Bun.spawn(
    [
      ...["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-re", "-f", "lavfi", "-i", source],
      ...video,
      ...keys,
      ...[...hls, "-hls_flags", "program_date_time+delete_segments+independent_segments", "live.m3u8"],
      ...video,
      ...keys,
      ...[...dash, "-use_template", "1", "-use_timeline", "1", "live.mpd"],
    ],
    { cwd: folder, stdout: "ignore", stderr: "inherit" },
  );
  return async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
}

const types: Record<string, string> = {
  m3u8: "application/vnd.apple.mpegurl",
  mpd: "application/dash+xml",
  ts: "video/mp2t",
  m4s: "video/iso.segment",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};

/** Serves the page `html` with its script, the stream, and below `/players/` the packages of the players. */
export function serveStream(
  folder: string,
  packages: string,
  html: string,
  script: string,
): Bun.Server<undefined> {
  const text = (body: string, ext: string) =>
    new Response(body, { headers: { "content-type": types[ext] ?? "" } });
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const path = new URL(request.url).pathname;
      if (path === "/") return text(html, "html");
      if (path === "/page.js") return text(script, "js");
      const [, top = ""] = path.split("/");
      const at = top === "players" ? join(packages, path.slice("/players/".length)) : join(folder, path);
      const file = Bun.file(at);
      if (path.includes("..") || !(await file.exists())) return new Response("", { status: 404 });
      const headers = { "content-type": types[path.split(".").at(-1) ?? ""] ?? "application/octet-stream" };
      return new Response(await file.arrayBuffer(), { headers: { ...headers, "cache-control": "no-store" } });
    },
  });
}

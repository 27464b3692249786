/** The media folder: ranges, and names that try to leave it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { fakeDoors } from "../system/fake-doors.ts";
import { type Listener, listen } from "./listen.ts";
import { mediaFolder } from "./media.ts";
import { createServer } from "./server.ts";

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
let folder: string;
let listener: Listener;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ovation-media-"));
  mkdirSync(join(folder, "media/inner"), { recursive: true });
  writeFileSync(join(folder, "secret.txt"), "secret");
  writeFileSync(join(folder, "media/clip.mp4"), bytes);
  writeFileSync(join(folder, "media/inner/a clip.webm"), bytes);
  writeFileSync(join(folder, "media/empty.mp4"), "");
  for (const name of ["live.m3u8", "LIVE.MPD", "m3u8", "s0.ts", "S1.TS", "s2.m4s", "audio.aac", "words.vtt"])
    writeFileSync(join(folder, "media", name), "#");
  writeFileSync(join(folder, "media/.hidden"), "secret");
  symlinkSync("../secret.txt", join(folder, "media/link.mp4"));
  symlinkSync("clip.mp4", join(folder, "media/alias.mp4"));
  const { doors } = fakeDoors({ media: mediaFolder(join(folder, "media")) });
  listener = listen(createServer(doors).fetch, {
    port: 0,
    host: "127.0.0.1",
    reusePort: false,
    log: doors.log,
    beatMs: 15_000,
  });
});
afterAll(async () => {
  await listener.stop(systemClock(), 1000);
  rmSync(folder, { recursive: true });
});

const get = (name: string, headers: Record<string, string> = {}, method = "GET") =>
  fetch(`${listener.url}/media/${name}`, { method, headers });

describe("the media folder", () => {
  test("films may be kept for an hour, lists of what goes on are asked for anew", async () => {
    const kept = async (name: string) => (await get(name)).headers.get("cache-control");
    const names = ["clip.mp4", "m3u8", "live.m3u8", "LIVE.MPD"];
    const hour = "public, max-age=3600";
    expect(await Promise.all(names.map(kept))).toEqual([hour, hour, "no-cache", "no-cache"]);
    const { headers } = await get("live.m3u8");
    const again = await get("live.m3u8", { "if-none-match": headers.get("etag") as string });
    expect([again.status, again.headers.get("cache-control")]).toEqual([304, "no-cache"]);
  });

  // Bun.file("s0.ts").type is text/javascript (Bun 1.4.5).
  test("what players fetch is called by its kind, a segment no script", async () => {
    const kind = async (name: string) => (await get(name)).headers.get("content-type")?.replace(/;.*/, "");
    const names = ["s0.ts", "S1.TS", "s2.m4s", "live.m3u8", "LIVE.MPD", "audio.aac", "words.vtt"];
    expect(await Promise.all(names.map(kind))).toEqual([
      ...["video/mp2t", "video/mp2t", "video/iso.segment", "application/vnd.apple.mpegurl"],
      ...["application/dash+xml", "audio/aac", "text/vtt"],
    ]);
  });

  test("a file is sent whole, with what players need", async () => {
    const response = await get("clip.mp4");
    expect(response.status).toBe(200);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "video/mp4",
      "content-length": "1000",
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
    });
    expect((await get("inner/a%20clip.webm")).status).toBe(200);
    expect((await get("alias.mp4")).status).toBe(200);
  });

  test("HEAD says how long it is, whatever range is asked for, and reads nothing", async () => {
    for (const range of [undefined, "bytes=0-9", "bytes=5000-"]) {
      const head = await get("clip.mp4", range === undefined ? {} : { range }, "HEAD");
      expect([head.status, head.headers.get("content-length"), head.body]).toEqual([200, "1000", null]);
      expect(head.headers.get("etag")).toBe((await get("clip.mp4")).headers.get("etag"));
    }
  });

  test.each([
    ["bytes=0-0", 0, 1],
    ["bytes=10-19", 10, 20],
    ["bytes=990-", 990, 1000],
    ["bytes=990-99999", 990, 1000],
    ["bytes=-5", 995, 1000],
    ["bytes=-99999", 0, 1000],
  ])("%s", async (range, from, to) => {
    const response = await get("clip.mp4", { range });
    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe(`bytes ${from}-${to - 1}/1000`);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes.slice(from, to));
  });

  test("ranges that cannot be met are 416; what is no single range is sent whole", async () => {
    for (const range of ["bytes=1000-", "bytes=-0"]) {
      const response = await get("clip.mp4", { range });
      expect([response.status, response.headers.get("content-range")]).toEqual([416, "bytes */1000"]);
    }
    for (const range of ["bytes=5-2", "bytes=0-1,5-6", "items=0-5", "bytes=-", "bytes=x-"]) {
      const response = await get("clip.mp4", { range });
      expect([range, response.status, (await response.arrayBuffer()).byteLength]).toEqual([range, 200, 1000]);
    }
    expect((await get("empty.mp4", { range: "bytes=0-" })).status).toBe(416);
    expect((await get("empty.mp4")).status).toBe(200);
  });

  test("a range of another version is the whole file; the same version is not sent again", async () => {
    const etag = (await get("clip.mp4")).headers.get("etag") ?? "";
    const same = await get("clip.mp4", { range: "bytes=0-1", "if-range": etag });
    expect(same.status).toBe(206);
    expect((await get("clip.mp4", { range: "bytes=0-1", "if-range": '"old"' })).status).toBe(200);
    expect((await get("clip.mp4", { "if-none-match": etag })).status).toBe(304);
  });

  test.each([
    "../secret.txt",
    "..%2fsecret.txt",
    "%2e%2e/secret.txt",
    "%2e%2e%2fsecret.txt",
    "inner/..%2f..%2fsecret.txt",
    "..%5csecret.txt",
    "link.mp4",
    ".hidden",
    "inner",
    "inner/",
    "clip.mp4%00.txt",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "nothing.mp4",
    "x".repeat(5000),
  ])("%p leads nowhere", async (name) => {
    const response = await get(name);
    expect(response.status).toBe(404);
    expect(await response.text()).not.toMatch(/secret|root:/);
  });
});

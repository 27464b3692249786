/**
 * Single seconds of a video that caches may keep for ever, at the executable: a second is told once nobody
 * can add to it any more, and from then on as the same bytes; before, and where it is not known by itself,
 * there is none. Its wall is set, as nobody waits for half a minute.
 */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { post } from "./events.ts";
import { faketime, Wall } from "./faketime.ts";
import { startExecutable } from "./server.ts";

const settable = faketime === undefined ? test.skip : test;
if (faketime === undefined) console.warn("seconds are not told: libfaketime is not installed");

settable("a second is told when it is over, the same for ever", async () => {
  const wall = new Wall();
  const flags = ["--comment-history=20", "--comment-rate=1000", "--media-behind=20s"];
  const node = await startExecutable(flags, { env: { ...wall.env } });
  try {
    const at = `${node.url}/v1/videos/v`;
    const read = async (second: number, headers: Record<string, string> = {}) => {
      const answer = await fetch(`${at}/ticks/${second}`, { headers });
      const told = (name: string) => answer.headers.get(name);
      const text = await answer.text();
      return { status: answer.status, text, cache: told("cache-control"), etag: told("etag"), told };
    };
    const codeIn = ({ text }: { text: string }) => JSON.parse(text).error.code as string;
    // All in one second of the video, whenever it came.
    const mediaTime = 1000 * Math.floor(Date.now() / 1000) + 300;
    const second = Math.floor(mediaTime / 1000);
    for (const like of [{ kind: "heart", count: 3 }, { kind: "heart" }, { kind: "clap", count: 2 }]) {
      expect((await post(`${at}/likes`, { ...like, mediaTime })).status).toBe(202);
    }
    expect((await post(`${at}/comments`, { text: "goal", mediaTime })).status).toBe(201);

    const early = await read(second);
    expect([early.status, codeIn(early), early.cache]).toEqual([404, "not-yet", "public, max-age=1"]);
    const future = await read(second + 3_600);
    expect([future.status, codeIn(future)]).toEqual([404, "not-yet"]);

    wall.set(120);
    const over = await read(second);
    expect(over.status).toBe(200);
    const likes = { clap: 2, heart: 4 };
    expect(JSON.parse(over.text)).toEqual({ video: "v", second, likes, comments: 1 });
    expect(over.cache).toBe("public, max-age=31536000, immutable");
    expect([over.told("vary"), over.told("set-cookie")]).toEqual([null, null]);
    const again = await read(second, { "if-none-match": over.etag ?? "" });
    expect([again.status, again.text, again.etag]).toEqual([304, "", over.etag]);
    // What comes later belongs to later seconds, whatever it says.
    await post(`${at}/likes`, { kind: "heart", count: 9, mediaTime: mediaTime - 60_000 });
    const still = await read(second);
    expect([still.text, still.etag]).toEqual([over.text, over.etag]);

    // Nor does it matter that the comment itself is gone.
    for (let n = 0; n < 60; n++) await post(`${at}/comments`, { text: `and on ${n}` });
    const later = await read(second);
    expect([later.text, later.etag]).toEqual([over.text, over.etag]);

    for (const name of ["x", "-1", "1.5", "999999999999"]) {
      expect((await fetch(`${at}/ticks/${name}`)).status).toBe(404);
    }
  } finally {
    await node.stop();
    wall.remove();
  }
});

settable("a second is not told whose comments nobody counted and nobody has", async () => {
  const wall = new Wall();
  const data = mkdtempSync(join(tmpdir(), "ovation-ticks-"));
  const start = (...flags: string[]) =>
    startExecutable([`--data=${data}`, "--comment-rate=1000", "--comment-history=20", ...flags], {
      env: { ...wall.env },
    });
  const first = await start("--timeline=false");
  const second = Math.floor(Date.now() / 1000);
  try {
    for (const when of [0, 10]) {
      wall.set(when);
      for (let n = 0; n < 60; n++) await post(`${first.url}/v1/videos/v/comments`, { text: `${n}` });
    }
  } finally {
    await first.stop();
  }
  wall.set(600);
  const node = await start();
  try {
    const answer = await fetch(`${node.url}/v1/videos/v/ticks/${second}`);
    const { error } = (await answer.json()) as { error: { code: string } };
    expect([answer.status, error.code]).toEqual([404, "not-kept"]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    // Of those that are left there is one that counts begin with.
    expect((await fetch(`${node.url}/v1/videos/v/ticks/${second + 60}`)).status).toBe(200);
  } finally {
    await node.stop();
    wall.remove();
    rmSync(data, { recursive: true });
  }
});

/** A running node is backed up under load, and what was kept is put back elsewhere: whole, or not at all. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keep, key, Publisher, post, textsOf } from "./keeping.ts";
import { hows, startServer } from "./server.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "ovation-backup-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe.each(hows.map((how) => [how]))("a backup of a running node, %s", (how) => {
  test("holds what had been accepted, in order, and is put back into another", async () => {
    const start = (data: string) =>
      startServer(how, [`--data=${data}`, `--admin-key=${key}`, "--limits=off"]);
    const data = join(root, `${how}-a`);
    const node = await start(data);
    const publisher = new Publisher(node);
    await publisher.until(30);
    const ban = await post(node.url, "admin/bans", { user: "ann", seconds: 3_600 });
    expect(ban.status).toBe(204);
    const [likes, comments] = [publisher.likes, publisher.comments];
    const file = join(root, `${how}.backup`);
    const backed = await keep("backup", file, `--url=${node.url}`, `--admin-key=${key}`, "--rate=1MB");
    expect(backed.said).toContain("holds together");
    expect(backed.code).toBe(0);
    const running = await keep("verify", `--url=${node.url}`, `--admin-key=${key}`);
    expect([running.code, running.said]).toEqual([0, expect.stringContaining("holds together")]);
    await publisher.until(publisher.comments + 20);
    await publisher.stop();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const end = await (await fetch(`${node.url}/v1/videos/v`)).json();
    expect((end as { totals: object }).totals).toEqual({ heart: publisher.likes });
    await node.stop();

    const other = join(root, `${how}-b`);
    const back = await keep("restore", file, `--data=${other}`);
    expect([back.code, back.said]).toEqual([0, expect.stringContaining("holds together")]);
    expect([statSync(other).mode & 0o777, statSync(join(other, "ovation.sqlite")).mode & 0o777]).toEqual([
      0o700, 0o600,
    ]);
    expect((await keep("verify", `--data=${other}`)).code).toBe(0);
    const again = await start(other);
    const { totals } = (await (await fetch(`${again.url}/v1/videos/v`)).json()) as {
      totals: { heart: number };
    };
    expect(totals.heart).toBeGreaterThanOrEqual(likes);
    expect(totals.heart).toBeLessThan(publisher.likes);
    const texts = await textsOf(again);
    const last = Number(texts.at(-1));
    expect(last).toBeGreaterThanOrEqual(comments);
    expect(texts).toEqual(texts.map((_, index) => `${last - texts.length + 1 + index}`));
    const banned = await fetch(`${again.url}/v1/admin/moderation`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(await banned.text()).toContain("ann");
    await again.stop();
  });

  test("is asked for by an admin only, and never written over anything", async () => {
    const node = await startServer(how, [`--data=${join(root, `${how}-c`)}`, `--admin-key=${key}`]);
    await post(node.url, "videos/v/likes", { kind: "heart" });
    const file = join(root, `${how}-c.backup`);
    const refused = await keep("backup", file, `--url=${node.url}`, "--admin-key=another-key-of-some-length");
    expect([refused.code, refused.said]).toEqual([1, expect.stringContaining("401")]);
    expect((await keep("backup", file, `--url=${node.url}`, `--admin-key=${key}`)).code).toBe(0);
    const twice = await keep("backup", file, `--url=${node.url}`, `--admin-key=${key}`);
    expect([twice.code, twice.said]).toEqual([1, expect.stringContaining("is there already")]);
    const over = await keep("restore", file, `--data=${join(root, `${how}-c`)}`);
    expect([over.code, over.said]).toEqual([1, expect.stringContaining("nothing is written over one")]);
    await node.stop();
  });
});

describe("a backup's file", () => {
  test("that is cut short, changed or none is told of, and leaves nothing behind", async () => {
    const node = await startServer("here", [`--data=${join(root, "d")}`, `--admin-key=${key}`]);
    await post(node.url, "videos/v/likes", { kind: "heart" });
    const file = join(root, "d.backup");
    await keep("backup", file, `--url=${node.url}`, `--admin-key=${key}`);
    await node.stop();
    const whole = readFileSync(file);
    const cases: [Buffer, string][] = [
      [whole.subarray(0, whole.length - 20), "cut short"],
      [Buffer.concat([whole.subarray(0, 5_000), Buffer.from("!"), whole.subarray(5_001)]), "checksum"],
      [Buffer.from("something else altogether, and long enough to be sure that it is none"), "no backup"],
    ];
    for (const [bytes, told] of cases) {
      const bad = join(root, "bad.backup");
      writeFileSync(bad, bytes);
      const folder = join(root, "nowhere");
      for (const command of ["verify", "restore"] as const) {
        const { code, said } = await keep(command, bad, `--data=${folder}`);
        expect([code, said]).toEqual([1, expect.stringContaining(told)]);
      }
      expect(statSync(folder, { throwIfNoEntry: false })).toBeUndefined();
    }
    const empty = join(root, "empty");
    mkdirSync(empty);
    expect((await keep("restore", file, `--data=${empty}`)).code).toBe(0);
  });

  test("is put back into a folder that stays the one it is", async () => {
    const node = await startServer("here", [`--data=${join(root, "e")}`]);
    await post(node.url, "videos/v/likes", { kind: "heart" });
    const file = join(root, "e.backup");
    // Two at once of one name: one has it, and whole.
    const asked = () => keep("backup", file, `--url=${node.url}`);
    const other = await startServer("here", [`--data=${join(root, "e2")}`]);
    await post(other.url, "videos/v/likes", { kind: "clap" });
    const codes = await Promise.all([asked(), keep("backup", file, `--url=${other.url}`)]);
    expect(codes.map(({ code }) => code).sort()).toEqual([0, 1]);
    expect(codes.map(({ said }) => said).join()).toContain("is there already");
    expect((await keep("verify", file)).code).toBe(0);
    expect(readdirSync(root).filter((name) => name.startsWith("e.backup"))).toEqual(["e.backup"]);
    await Promise.all([node.stop(), other.stop()]);

    const [real, linked] = [join(root, "volume/real"), join(root, "linked")];
    mkdirSync(real, { recursive: true, mode: 0o755 });
    writeFileSync(join(real, "lost"), "found");
    const owner = process.getuid?.() === 0 ? 65_534 : statSync(real).uid;
    chownSync(real, owner, statSync(real).gid);
    symlinkSync(real, linked);
    const back = await keep("restore", "--data", linked, file);
    expect([back.code, back.said]).toEqual([0, expect.stringContaining("1 likes of 1 video")]);
    expect(readdirSync(real).sort()).toEqual(["lost", "ovation.sqlite"]);
    const { uid, mode } = statSync(join(real, "ovation.sqlite"));
    expect([uid, mode & 0o777]).toEqual([owner, 0o600]);
    const twice = await keep("restore", file, `--data=${linked}`);
    expect([twice.code, twice.said]).toEqual([1, expect.stringContaining("has a ledger")]);
    // Parents are made as a node makes them; what is no folder is told of.
    expect((await keep("restore", file, `--data=${join(root, "deep/er")}`)).code).toBe(0);
    const memory = await keep("restore", file, "--data=:memory:");
    expect([memory.code, memory.said]).toEqual([1, expect.stringContaining("keeps nothing")]);
    const none = await keep("restore", file, `--data=${join(real, "lost")}`);
    expect(none).toEqual({ code: 1, said: expect.stringContaining("is not a folder") });
  });

  test("is not to be had of a node that keeps nothing, which says so", async () => {
    const node = await startServer("here", ["--data=:memory:", `--admin-key=${key}`]);
    const asked = await keep("backup", join(root, "none"), `--url=${node.url}`, `--admin-key=${key}`);
    expect([asked.code, asked.said]).toEqual([1, expect.stringContaining("in memory only")]);
    await node.stop();
  });

  test("has to be named, and a node to be there", async () => {
    expect(await keep("backup")).toEqual({ code: 2, said: expect.stringContaining("needs a file") });
    expect((await keep("backup", join(root, "x"), "--rte=3")).said).toContain("did you mean --rate?");
    const { code, said } = await keep("backup", join(root, "x"), "--url=http://127.0.0.1:9");
    expect([code, said]).toEqual([1, expect.stringContaining("http://127.0.0.1:9/")]);
    expect((await keep("verify", `--data=${join(root, "nowhere")}`)).said).toContain("is not there");
  });
});

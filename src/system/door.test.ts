/** The door of a real node: what is open ends when its permission does, and nothing is let in by mistake. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { mint, parseTokenOptions } from "../program/mint.ts";
import { until } from "./cluster.ts";
import { post, Viewer } from "./events.ts";
import { executable, hows, type Running, startExecutable, startServer } from "./server.ts";

const key = "only-for-this-test";
const staff = { "x-api-key": key };
const secret = "0123456789abcdef0123456789abcdef";
const fresh = "fedcba9876543210fedcba9876543210";
const from = (address: string) => ({ "x-forwarded-for": address });

async function tokenOf(by: string, ...flags: string[]): Promise<string> {
  const parsed = parseTokenOptions([`--secret=${by}`, ...flags], {}, () => "");
  if ("mistakes" in parsed) throw new Error(parsed.mistakes.join("; "));
  return mint(parsed.settings, Date.now(), () => "");
}

const codeOf = async (answer: Response): Promise<string | undefined> =>
  /"code":"([^"]+)"/.exec(await answer.text())?.[1];

for (const how of hows) {
  describe(how, () => {
    let node: Running;
    beforeAll(async () => {
      node = await startServer(how, [`--admin-key=${key}`, "--trust-proxy=1"]);
    });
    afterAll(() => node.stop());
    const decide = async (path: string, body: object) =>
      (await post(`${node.url}/v1/admin/${path}`, body, staff)).status;

    test("a ban ends what the address has open within a second, and keeps it from everything", async () => {
      const [banned, other] = [from("192.0.2.1"), from("192.0.2.2")];
      const stream = await Viewer.open(`${node.url}/v1/events?video=a&video=b`, banned);
      const bystander = await Viewer.open(`${node.url}/v1/events?video=a`, other);
      await stream.until(({ event }) => event === "snapshot");
      const first = (await (await fetch(`${node.url}/v1/videos/a/poll`, { headers: banned })).json()) as {
        cursor: string;
      };
      const path = `/v1/videos/a/poll?wait=25&after=${first.cursor}`;
      const poll = fetch(node.url + path, { headers: banned });
      const connection = stream.connection;
      // Banned on one of the videos that it watches.
      const began = performance.now();
      expect(await decide("bans", { address: "192.0.2.1", video: "a", seconds: 600 })).toBe(204);
      const { says } = await stream.until(({ event }) => event === "bye");
      expect(says.reason).toBe("banned");
      await stream.untilEnd();
      expect(await codeOf(await poll)).toBe("banned");
      expect(performance.now() - began).toBeLessThan(1_000);

      const open = await Viewer.open(`${node.url}/v1/events?video=b`, banned);
      await open.until(({ event }) => event === "snapshot");
      const calls: [string, string, object?][] = [
        ["GET", "/v1/videos/a/events"],
        ["GET", "/v1/events?video=b&video=a"],
        ["GET", "/v1/videos/a/poll"],
        ["GET", "/v1/videos/a"],
        ["GET", "/v1/videos/a/comments"],
        ["PUT", `/v1/connections/${open.connection}/videos/a`],
        ["DELETE", `/v1/connections/${open.connection}/videos/a`],
        ["POST", "/v1/videos/a/likes", { kind: "heart" }],
        ["POST", "/v1/videos/a/comments", { text: "hi" }],
      ];
      for (const [method, where, body] of calls) {
        const init = {
          method,
          headers: { ...banned, "content-type": "application/json" },
          ...(body && { body: JSON.stringify(body) }),
        };
        const answer = await fetch(node.url + where, init);
        expect([where, answer.status, await codeOf(answer)]).toEqual([where, 403, "banned"]);
      }
      expect([connection === open.connection, bystander.ended]).toEqual([false, false]);
      expect(await decide("bans", { address: "192.0.2.1", video: "a", seconds: 0 })).toBe(204);
      expect((await fetch(`${node.url}/v1/videos/a`, { headers: banned })).status).toBe(200);
      expect(
        (
          await fetch(`${node.url}/v1/connections/${open.connection}/videos/a`, {
            method: "PUT",
            headers: banned,
          })
        ).status,
      ).toBe(204);
      open.close();
      bystander.close();
    });

    test("what is mistyped decides nothing", async () => {
      const open = await Viewer.open(`${node.url}/v1/videos/m/events`, from("192.0.2.9"));
      const tries: [string, string, object, string][] = [
        ["POST", "/v1/admin/bans", { address: "192.0.2.9", vidoe: "m", seconds: 600 }, "video"],
        ["POST", "/v1/admin/mutes", { user: "ann", second: 600 }, "seconds"],
        ["PUT", "/v1/admin/videos/m", { slowSeconds: 5 }, ""],
        ["PUT", "/v1/admin/videos/m", { slowModeMS: 5 }, "slowModeMs"],
        ["POST", "/v1/videos/m/likes", { kind: "heart", cuont: 3 }, "count"],
        ["POST", "/v1/videos/m/comments", { text: "hi", usre: "Ann" }, "user"],
        ["POST", "/v1/likes", { item: [] }, "items"],
      ];
      for (const [method, path, body, meant] of tries) {
        const headers = { ...staff, "content-type": "application/json" };
        const answer = await fetch(node.url + path, { method, headers, body: JSON.stringify(body) });
        const text = await answer.text();
        expect([path, answer.status]).toEqual([path, 422]);
        expect(text).toContain(meant === "" ? "there is no field" : `did you mean \\"${meant}\\"?`);
      }
      const holds = await (await fetch(`${node.url}/v1/admin/moderation`, { headers: staff })).json();
      expect(holds).toMatchObject({ videos: [] });
      expect((await fetch(`${node.url}/v1/videos/m/events?hled=1`)).status).toBe(400);
      expect(open.ended).toBe(false);
      open.close();
    });

    test("one address fills neither the node's watches nor its polls, and others do not notice", async () => {
      const polls = async (address: string, name: string, count: number) => {
        const codes = new Map<number, number>();
        for (let begun = 0; begun < count; begun += 100) {
          const some = Array.from({ length: 100 }, (_, i) =>
            fetch(`${node.url}/v1/videos/${name}${begun + i}/poll`, { headers: from(address) }),
          );
          for (const answer of await Promise.all(some)) {
            codes.set(answer.status, (codes.get(answer.status) ?? 0) + 1);
            await answer.arrayBuffer();
          }
        }
        return codes;
      };
      const began = performance.now();
      const codes = await polls("192.0.2.50", "invented", 3_000);
      const seconds = (performance.now() - began) / 1000;
      const [taken = 0, refused = 0] = [codes.get(200), codes.get(429)];
      console.log(`of 3,000 invented videos in ${seconds.toFixed(1)} s: ${taken} taken, ${refused} refused`);
      expect(taken + refused).toBe(3_000);
      // 42 units of work each: a thousand at once, then a hundred a second.
      expect(taken).toBeLessThan(1_000 + 110 * seconds);
      expect(await polls("192.0.2.51", "other", 100)).toEqual(new Map([[200, 100]]));
      // One household cannot be many by walking through its networks.
      const walks = [...Array(40).keys()].map((i) =>
        polls(`2001:db8:1:${i.toString(16)}::1`, `w${i}-`, 1_000),
      );
      const walked = await Promise.all(walks);
      const all = walked.reduce((sum, one) => sum + (one.get(200) ?? 0), 0);
      const walkS = (performance.now() - began) / 1000;
      expect(all).toBeLessThan(4 * (1_000 + 110 * walkS));
    }, 60_000);
  });
}

test.if(hows.includes("executable"))(
  "as it comes, a stranger is told what viewers need and no more",
  async () => {
    const node = await startExecutable(["--host=0.0.0.0", "--demo"]);
    // Somebody behind a proxy, as nobody is who sits at this machine.
    const headers = { "x-forwarded-for": "192.0.2.1" };
    try {
      const answer = (path: string) => fetch(node.url + path, { headers });
      const staffs = [
        "metrics",
        "v1/demo",
        "v1/cluster",
        "v1/admin/events",
        "v1/admin/moderation",
        "v1/admin/audit",
      ];
      for (const path of staffs) {
        const refused = await answer(`/${path}`);
        expect([path, refused.status, await codeOf(refused)]).toEqual([path, 403, "admin-off"]);
      }
      const said = [];
      for (const path of [
        "/v1/config",
        "/health/ready",
        "/health/live",
        "/v1/videos/demo",
        "/openapi.json",
        "/",
      ]) {
        const told = await answer(path);
        expect([path, told.status]).toEqual([path, 200]);
        said.push(await told.text(), JSON.stringify(Object.fromEntries(told.headers)));
      }
      const stream = await Viewer.open(`${node.url}/v1/videos/demo/events`, headers);
      await stream.until(({ event }) => event === "snapshot");
      said.push(JSON.stringify(stream.heard));
      stream.close();
      const ofTheMachine = [tmpdir(), `pid ${node.pid}`, Bun.version, process.cwd(), "x-powered-by"];
      // As a word: a short name may stand in what is drawn at random or hashed.
      const named = new RegExp(`(?<![a-z0-9])${hostname().toLowerCase()}(?![a-z0-9])`);
      for (const text of said) {
        expect(text.toLowerCase()).not.toMatch(named);
        for (const word of ofTheMachine) expect(text.toLowerCase()).not.toContain(word);
      }
    } finally {
      await node.stop();
    }
  },
  30_000,
);

test.if(hows.includes("executable"))(
  "what is kept is its owner's alone, and there are no other videos",
  async () => {
    const folder = join(mkdtempSync(join(tmpdir(), "door-")), "data");
    const node = await startExecutable([`--data=${folder}`, "--videos=final,match-*"]);
    try {
      expect((await post(`${node.url}/v1/videos/final/comments`, { text: "hi" })).status).toBe(201);
      for (const name of [".", ...readdirSync(folder)]) {
        expect([name, statSync(join(folder, name)).mode & 0o077]).toEqual([name, 0]);
      }
      const status = async (video: string) => (await fetch(`${node.url}/v1/videos/${video}`)).status;
      expect([await status("final"), await status("match-7"), await status("finals")]).toEqual([
        200, 200, 404,
      ]);
    } finally {
      await node.stop();
      rmSync(folder, { recursive: true });
    }
  },
);

test.each(hows)("%s: an admin key that can be guessed is refused like any weak secret", async (how) => {
  if (how !== "executable") return;
  const { exitCode, stderr } = Bun.spawnSync([executable, "check", "--admin-key=a"], { env: {} });
  expect([exitCode, String(stderr)]).toEqual([2, expect.stringContaining("--admin-key has less than 16")]);
});

describe.if(hows.includes("executable"))("SIGHUP", () => {
  test("takes a secret out: who came by it leaves within a second, and is not let in again", async () => {
    const folder = mkdtempSync(join(tmpdir(), "door-"));
    const file = join(folder, "secrets");
    writeFileSync(file, `${secret}\n${fresh}\n`);
    const node = await startExecutable(["--auth=token", `--jwt-secrets-file=${file}`]);
    try {
      const [leaked, other] = [await tokenOf(secret, "--video=v"), await tokenOf(fresh, "--video=v")];
      const ask = (token: string) => fetch(`${node.url}/v1/videos/v?token=${token}`);
      const stream = await Viewer.open(`${node.url}/v1/videos/v/events?token=${leaked}`);
      const kept = await Viewer.open(`${node.url}/v1/videos/v/events?token=${other}`);
      const headers = (await fetch(`${node.url}/v1/videos/v/events?token=${other}`, { method: "HEAD" }))
        .headers;
      expect(headers.get("cache-control")).toBe("no-store, private, no-transform");
      await stream.until(({ event }) => event === "snapshot");
      // A client that keeps asking while the secret goes.
      let asking = true;
      const asks = (async () => {
        while (asking) await (await ask(leaked)).arrayBuffer();
      })();
      writeFileSync(file, `${fresh}\n`);
      const began = performance.now();
      node.kill("SIGHUP");
      const { says } = await stream.until(({ event }) => event === "bye");
      expect(says.reason).toBe("revoked");
      expect(performance.now() - began).toBeLessThan(1_000);
      for (let i = 0; i < 20; i++) expect((await ask(leaked)).status).toBe(401);
      asking = false;
      await asks;
      expect([(await ask(other)).status, kept.ended]).toEqual([200, false]);
      kept.close();
    } finally {
      await node.stop();
      rmSync(folder, { recursive: true });
    }
  });

  test("takes a key out: the control room that was opened by it is closed too", async () => {
    const folder = mkdtempSync(join(tmpdir(), "door-"));
    const file = join(folder, "keys");
    const [leaked, kept] = ["leaked-key-of-somebody", "a-key-that-stays-in-use"];
    writeFileSync(file, `one:admin:${leaked}\ntwo:admin:${kept}\n`);
    const node = await startExecutable([`--api-keys-file=${file}`]);
    try {
      const enter = (key: string) => Viewer.open(`${node.url}/v1/admin/events`, { "x-api-key": key });
      const [room, other] = [await enter(leaked), await enter(kept)];
      for (const one of [room, other]) await one.until(({ event }) => event === "admin");
      writeFileSync(file, `two:admin:${kept}\n`);
      node.kill("SIGHUP");
      await until("the end of its stream", () => room.ended);
      const heard = other.heard.length;
      await other.until(() => other.heard.length > heard);
      other.close();
    } finally {
      await node.stop();
      rmSync(folder, { recursive: true });
    }
  });

  /** Whoever opens `path`, a pipe, to read waits until somebody writes; true once somebody waits. */
  const feeds = (path: string): boolean => {
    try {
      const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
      writeSync(fd, "darn\n");
      closeSync(fd);
      return true;
    } catch {
      return false;
    }
  };

  test.each([
    ["a node", []],
    ["workers", ["--nats=nats://127.0.0.1:1", "--workers=2"]],
  ] as const)(
    "during the start kills nobody, and is answered after it: %s",
    async (_, flags) => {
      const folder = mkdtempSync(join(tmpdir(), "door-"));
      const pipe = join(folder, "words");
      expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
      const args = ["--port=0", "--host=127.0.0.1", "--data=:memory:", "--drain=0ms", "--log-format=json"];
      const child = Bun.spawn([executable, ...args, ...flags, `--word-list=${pipe}`], {
        ...{ cwd: "/", env: {}, stdio: ["ignore", "pipe", "inherit"] as const },
      });
      try {
        let told = "";
        const reading = (async () => {
          for await (const chunk of child.stdout) told += new TextDecoder().decode(chunk);
        })();
        let hups = 0;
        let fed = 0;
        while (!told.includes('"reloaded"') && child.exitCode === null) {
          // Each time somebody reads the list during the start, it waits, and hears SIGHUP just then.
          if (feeds(pipe)) fed++;
          if (fed > 0 && !told.includes('"listening"')) {
            hups++;
            child.kill("SIGHUP");
          }
          await Bun.sleep(2);
        }
        expect(child.exitCode).toBeNull();
        expect(hups).toBeGreaterThan(0);
        child.kill("SIGTERM");
        while (child.exitCode === null) {
          feeds(pipe);
          await Bun.sleep(5);
        }
        await reading;
        expect(child.exitCode).toBe(0);
        expect(told).not.toContain("a worker ended");
      } finally {
        child.kill("SIGKILL");
        rmSync(folder, { recursive: true });
      }
    },
    30_000,
  );
});

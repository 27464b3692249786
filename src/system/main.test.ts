/** The executable as its operators meet it: how it starts, refuses, stops and fails. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { post, Viewer } from "./events.ts";
import { expectInTime } from "./in-time.ts";
import { Raw } from "./raw.ts";
import { executable, startExecutable } from "./server.ts";

const folder = mkdtempSync(join(tmpdir(), "ovation-main-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the executable to its end. */
async function run(...flags: string[]) {
  const child = Bun.spawn([executable, ...flags], {
    cwd: folder,
    env: {},
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, code };
}

describe.skipIf(!existsSync(executable))("the executable", () => {
  test("starts from an empty folder with an empty environment, and says where", async () => {
    const cwd = join(folder, "empty");
    const made = Bun.spawnSync(["mkdir", cwd]);
    expect(made.exitCode).toBe(0);
    const node = await startExecutable(["--data=./here"], { cwd });
    expect(JSON.parse(node.lines[0] ?? "")).toMatchObject({
      level: "info",
      event: "listening",
      url: node.url,
    });
    expect((await fetch(node.url)).status).toBe(200);
    expect(await node.stop()).toBe(0);
    expect(readdirSync(cwd)).toEqual(["here"]);
    expect(node.lines.map((line) => JSON.parse(line).event)).toEqual(["listening", "draining", "stopped"]);
  });

  test("counts on what it had counted before it was killed", async () => {
    const flags = [`--data=${join(folder, "killed")}`];
    const first = await startExecutable(flags);
    const like = (url: string) =>
      post(`${url}/v1/videos/v/likes`, { kind: "heart", count: 7 }, { "idempotency-key": "k" });
    expect((await like(first.url)).status).toBe(202);
    first.kill("SIGKILL");
    expect(await first.exited).toBe(128 + 9);
    const second = await startExecutable(flags);
    expect((await like(second.url)).status).toBe(202);
    const says = (await (await fetch(`${second.url}/v1/videos/v`)).json()) as { totals: object };
    expect(says.totals).toEqual({ heart: 7 });
    await expectInTime([{ name: "alone", url: second.url }], "v");
    await second.stop();
  });

  test("every mistake has a line, and ends with 2", async () => {
    const { stdout, stderr, code } = await run("--port=99999", "--tick=fast", "--no-such");
    expect([stdout, code]).toEqual(["", 2]);
    const lines = stderr.trim().split("\n");
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toMatch(/^ovation: .*--(port|tick|no-such)/);
    expect((await run("sing")).code).toBe(2);
    expect((await run("check", "--port=x")).code).toBe(2);
    expect((await run("--role=frontend")).code).toBe(2);
  });

  test("check prints what is in effect; version and help print themselves", async () => {
    const checked = await run("check", "--tick=100ms");
    expect(checked.code).toBe(0);
    expect(checked.stdout).toMatch(/^tick +100ms +/m);
    expect((await run("version")).stdout).toMatch(/^ovation \d+\.\d+\.\d+ \(\S+\), bun \d/);
    expect((await run("--help")).stdout).toContain("--comment-tick");
    expect((await run("load", "--help")).stdout).toContain("--viewers");
  });

  test("health asks the node of the same settings", async () => {
    const node = await startExecutable([]);
    const asked = (...flags: readonly string[]) => run("health", `--port=${node.port}`, ...flags);
    const ready = await asked();
    expect([ready.code, ready.stdout, ready.stderr]).toEqual([0, '{"status":"ready"}\n', ""]);
    expect((await asked("--host=127.0.0.1")).code).toBe(0);
    await node.stop();
    const gone = await asked();
    expect([gone.code, gone.stderr]).toEqual([1, ""]);
    expect(gone.stdout).toContain("/health/ready");
    expect((await run("health", "--port=none")).code).toBe(2);
  });

  test("plan works out an audience, and says what is wrong with one", async () => {
    const big = ["--viewers=18M", "--comments=0", "--cores=16", "--tick=1s"];
    const [json, text, wrong, small] = await Promise.all([
      run("plan", ...big, "--json"),
      run("plan", ...big),
      run("plan", "--coefficients=/no/such"),
      run("plan", "--cores=64", "--memory-gb=1"),
    ]);
    expect(JSON.parse(json.stdout).plan.frontends).toBe(180);
    expect(text.stdout).toContain("runs out");
    expect([wrong.code, wrong.stdout]).toEqual([2, ""]);
    expect(wrong.stderr).toContain("/no/such");
    expect([small.code, small.stdout]).toEqual([2, ""]);
    expect(small.stderr).toContain("--memory-gb: 64 processes");
  }, 20_000);

  test("calibrate that is interrupted leaves nothing behind", async () => {
    const place = mkdtempSync(join(folder, "calibrate-"));
    const env = { TMPDIR: place };
    const child = Bun.spawn([executable, "calibrate"], { env, stdio: ["ignore", "pipe", "pipe"] });
    // Its first words come when its server is there, and then it brings an audience.
    for await (const said of child.stderr) if (new TextDecoder().decode(said).includes("…")) break;
    const listed = Bun.spawnSync(["ps", "-o", "pid=", "--ppid", `${child.pid}`]).stdout.toString();
    const started = listed
      .split("\n")
      .map(Number)
      .filter((pid) => pid > 0 && existsSync(`/proc/${pid}`));
    expect(started).toHaveLength(2);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(130);
    expect(await new Response(child.stdout).text()).toBe("");
    expect(started.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(readdirSync(place)).toEqual([]);
  }, 30_000);

  test("a port in use and a data folder in use are one clear line each", async () => {
    const flags = [`--data=${join(folder, "used")}`];
    const node = await startExecutable(flags);
    const port = await run(`--port=${node.port}`, "--host=127.0.0.1", "--data=:memory:", "--log-format=json");
    expect([port.code, port.stderr]).toEqual([1, ""]);
    expect(port.stdout.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(port.stdout)).toMatchObject({
      event: "cannot start",
      reason: expect.stringMatching(/in use/),
    });
    const used = await run("--port=0", "--host=127.0.0.1", ...flags, "--log-format=json");
    expect([used.code, used.stderr]).toEqual([1, ""]);
    expect(JSON.parse(used.stdout)).toMatchObject({
      level: "error",
      reason: expect.stringMatching(/used|use/),
    });
    await node.stop();
  });

  test.each(["SIGTERM", "SIGINT"] as const)("%s drains and ends with 0", async (signal) => {
    const node = await startExecutable(["--drain=200ms"]);
    const viewer = await Viewer.open(`${node.url}/v1/videos/v/events`);
    await viewer.until(({ event }) => event === "snapshot");
    node.kill(signal);
    expect(await node.exited).toBe(0);
    await viewer.untilEnd();
    expect(viewer.heard.at(-1)?.event).toBe("bye");
  });

  test("a second signal ends it at once", async () => {
    const node = await startExecutable(["--drain=60s"]);
    const viewers = await Promise.all(
      Array.from({ length: 30 }, () => Viewer.open(`${node.url}/v1/videos/v/events`)),
    );
    await Promise.all(viewers.map((viewer) => viewer.until(({ event }) => event === "snapshot")));
    node.kill("SIGTERM");
    await Promise.race(viewers.map((viewer) => viewer.until(({ event }) => event === "bye")));
    node.kill("SIGTERM");
    expect(await node.exited).toBe(128 + 15);
  });

  test("a request under way when it stops gets its answer", async () => {
    const node = await startExecutable();
    const raw = await Raw.open(node.port);
    const head = "POST /v1/videos/v/likes HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n";
    const body = '{"kind":"heart"}';
    raw.send(`${head}Content-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`);
    // Its head has been read once a later request on another connection is answered.
    await fetch(`${node.url}/health/live`);
    node.kill("SIGTERM");
    raw.send(body.slice(5));
    expect(await raw.until((received) => received.includes("\r\n\r\n"))).toStartWith("HTTP/1.1 202 ");
    expect(await node.exited).toBe(0);
    raw.close();
  });
});

describe("a bug in a compiled program", () => {
  test("is one fixed answer, without message, source, stack or path", async () => {
    const outfile = join(folder, "throwing");
    const built = Bun.spawnSync([
      process.execPath,
      ...["build", "--compile", "--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"],
      ...[`--outfile=${outfile}`, join(import.meta.dir, "throwing.ts")],
    ]);
    expect(built.exitCode).toBe(0);
    const child = Bun.spawn([outfile], { cwd: folder, env: {}, stdio: ["ignore", "pipe", "pipe"] });
    const { value } = await child.stdout.getReader().read();
    const url = new TextDecoder().decode(value).trim();
    for (const path of ["/now", "/later"]) {
      const response = await fetch(url + path, { headers: { accept: "text/html" } });
      expect(response.status).toBe(500);
      expect(response.headers.get("content-type")).toStartWith("application/json");
      expect(await response.json()).toEqual({
        error: { code: "internal", message: "something went wrong on this server" },
      });
    }
    child.kill("SIGKILL");
    const logged = await new Response(child.stderr).text();
    expect(logged.trim().split("\n")).toHaveLength(2);
    expect(logged).toContain("later in-the-source");
  });
});

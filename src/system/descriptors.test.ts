/**
 * A node with few descriptors: streams are sent away, what keeps it alive is answered, and it does not spin.
 *
 * Runs the executable under `ulimit -n`; how busy it is is read from the kernel.
 */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { cpuSeconds } from "../plan/proc.ts";
import { dieWithUs, linesOf } from "./child.ts";
import { Raw } from "./raw.ts";
import { executable } from "./server.ts";

const most = 300;
const reserved = 64;

async function start() {
  const flags = "--port=0 --host=127.0.0.1 --data=:memory: --drain=0ms --log-format=json";
  const child = Bun.spawn({
    cmd: [...dieWithUs, "bash", "-c", `ulimit -n ${most} && exec ${executable} ${flags}`],
    ...{ stdin: "ignore", stdout: "pipe", stderr: "inherit", env: {} },
  });
  const lines: string[] = [];
  const listening = Promise.withResolvers<number>();
  void (async () => {
    for await (const line of linesOf(child.stdout)) {
      lines.push(line);
      const port = /"listening","url":"http:\/\/[^"]*:(\d+)"/.exec(line)?.[1];
      if (port) listening.resolve(Number(port));
    }
  })();
  return { child, lines, port: await listening.promise };
}

test.skipIf(!existsSync(executable))(
  "few descriptors: streams are sent away, health, metrics and likes are answered, and accepting pauses",
  async () => {
    const { child, lines, port } = await start();
    const url = `http://127.0.0.1:${port}`;
    const open: Raw[] = [];
    try {
      expect(lines.find((line) => line.includes("fewer descriptors than streams"))).toContain(
        `"limit":${most}`,
      );
      // More streams than there are descriptors: each is answered, with its video or with a farewell.
      const firsts: string[] = [];
      for (let i = 0; i < most + 100; i++) {
        const raw = await Raw.get(port, "/v1/videos/v/events");
        firsts.push(await raw.until((text) => /event: (hello|bye)/.test(text)));
        open.push(raw);
      }
      const held = firsts.filter((text) => text.includes("event: hello")).length;
      expect(held).toBeGreaterThan(most - reserved - 40);
      expect(held).toBeLessThanOrEqual(most - reserved);
      for (const text of firsts.slice(-50)) expect(text).toMatch(/connection: close[\s\S]*event: bye/i);
      const get = (path: string) =>
        fetch(url + path, { keepalive: false, signal: AbortSignal.timeout(5_000) });
      expect((await get("/health/live")).status).toBe(200);
      expect(await (await get("/metrics")).text()).toMatch(/^ovation_descriptors_limit 300$/m);
      const like = {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"kind":"heart"}',
      };
      expect((await fetch(`${url}/v1/videos/v/likes`, { ...like, keepalive: false })).status).toBe(202);
      // Connections that ask for nothing take what is left.
      const idle = await Promise.all(Array.from({ length: 150 }, () => Raw.open(port)));
      open.push(...idle);
      while (!lines.some((line) => line.includes("descriptors are running out"))) await Bun.sleep(20);
      await Bun.sleep(500);
      const before = cpuSeconds(child.pid);
      await Bun.sleep(2_000);
      expect(cpuSeconds(child.pid) - before).toBeLessThan(0.5);
      // As many leave: those who waited are let in, and all is as before.
      for (const raw of open) raw.close();
      const metrics = await (await get("/metrics")).text();
      expect(metrics).toMatch(/^ovation_accept_pauses_total [1-9]/m);
      expect(lines.filter((line) => line.includes("descriptors are running out"))).toHaveLength(1);
    } finally {
      for (const raw of open) raw.close();
      child.kill("SIGKILL");
      await child.exited;
    }
  },
  30_000,
);

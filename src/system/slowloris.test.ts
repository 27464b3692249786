/**
 * Sockets that ask for nothing, or never to the end: they are cut, and nobody else waits for them.
 *
 * Runs alone: thousands of sockets, and how soon each is cut.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limits } from "../core/limits.ts";
import { certify } from "./certificate.ts";
import { Viewer } from "./events.ts";
import { Raw } from "./raw.ts";
import { hows, startExecutable, startServer } from "./server.ts";

const folder = mkdtempSync(join(tmpdir(), "ovation-slow-"));
const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
beforeAll(() => certify("slow", files));
afterAll(() => rmSync(folder, { recursive: true }));

const post = "POST /v1/videos/v/likes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

/** What slow clients say, and what they add now and then, so that they are never silent for long. */
const plain: Readonly<Record<string, readonly [begin: string, drip: string]>> = {
  silent: ["", ""],
  "slow head": [`${post}X-A: `, ""],
  "dripping head": [`${post}X-A: `, "a"],
  "slow body": [`${post}Content-Length: 100\r\n\r\n{"kind":`, ""],
  "dripping body": [`${post}Content-Length: 100\r\n\r\n{"kind":`, " "],
  "dripping chunks": [`${post}Transfer-Encoding: chunked\r\n\r\n`, "1\r\n \r\n"],
};
const encrypted: typeof plain = {
  "TLS, silent": ["", ""],
  "TLS, half a greeting": ["\u0016\u0003\u0001", ""],
};
/** Together 2,000 sockets. */
const each = 250;
const dripMs = 1_000;
/** Until when each has to be cut. */
const cutMs = 15_000;

/** One slow client; resolves with the time after which it was cut off, in ms. */
async function slow(port: number, [begin, drip]: readonly [string, string]): Promise<number> {
  const raw = await Raw.open(port);
  const beganMs = performance.now();
  if (begin) raw.send(Buffer.from(begin, "latin1"));
  const dripping = drip ? setInterval(() => raw.send(drip), dripMs) : undefined;
  await raw.untilEnd();
  clearInterval(dripping);
  return performance.now() - beganMs;
}

for (const how of hows.slice(-1)) {
  test(`${how}: 2,000 slow clients are cut, and healthy ones hear and are answered meanwhile`, async () => {
    const node = await startServer(how);
    const secure = await startServer(how, [`--tls-cert=${files.cert}`, `--tls-key=${files.key}`]);
    const viewer = await Viewer.open(`${node.url}/v1/videos/v/events`);
    await viewer.until(({ event }) => event === "snapshot");
    const besieged = [
      ...Object.entries(plain).map(([name, says]) => ({ name, says, port: node.port })),
      ...Object.entries(encrypted).map(([name, says]) => ({ name, says, port: secure.port })),
    ].map(async ({ name, says, port }) => {
      const times = await Promise.all(Array.from({ length: each }, () => slow(port, says)));
      console.log(`slowloris: ${each} ${name}, cut after ${Math.round(Math.max(...times))} ms at most`);
      return Math.max(...times);
    });
    let done = false;
    const all = Promise.all(besieged).finally(() => {
      done = true;
    });
    let accepted = 0;
    while (!done) {
      const like = {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"kind":"heart"}',
      };
      expect((await fetch(`${node.url}/v1/videos/v/likes`, like)).status).toBe(202);
      accepted++;
      await viewer.until(({ says }) => (says.totals as { heart?: number } | undefined)?.heart === accepted);
      expect((await fetch(`${secure.url}/health/live`, trusting)).status).toBe(200);
      await Promise.race([all, Bun.sleep(100)]);
    }
    for (const worstMs of await all) expect(worstMs).toBeLessThan(cutMs);
    expect(accepted).toBeGreaterThan(10);
    viewer.close();
    await Promise.all([node.stop(), secure.stop()]);
  }, 120_000);
}

const trusting = { tls: { rejectUnauthorized: false } } as RequestInit;

test.if(hows.includes("executable"))(
  "bodies that drip over HTTP/2 are answered within their time, and hold no more than their room",
  async () => {
    const node = await startExecutable([`--tls-cert=${files.cert}`, `--tls-key=${files.key}`]);
    const sessions = Array.from({ length: 4 }, () => connect(node.url, { rejectUnauthorized: false }));
    const statuses: number[] = [];
    const closed = sessions.flatMap((session) =>
      Array.from({ length: 90 }, () => {
        const stream = session.request({
          ...{ ":method": "POST", ":path": "/v1/likes" },
          ...{ "content-type": "application/json", "content-length": "500000" },
        });
        stream.on("response", (head) => statuses.push(Number(head[":status"])));
        stream.on("error", () => {});
        stream.write(Buffer.alloc(400_000, " "));
        const dripping = setInterval(() => stream.destroyed || stream.write(" "), dripMs);
        return new Promise<void>((resolve) => {
          stream.on("close", () => {
            clearInterval(dripping);
            resolve();
          });
        });
      }),
    );
    const beganMs = performance.now();
    await Promise.all(closed);
    expect(performance.now() - beganMs).toBeLessThan(cutMs);
    // As many as there is room for were waited for, the others refused at once.
    const late = statuses.filter((status) => status === 408).length;
    expect(late).toBe(Math.floor(limits.bodiesBytesMax / 500_000));
    expect(statuses.filter((status) => status === 503).length).toBe(360 - late);
    expect((await fetch(`${node.url}/health/live`, trusting)).status).toBe(200);
    for (const session of sessions) session.destroy();
    await node.stop();
  },
  60_000,
);

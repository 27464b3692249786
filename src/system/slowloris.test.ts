/** Sockets that ask for nothing, or never to the end: they are cut, and nobody else waits for them. */
import { expect, test } from "bun:test";
import { Raw } from "./raw.ts";
import { startServer } from "./server.ts";

/** What slow clients do; each keeps its socket open for as long as it is let. */
const slow: Record<string, (raw: Raw) => void> = {
  silent: () => {},
  "slow head": (raw) => raw.send("POST /v1/videos/v/likes HTTP/1.1\r\nHost: x\r\nX-A: "),
  "slow body": (raw) => {
    const head = "POST /v1/videos/v/likes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    raw.send(`${head}Content-Length: 100\r\n\r\n{"kind":`);
  },
};
const each = 150;

test("unfinished requests are cut, and healthy ones are answered meanwhile", async () => {
  const node = await startServer("here");
  const began = Date.now();
  const cut: Record<string, number[]> = {};
  const ends = Object.entries(slow).flatMap(([name, begin]) => {
    cut[name] = [];
    return Array.from({ length: each }, async () => {
      const raw = await Raw.open(node.port);
      begin(raw);
      await raw.untilEnd();
      cut[name]?.push(Date.now() - began);
    });
  });
  let done = false;
  const all = Promise.all(ends).then(() => {
    done = true;
  });
  let answered = 0;
  while (!done) {
    expect((await fetch(`${node.url}/v1/videos/v`)).status).toBe(200);
    answered++;
    await Promise.race([all, Bun.sleep(100)]);
  }
  await all;
  expect(answered).toBeGreaterThan(10);
  for (const [name, times] of Object.entries(cut)) {
    console.log(`slowloris: ${each} ${name}, cut after ${Math.max(...times)} ms at most`);
    expect(times.length).toBe(each);
    expect(Math.max(...times)).toBeLessThan(20_000);
  }
  await node.stop();
}, 120_000);

// harmless siege: one address (through trust-proxy), N streams/s with old places on 32 videos; a bystander's likes

import { Viewer } from "../src/system/events.ts";
import { startExecutable } from "../src/system/server.ts";

const per = Number(process.argv[2] ?? 20),
  seconds = 8;
const node = await startExecutable(["--trust-proxy=1", "--comment-history=1000"]);
const json = { "content-type": "application/json" };
const videos = Array.from({ length: 32 }, (_, i) => `v${i}`);
let firstId = "";
const say = async (video: string, i: number) => {
  const a = await fetch(`${node.url}/v1/videos/${video}/comments`, {
    method: "POST",
    headers: json,
    body: JSON.stringify({ text: `t${i} ${"x".repeat(200)}` }),
  });
  const { id } = (await a.json()) as { id: string };
  if (firstId === "") firstId = id;
};
for (let i = 0; i < 1300; i++) await Promise.all(videos.map((v) => say(v, i)));
const viewer = await Viewer.open(`${node.url}/v1/videos/quiet/events`);
await viewer.until(({ event }) => event === "snapshot");
const bystander = async (ms: number) => {
  const took: number[] = [];
  const until = performance.now() + ms;
  let n = 0;
  while (performance.now() < until) {
    const t = performance.now();
    const a = await fetch(`${node.url}/v1/videos/quiet/likes`, {
      method: "POST",
      headers: json,
      body: '{"kind":"heart"}',
    });
    await a.arrayBuffer();
    took.push(performance.now() - t);
    n++;
    await Bun.sleep(50);
  }
  took.sort((x, y) => x - y);
  return {
    n,
    p50: took[n >> 1]?.toFixed(1),
    p99: took[Math.floor(n * 0.99)]?.toFixed(1),
    max: took.at(-1)?.toFixed(1),
  };
};
console.log("quiet", JSON.stringify(await bystander(3000)));
let begun = 0,
  limited = 0,
  hello = 0;
const open: AbortController[] = [];
const timer = setInterval(() => {
  const abort = new AbortController();
  open.push(abort);
  begun++;
  fetch(`${node.url}/v1/events?${videos.map((v) => `video=${v}`).join("&")}`, {
    signal: abort.signal,
    headers: { "last-event-id": firstId, "x-forwarded-for": "192.0.2.1" },
  })
    .then(async (a) => {
      const r = a.body!.getReader();
      const t = new TextDecoder().decode((await r.read()).value);
      if (t.includes('"limit"')) limited++;
      else hello++;
      await Bun.sleep(300);
      abort.abort();
    })
    .catch(() => {});
}, 1000 / per);
console.log(`${per}/s of old places`, JSON.stringify(await bystander(seconds * 1000)));
clearInterval(timer);
for (const a of open) a.abort();
console.log({ begun, hello, limited });
viewer.close();
node.stop();
await Bun.sleep(300);
process.exit(0);

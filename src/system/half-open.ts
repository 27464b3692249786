/**
 * Run by half-open.test.ts in a network of its own: viewers whose machine is gone from one moment to the
 * next, as at the end of a Wi-Fi. Prints after how many ms they no longer count, on a silent video and on a
 * busy one.
 */
import { connect } from "node:net";
import { post } from "./events.ts";
import { startServer } from "./server.ts";

/** An address that this network can lose. */
const there = "10.255.0.1";
const viewers = 10;
const giveUpMs = 120_000;

const ip = (...words: string[]): void => {
  if (!Bun.spawnSync(["ip", ...words]).success) throw new Error(`ip ${words.join(" ")} failed`);
};

ip("link", "set", "lo", "up");
ip("address", "add", `${there}/32`, "dev", "lo");
const node = await startServer("here", ["--host=0.0.0.0"]);
const videos = ["silent", "busy"];

const counts = async (): Promise<number[]> =>
  Promise.all(
    videos.map(async (video) => {
      const answer = await fetch(`${node.url}/v1/videos/${video}`);
      return ((await answer.json()) as { viewers: number }).viewers;
    }),
  );
const until = async (count: number): Promise<number[]> => {
  const startMs = performance.now();
  const seenMs: number[] = [];
  while (seenMs.filter((ms) => ms >= 0).length < videos.length && performance.now() - startMs < giveUpMs) {
    for (const [index, seen] of (await counts()).entries()) {
      if (seen === count) seenMs[index] ??= Math.round(performance.now() - startMs);
    }
    await post(`${node.url}/v1/videos/busy/likes`, { kind: "heart" });
    await Bun.sleep(50);
  }
  return seenMs;
};

for (const video of videos) {
  for (let i = 0; i < viewers; i++) {
    const socket = connect(node.port, there, () =>
      socket.write(`GET /v1/videos/${video}/events HTTP/1.1\r\nHost: test\r\n\r\n`),
    );
    socket.on("error", () => {});
    socket.on("data", () => {});
  }
}
await until(viewers);
ip("address", "del", `${there}/32`, "dev", "lo");
const [silentMs, busyMs] = await until(0);
process.stdout.write(`${JSON.stringify({ silentMs, busyMs })}\n`);
process.exit(0);

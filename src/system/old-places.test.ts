/**
 * What it costs to be asked for places that are long gone: no more than viewers who come anew. Processor time
 * of the executable is compared, which a busy machine does not change as it changes latencies.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { post } from "./events.ts";
import { hows, type RunningExecutable, startExecutable } from "./server.ts";

setDefaultTimeout(60_000);
const videos = ["a", "b", "c", "d"];
/** More than are kept of a video. */
const comments = 1_100;
const streams = 200;
const rounds = 3;

const built = hows.includes("executable");
(built ? describe : describe.skip)("streams with a Last-Event-ID", () => {
  const data = mkdtempSync(join(tmpdir(), "ovation-old-places-"));
  let node: RunningExecutable;
  let oldest = "";
  /** Ids of the comments of "d", in the order they were answered. */
  const ids: string[] = [];
  beforeAll(async () => {
    node = await startExecutable([`--data=${data}`, "--comment-rate=100000", "--limits=off"]);
    const say = async (video: string, nth: number): Promise<string> => {
      const { says } = await post(`${node.url}/v1/videos/${video}/comments`, { text: `comment ${nth}` });
      return String(says?.id);
    };
    for (let nth = 0; nth < comments; nth += 25) {
      const said = await Promise.all(
        Array.from({ length: 25 }, (_, i) => Promise.all(videos.map((video) => say(video, nth + i)))),
      );
      oldest ||= said[0]?.[0] ?? "";
      for (const of of said) ids.push(of[3] ?? "");
    }
  });
  afterAll(async () => {
    await node.stop();
    rmSync(data, { recursive: true, force: true });
  });

  /** Processor time of the node so far, in ticks of the kernel. */
  const spent = (): number => {
    const fields = readFileSync(`/proc/${node.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return Number(fields[11]) + Number(fields[12]);
  };

  /** Opens a stream of all videos and leaves once every one of them has been shown; what it was told. */
  function visit(lastEventId: string | undefined): Promise<string> {
    const query = videos.map((video) => `video=${video}`).join("&");
    const place = lastEventId === undefined ? "" : `Last-Event-ID: ${lastEventId}\r\n`;
    return new Promise((resolve, reject) => {
      let told = "";
      const socket = connect(node.port, "127.0.0.1", () =>
        socket.write(`GET /v1/events?${query} HTTP/1.1\r\nHost: x\r\n${place}\r\n`),
      );
      socket.on("error", reject);
      socket.on("data", (bytes) => {
        told += bytes.toString("latin1");
        if (told.split("event: snapshot").length <= videos.length) return;
        socket.destroy();
        resolve(told);
      });
    });
  }

  async function costOf(lastEventId: string | undefined): Promise<number> {
    const before = spent();
    for (let i = 0; i < streams; i += 20) {
      const all = await Promise.all(Array.from({ length: 20 }, () => visit(lastEventId)));
      const resets = all.map((told) => told.split("event: reset").length - 1);
      expect(resets).toEqual(all.map(() => (lastEventId === undefined ? 0 : videos.length)));
    }
    return spent() - before;
  }

  test("of before all that is kept cost what new ones do", async () => {
    // The first ones have the videos read; that is not what is compared.
    await costOf(undefined);
    await costOf(oldest);
    const fresh: number[] = [];
    const old: number[] = [];
    for (let round = 0; round < rounds; round++) {
      fresh.push(await costOf(undefined));
      old.push(await costOf(oldest));
    }
    const sum = (all: readonly number[]): number => all.reduce((one, two) => one + two, 0);
    console.info(
      `  ${rounds * streams} streams: ${10 * sum(fresh)} ms new, ${10 * sum(old)} ms at old places`,
    );
    expect(sum(old)).toBeLessThan(5 * Math.max(sum(fresh), 10));
  });

  test("of what is kept are answered with it", async () => {
    const placeOf = (id: string): number => Number(id.split("-")[1]);
    // Many were on their way at once: their order is that of their places.
    const kept = ids[200] as string;
    const after = ids.filter((id) => placeOf(id) > placeOf(kept)).length;
    const viewer = await fetch(`${node.url}/v1/videos/d/events`, { headers: { "last-event-id": kept } });
    const reader = viewer.body?.getReader();
    const decoder = new TextDecoder();
    let told = "";
    while (told.split("event: comment").length <= after) {
      const { value } = (await reader?.read()) ?? {};
      if (!value) break;
      told += decoder.decode(value, { stream: true });
    }
    await reader?.cancel();
    expect(told).not.toContain("event: reset");
    expect(told.split("event: comment").length - 1).toBe(after);
  });
});

/** A data folder put back from a copy: the lost place is reset, and no id names two comments. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Viewer } from "./events.ts";
import { hows, type Running, startServer } from "./server.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "ovation-back-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function say({ url }: Running, ...texts: string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const text of texts) {
    const answer = await fetch(`${url}/v1/videos/v/comments`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text }),
    });
    ids.push(((await answer.json()) as { id: string }).id);
  }
  return ids;
}

interface Told {
  readonly comments: readonly { readonly id: string; readonly text: string }[];
  readonly reset?: true;
}

const get = async (server: Running, path: string): Promise<Told & { readonly cursor: string }> =>
  (await (await fetch(`${server.url}/v1/videos/v/${path}`)).json()) as Told & { readonly cursor: string };
const texts = ({ comments }: Told): string[] => comments.map(({ text }) => text);

for (const how of hows) {
  describe(`a folder put back, ${how}`, () => {
    test("resets the places it lost, and goes on with those it has", async () => {
      const data = join(root, how);
      const start = () => startServer(how, [`--data=${data}`, "--admin-key=only-for-these-tests"]);
      let server = await start();
      const kept = await say(server, "1", "2", "3", "4", "5");
      await server.stop();
      cpSync(data, `${data}-copy`, { recursive: true });
      server = await start();
      const lost = await say(server, "6", "7", "8", "9", "10");
      const { cursor } = await get(server, "poll?wait=0");
      await server.stop();
      rmSync(data, { recursive: true });
      cpSync(`${data}-copy`, data, { recursive: true });
      server = await start();
      const anew = await say(server, "six", "seven", "eight", "nine", "ten", "eleven");
      expect(new Set([...kept, ...lost, ...anew]).size).toBe(16);
      const now = ["1", "2", "3", "4", "5", "six", "seven", "eight", "nine", "ten", "eleven"];

      const resume = async (id: string) => {
        const viewer = await Viewer.open(`${server.url}/v1/videos/v/events`, { "last-event-id": id });
        await viewer.until(({ event, says }) => event === "snapshot" || says.text === "eleven");
        viewer.close();
        const resets = viewer.named("reset").map(({ says }) => says.reason);
        return { resets, texts: viewer.named("comment").map(({ says }) => says.text) };
      };
      expect(await resume(lost[4] as string)).toEqual({ resets: ["epoch"], texts: [] });
      expect(await resume(kept[2] as string)).toEqual({ resets: [], texts: now.slice(3) });
      expect(await resume(anew[1] as string)).toEqual({ resets: [], texts: now.slice(7) });

      const behindLost = await get(server, `comments?after=${lost[1]}`);
      expect([behindLost.reset, texts(behindLost)]).toEqual([true, now]);
      const behindKept = await get(server, `comments?after=${kept[3]}`);
      expect([behindKept.reset, texts(behindKept)]).toEqual([undefined, now.slice(4)]);
      expect((await get(server, `poll?wait=0&after=${cursor}`)).reset).toBe(true);

      const remove = async (id: string): Promise<number> => {
        const headers = { authorization: "Bearer only-for-these-tests" };
        const path = `${server.url}/v1/videos/v/comments/${id}`;
        return (await fetch(path, { method: "DELETE", headers })).status;
      };
      expect([await remove(lost[0] as string), await remove(kept[0] as string)]).toEqual([404, 204]);
      expect(texts(await get(server, "comments"))).toEqual(now.slice(1));
      await server.stop();
    });
  });
}

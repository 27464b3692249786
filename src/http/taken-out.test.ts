/** What a key is taking away breaks off when that key is taken out, and is not to be taken for whole. */
import { expect, test } from "bun:test";
import { Reader } from "../asking/reader.ts";
import { limits } from "../core/limits.ts";
import type { ReplayReply } from "../core/times.ts";
import { kit, v } from "../frontend/frontend-kit.ts";
import { call, fakeDoors } from "../system/fake-doors.ts";
import { ApiKeys } from "../trust/keys.ts";
import { Auth } from "./auth.ts";

const headers = { "x-api-key": "leaked-key-of-somebody" };
const keysOf = (...lines: readonly string[]) => ApiKeys.read(lines, "") as ApiKeys;
const begin = () => new Auth(keysOf("one:admin:leaked-key-of-somebody"));
const others = keysOf("two:admin:a-key-that-stays-in-use");

test("an export", async () => {
  const { hub, log } = await kit({});
  for (let i = 0; i <= limits.listingMax; i++) await log.comment(v, `${i}`);
  const auth = begin();
  let asked = 0;
  class Leaking extends Reader {
    override async state(...wanted: Parameters<Reader["state"]>) {
      // The totals, and the first page.
      if (++asked === 3) auth.reload(others);
      return super.state(...wanted);
    }
  }
  const { doors } = fakeDoors({ auth, reader: new Leaking(hub.connect()) });
  const path = `/v1/admin/videos/${v}/export`;
  await expect(call({ path, headers, doors })).rejects.toThrow("taken out");
  expect(asked).toBe(3);
});

test("a backup", async () => {
  const auth = begin();
  const read: number[] = [];
  let ended = 0;
  const backup = async () => ({
    parts: [{ name: "ovation.sqlite", bytes: 20 }],
    read: async (_: number, at: number) => {
      read.push(at);
      auth.reload(others);
      return new Uint8Array(10);
    },
    end: () => void ended++,
  });
  const { doors } = fakeDoors({ auth, backup });
  const { status, text } = await call({ path: "/v1/admin/backup", headers, doors });
  expect([status, read, ended]).toEqual([200, [0], 1]);
  expect(text).toContain('{"failed":"the key that asked for it was taken out"}');
});

test("a track in pages", async () => {
  const auth = begin();
  let asked = 0;
  const { doors } = fakeDoors({ auth });
  const page = (await doors.times.replay({ video: v })) as ReplayReply;
  const times = {
    ...doors.times,
    async replay() {
      if (++asked === 2) auth.reload(others);
      return { ...page, nextMs: 1_000 * asked };
    },
  };
  const path = `/v1/videos/${v}/replay.vtt`;
  await expect(call({ path, headers, doors: { ...doors, times } })).rejects.toThrow("taken out");
  expect(asked).toBe(2);
});

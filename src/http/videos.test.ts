/** Everything of one video, taken away while the video goes on. */
import { expect, test } from "bun:test";
import { Reader } from "../asking/reader.ts";
import { limits } from "../core/limits.ts";
import { kit, v } from "../frontend/frontend-kit.ts";
import { adminDoors, call } from "../system/fake-doors.ts";

const path = `/v1/admin/videos/${v}/export`;
const headers = { "x-api-key": "s3cret-of-fake-doors" };

test.each([
  ["before its first page", 2],
  ["between two pages", 3],
])("an export of a video that is deleted %s breaks off; that of the next video does not", async (_, at) => {
  const { hub, log } = await kit({});
  for (let i = 0; i <= limits.listingMax; i++) await log.comment(v, `old ${i}`);
  let asked = 0;
  class Deleting extends Reader {
    override async state(...wanted: Parameters<Reader["state"]>) {
      if (++asked === at) {
        await log.ledger.deletions.delete(v);
        await log.comment(v, "anew");
      }
      return super.state(...wanted);
    }
  }
  const reader = new Deleting(hub.connect());
  const taken = () => call({ path, headers, doors: { ...adminDoors, reader } });
  await expect(taken()).rejects.toThrow("deleted");
  const lines = (await taken()).text.trim().split("\n");
  expect(lines.filter((line) => line.includes(`"text"`))).toHaveLength(1);
  expect(lines.at(-1)).toBe('{"end":true}');
});

test("HEAD of an export reads none of it", async () => {
  const { hub, log } = await kit({});
  await log.comment(v, "one");
  const asked: unknown[] = [];
  class Counting extends Reader {
    override state(...wanted: Parameters<Reader["state"]>) {
      asked.push(wanted[1]);
      return super.state(...wanted);
    }
  }
  const reader = new Counting(hub.connect());
  const head = await call({ method: "HEAD", path, headers, doors: { ...adminDoors, reader } });
  expect([head.status, head.response.headers.get("content-length")]).toEqual([200, null]);
  expect(head.response.headers.get("content-type")).toBe("application/x-ndjson");
  expect(asked).toEqual([undefined]);
});

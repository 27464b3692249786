/** A deletion by its call: what is asked of whom. */
import { expect, test } from "bun:test";
import { reject } from "../core/interaction.ts";
import { adminDoors, call, fakeDoors } from "../system/fake-doors.ts";
import type { Doors } from "./doors.ts";

const headers = { "x-api-key": "s3cret-of-fake-doors" };

async function deleting(kept: Doors["catalog"]["kept"]): Promise<number> {
  const { catalog } = fakeDoors().doors;
  const moderation = { deleted: async () => {} } as unknown as Doors["moderation"];
  const doors = { ...adminDoors, moderation, catalog: { ...catalog, kept } };
  return (await call({ method: "DELETE", path: "/v1/admin/videos/v", headers, doors })).status;
}

test("a deleted video that was leaving memory as closed is opened, or it is asked for again", async () => {
  const asked: unknown[] = [];
  const kept: Doors["catalog"]["kept"] = async (...all) => {
    asked.push(all);
    return { kept: true };
  };
  expect(await deleting(kept)).toBe(204);
  expect(asked).toEqual([["v", true]]);
  expect(await deleting(async () => reject("unavailable", "nobody is there", 1))).toBe(503);
});

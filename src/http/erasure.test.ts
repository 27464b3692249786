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

test.each(["/v1/admin/videos/v", "/v1/admin/videos/v/export"])(
  "what a video had that is not listed any more can be taken, and taken away: %s",
  async (path) => {
    const { settings, catalog } = fakeDoors().doors;
    const moderation = { deleted: async () => {} } as unknown as Doors["moderation"];
    const kept: Doors["catalog"]["kept"] = async () => ({ kept: true });
    const listed = { ...settings, videos: ["w"] } as typeof settings;
    const doors = { ...adminDoors, moderation, settings: listed, catalog: { ...catalog, kept } };
    const method = path.endsWith("export") ? "GET" : "DELETE";
    expect((await call({ method, path, headers, doors })).status).toBeLessThan(300);
    expect((await call({ path: "/v1/videos/v", doors })).status).toBe(404);
  },
);

/** Whom the eraser was asked to erase by `DELETE` of `path`, and the answer's status. */
async function erasing(path: string): Promise<[number, ...string[]]> {
  const asked: string[] = [];
  const { eraser } = fakeDoors().doors;
  const erase = (user: string) => {
    asked.push(user);
    return eraser.erase(user);
  };
  const moderation = { erased: async () => {} } as unknown as Doors["moderation"];
  const doors = { ...adminDoors, moderation, eraser: { ...eraser, erase } as unknown as Doors["eraser"] };
  return [(await call({ method: "DELETE", path, headers, doors })).status, ...asked];
}

test.each([
  ["/ann", "ann"],
  ["/100%25", "100%"],
  ["/%2525", "%25"],
  ["/a%2Fb%20c", "a/b c"],
  ["/%C3%A9", "é"],
  ["?user=..", ".."],
  ["?user=100%25", "100%"],
  ["?user=a%2Fb+c", "a/b c"],
])("/v1/admin/users%s is %s", async (rest, name) => {
  expect(await erasing(`/v1/admin/users${rest}`)).toEqual([202, name]);
});

test.each([
  "/%",
  "/100%",
  "/%E9",
  "/%C3%A9%ZZ",
  "?user=%",
  "?user=%E9",
  "",
  "?user=",
  "/%20",
  `/${"a".repeat(129)}`,
])("/v1/admin/users%s is nobody's name", async (rest) => {
  expect(await erasing(`/v1/admin/users${rest}`)).toEqual([422]);
});

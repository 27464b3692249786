/**
 * A node that is still looking for its cluster: streams are told to come back, with the place they came with.
 */
import { expect, test } from "bun:test";
import { seededPrng } from "../base/prng.ts";
import { earlyDoors } from "./early.ts";

const { frontend } = earlyDoors(seededPrng(1));
const opened = async (lastEventId: string | undefined): Promise<string> =>
  new Response(frontend.open({ videos: [], lastEventId })).text();
const refused = (lastEventId: string | undefined): string =>
  new TextDecoder().decode(frontend.refuse("limit", lastEventId));

test("a stream is one bye, and keeps the place of who comes back", async () => {
  expect(await opened("abcd-7")).toMatch(
    /^retry: \d+\nevent: bye\ndata: \{"reason":"starting","retry":\d+\}\nid: abcd-7\n\n$/,
  );
  expect(refused("abcd-7")).toEndWith("\nid: abcd-7\n\n");
});

test.each([undefined, "", "not ours", "abcd-7\nevent: x", "a".repeat(100)])("but not %p", async (place) => {
  expect(await opened(place)).not.toContain("\nid:");
  expect(refused(place)).not.toContain("\nid:");
});

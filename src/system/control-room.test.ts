/** The control room's stream at a real node: what it tells is what happened. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { post, Viewer } from "./events.ts";
import { hows, type Running, startServer } from "./server.ts";

for (const how of hows) {
  describe(how, () => {
    let node: Running;
    beforeAll(async () => {
      node = await startServer(how, ["--admin-key=only-for-this-test", "--node=room"]);
    });
    afterAll(() => node.stop());

    test("tells once a second what happens, and who is in the cluster", async () => {
      const viewer = await Viewer.open(`${node.url}/v1/videos/v/events`);
      await viewer.until(({ event }) => event === "snapshot");
      const room = await Viewer.open(`${node.url}/v1/admin/events`, { "x-api-key": "only-for-this-test" });
      const first = await room.until(({ event }) => event === "admin");
      expect(first.says).toMatchObject({ node: "room", viewers: 1, videos: 1, lagging: 0, closed: {} });
      for (let i = 0; i < 10; i++) await post(`${node.url}/v1/videos/v/likes`, { kind: "heart", count: 5 });
      for (let i = 0; i < 3; i++) await post(`${node.url}/v1/videos/v/comments`, { text: "hi" });
      type Top = { video: string; likes: number; likesPerS: number; commentsPerS: number; totals: object };
      const { says } = await room.until(
        ({ event, says }) => event === "admin" && (says.top as Top[])[0]?.likes === 50,
      );
      expect((says.top as Top[])[0]).toMatchObject({ video: "v", viewers: 1, totals: { heart: 50 } });
      const all = () => room.heard.filter(({ event }) => event === "admin").map((heard) => heard.says);
      const sum = (of: (says: Record<string, unknown>) => unknown) =>
        all().reduce((n, one) => n + Number(of(one)), 0);
      await room.until(() => sum((one) => (one.top as Top[])[0]?.commentsPerS) > 2.5);
      // Rates over whole seconds add up to what was done, as far as a second is a second.
      expect(sum((one) => one.likesIn)).toBeWithin(40, 60);
      expect(sum((one) => (one.top as Top[])[0]?.likesPerS)).toBeWithin(40, 60);
      const hops = all().map((one) => one.hops as Record<string, { p50: number; p99: number }>);
      for (const hop of ["durable", "ticked", "received", "written"]) {
        expect(Math.max(...hops.map((one) => one[hop]?.p99 ?? 0))).toBeGreaterThan(0);
      }
      viewer.close();
      await room.until(
        ({ event, says }) => event === "admin" && (says.closed as { client?: number }).client === 1,
      );
      // The first may be told before the row of the viewer has been.
      const cluster = await room.until(
        ({ event, says }) => event === "cluster" && "v" in (says.owners as object),
      );
      expect(cluster.says).toMatchObject({
        nodes: [{ node: "room", role: "both", region: "main", self: true, viewers: expect.any(Number) }],
        routes: [{ video: "v", node: "room" }],
        owners: { v: "room" },
      });
      room.close();
    });

    test("is for those with the admin key; where there is none, this machine may look", async () => {
      expect((await fetch(`${node.url}/v1/admin/events`)).status).toBe(401);
      const open = await startServer(how);
      const room = await Viewer.open(`${open.url}/v1/admin/events`);
      await room.until(({ event }) => event === "admin");
      room.close();
      for (const headers of [
        { "x-forwarded-for": "127.0.0.1" },
        { via: "1.1 proxy" },
        { host: "evil.example" },
      ]) {
        const refused = await fetch(`${open.url}/v1/admin/events`, {
          headers: headers as Record<string, string>,
        });
        expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining("admin-off")]);
      }
      await open.stop();
    });
  });
}

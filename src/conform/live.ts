/** The sentences about what viewers without a stream poll. */
import { Broken, type Checks, expectSame, expectShape, expectStatus, Untried } from "./probe.ts";

/** A second so far off that it may still change for a day. */
const aheadMs = 86_400_000;

export const liveChecks: Checks = {
  async "live-1"(probe) {
    probe.needsStreams();
    const video = probe.video();
    expectStatus(await probe.like(video), 202);
    const ids: string[] = [];
    for (let i = 1; i <= 21; i++) ids.push(await probe.say(video, String(i)));
    // It may be a second old.
    for (let tries = 0; ; tries++) {
      const reply = await probe.ask("GET", `/v1/videos/${video}/live`);
      expectStatus(reply, 200);
      expectShape(reply, "Live");
      const { totals, comments } = reply.says as { totals: object; comments: { id: string }[] };
      const seen = [totals, comments.map(({ id }) => id)];
      const wanted = [{ [probe.kind]: 1 }, ids.slice(1)];
      if (JSON.stringify(seen) === JSON.stringify(wanted)) return;
      if (tries === 10) return expectSame("totals and comments", seen, wanted);
      await probe.sleep(500);
    }
  },
  async "live-2"(probe) {
    probe.needsStreams();
    const path = `/v1/videos/${probe.video()}/live`;
    const reply = await probe.ask("GET", path);
    const told = (name: string) => reply.headers.get(name);
    const whose = probe.config.auth === "open" ? "public" : "private";
    if (!told("cache-control")?.startsWith(`${whose}, max-age=1`)) {
      throw new Broken(`cache-control is ${told("cache-control")}`);
    }
    expectSame("vary and set-cookie", [told("vary"), told("set-cookie")], [null, null]);
    const etag = told("etag") ?? "";
    if (!/^"[^"]+"$/.test(etag)) throw new Broken(`etag is ${etag}`);
    const again = await probe.ask("GET", path, { headers: { "if-none-match": etag } });
    // Somebody may have come or gone in between.
    if (again.headers.get("etag") === etag) expectStatus(again, 304);
  },
  async "live-3"(probe) {
    const second = Math.floor((probe.parts.clock.date() + aheadMs) / 1000);
    const reply = await probe.ask("GET", `/v1/videos/${probe.video()}/ticks/${second}`);
    expectStatus(reply, 404);
    const { error } = reply.says as { error: { code: string } };
    if (error.code === "unknown-video") throw new Untried("no timelines are kept here");
    expectSame("the code", error.code, "not-yet");
  },
};

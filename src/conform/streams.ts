/** The sentences about streams, about coming back to them, and about long polls. */
import {
  Broken,
  type Checks,
  expectRefusal,
  expectSame,
  expectShape,
  expectStatus,
  type Probe,
  type Reply,
  soonMs,
  Untried,
} from "./probe.ts";
import type { Block, Stream } from "./stream.ts";

/** A beat may be late by as much on a busy server, in ms. */
const lateMs = 5_000;

const events = (video: string) => `/v1/videos/${video}/events`;
const totalsOf = (block: Block) => JSON.stringify(block.says.totals);
const textsOf = (stream: Stream) => stream.named("comment").map(({ says }) => says.text);

/** A video with comments "1" to "n", and their places. */
async function talk(probe: Probe, n: number): Promise<{ video: string; ids: string[] }> {
  const video = probe.video();
  const ids: string[] = [];
  for (let i = 1; i <= n; i++) ids.push(await probe.say(video, String(i)));
  return { video, ids };
}

/** Comments once more, so that whatever was to come before on `stream` has come; the text is "last". */
async function untilNow(probe: Probe, stream: Stream, video: string): Promise<void> {
  await probe.say(video, "last");
  await probe.heard(stream, "comment", ({ says }) => says.text === "last");
}

/** Some proxies notice who left only when something is to be written: then it is not the server's delay. */
async function untilWritten(
  probe: Probe,
  stream: Stream,
  video: string,
  matches: (block: Block) => boolean,
): Promise<void> {
  for (let likes = 0; likes < 4; likes++) {
    expectStatus(await probe.like(video), 202);
    const told = await stream.until(matches, 1_000);
    if (told) throw new Untried("whoever leaves is noticed once something is written: a proxy does so");
  }
  throw new Broken("whoever left is still counted");
}

export const streamChecks: Checks = {
  async "stream-1"(probe) {
    const stream = await probe.watch(probe.video());
    const { headers, status } = stream.response;
    stream.close();
    const told = {
      status,
      type: headers.get("content-type"),
      transform: /\bno-transform\b/.test(headers.get("cache-control") ?? ""),
      buffering: headers.get("x-accel-buffering"),
    };
    const wanted = { status: 200, type: "text/event-stream", transform: true, buffering: "no" };
    // nginx obeys it, and keeps it to itself.
    if (/nginx|openresty/i.test(headers.get("server") ?? "")) told.buffering ??= "no";
    expectSame("the head", told, wanted);
  },
  async "stream-2"(probe) {
    const stream = await probe.watch(probe.video());
    const [first] = stream.blocks;
    if (first?.event !== "hello" || !/^retry: ?\d+\n/.test(first.raw)) {
      throw new Broken(`the first block is ${JSON.stringify(first?.raw)}`);
    }
    stream.close();
  },
  async "stream-3"(probe) {
    const stream = await probe.watch(probe.video());
    const { says } = await probe.heard(stream, "hello");
    const beatMs = Number(says.beat);
    const before = stream.blocks.length;
    await stream.until((block) => stream.blocks.indexOf(block) >= before, beatMs + lateMs);
    const silentMs = stream.silence();
    stream.close();
    if (silentMs > beatMs + lateMs)
      throw new Broken(`silent for ${Math.round(silentMs)} ms, beat is ${beatMs}`);
  },
  async "stream-4"(probe) {
    const { video } = await talk(probe, 22);
    expectStatus(await probe.like(video), 202);
    const stream = await probe.watch(video);
    const { says } = await probe.heard(stream, "snapshot");
    const { totals, comments } = says as { totals: object; comments: { text: string }[] };
    expectSame("totals", totals, { [probe.kind]: 1 });
    const newest = Array.from({ length: 20 }, (_, i) => String(i + 3));
    expectSame(
      "comments",
      comments.map(({ text }) => text),
      newest,
    );
    await untilNow(probe, stream, video);
    expectSame("snapshots", stream.named("snapshot").length, 1);
    stream.close();
  },
  async "stream-5"(probe) {
    const video = probe.video();
    const stream = await probe.watch(video);
    expectStatus(await probe.like(video, { user: "Ada" }), 202);
    const { says } = await probe.heard(stream, "likes");
    expectSame("likes", { video: says.video, totals: says.totals }, { video, totals: { [probe.kind]: 1 } });
    if (typeof says.us !== "number") throw new Broken("likes has no us");
    stream.close();
  },
  async "stream-6"(probe) {
    const video = probe.video();
    const stream = await probe.watch(video);
    const id = await probe.say(video, "hello 👏", { user: "Ada" });
    const { says } = await probe.heard(stream, "comment");
    expectSame(
      "comment",
      { video: says.video, id: says.id, text: says.text },
      { video, id, text: "hello 👏" },
    );
    if (typeof says.us !== "number") throw new Broken("comment has no us");
    stream.close();
  },
  async "stream-7"(probe) {
    const video = probe.video();
    const stream = await probe.watch(video);
    const id = await probe.say(video, "hello");
    expectSame("its id:", (await probe.heard(stream, "comment")).id, id);
    stream.close();
  },
  async "stream-8"(probe) {
    const video = probe.video();
    const streams = [await probe.watch(video), await probe.watch(video)];
    await Promise.all(Array.from({ length: 8 }, (_, i) => probe.say(video, String(i))));
    for (const stream of streams) await untilNow(probe, stream, video);
    const listed = (await probe.listing(video)).comments.map(({ text }) => text);
    for (const stream of streams) {
      await stream.until(() => textsOf(stream).length >= listed.length, soonMs);
      expectSame("the order", textsOf(stream), listed);
      stream.close();
    }
  },
  async "stream-9"(probe) {
    const video = probe.video();
    const [first, second] = [await probe.watch(video), await probe.watch(video)];
    await probe.heard(first, "viewers", ({ says }) => says.video === video && says.viewers === 2);
    second.close();
    const isOne = ({ event, says }: Block) => event === "viewers" && says.viewers === 1;
    if (!(await first.until(isOne, soonMs))) await untilWritten(probe, first, video, isOne);
    first.close();
  },
  async "stream-10"(probe) {
    probe.needsKey();
    const { video, ids } = await talk(probe, 1);
    const stream = await probe.watch(video);
    expectStatus(await probe.ask("DELETE", `/v1/videos/${video}/comments/${ids[0]}`), 204);
    const { says, id } = await probe.heard(stream, "retract", (block) => block.id !== undefined);
    expectSame("retract", says, { video, id: ids[0] });
    if (id === ids[0]) throw new Broken("the removal has the id: of the comment");
    stream.close();
  },
  async "stream-11"(probe) {
    const stream = await probe.watch(probe.video());
    const beatMs = Number(stream.blocks[0]?.says.beat);
    if (!(await stream.until(({ event }) => event === "beat", beatMs + lateMs))) {
      throw new Broken(`no beat within ${beatMs + lateMs} ms`);
    }
    await probe.heard(stream, "beat");
    stream.close();
  },
  async "stream-13"(probe) {
    const [one, other] = [probe.video(), probe.video()];
    const stream = await probe.open(`/v1/events?video=${one}&video=${other}`);
    for (const video of [one, other]) {
      await probe.heard(stream, "snapshot", ({ says }) => says.video === video);
      expectStatus(await probe.like(video), 202);
      await probe.heard(stream, "likes", ({ says }) => says.video === video);
    }
    stream.close();
    const most = probe.config.limits.videosPerStream ?? 0;
    const many = Array.from({ length: most + 1 }, () => `video=${probe.video()}`).join("&");
    expectRefusal(await probe.ask("GET", `/v1/events?${many}`), 422, "too-many-videos");
    expectRefusal(await probe.ask("GET", "/v1/events"), 400, "bad-query");
  },
  async "stream-15"(probe) {
    const [video, second] = [probe.video(), probe.video()];
    const stream = await probe.watch(video);
    const { connection } = (await probe.heard(stream, "hello")).says;
    expectStatus(await probe.ask("PUT", `/v1/connections/${connection}/videos/${second}`), 204);
    await probe.heard(stream, "snapshot", ({ says }) => says.video === second);
    expectStatus(await probe.like(second), 202);
    await probe.heard(stream, "likes", ({ says }) => says.video === second);
    stream.close();
  },
  async "stream-16"(probe) {
    const [video, second] = [probe.video(), probe.video()];
    const stream = await probe.open(`/v1/events?video=${video}&video=${second}`);
    await probe.heard(stream, "snapshot", ({ says }) => says.video === second);
    const { connection } = (await probe.heard(stream, "hello")).says;
    expectStatus(await probe.ask("DELETE", `/v1/connections/${connection}/videos/${second}`), 204);
    await probe.say(second, "unheard");
    await untilNow(probe, stream, video);
    expectSame("what it heard", textsOf(stream), ["last"]);
    stream.close();
  },
  async "stream-17"(probe) {
    for (const method of ["PUT", "DELETE"]) {
      const path = `/v1/connections/no-such-stream/videos/${probe.video()}`;
      expectRefusal(await probe.ask(method, path), 404, "unknown-connection");
    }
  },
  async "stream-18"(probe) {
    probe.needsStreams();
    const video = probe.video();
    const head = await probe.ask("HEAD", events(video));
    expectStatus(head, 200);
    expectSame("viewers", (await probe.state(video)).viewers, 0);
  },
  async "stream-19"(probe) {
    probe.needsKey();
    const video = probe.video();
    const turn = async (state: string): Promise<void> => {
      expectStatus(await probe.ask("PUT", `/v1/admin/videos/${video}`, { json: { state } }), 204);
    };
    const stream = await probe.watch(video);
    await turn("closed");
    await probe.heard(stream, "state", ({ says }) => says.state === "closed");
    expectRefusal(await probe.like(video), 409, "closed");
    const later = await probe.open(events(video));
    await probe.heard(later, "snapshot", ({ says }) => says.state === "closed");
    await turn("open");
    for (const each of [stream, later]) await probe.heard(each, "state", ({ says }) => says.state === "open");
    for (const each of [stream, later]) each.close();
  },
};

export const resumeChecks: Checks = {
  async "resume-1"(probe) {
    const { video, ids } = await talk(probe, 2);
    for (const path of [events(video), `${events(video)}?last_event_id=${ids[0]}`]) {
      const stream = await probe.open(path, path.includes("?") ? undefined : ids[0]);
      await probe.heard(stream, "comment", ({ id }) => id === ids[1]);
      stream.close();
    }
  },
  async "resume-2"(probe) {
    const { video, ids } = await talk(probe, 4);
    const stream = await probe.open(events(video), ids[0]);
    await untilNow(probe, stream, video);
    expectSame("comments", textsOf(stream), ["2", "3", "4", "last"]);
    expectSame("snapshots", stream.named("snapshot").length, 0);
    stream.close();
  },
  async "resume-3"(probe) {
    const { video, ids } = await talk(probe, 1);
    expectStatus(await probe.like(video), 202);
    const stream = await probe.open(events(video), ids[0]);
    const likes = await probe.heard(stream, "likes");
    expectSame("totals", totalsOf(likes), JSON.stringify({ [probe.kind]: 1 }));
    await probe.heard(stream, "viewers");
    stream.close();
  },
  async "resume-4"(probe) {
    const { video } = await talk(probe, 1);
    const stream = await probe.open(events(video), "zzzz-9999");
    await expectReset(probe, stream, video);
  },
  async "resume-5"(probe) {
    const { video } = await talk(probe, 1);
    await expectReset(probe, await probe.open(events(video), "nonsense"), video);
    const stream = await probe.open(events(video), "");
    const first = await stream.until(({ event }) => event === "reset" || event === "snapshot", soonMs);
    // Some proxies drop a header that is empty.
    if (first?.event === "snapshot") throw new Untried("an empty Last-Event-ID has not come to the server");
    await expectReset(probe, stream, video);
  },
  async "resume-6"(probe) {
    const { video, ids } = await talk(probe, 1);
    const stream = await probe.open(events(video), ids[0]);
    expectSame("the id: of hello", (await probe.heard(stream, "hello")).id, ids[0]);
    stream.close();
  },
};

/** `reset`, and a snapshot behind it. */
async function expectReset(probe: Probe, stream: Stream, video: string): Promise<void> {
  await probe.heard(stream, "reset", ({ says }) => says.video === video);
  await probe.heard(stream, "snapshot", ({ says }) => says.video === video);
  const order = stream.blocks.map(({ event }) => event);
  if (order.indexOf("snapshot") < order.indexOf("reset"))
    throw new Broken(`in the order ${order.join(", ")}`);
  stream.close();
}

export const pollChecks: Checks = {
  async "poll-1"(probe) {
    probe.needsStreams();
    const { video } = await talk(probe, 22);
    const said = pollIn(await probe.ask("GET", `/v1/videos/${video}/poll`));
    expectSame("comments", [said.comments.length, said.comments.at(-1)?.text], [20, "22"]);
  },
  async "poll-2"(probe) {
    probe.needsStreams();
    const { video } = await talk(probe, 1);
    const path = `/v1/videos/${video}/poll`;
    const { cursor } = pollIn(await probe.ask("GET", path));
    const none = pollIn(await probe.ask("GET", `${path}?after=${cursor}`));
    expectSame("what is new", none.comments, []);
    const waiting = probe.ask("GET", `${path}?after=${cursor}&wait=10`);
    await probe.say(video, "news");
    const { comments } = pollIn(await waiting);
    expectSame(
      "what is new",
      comments.map(({ text }) => text),
      ["news"],
    );
    expectRefusal(await probe.ask("GET", `${path}?wait=26`), 400, "bad-query");
  },
  async "poll-3"(probe) {
    probe.needsStreams();
    const { video } = await talk(probe, 1);
    const said = pollIn(await probe.ask("GET", `/v1/videos/${video}/poll?after=nonsense`));
    expectSame("reset and comments", [said.reset, said.comments.length], [true, 1]);
  },
};

interface Polled {
  readonly cursor: string;
  readonly comments: readonly { readonly text: string }[];
  readonly reset?: boolean;
}

function pollIn(reply: Reply): Polled {
  expectStatus(reply, 200);
  expectShape(reply, "Poll");
  return reply.says as Polled;
}

/** The sentences about calls, likes and totals, each tried on videos of its own. */
import { secret } from "../base/prng.ts";
import {
  Broken,
  type Checks,
  expectRefusal,
  expectSame,
  expectShape,
  expectStatus,
  type Probe,
  type Reply,
  Untried,
} from "./probe.ts";

const isJson = /^application\/json *(; *charset="?utf-8"?)?$/i;
const likes = (video: string) => `/v1/videos/${video}/likes`;

function keyed(key: string): Record<string, string> {
  return { "idempotency-key": key };
}

function newKey(): string {
  return `conform-${secret(16)}`;
}

/** The total of the first kind, as an event tells it. */
function totalIn({ kind }: Probe, says: Readonly<Record<string, unknown>>): unknown {
  return (says.totals as Record<string, unknown> | undefined)?.[kind];
}

/** The total of the first kind, which must be `wanted`. */
async function expectTotal(probe: Probe, video: string, wanted: number): Promise<void> {
  const total = await probe.total(video);
  if (total !== wanted) throw new Broken(`the total is ${total}, not ${wanted}`);
}

export const callChecks: Checks = {
  async "call-1"(probe) {
    const video = probe.video();
    const replies: Reply[] = [
      await probe.ask("GET", "/v1/config"),
      await probe.like(video),
      await probe.ask("POST", `/v1/videos/${video}/comments`, { json: { text: "Zoë 👏" } }),
      await probe.ask("GET", `/v1/videos/${video}/comments`),
      await probe.ask("GET", "/v1/videos/a.b"),
    ];
    for (const { what, headers, says, text } of replies) {
      if (text === "") continue;
      const type = headers.get("content-type") ?? "none";
      if (!isJson.test(type) || says === undefined)
        throw new Broken(`${what}: ${type}, ${text.slice(0, 60)}`);
    }
  },
  async "call-4"(probe) {
    const body = JSON.stringify({ kind: probe.kind });
    const headers = { "content-type": "text/plain" };
    expectRefusal(await probe.ask("POST", likes(probe.video()), { body, headers }), 415, "bad-content-type");
  },
  async "call-5"(probe) {
    const headers = { "content-type": "application/json" };
    const reply = await probe.ask("POST", likes(probe.video()), { body: '{"kind":', headers });
    expectRefusal(reply, 400, "bad-json");
  },
  async "call-6"(probe) {
    for (const json of [[], "heart", 1, null]) {
      expectRefusal(await probe.ask("POST", likes(probe.video()), { json }), 400, "bad-body");
    }
  },
  async "call-7"(probe) {
    expectRefusal(await probe.like(probe.video(), { knid: probe.kind }), 422, "bad-field");
  },
  async "call-8"(probe) {
    expectRefusal(await probe.ask("GET", `/v1/videos/${probe.video()}?limti=1`), 400, "bad-query");
  },
  async "call-9"(probe) {
    const longest = probe.video().padEnd(64, "x");
    expectStatus(await probe.ask("GET", `/v1/videos/${longest}`), 200);
    for (const bad of [`${longest}x`, "a.b", "a%20b", "caf%C3%A9"]) {
      expectRefusal(await probe.ask("GET", `/v1/videos/${bad}`), 400, "bad-video");
    }
  },
  async "call-10"(probe) {
    // Where we are mounted in another program, it is that program's answer, and shows nothing of the others.
    const reply = await probe.ask("GET", "/v1/nothing-of-that-name", { foreign: true });
    const isOurs = reply.headers.get("content-type")?.startsWith("application/json");
    if (reply.status === 404 && !isOurs)
      throw new Untried("it is mounted in a program that answers for itself");
    expectRefusal(reply, 404, "not-found");
  },
  async "call-11"(probe) {
    const reply = await probe.ask("PATCH", `/v1/videos/${probe.video()}`);
    expectRefusal(reply, 405, "method-not-allowed");
    const allow = reply.headers.get("allow") ?? "";
    if (!/\bGET\b/.test(allow)) throw new Broken(`Allow is ${JSON.stringify(allow)}`);
  },
  async "call-12"(probe) {
    for (const path of ["/v1/config", `/v1/videos/${probe.video()}`]) {
      const [head, get] = [await probe.ask("HEAD", path), await probe.ask("GET", path)];
      expectStatus(head, get.status);
      if (head.text !== "") throw new Broken(`HEAD ${path} has a body`);
      const field = "content-type";
      expectSame(`HEAD ${path}: ${field}`, head.headers.get(field), get.headers.get(field));
    }
  },
  async "call-13"(probe) {
    const text = "x".repeat((probe.config.limits.bodyBytes ?? 0) + 1);
    const reply = await probe.ask("POST", `/v1/videos/${probe.video()}/comments`, { json: { text } });
    expectRefusal(reply, 413, "too-large");
  },
  async "call-14"(probe) {
    // Its shape was looked at before anything else; what is left is that it says something.
    const { kinds, likeMode, auth, version } = probe.config;
    if (kinds.length === 0 || version === "") throw new Broken("there are no kinds, or no version");
    if (!["many", "once"].includes(likeMode)) throw new Broken(`likeMode is ${likeMode}`);
    if (!["open", "token"].includes(auth)) throw new Broken(`auth is ${auth}`);
  },
};

export const likeChecks: Checks = {
  async "like-1"(probe) {
    const reply = await probe.like(probe.video());
    expectStatus(reply, 202);
    expectShape(reply, "Taken");
  },
  async "like-2"(probe) {
    const video = probe.video();
    expectStatus(await probe.like(video), 202);
    await expectTotal(probe, video, 1);
  },
  async "like-3"(probe) {
    probe.needsMany();
    const video = probe.video();
    const most = probe.config.limits.likeCount ?? 0;
    expectStatus(await probe.like(video, { count: most }), 202);
    for (const count of [0, -1, most + 1, 1.5, "2", true]) {
      expectRefusal(await probe.like(video, { count }), 422, "bad-count");
    }
    expectStatus(await probe.like(video), 202);
    await expectTotal(probe, video, most + 1);
  },
  async "like-4"(probe) {
    probe.needsMany();
    const video = probe.video();
    for (const count of [2, 3]) expectStatus(await probe.like(video, { count }), 202);
    await expectTotal(probe, video, 5);
  },
  async "like-5"(probe) {
    expectRefusal(await probe.like(probe.video(), { kind: "no-such-kind" }), 422, "unknown-kind");
  },
  async "like-6"(probe) {
    const video = probe.video();
    const headers = keyed(newKey());
    for (let i = 0; i < 3; i++) expectStatus(await probe.like(video, {}, headers), 202);
    await expectTotal(probe, video, 1);
    const other = probe.isOnce ? { viewer: "another" } : { count: 2 };
    expectRefusal(await probe.like(video, other, headers), 409, "key-used");
  },
  async "like-7"(probe) {
    const [one, other] = [probe.video(), probe.video()];
    const headers = keyed(newKey());
    for (const video of [one, other]) expectStatus(await probe.like(video, {}, headers), 202);
    for (const video of [one, other]) await expectTotal(probe, video, 1);
  },
  async "like-8"(probe) {
    const video = probe.video();
    for (let i = 0; i < 2; i++) expectStatus(await probe.like(video), 202);
    await expectTotal(probe, video, 2);
  },
  async "like-9"(probe) {
    const video = probe.video();
    const [key, other] = [newKey(), newKey()];
    expectStatus(await probe.like(video, { key }), 202);
    expectStatus(await probe.like(video, {}, keyed(key)), 202);
    await expectTotal(probe, video, 1);
    expectStatus(await probe.like(video, { key }, keyed(other)), 202);
    await expectTotal(probe, video, 2);
  },
  async "like-10"(probe) {
    const video = probe.video();
    expectStatus(await probe.like(video, { key: "~!".padEnd(128, "x") }), 202);
    for (const key of ["", "x".repeat(129), "two words", "é", 7]) {
      expectRefusal(await probe.like(video, { key }), 422, "bad-key");
    }
  },
  async "like-11"(probe) {
    const video = probe.video();
    expectRefusal(await probe.like(video, { kind: "no-such-kind" }), 422, "unknown-kind");
    expectRefusal(await probe.like(video, { more: 1 }), 422, "bad-field");
    expectSame("totals", (await probe.state(video)).totals, {});
  },
  async "like-12"(probe) {
    const video = probe.video();
    const item = { video, kind: probe.kind, viewer: `viewer-${secret(8)}`, key: newKey() };
    const other = { ...item, key: newKey(), viewer: `viewer-${secret(8)}` };
    const plain = probe.isOnce ? [item, other] : [item, other].map(({ viewer: _, ...rest }) => rest);
    const items = [plain[0], { ...plain[1], kind: "no-such-kind" }, plain[1], plain[0]];
    const reply = await probe.ask("POST", "/v1/likes", { json: { items } });
    expectStatus(reply, 202);
    expectShape(reply, "Verdicts");
    const verdicts = (reply.says as { items: { status: number; error?: { code: string } }[] }).items;
    const told = verdicts.map(({ status, error }) => error?.code ?? status);
    expectSame("verdicts", told, [202, "unknown-kind", 202, 202]);
    await expectTotal(probe, video, 2);
  },
  async "like-13"(probe) {
    const video = probe.video();
    const most = probe.config.limits.batchItems ?? 0;
    const items = Array.from({ length: most + 1 }, () => ({ video, kind: probe.kind }));
    expectRefusal(await probe.ask("POST", "/v1/likes", { json: { items } }), 422, "too-many-items");
    await expectTotal(probe, video, 0);
  },
  async "like-15"(probe) {
    probe.needsMany();
    const path = `${likes(probe.video())}?kind=${probe.kind}&viewer=somebody`;
    expectRefusal(await probe.ask("DELETE", path), 409, "like-mode");
  },
  async "like-16"(probe) {
    if (!probe.isOnce) throw new Untried("likeMode is many here");
    const video = probe.video();
    for (let i = 0; i < 2; i++) expectStatus(await probe.like(video, { viewer: "somebody" }), 202);
    await expectTotal(probe, video, 1);
  },
  async "like-17"(probe) {
    if (!probe.isOnce) throw new Untried("likeMode is many here");
    const video = probe.video();
    probe.takenBack.add(video);
    for (const viewer of ["one", "two"]) expectStatus(await probe.like(video, { viewer }), 202);
    for (const viewer of ["one", "nobody"]) {
      expectStatus(await probe.ask("DELETE", `${likes(video)}?kind=${probe.kind}&viewer=${viewer}`), 202);
    }
    await expectTotal(probe, video, 1);
  },
};

export const totalChecks: Checks = {
  async "total-1"(probe) {
    const video = probe.video();
    expectStatus(await probe.like(video), 202);
    expectSame("totals", (await probe.state(video)).totals, { [probe.kind]: 1 });
  },
  async "total-2"(probe) {
    const { totals, version } = await probe.state(probe.video());
    expectSame("a video that is new", { totals, version }, { totals: {}, version: 0 });
  },
  async "total-3"(probe) {
    const video = probe.video();
    const stream = await probe.watch(video);
    for (const wanted of [1, 2, 3]) {
      expectStatus(await probe.like(video), 202);
      await probe.heard(stream, "likes", ({ says }) => totalIn(probe, says) === wanted);
    }
    stream.close();
  },
  async "total-4"(probe) {
    const video = probe.video();
    const versions: number[] = [];
    for (let i = 0; i < 3; i++) {
      versions.push((await probe.state(video)).version);
      expectStatus(await probe.like(video), 202);
    }
    const grows = versions.every((version, i) => i === 0 || version > (versions[i - 1] ?? 0));
    if (!grows) throw new Broken(`versions were ${versions.join(", ")}`);
  },
};

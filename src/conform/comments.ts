/** The sentences about comments, each tried on videos of its own. */
import { secret } from "../base/prng.ts";
import {
  Broken,
  type Checks,
  expectRefusal,
  expectSame,
  expectShape,
  expectStatus,
  type Probe,
} from "./probe.ts";

const path = (video: string) => `/v1/videos/${video}/comments`;

/** Texts of a video's comments, oldest first. */
async function textsOf(probe: Probe, video: string, query = ""): Promise<string[]> {
  return (await probe.listing(video, query)).comments.map(({ text }) => text);
}

/** Comments "1" to "n", one after the other; answers their ids. */
async function said(probe: Probe, video: string, n: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 1; i <= n; i++) ids.push(await probe.say(video, String(i)));
  return ids;
}

export const commentChecks: Checks = {
  async "comment-1"(probe) {
    const reply = await probe.ask("POST", path(probe.video()), { json: { text: "hello" } });
    expectStatus(reply, 201);
    expectShape(reply, "Placed");
  },
  async "comment-2"(probe) {
    const video = probe.video();
    const id = await probe.say(video, "hello", { user: "Ada" });
    const [comment] = (await probe.listing(video)).comments as { at?: unknown }[];
    const { at: _, ...rest } = comment ?? {};
    // With a token or a key the server may show another name than the one claimed.
    const { user: __, ...bare } = rest as { user?: unknown };
    expectSame("the listing", bare, { video, id, text: "hello" });
  },
  async "comment-3"(probe) {
    const video = probe.video();
    const headers = { "idempotency-key": `conform-${secret(16)}` };
    const replies = [];
    for (let i = 0; i < 2; i++) {
      replies.push(await probe.ask("POST", path(video), { json: { text: "once" }, headers }));
    }
    for (const reply of replies) expectStatus(reply, 201);
    expectSame("the second answer", replies[1]?.says, replies[0]?.says);
    const other = await probe.ask("POST", path(video), { json: { text: "another" }, headers });
    expectRefusal(other, 409, "key-used");
    expectSame("the listing", await textsOf(probe, video), ["once"]);
  },
  async "comment-4"(probe) {
    const video = probe.video();
    const most = probe.config.limits.commentCharacters ?? 0;
    const texts = ["한국어 café ελληνικά עברית", "  spaces kept  ", "👏".repeat(most)];
    for (const text of texts) await probe.say(video, text);
    expectSame("the texts", await textsOf(probe, video), texts);
    const json = { text: "👏".repeat(most + 1) };
    expectRefusal(await probe.ask("POST", path(video), { json }), 422, "text-too-long");
  },
  async "comment-5"(probe) {
    for (const text of ["", "   ", "\u200b\u200d"]) {
      expectRefusal(await probe.ask("POST", path(probe.video()), { json: { text } }), 422, "text-empty");
    }
  },
  async "comment-6"(probe) {
    for (const text of ["a\nb", "a\tb", "a\u0000b", "a\u0085b"]) {
      expectRefusal(await probe.ask("POST", path(probe.video()), { json: { text } }), 422, "text-control");
    }
  },
  async "comment-7"(probe) {
    const video = probe.video();
    const most = probe.config.limits.userCharacters ?? 0;
    await probe.say(video, "hello", { user: "é".repeat(most) });
    for (const user of ["", "x".repeat(most + 1), "a\nb", 7]) {
      const json = { text: "hello", user };
      expectRefusal(await probe.ask("POST", path(video), { json }), 422, "bad-user");
    }
  },
  async "comment-8"(probe) {
    const video = probe.video();
    await said(probe, video, 3);
    expectSame("the listing", await textsOf(probe, video), ["1", "2", "3"]);
    expectSame("more", (await probe.listing(video)).more, false);
  },
  async "comment-9"(probe) {
    const video = probe.video();
    const ids = await said(probe, video, 4);
    const page = await probe.listing(video, `?after=${ids[0]}&limit=2`);
    const texts = page.comments.map(({ text }) => text);
    expectSame("a page", { texts, more: page.more }, { texts: ["2", "3"], more: true });
    const last = await probe.listing(video, `?after=${ids[2]}`);
    expectSame("the last", { n: last.comments.length, more: last.more }, { n: 1, more: false });
  },
  async "comment-10"(probe) {
    const video = probe.video();
    await said(probe, video, 4);
    expectSame("two of them", await textsOf(probe, video, "?limit=2"), ["3", "4"]);
  },
  async "comment-11"(probe) {
    const [one, other] = [probe.video(), probe.video()];
    const ids = [...(await said(probe, one, 3)), ...(await said(probe, other, 3))];
    if (new Set(ids).size < ids.length) throw new Broken(`ids were ${ids.join(", ")}`);
  },
  async "comment-12"(probe) {
    probe.needsKey();
    const video = probe.video();
    const [first = "", second = ""] = await said(probe, video, 2);
    expectStatus(await probe.ask("DELETE", `${path(video)}/${first}`), 204);
    expectSame("what is left", await textsOf(probe, video), ["2"]);
    const elsewhere = `${path(probe.video())}/${second}`;
    expectRefusal(await probe.ask("DELETE", elsewhere), 404, "unknown-comment");
  },
  async "comment-13"(probe) {
    const video = probe.video();
    const [id] = await said(probe, video, 1);
    const reply = await probe.ask("DELETE", `${path(video)}/${id}`, { bare: true });
    if (reply.status !== 401 && reply.status !== 403) expectStatus(reply, 403);
    expectSame("what is left", await textsOf(probe, video), ["1"]);
  },
};

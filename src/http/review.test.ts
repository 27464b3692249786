/** Where a review stands on a comment's way: whom it is asked about, when, and what a denial comes to. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createMetrics } from "../base/metrics.ts";
import { memoryBus } from "../bus/memory.ts";
import { type CommentDraft, type Rejection, reject } from "../core/interaction.ts";
import { call, posted } from "../system/fake-doors.ts";
import { anybody } from "../trust/identity.ts";
import { fileJournal } from "../trust/journal.ts";
import { ApiKeys } from "../trust/keys.ts";
import { Moderation } from "../trust/moderation.ts";
import { noRules } from "../trust/rules.ts";
import { Words } from "../trust/words.ts";
import { Auth } from "./auth.ts";

const v = "v" as never;
const keys = ApiKeys.read(
  ["studio:publish:publish-key-of-16+", "desk:publish+moderate:moderate-key-of-16"],
  "",
) as ApiKeys;

async function bench(verdict?: Rejection) {
  const clock = new VirtualClock();
  const metrics = createMetrics();
  const journal = fileJournal(":memory:");
  const table = await memoryBus({ clock }).table("moderation");
  const moderation = await Moderation.open({ table, journal, clock, metrics });
  const asked: [CommentDraft, string | undefined][] = [];
  const answers = [verdict];
  const review = {
    comment: async (draft: CommentDraft, viewer: string | undefined) => {
      asked.push([draft, viewer]);
      return answers[0];
    },
  };
  const doors = { auth: new Auth(keys), moderation, clock, metrics, review };
  const say = async (text: string, key?: string) => {
    const headers: Record<string, string> = key ? { "x-api-key": key } : {};
    const answer = await call({ ...posted("/v1/videos/v/comments", { text, user: "Ann" }, headers), doors });
    const { code, message } =
      (JSON.parse(answer.text) as { error?: { code: string; message: string } }).error ?? {};
    return { status: answer.status, code, message, taken: answer.asked.comments.length, answer };
  };
  const answerFromNow = (next: Rejection | undefined) => {
    answers[0] = next;
  };
  return { say, asked, moderation, metrics, answerFromNow };
}

describe("a review", () => {
  test("that lets a comment pass changes nothing else", async () => {
    const { say, asked } = await bench();
    expect(await say("hi")).toMatchObject({ status: 201, taken: 1 });
    expect(asked).toMatchObject([[{ video: "v", text: "hi", user: "Ann" }, undefined]]);
  });

  test("that denies one keeps it out, says why, is counted, and uses up no turn in slow mode", async () => {
    const { say, moderation, metrics, answerFromNow } = await bench(
      reject("review-denied", "mind the rules"),
    );
    await moderation.setRules(v, { ...noRules, slowModeMs: 60_000 }, { ...anybody, by: "key", sub: "desk" });
    const denied = { status: 422, code: "review-denied", message: "mind the rules", taken: 0 };
    expect([await say("hi"), await say("hi")]).toMatchObject([denied, denied]);
    answerFromNow(reject("unavailable", "not now", 5));
    const { status, code, answer } = await say("hi");
    expect([status, code, answer.response.headers.get("retry-after")]).toEqual([503, "unavailable", "5"]);
    answerFromNow(undefined);
    expect([(await say("hi")).status, (await say("hi")).code]).toEqual([201, "slow-mode"]);
    expect(await metrics.registry.metrics()).toContain(
      'ovation_comments_rejected_total{reason="review-denied"} 2',
    );
  });

  test("is not asked about what is refused anyway", async () => {
    const { say, asked, moderation } = await bench();
    moderation.setWords(new Words("darn"));
    expect((await say("darn")).code).toBe("text-refused");
    expect((await say("")).code).toBe("text-empty");
    expect(asked).toEqual([]);
  });

  test("is not asked about what servers and moderators say", async () => {
    const { say, asked } = await bench(reject("review-denied", "no"));
    for (const key of ["publish-key-of-16+", "moderate-key-of-16"]) {
      expect(await say("hi", key)).toMatchObject({ status: 201, taken: 1 });
    }
    expect(asked).toEqual([]);
  });
});

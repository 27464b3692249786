import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { decodeErasureReply, encodeErasureRequest } from "../core/erasure.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { likesOf } from "../core/totals.ts";
import { draft, like, once, record } from "../ledger/contract-bench.ts";
import { LedgerUnavailable } from "../ledger/ledger.ts";
import { openMemoryLedger } from "../ledger/memory.ts";
import { Erasures } from "./erasures.ts";

const v = "v" as VideoId;
const log = createLog({ level: "error", format: "json", write: () => {}, now: () => 0 });

function bench(onceMax?: number) {
  const clock = new VirtualClock();
  const ledger = openMemoryLedger({ clock, commentHistory: 2_000, onceMax });
  const removed: number[] = [];
  const open = (owns = true) =>
    new Erasures({
      ...{ ledger, clock, log, kinds: ["heart", "clap"], owns: () => owns },
      removed: (_, seq) => removed.push(seq),
    });
  const ask = async (erasures: Erasures, request: Parameters<typeof encodeErasureRequest>[0]) =>
    decodeErasureReply(await erasures.serve(encodeErasureRequest(request)));
  const said = async (video: VideoId) =>
    (await ledger.entries(video, 0, 1_000)).entries.flatMap((one) =>
      one.type === "comment" ? one.text : [],
    );
  return { clock, ledger, removed, open, ask, said };
}

describe("what is asked of a dispatcher about deletions", () => {
  test("a video is deleted at once, and swept by and by; what nobody knows is not found", async () => {
    const { clock, ledger, open, ask, said } = bench();
    const erasures = open();
    await ledger.append({ likes: [record([like("v")])], comments: [draft("v", "gone")] });
    expect(await ask(erasures, { want: "delete", video: v })).toMatchObject({ found: true });
    expect([likesOf(ledger.totals(v).counts), await said(v)]).toEqual([0, []]);
    await clock.run(1_000, 5);
    expect((await ledger.deletions.tasks()).size).toBe(0);
    expect(await ask(erasures, { want: "delete", video: "nobody" as VideoId })).toMatchObject({
      found: false,
    });
    erasures.close();
  });

  test("a person is erased: all they wrote, however they write their name, and nobody else", async () => {
    const { clock, ledger, open, ask, said, removed } = bench();
    const erasures = open();
    for (let i = 0; i < 700; i++) {
      const names = ["Ann", "bob", " ann ", undefined];
      const comments = [draft(i % 2 ? "v" : "w", `${i}`, undefined, names[i % 4])];
      await ledger.append({ likes: [], comments });
    }
    expect(await ask(erasures, { want: "progress", user: "Ann" })).toMatchObject({
      erasing: { state: "none" },
    });
    const begun = await ask(erasures, { want: "erase", user: "ANN" });
    expect(begun?.erasing).toEqual({ state: "running", looked: 0, of: 700, removed: 0 });
    await clock.run(400, 5);
    const half = (await ask(erasures, { want: "progress", user: "ann" }))?.erasing;
    expect(half?.state).toBe("running");
    await clock.run(10_000, 5);
    expect(await ask(erasures, { want: "progress", user: "ann" })).toMatchObject({
      erasing: { state: "none" },
    });
    expect(removed).toHaveLength(350);
    expect([...(await said(v)), ...(await said("w" as VideoId))]).toHaveLength(350);
    const { entries } = await ledger.entries(v, 0, 1_000);
    expect(entries.some((one) => one.type === "comment" && one.user === "Ann")).toBe(false);
    erasures.close();
  });

  test("with one like per viewer theirs stay, as nobody's", async () => {
    const { clock, ledger, open, ask } = bench(100);
    const erasures = open();
    const likes = [record([once("v", "ann"), once("v", "bob"), once("w", "ann", { kind: "clap" })])];
    await ledger.append({ likes, comments: [] });
    await ask(erasures, { want: "erase", user: "ann" });
    await clock.run(2_000, 5);
    await ledger.append({ likes: [record([once("v", "ann", { unlike: true })])], comments: [] });
    expect(ledger.totals(v).counts).toEqual({ heart: 2 });
    expect(await ledger.deletions.rename("w" as VideoId, "clap", "ann")).toBe(false);
    erasures.close();
  });

  test("what a dispatcher left is gone on with by whoever owns it, from where it was", async () => {
    const { clock, ledger, open, ask, said } = bench();
    for (let i = 0; i < 40; i++) {
      await ledger.append({ likes: [], comments: [draft("v", `${i}`, undefined, "ann")] });
    }
    const first = open();
    await ask(first, { want: "erase", user: "ann" });
    await clock.run(100, 5);
    first.close();
    await clock.run(limits.tasksEveryMs, 50);
    const left = (await said(v)).length;
    expect(left > 0 && left < 40).toBe(true);
    const others = open(false);
    await clock.run(2 * limits.tasksEveryMs, 50);
    expect(await said(v)).toHaveLength(left);
    others.close();
    const heir = open();
    await clock.run(2 * limits.tasksEveryMs, 5);
    expect([await said(v), (await ledger.deletions.tasks()).size]).toEqual([[], 0]);
    heir.close();
  });

  test("what is no request is refused, and forgets nothing", async () => {
    const { open } = bench();
    const erasures = open();
    for (const text of [
      "",
      "{}",
      '{"want":"delete","video":"."}',
      '{"want":"erase","user":""}',
      '{"want":"x"}',
    ]) {
      const answer = erasures.serve(new TextEncoder().encode(text)).catch((error: unknown) => error);
      expect(await answer).toBeInstanceOf(LedgerUnavailable);
    }
    erasures.close();
  });
});

/** Deletions in a shared log, cut off in the middle: what is carried out late takes nothing newer. */
import { afterEach, describe, expect, test } from "bun:test";
import { type Clock, systemClock, type UnixMs } from "../base/clock.ts";
import { BusUnavailable } from "../bus/bus.ts";
import { connectBus } from "../bus/nats-kit.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { likesOf } from "../core/totals.ts";
import { deletedBy, deletionTask } from "./deletions.ts";
import { closeAll, closers, comment, type Member, member, one, pages, server } from "./jetstream-kit.ts";
import { LedgerUnavailable } from "./ledger.ts";
import type { Streams } from "./streams.ts";

afterEach(closeAll);

const v = "v" as VideoId;

/** Streams that take nothing more for a subject that begins so, once a deletion was noted. */
async function dying(url: string, deadSubject: string): Promise<Streams> {
  const bus = await connectBus(url);
  closers.push(() => bus.close());
  let noted = false;
  return new Proxy(bus.streams, {
    get(target, name) {
      const own: unknown = Reflect.get(target, name);
      if (name !== "append") return typeof own === "function" ? own.bind(target) : own;
      return (...sent: Parameters<Streams["append"]>) => {
        const [subject] = sent;
        if (noted && subject.startsWith(deadSubject)) throw new BusUnavailable("killed");
        noted ||= subject.startsWith("tasks.");
        return target.append(...sent);
      };
    },
  });
}

/** A clock of somebody who looks when the log has long forgotten the keys of now. */
function late(): Clock {
  const clock = systemClock();
  return { ...clock, date: () => (clock.date() + limits.keyWindowMs + 1_000) as UnixMs };
}

/** What a dispatcher that dies before `deadSubject` leaves of a deletion, and one that finds it `when`. */
async function leftOver(deadSubject: string, clock: Clock): Promise<Member> {
  const { url } = await server();
  const dies = await member(url, { streams: await dying(url, deadSubject) });
  await dies.ledger.append(one("v", "old"));
  await dies.ledger.append(comment("v", "old", "old"));
  await expect(dies.ledger.deletions.delete(v)).rejects.toThrow(LedgerUnavailable);
  await dies.end();
  return member(url, { clock });
}

async function swept({ ledger }: Member): Promise<void> {
  const [task = ""] = (await ledger.deletions.tasks()).keys();
  expect(deletedBy(task)).toBe(v);
  while (!(await ledger.deletions.sweep(v)));
  await ledger.deletions.setTask(deletionTask(v), undefined);
}

const likes = async ({ ledger }: Member): Promise<number> => likesOf((await ledger.current(v)).counts);
const texts = async ({ ledger }: Member): Promise<string[]> =>
  (await pages(ledger, "v")).flatMap((entry) => (entry.type === "comment" ? [entry.text] : []));

describe("a deletion whose dispatcher was killed when it had noted it", () => {
  test("is carried out soon after", async () => {
    const next = await leftOver("", systemClock());
    await swept(next);
    expect([await likes(next), await texts(next)]).toEqual([0, []]);
  });

  test("is carried out late, if nothing came meanwhile", async () => {
    const next = await leftOver("", late());
    await swept(next);
    expect([await likes(next), await texts(next)]).toEqual([0, []]);
  });

  test("late takes no newer like and no newer comment; the old texts go", async () => {
    const next = await leftOver("", late());
    await next.ledger.append(one("v", "new"));
    await next.ledger.append(comment("v", "new", "new"));
    await swept(next);
    expect([await likes(next), await texts(next)]).toEqual([2, ["new"]]);
    expect(next.log.lines.filter((line) => line.includes("likes of the video stay"))).toHaveLength(1);
  });

  test("late takes the old likes, if only comments came meanwhile", async () => {
    const next = await leftOver("", late());
    await next.ledger.append(comment("v", "new", "new"));
    await swept(next);
    expect([await likes(next), await texts(next)]).toEqual([0, ["new"]]);
  });

  test("late takes no newer like, where the old ones were gone already", async () => {
    const next = await leftOver("comments.", late());
    await next.ledger.append(one("v", "new"));
    await next.ledger.append(comment("v", "new", "new"));
    await swept(next);
    expect([await likes(next), await texts(next)]).toEqual([1, ["new"]]);
  });

  test("late is known to be done, where only its end was not noted", async () => {
    const next = await leftOver("tasks.", late());
    await next.ledger.append(one("v", "new"));
    await next.ledger.append(comment("v", "new", "new"));
    await swept(next);
    expect([await likes(next), await texts(next)]).toEqual([1, ["new"]]);
  });
});

test("a removal that the comments have lost is made again, and takes nothing that came since", async () => {
  const { url } = await server();
  const next = await member(url);
  await next.ledger.append(comment("v", "old", "old"));
  await next.ledger.deletions.setTask(deletionTask(v), "secret.0.1 9");
  await next.ledger.append(comment("v", "new", "new"));
  await swept(next);
  expect(await texts(next)).toEqual(["new"]);
});

import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { BusUnavailable, type Serve, type Subscription } from "../bus/bus.ts";
import { memoryHub } from "../bus/memory.ts";
import { limits } from "../core/limits.ts";
import { encodeHealth } from "../core/nodes.ts";
import { encodeAlive, subjects } from "../core/wire.ts";
import { Asker } from "./asker.ts";

const one = new Uint8Array([1]);
const nameOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Dispatchers that answer with their names, and someone who asks. */
function bench(...names: string[]) {
  const clock = new VirtualClock();
  const hub = memoryHub({ clock });
  const dispatchers = names.map((name) => {
    const bus = hub.connect();
    const serve: Serve = () => new TextEncoder().encode(name);
    const serving: Subscription[] = [
      bus.serve(subjects.state, serve),
      bus.serve(subjects.at(subjects.state, name), serve),
      // One of before, which serves nothing of the kind, stands last.
      ...(name === "old" ? [] : [bus.serve(subjects.at(subjects.health, name), () => encodeHealth([name]))]),
    ];
    const alive = { says: true, serving };
    const say = (leaving: boolean) => bus.publish(subjects.alive(name), encodeAlive(leaving));
    clock.every(limits.aliveEveryMs, () => alive.says && say(false));
    return Object.assign(alive, { name, bus, say });
  });
  const bus = hub.connect();
  const asker = new Asker(bus, clock);
  const ask = async (): Promise<string> => {
    const answer = asker.request(subjects.state, one, 1_000).then(nameOf, (error: Error) => error.message);
    await clock.run(1_500, 50);
    return answer;
  };
  const asks = async (count: number): Promise<string[]> => {
    const answers: string[] = [];
    for (let i = 0; i < count; i++) answers.push(await ask());
    return answers;
  };
  const heard = () => clock.run(limits.aliveEveryMs + 1, 50);
  return { clock, bus, asker, dispatchers, asks, heard };
}

describe("who is asked", () => {
  test("all that can be heard, in turn", async () => {
    const { asks, heard } = bench("d1", "d2", "d3");
    await heard();
    expect(await asks(6)).toEqual(["d1", "d2", "d3", "d1", "d2", "d3"]);
  });

  test("whoever serves, while nobody has been heard", async () => {
    const { asker, clock } = bench("d1");
    const answer = asker.request(subjects.state, one, 1_000);
    await clock.run(1);
    expect(nameOf(await answer)).toBe("d1");
  });

  test("one that hangs is passed over once it has been silent for a while, until it is back", async () => {
    const { asks, heard, clock, dispatchers } = bench("d1", "d2");
    const [hung] = dispatchers;
    await heard();
    for (const serving of hung?.serving ?? []) serving.end();
    const silent = [subjects.state, subjects.at(subjects.state, "d1")].map((subject) =>
      hung?.bus.serve(subject, () => new Promise<Uint8Array>(() => {})),
    );
    if (hung) hung.says = false;
    expect(await asks(1)).toEqual(["no answer in time"]);
    await clock.run(limits.aliveEveryMs * limits.aliveMissedMax, 50);
    expect(await asks(4)).toEqual(["d2", "d2", "d2", "d2"]);
    for (const serving of silent) serving?.end();
    hung?.bus.serve(subjects.at(subjects.state, "d1"), () => new TextEncoder().encode("d1"));
    if (hung) hung.says = true;
    await heard();
    expect(new Set(await asks(2))).toEqual(new Set(["d1", "d2"]));
  });

  test("one that is gone costs nothing: the next is asked with the same request", async () => {
    const { asks, heard, dispatchers } = bench("d1", "d2");
    await heard();
    for (const serving of dispatchers[0]?.serving ?? []) serving.end();
    if (dispatchers[0]) dispatchers[0].says = false;
    expect(await asks(4)).toEqual(["d2", "d2", "d2", "d2"]);
  });

  test("one that says that it leaves is asked nothing more", async () => {
    const { asks, heard, dispatchers } = bench("d1", "d2");
    await heard();
    if (dispatchers[1]) dispatchers[1].says = false;
    dispatchers[1]?.say(true);
    expect(await asks(3)).toEqual(["d1", "d1", "d1"]);
  });

  test("nobody, when all are gone: the caller is told", async () => {
    const { asker, heard, dispatchers } = bench("d1", "d2");
    await heard();
    for (const { serving } of dispatchers) for (const each of serving) each.end();
    const error = await asker.request(subjects.state, one, 1_000).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(BusUnavailable);
  });
});

test("each dispatcher in turn says how it is; one of before is well as long as it is heard", async () => {
  const { asker, heard, clock, dispatchers } = bench("d1", "d2", "old");
  const health = async () => {
    const told = asker.health().catch((error: Error) => error.message);
    await clock.run(limits.requestMs + 1, 50);
    return told;
  };
  await heard();
  expect([await health(), await health(), await health()]).toEqual([["d1"], ["d2"], []]);
  for (const { bus } of dispatchers) await bus.close();
  await clock.run(limits.aliveEveryMs * (limits.aliveMissedMax + 1), 50);
  expect(await health()).toBe("nobody serves");
});

/**
 * The parent of workers against processes that are none: who is started when, who hears what, what adds up.
 */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { createMetrics, readingsOf } from "../base/metrics.ts";
import { seededPrng } from "../base/prng.ts";
import { parseSettings } from "../settings/config.ts";
import { type Order, type Word, WorkerEnded, Workers } from "./workers.ts";

/** A worker process that does what the test says. */
class FakeWorker {
  readonly orders: Order[] = [];
  readonly signals: string[] = [];
  readonly metrics = createMetrics();
  /** Answers for its metrics when asked. */
  answers = true;

  constructor(
    readonly heard: (word: Word) => void,
    readonly end: (code: number) => void,
  ) {}

  get node(): string | undefined {
    const [first] = this.orders;
    return first?.kind === "start" ? first.settings.node : undefined;
  }

  tell(order: Order): void {
    this.orders.push(order);
    if (order.kind !== "read" || !this.answers) return;
    void readingsOf(this.metrics.registry).then((readings) => {
      // As over a channel between processes.
      const word: Word = { kind: "readings", ask: order.ask, readings };
      this.heard(JSON.parse(JSON.stringify(word)));
    });
  }

  listen(): void {
    this.heard({ kind: "listening", url: "http://127.0.0.1:1" });
  }

  told(kind: Order["kind"]): Order[] {
    return this.orders.filter((order) => order.kind === kind);
  }
}

function crew(count = 2, path?: string) {
  const parsed = parseSettings(
    ["--nats=nats://h:1", "--role=frontend", "--node=n", "--drain=1s"],
    {},
    () => "",
  );
  if ("mistakes" in parsed) throw new Error(parsed.mistakes.join());
  const clock = new VirtualClock();
  const started: FakeWorker[] = [];
  const workers = new Workers({
    count,
    path,
    settings: parsed.settings,
    clock,
    prng: seededPrng(1),
    log: createLog({ level: "error", format: "json", write: () => {}, now: () => 0 }),
    start: (heard, ended) => {
      const worker = new FakeWorker(heard, ended);
      started.push(worker);
      return {
        pid: started.length,
        tell: (order) => worker.tell(order),
        signal: (signal) => worker.signals.push(signal),
      };
    },
  });
  return { workers, started, clock };
}

async function listening(count = 2) {
  const all = crew(count);
  const start = all.workers.start();
  for (const worker of all.started) worker.listen();
  await start;
  return all;
}

async function value(workers: Workers, name: string): Promise<number> {
  const line = (await workers.metrics()).split("\n").find((text) => text.startsWith(`${name} `));
  return Number(line?.split(" ").at(-1));
}

describe("reading files again", () => {
  test("is told to those who listen at once, to those who start when they listen, and once", async () => {
    const { workers, started, clock } = await listening();
    const [one, two] = started as [FakeWorker, FakeWorker];
    two.end(1);
    clock.advance(20_000);
    const three = started[2] as FakeWorker;
    workers.reload();
    workers.reload();
    expect([one.signals, three.signals]).toEqual([["SIGHUP", "SIGHUP"], []]);
    three.listen();
    expect(three.signals).toEqual(["SIGHUP"]);
    workers.reload();
    expect(three.signals).toEqual(["SIGHUP", "SIGHUP"]);
  });

  test("is nothing to one that starts after it: it reads them anyway", async () => {
    const { workers, started, clock } = await listening();
    started[0]?.end(1);
    workers.reload();
    clock.advance(20_000);
    started[2]?.listen();
    expect(started[2]?.signals).toEqual([]);
  });
});

describe("starting", () => {
  test("each has a name of its own, and the parent listens when all do", async () => {
    const { workers, started } = crew(3);
    let url = "";
    const start = workers.start().then((at) => {
      url = at;
    });
    expect(started.map(({ node }) => node)).toEqual(["n-1", "n-2", "n-3"]);
    started[0]?.listen();
    started[2]?.listen();
    await Promise.resolve();
    expect(url).toBe("");
    started[1]?.listen();
    await start;
    expect(url).toBe("http://127.0.0.1:1");
  });

  test("one that ends before all listen ends the start", async () => {
    const { workers, started } = crew();
    const start = workers.start();
    started[0]?.listen();
    started[1]?.end(2);
    const error = await start.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(WorkerEnded);
    expect((error as Error).message).toBe("worker n-2 ended with code 2 before it listened");
    expect(started).toHaveLength(2);
  });
});

describe("without NATS", () => {
  test("the first has the ledger and no viewers, the others viewers and no ledger, for good", async () => {
    const { workers, started, clock } = crew(3, "/run/bus");
    const start = workers.start();
    // It listens nowhere: where the others do is what the parent tells.
    started[0]?.heard({ kind: "listening", url: "" });
    started[1]?.listen();
    started[2]?.listen();
    expect(await start).toBe("http://127.0.0.1:1");
    started[0]?.end(137);
    started[2]?.end(137);
    clock.advance(20_000);
    const roles = started.map(({ orders: [first] }) =>
      first?.kind === "start" ? [first.settings.node, first.settings.role, first.local] : [],
    );
    const one = ["n-1", "dispatcher", { path: "/run/bus", ledger: true }];
    const [two, three] = ["n-2", "n-3"].map((n) => [n, "frontend", { path: "/run/bus", ledger: false }]);
    expect(roles.slice(0, 3)).toEqual([one, two, three] as typeof roles);
    expect(roles.slice(3).sort()).toEqual([one, three] as typeof roles);
  });
});

describe("one that dies", () => {
  test("is started anew under its name, after pauses that grow and never pass 15 s", async () => {
    const { started, clock } = await listening();
    const pauses: number[] = [];
    for (let death = 0; death < 10; death++) {
      const count = started.length;
      (death === 0 ? started[1] : started.at(-1))?.end(137);
      const diedAt = clock.elapsed();
      while (started.length === count) clock.advance(1);
      pauses.push(clock.elapsed() - diedAt);
      expect(started.at(-1)?.node).toBe("n-2");
    }
    for (const [index, pauseMs] of pauses.entries()) {
      const mostMs = Math.min(250 * 2 ** index, 15_000);
      expect(pauseMs).toBeGreaterThanOrEqual(mostMs / 2);
      expect(pauseMs).toBeLessThanOrEqual(mostMs + 1);
    }
  });

  test("after a long life is started anew without a long pause", async () => {
    const { started, clock } = await listening();
    for (let death = 0; death < 6; death++) {
      started.at(-1)?.end(137);
      clock.advance(15_000);
    }
    clock.advance(30_000);
    const count = started.length;
    started.at(-1)?.end(137);
    clock.advance(251);
    expect(started).toHaveLength(count + 1);
  });
});

describe("stopping", () => {
  test("passes each signal on once, starts nobody anew, and ends with the last", async () => {
    const { workers, started, clock } = await listening();
    workers.signal("SIGTERM");
    expect(started.map(({ signals }) => signals)).toEqual([["SIGTERM"], ["SIGTERM"]]);
    started[0]?.end(0);
    clock.advance(5_000);
    expect(started).toHaveLength(2);
    started[1]?.end(0);
    expect(await workers.ended()).toBe(true);
  });

  test("one that ends badly is told", async () => {
    const { workers, started } = await listening();
    workers.signal("SIGTERM");
    started[0]?.end(137);
    started[1]?.end(0);
    expect(await workers.ended()).toBe(false);
  });

  test("kills who is still there long after the drain", async () => {
    const { workers, started, clock } = await listening();
    workers.signal("SIGTERM");
    started[0]?.end(0);
    clock.advance(10_999);
    expect(started[1]?.signals).toEqual(["SIGTERM"]);
    clock.advance(1);
    expect(started[1]?.signals).toEqual(["SIGTERM", "SIGKILL"]);
  });

  test("one that waits to be started anew is not waited for", async () => {
    const { workers, started, clock } = await listening(1);
    started[0]?.end(1);
    workers.signal("SIGTERM");
    expect(await workers.ended()).toBe(true);
    clock.advance(60_000);
    expect(started).toHaveLength(1);
  });
});

describe("metrics", () => {
  test("are the sum of all, asked for once by many", async () => {
    const { workers, started } = await listening();
    started[0]?.metrics.likesAccepted.inc(3);
    started[1]?.metrics.likesAccepted.inc(4);
    started[0]?.heard({ kind: "metrics", ask: 7 });
    started[1]?.heard({ kind: "metrics", ask: 9 });
    expect(await workers.metrics()).toContain("ovation_workers 2\n");
    for (const worker of started) expect(worker.told("read")).toHaveLength(1);
    const [answer] = started[1]?.told("text") ?? [];
    expect(answer).toMatchObject({ kind: "text", ask: 9 });
    expect(answer?.kind === "text" && answer.text).toContain("ovation_likes_accepted_total 7\n");
  });

  test("keep what the dead counted, and not what they held", async () => {
    const { workers, started, clock } = await listening();
    for (const worker of started) {
      worker.metrics.likesAccepted.inc(5);
      worker.metrics.connections.set(10);
      worker.metrics.commitSeconds.observe(0.01);
    }
    expect(await value(workers, "ovation_connections")).toBe(20);
    for (let death = 0; death < 3; death++) {
      (death === 0 ? started[0] : started.at(-1))?.end(137);
      clock.advance(15_000);
      started.at(-1)?.listen();
      started.at(-1)?.metrics.likesAccepted.inc(1);
      expect(await value(workers, "ovation_likes_accepted_total")).toBe(10 + death + 1);
    }
    expect(await value(workers, "ovation_connections")).toBe(10);
    expect(await value(workers, "ovation_commit_seconds_count")).toBe(2);
    expect(await value(workers, "ovation_worker_restarts_total")).toBe(3);
  });

  test("wait a second for one that hangs, and take what it told last", async () => {
    const { workers, started, clock } = await listening();
    for (const worker of started) worker.metrics.likesAccepted.inc(5);
    expect(await value(workers, "ovation_likes_accepted_total")).toBe(10);
    const [hung, well] = started as [FakeWorker, FakeWorker];
    hung.answers = false;
    well.metrics.likesAccepted.inc(1);
    const asked = value(workers, "ovation_likes_accepted_total");
    await clock.run(1_000, 100);
    expect(await asked).toBe(11);
  });
});

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeNode, type Faults } from "./fake-node.ts";
import { runLoad } from "./load.ts";
import type { LoadReport } from "./report.ts";

// Runs side by side share the machine with whatever else is tested.
setDefaultTimeout(60_000);

let folder = "";
let self: string[] = [];

// Audience processes are this program again; here, a program that is nothing else.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ovation-load-"));
  const script = join(folder, "worker.ts");
  const door = JSON.stringify(join(import.meta.dir, "load.ts"));
  const body = "process.exit(await runLoadWorker((text) => process.stdout.write(text)));";
  await Bun.write(script, `import { runLoadWorker } from ${door};\n${body}\n`);
  self = [process.execPath, script];
});

afterAll(() => rm(folder, { recursive: true }));

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly report: LoadReport;
}

async function run(
  argv: readonly string[],
  interrupt = new AbortController().signal,
  isTTY = false,
): Promise<Ran> {
  let out = "";
  let err = "";
  const code = await runLoad(argv, {
    env: {},
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      err += text;
    },
    isTTY,
    columns: 100,
    self,
    interrupt,
  });
  return { code, out, err, report: (out.startsWith("{") ? JSON.parse(out) : undefined) as LoadReport };
}

const crowd = [
  "--viewers=20",
  "--likes=60",
  "--likes-batch=2",
  "--comments=15",
  "--duration=1",
  "--settle=3",
  "--seed=7",
];

async function against(faults: Faults, ...more: string[]): Promise<Ran & { node: FakeNode }> {
  const node = new FakeNode(faults);
  try {
    return { ...(await run([`--url=${node.url}`, "--json", ...crowd, ...more])), node };
  } finally {
    await node.stop();
  }
}

describe.concurrent("against a node that keeps its promises", () => {
  test("everything is exact, and counted", async () => {
    const { code, report, node } = await against({});
    expect(report.failures).toEqual([]);
    expect(code).toBe(0);
    expect(report.audience.connected).toBe(20);
    expect(report.published).toMatchObject({ likes: 60, comments: 15, requests: 45 });
    expect(node.store.likeRequests).toBe(30);
    expect(report.delivered).toMatchObject({ likes: 60 * 20, likesFrames: 30 * 20, commentFrames: 15 * 20 });
    expect(report.delivered.likesMs.count).toBe(30 * 20);
    expect(report.delivered.commentsMs.count).toBe(15 * 20);
    expect(report.exact).toMatchObject({ viewersChecked: 20, viewersWrong: 0, commentsLost: 0 });
  });

  test("several processes and nodes make one audience", async () => {
    const { code, report } = await against({}, "--processes=3", "--viewers=50");
    expect(report.failures).toEqual([]);
    expect(code).toBe(0);
    expect(report.generator.audience).toHaveLength(3);
    expect(report.delivered.likes).toBe(60 * 50);
  });

  test("the text says the same", async () => {
    const node = new FakeNode();
    const { code, out } = await run([`--url=${node.url}`, ...crowd]);
    await node.stop();
    expect(code).toBe(0);
    expect(out).toContain("connected  20 of 20");
    expect(out).toContain("likes lost 0, doubled 0");
    expect(out).toContain("ok         everything accepted was shown to everyone, once");
  });

  test("a terminal is shown a line that is rewritten, and left clean", async () => {
    const node = new FakeNode();
    const { err } = await run([`--url=${node.url}`, ...crowd], undefined, true);
    const quiet = await run([`--url=${node.url}`, ...crowd, "--quiet"], undefined, true);
    await node.stop();
    const lines = err.split("\r\x1b[2K");
    expect(lines.at(-2)).toMatch(/^\w+ +20\/20 viewers +in [0-9,]+ likes\/s +out [0-9,]+ likes\/s/);
    expect(err.endsWith("\r\x1b[2K")).toBe(true);
    expect(err).not.toContain("\n");
    expect(quiet.err).toBe("");
  });

  test("likes sent a second time under the same key count once", async () => {
    const { code, report, node } = await against({}, "--repeat=100");
    expect(code).toBe(0);
    expect(report.published).toMatchObject({ likes: 60, copies: 30 });
    expect(node.store.likeRequests).toBe(60);
  });

  test("likes that were there before are not this run's", async () => {
    const node = new FakeNode();
    node.store.totals.heart = 1000;
    const { code } = await run([`--url=${node.url}`, "--json", ...crowd]);
    await node.stop();
    expect(code).toBe(0);
  });

  test("stalled viewers read nothing more, and are not held to it", async () => {
    const { code, report } = await against({}, "--stall=5");
    expect(code).toBe(0);
    expect(report.audience.stalled).toBe(5);
    expect(report.exact.viewersChecked).toBe(15);
    expect(report.delivered.likesFrames).toBe(30 * 15);
  });

  test("an interrupt ends the run and prints what there is", async () => {
    const node = new FakeNode();
    const stop = new AbortController();
    const running = run([`--url=${node.url}`, "--json", ...crowd, "--duration=60"], stop.signal);
    while (node.store.likeRequests < 10) await Bun.sleep(5);
    stop.abort();
    const { code, report } = await running;
    await node.stop();
    expect(report.failures).toEqual([]);
    expect(code).toBe(130);
    expect(report.run.interrupted).toBe(true);
    expect(report.published.likes).toBeGreaterThanOrEqual(20);
  });
});

describe.concurrent("a broken promise is named, and the run fails", () => {
  const cases: [string, Faults, RegExp, (report: LoadReport) => number, number][] = [
    [
      "an accepted like is not counted",
      { loseLike: 3 },
      /missing from the totals/,
      (r) => r.exact.likesLost,
      2,
    ],
    ["a like is counted twice", { doubleLike: 3 }, /too many in the totals/, (r) => r.exact.likesDoubled, 2],
    [
      "one viewer is left behind",
      { freezeViewer: 10 },
      /1 viewers end with totals/,
      (r) => r.exact.viewersWrong,
      1,
    ],
    ["a total falls", { fall: 5 }, /a total went down/, (r) => r.exact.totalsFell, 20],
    ["nobody is shown a comment", { hideComment: 4 }, /never shown/, (r) => r.exact.commentsLost, 20],
    [
      "only one viewer is shown a comment",
      { hideFromMost: 4 },
      /never shown/,
      (r) => r.exact.commentsLost,
      19,
    ],
    [
      "a comment is shown twice",
      { repeatComment: 4 },
      /shown a comment again/,
      (r) => r.exact.commentsRepeated,
      20,
    ],
    ["two comments change places", { swapComment: 4 }, /out of order/, (r) => r.exact.commentsDisordered, 20],
    ["a comment is stored twice", { doubleComment: 4 }, /under two ids/, (r) => r.exact.commentsDoubled, 1],
    [
      "a cut stream is not replayed",
      { cutStreams: 10, forget: true },
      /never shown/,
      (r) => Math.min(20, r.exact.commentsLost),
      20,
    ],
  ];
  for (const [name, faults, failure, count, expected] of cases) {
    test(name, async () => {
      const { code, report } = await against(faults);
      expect(code).toBe(1);
      expect(report.ok).toBe(false);
      expect(report.failures.join("\n")).toMatch(failure);
      expect(count(report)).toBe(expected);
    });
  }
});

describe.concurrent("trouble that breaks no promise", () => {
  test("a cut stream comes back and misses nothing", async () => {
    const { code, report } = await against({ cutStreams: 10 });
    expect(report.failures).toEqual([]);
    expect(code).toBe(0);
    expect(report.audience).toMatchObject({ cuts: 20, reconnected: 20 });
    expect(report.audience.reconnectMs.count).toBe(20);
    expect(report.audience.reconnectMs.p50).toBeGreaterThanOrEqual(50);
  });

  test("viewers of a node that dies come back on another, and miss nothing", async () => {
    const first = new FakeNode();
    const second = new FakeNode({}, first);
    const running = run([`--url=${first.url},${second.url}`, "--json", ...crowd, "--duration=2"]);
    while (first.store.likeRequests < 20) await Bun.sleep(5);
    await second.stop();
    const { code, report } = await running;
    await first.stop();
    expect(report.failures).toEqual([]);
    expect(code).toBe(0);
    expect(report.audience).toMatchObject({ connected: 20, cuts: 10, reconnected: 10 });
    expect(report.exact).toMatchObject({ viewersChecked: 20, viewersWrong: 0, commentsLost: 0 });
    expect(report.notes.join("\n")).toContain(`${second.url} `);
    expect(report.notes.join("\n")).toContain("the other nodes were asked");
  });

  test("a node that is starting is waited for", async () => {
    const { code, report } = await against({ starting: 3 });
    expect(code).toBe(0);
    expect(report.published).toMatchObject({ likes: 60 });
  });

  test("503 is tried again under the same key", async () => {
    const { code, report, node } = await against({ refuse: 5 });
    expect(code).toBe(0);
    expect(report.published).toMatchObject({ likes: 60, retries: 5, statuses: { "503": 5 } });
    expect(node.store.likeRequests).toBe(35);
  });

  test("a like that was counted but not confirmed is confirmed later, and counts once", async () => {
    const { code, report } = await against({ denyLike: 5 });
    expect(report.failures).toEqual([]);
    expect(code).toBe(0);
    expect(report.published).toMatchObject({ likes: 60, unknownLikes: 0, retries: 1 });
  });

  test("a like that is never confirmed may be counted or not", async () => {
    const { code, report } = await against({ denyLike: 5, forGood: true }, "--settle=1");
    expect(report.failures).toEqual([]);
    expect(code).toBe(0);
    expect(report.published).toMatchObject({ likes: 58, unknownLikes: 2 });
    expect(report.delivered.likes).toBe(60 * 20);
  });

  test("429 is reported as a limit; nothing accepted is a failed run", async () => {
    const { code, report } = await against({ limit: true });
    expect(code).toBe(1);
    expect(report.notes.join("\n")).toContain("30 requests met a limit (429)");
    expect(report.failures).toEqual(["no like was accepted"]);
  });
});

test.skipIf(process.platform !== "linux")(
  "an audience process that dies fails the run; the others are still asked",
  async () => {
    const node = new FakeNode();
    const before = await workers();
    const running = run([`--url=${node.url}`, "--json", ...crowd, "--processes=2", "--duration=3"]);
    while (node.store.likeRequests < 5) await Bun.sleep(5);
    const mine = (await workers()).filter((pid) => !before.includes(pid));
    process.kill(mine[0] ?? 0, "SIGKILL");
    const { code, report } = await running;
    await node.stop();
    expect(mine).toHaveLength(2);
    expect(code).toBe(1);
    expect(report.failures).toContain("1 audience processes ended early or did not answer");
    expect(report.exact.viewersChecked).toBe(10);
  },
);

/** Process ids of the audience processes that this test program started. */
async function workers(): Promise<number[]> {
  const children = await Bun.file(`/proc/${process.pid}/task/${process.pid}/children`).text();
  return children.trim().split(" ").filter(Boolean).map(Number);
}

describe("a run that cannot be made", () => {
  test("bad flags: a line each, exit 2", async () => {
    const { code, err } = await run(["--viewers=many", "--likes-batch=51"]);
    expect(code).toBe(2);
    expect(err.trim().split("\n")).toHaveLength(2);
  });

  test("nobody there: says so, exit 1", async () => {
    const node = new FakeNode();
    await node.stop();
    const { code, err } = await run([`--url=${node.url}`]);
    expect(code).toBe(1);
    expect(err).toBe(`ovation load: ${node.url} cannot be reached\n`);
  });
});

/**
 * The protocol: our own servers keep every sentence of it, and of a server with a fault the sentence that it
 * breaks is told by name.
 *
 * Mostly waits: for beats, and for what does not come.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { beyond, conform, type Outcome, sentences } from "../conform/conform.ts";
import { type Fault, faults, startFaulty } from "./faulty.ts";
import { executable, type How, hosts, hows, isHost, startServer } from "./server.ts";

const key = "conform-key-of-this-test";
const clock = systemClock();
const servers: readonly How[] = [hows.at(-1) ?? "here", ...hosts];
const flags = [`--admin-key=${key}`, "--beat=1s"];

async function outcomesOf(url: string, only: readonly string[] = []): Promise<readonly Outcome[]> {
  return conform({ url, key, prefix: "conform-", only, clock, told: () => {} });
}

const broken = (outcomes: readonly Outcome[]) =>
  outcomes.filter(({ outcome }) => outcome === "broken").map(({ name, why }) => ({ name, why }));
const untried = (outcomes: readonly Outcome[]) =>
  outcomes.filter(({ outcome }) => outcome === "untried").map(({ name }) => name);

test("every sentence has a check, or a reason why it has none", () => {
  expect(sentences.length).toBeGreaterThan(90);
  expect(new Set(sentences.map(({ name }) => name)).size).toBe(sentences.length);
  for (const name of Object.keys(beyond)) expect(sentences.map((one) => one.name)).toContain(name);
});

/** What a healthy server gives no occasion to try. */
const noOccasion = ["call-3", "live-4", "stream-12"];

/** Asks each of these at the same time: a check mostly waits. */
async function allOf<T>(keys: readonly T[], run: (key: T) => Promise<readonly Outcome[]>) {
  return new Map(await Promise.all(keys.map(async (key) => [key, await run(key)] as const)));
}

describe("keeps all of the protocol", () => {
  let found: ReadonlyMap<How, readonly Outcome[]>;
  beforeAll(async () => {
    found = await allOf(servers, async (how) => {
      const node = await startServer(how, flags);
      try {
        return await outcomesOf(node.url);
      } finally {
        await node.stop();
      }
    });
  }, 60_000);

  test.each(servers)("%s", (how) => {
    const outcomes = found.get(how) ?? [];
    expect(broken(outcomes)).toEqual([]);
    expect(outcomes.length).toBe(sentences.length);
    // What is not ours, the program in which we are mounted answers.
    const theirs = isHost(how) ? ["call-10"] : [];
    const left = [...Object.keys(beyond), ...noOccasion, ...theirs, "like-16", "like-17", "auth-1"];
    expect(untried(outcomes).sort()).toEqual(left.sort());
  });
});

test("one that counts each viewer once, and asks everybody for a proof", async () => {
  const secret = "a-secret-of-this-test-that-is-long-enough";
  const node = await startServer("here", [
    ...[...flags, "--like-mode=once", "--auth=token", `--jwt-secrets=${secret}`],
  ]);
  try {
    const outcomes = await outcomesOf(node.url);
    expect(broken(outcomes)).toEqual([]);
    const left = [...Object.keys(beyond), ...noOccasion, "like-3", "like-4", "like-15"];
    expect(untried(outcomes).sort()).toEqual(left.sort());
    // Without the key, or with another one, it is not the server's fault.
    const bare = { url: node.url, prefix: "conform-", only: ["like", "stream"], clock, told: () => {} };
    const without = await conform({ ...bare, key: "" });
    expect(without.filter(({ outcome }) => outcome !== "untried")).toEqual([]);
    await expect(conform({ ...bare, key: "another" })).rejects.toThrow("refuses the key");
  } finally {
    await node.stop();
  }
}, 60_000);

test("one that gives streams to some, or to nobody, and keeps no timelines", async () => {
  const keep = [...flags, "--timeline=false", "--poll-every=1s"];
  const [some, none] = await Promise.all(
    ["0.3", "0"].map(async (share) => {
      const node = await startServer("here", [...keep, `--stream-share=${share}`]);
      try {
        return await outcomesOf(node.url);
      } finally {
        await node.stop();
      }
    }),
  );
  expect([some, none].map((found) => broken(found ?? []))).toEqual([[], []]);
  // Some are told to poll, and may do so.
  for (const found of [some, none]) expect(untried(found ?? [])).not.toContain("live-4");
  expect(untried(some ?? [])).not.toContain("stream-5");
  expect(untried(none ?? [])).toContain("stream-5");
}, 60_000);

describe("a server with a fault", () => {
  const none: Fault = { name: "none", breaks: [...new Set(faults.flatMap(({ breaks }) => breaks))] };
  let found: ReadonlyMap<Fault, readonly Outcome[]>;
  beforeAll(async () => {
    const node = await startServer("here", flags);
    found = await allOf([...faults, none], async (fault) => {
      const faulty = startFaulty(node.url, fault);
      try {
        // Some streams to look at, for what is said of all of them.
        return await outcomesOf(faulty.url, [...fault.breaks, "stream-6"]);
      } finally {
        void faulty.stop();
      }
    });
    await node.stop();
  }, 60_000);

  test.each(faults)("$name", (fault) => {
    const named = broken(found.get(fault) ?? []).map(({ name }) => name);
    expect(named).toEqual(sentences.map(({ name }) => name).filter((name) => fault.breaks.includes(name)));
  });

  test("without one keeps all that these break", () => {
    expect(broken(found.get(none) ?? [])).toEqual([]);
  });
});

test.skipIf(!hows.includes("executable"))(
  "the command tells all of it, for people and for machines",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "ovation-conform-"));
    const node = await startServer("here", flags);
    const [fault] = faults.filter(({ breaks }) => breaks.includes("like-6"));
    const faulty = startFaulty(node.url, fault as Fault);
    const run = async (...words: string[]) => {
      const child = Bun.spawn([executable, "conform", ...words], { cwd: folder, env: {}, stderr: "pipe" });
      const text = await new Response(child.stdout).text();
      return { code: await child.exited, text, errors: await new Response(child.stderr).text() };
    };
    try {
      const junit = join(folder, "report.xml");
      const some = "--only=like-5,like-6,comment-12";
      const { code, text } = await run(`--url=${faulty.url}/`, some, `--junit=${junit}`);
      expect(code).toBe(1);
      expect(text).toContain("ok   like-5");
      expect(text).toMatch(/^FAIL like-6 .*\n {16}the total is 3, not 1$/m);
      expect(text).toMatch(/^- {4}comment-12 .*\n {16}it needs --key/m);
      expect(text).toEndWith("1 hold, 1 do not, 1 were not tried\n");
      const report = readFileSync(junit, "utf8");
      expect(report).toContain('tests="3" failures="1" errors="0" skipped="1"');
      expect(report).toContain('<failure type="broken" message="the total is 3, not 1"/>');
      // What Ant's schema wants of a suite.
      expect(report).toMatch(
        / hostname="127.0.0.1" .* timestamp="[\d-]{10}T[\d:]{8}" time="[\d.]+">\n {2}<prop/,
      );
      expect(report).toEndWith("  <system-out/>\n  <system-err/>\n</testsuite>\n");
      expect((await run(`--url=${node.url}`, some)).code).toBe(0);
      const mistaken = await run("--url=nowhere", "--onyl=x");
      expect([mistaken.code, mistaken.errors.split("\n").length]).toEqual([2, 3]);
      const nobody = await run(`--url=http://127.0.0.1:1`);
      expect([nobody.code, nobody.errors]).toEqual([
        1,
        expect.stringContaining("no server of this protocol"),
      ]);
    } finally {
      await faulty.stop();
      await node.stop();
      rmSync(folder, { recursive: true });
    }
  },
);

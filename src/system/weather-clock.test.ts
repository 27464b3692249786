/**
 * The built executable while its wall clock is set, forwards and back: streams go on, every like counts once,
 * and it ends when it is told to.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { program, startCluster, until } from "./cluster.ts";
import { Viewer } from "./events.ts";
import { faketime, Wall } from "./faketime.ts";
import { startNats } from "./nats.ts";
import { startProgram } from "./server.ts";
import { expectShown, Shown, Tapping } from "./tapping.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const minute = 60;
const hour = 60 * minute;
/** Seconds ahead of the real time, one after the other. */
const steps = [-minute, -hour, 5 * minute, hour, 0];
/** A stream may be behind what was accepted by so much, in ms. */
const freshMs = 1_000;
const stepMs = 2_500;

const settable = faketime === undefined ? test.skip : test;
if (faketime === undefined) console.warn("walls are not set: libfaketime is not installed");

async function opened(url: string): Promise<Shown> {
  const viewer = await Viewer.open(url);
  closers.push(() => viewer.close());
  return new Shown(viewer);
}

/** Taps while walls go through all steps, every second one the other way; checks what `shown` saw. */
async function through(
  walls: readonly Wall[],
  urls: readonly string[],
  shown: readonly Shown[],
  what: string,
) {
  const tapping = new Tapping({ urls, video: "v", perSecond: 20 });
  await until("some likes are counted", () => shown.every(({ likes }) => likes > 10));
  for (const seconds of steps) {
    walls.forEach((wall, i) => {
      wall.set(i % 2 === 0 ? seconds : -seconds);
    });
    await Bun.sleep(stepMs);
  }
  await tapping.end();
  await until("the last like is shown", () => shown.every(({ likes }) => likes >= tapping.acceptedMs.length));
  const slowestMs = shown.map((one) => Math.round(one.slowestMs(tapping.acceptedMs)));
  console.info(
    `${what}: wall set by ${steps.join(", ")} s: ${tapping.acceptedMs.length} likes, answers ` +
      `${JSON.stringify([...tapping.answers])}, shown after at most ${slowestMs.join(", ")} ms`,
  );
  expectShown(tapping, shown);
  expect(Math.max(...slowestMs)).toBeLessThan(freshMs);
}

describe("a wall clock that is set", () => {
  settable(
    "under a node alone",
    async () => {
      const wall = new Wall();
      closers.push(() => wall.remove());
      const data = mkdtempSync(join(tmpdir(), "ovation-wall-data-"));
      closers.push(() => rmSync(data, { recursive: true, force: true }));
      const drainMs = 1_000;
      const flags = [`--data=${data}`, `--drain=${drainMs}ms`];
      const node = await startProgram(program, flags, { env: { ...wall.env } });
      closers.push(() => node.kill("SIGKILL"));
      const shown = [];
      for (let i = 0; i < 3; i++) shown.push(await opened(`${node.url}/v1/videos/v/events`));
      await through([wall], [node.url], shown, "alone");
      // Set back once more while it drains.
      node.drain();
      wall.set(-hour);
      const startMs = performance.now();
      expect(await node.exited).toBe(0);
      console.info(`alone: ended ${Math.round(performance.now() - startMs)} ms after SIGTERM`);
      expect(performance.now() - startMs).toBeLessThan(drainMs + 2_000);
    },
    90_000,
  );

  settable(
    "under one dispatcher and, the other way, one frontend of a cluster",
    async () => {
      const walls = [new Wall(), new Wall()] as const;
      closers.push(() => walls.map((wall) => wall.remove()));
      const cluster = await startCluster([await startNats()], { dispatchers: 0, frontends: 0 });
      closers.push(() => cluster.close());
      (await cluster.add("dispatcher")).start(walls[0].env);
      (await cluster.add("frontend")).start(walls[1].env);
      (await cluster.add("dispatcher")).start();
      (await cluster.add("frontend")).start();
      await cluster.ready();
      const urls = cluster.frontends.map(({ url }) => url);
      const shown = [];
      for (const url of urls) shown.push(await opened(`${url}/v1/videos/v/events`));
      await through(walls, urls, shown, "cluster");
      for (const wall of walls) wall.set(-hour);
      const startMs = performance.now();
      const codes = await Promise.all([cluster.dispatchers[0]?.stop(), cluster.frontends[0]?.stop()]);
      expect(codes).toEqual([0, 0]);
      expect(performance.now() - startMs).toBeLessThan(500 + 2_000);
    },
    90_000,
  );
});

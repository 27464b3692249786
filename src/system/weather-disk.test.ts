/**
 * Disks that are full: nothing is promised that cannot be kept, readiness says which part it is, and with
 * room again everything accepted is counted. On small file systems in memory, which only root may mount.
 *
 * Mostly waits: for what does not answer.
 */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getJson, likeTimed, program, startCluster, sum, type Told, until } from "./cluster.ts";
import { Viewer } from "./events.ts";
import { startNats } from "./nats.ts";
import { type Running, startProgram } from "./server.ts";
import { expectShown, Shown, Tapping } from "./tapping.ts";

setDefaultTimeout(120_000);
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A file system of so many megabytes; a string says why there is none. */
function small(megabytes: number): { readonly path: string; close(): void } | string {
  const path = mkdtempSync(join(tmpdir(), "ovation-small-"));
  const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", `size=${megabytes}m`, "ovation", path]);
  const close = (): void => {
    Bun.spawnSync(["umount", "-l", path]);
    rmSync(path, { recursive: true, force: true });
  };
  if (mounted.exitCode === 0) return { path, close };
  close();
  return mounted.stderr.toString().trim();
}

const tried = small(1);
if (typeof tried === "string") console.warn(`no disk is filled: ${tried}`);
else tried.close();
const fillable = typeof tried === "string" ? test.skip : test;

/** A small file system that ends with its test. */
function disk(megabytes: number) {
  const made = small(megabytes);
  if (typeof made === "string") throw new Error(made);
  closers.push(() => made.close());
  const ballast = join(made.path, "ballast");
  return {
    path: made.path,
    /** Leaves nothing free. */
    fill: () => {
      const { bavail, bsize } = statfsSync(made.path);
      try {
        writeFileSync(ballast, new Uint8Array(bavail * bsize));
      } catch (error) {
        // The node wrote meanwhile: what was left is taken all the same.
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    },
    free: () => rmSync(ballast),
  };
}

async function reasons({ url }: { readonly url: string }): Promise<readonly string[]> {
  const response = await fetch(`${url}/health/ready`);
  const { reasons: told = [] } = (await response.json()) as { reasons?: readonly string[] };
  return response.status === 200 ? [] : told;
}

describe("a full disk", () => {
  fillable("under a node alone: 503, not ready, exact with room again, and known at a start", async () => {
    const { path, fill, free } = disk(8);
    const flags = [`--data=${path}`];
    let node: Running = await startProgram(program, flags);
    closers.push(() => node.stop());
    const viewer = await Viewer.open(`${node.url}/v1/videos/v/events`);
    const shown = new Shown(viewer);
    const tapping = new Tapping({ urls: [node.url], video: "v", perSecond: 50 });
    await until("some likes are counted", () => shown.likes > 50);
    fill();
    await until("likes are refused", () => (tapping.answers.get(503) ?? 0) > 20);
    expect(await reasons(node)).toContain("ledger-unavailable");
    free();
    await until("it is ready", async () => (await reasons(node)).length === 0);
    await tapping.end();
    await until("all is shown", () => shown.likes >= tapping.acceptedMs.length);
    expectShown(tapping, [shown]);
    viewer.close();
    await node.stop();

    fill();
    const refused = await startProgram(program, flags).catch((error: Error) => error.message);
    expect(refused).toContain(
      `"cannot start","reason":"--data=${path}: the ledger cannot be used now: database or disk is full"`,
    );
    free();
    node = await startProgram(program, flags);
    expect(sum((await getJson<Told>(`${node.url}/v1/videos/v`))?.totals ?? {})).toBe(
      tapping.acceptedMs.length,
    );
  });

  fillable("under NATS: 503, not ready by the stream's name, exact after its restart", async () => {
    const { path, fill, free } = disk(24);
    const nats = await startNats({ store: path });
    const cluster = await startCluster([nats], { dispatchers: 1, frontends: 1, flags: ["--partitions=2"] });
    closers.push(() => cluster.close());
    const urls = cluster.nodes.map(({ url }) => url);
    const [dispatcher, frontend] = cluster.nodes as [(typeof cluster.nodes)[0], (typeof cluster.nodes)[0]];
    const shown = new Shown(await Viewer.open(`${frontend.url}/v1/videos/v/events`));
    const tapping = new Tapping({ urls, video: "v", perSecond: 50 });
    await until("some likes are counted", () => shown.likes > 50);
    fill();
    await until("likes are refused", () => (tapping.answers.get(503) ?? 0) > 20, 60_000);
    await until("the stream is named", async () =>
      (await reasons(dispatcher)).some((reason) => reason.startsWith("ledger-unavailable:ov_log_")),
    );
    await until("the frontend knows", async () => (await reasons(frontend)).length > 0);
    console.info(`full: ${await reasons(dispatcher)}; the frontend: ${await reasons(frontend)}`);
    free();
    // Of itself it does not go on.
    await nats.kill();
    await nats.start();
    const sinceMs = performance.now();
    await until("a like is taken", async () => (await likeTimed(frontend.url, "w", "k")).status === 202);
    await until(
      "all are ready",
      async () => (await Promise.all(cluster.nodes.map(reasons))).flat().length === 0,
    );
    console.info(`ready ${Math.round(performance.now() - sinceMs)} ms after NATS was restarted`);
    await tapping.end();
    await until("all is shown", () => shown.likes >= tapping.acceptedMs.length);
    expectShown(tapping, [shown]);
  });
});

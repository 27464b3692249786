/**
 * A network of its own for a run: loopback, seen by nobody else, on which viewers answer as if they were far.
 *
 * After a pause of 200 ms Linux answers each of the next sixteen frames with a packet of its own (quick acks,
 * tcp_event_data_recv in tcp_input.c). A real viewer's machine makes those packets; with both ends on one
 * machine the sending core does, and a write costs half as much again. A server whose viewers hear it every
 * 190 ms is then measured on another kernel path than one they hear every 210 ms. In a network namespace,
 * which `unshare` of util-linux makes without any right, that pause can be made a second, for all sides
 * alike. Where this is not to be had, a run goes on in the network of the machine and says so in its result.
 */

/** What a pause is, µs: the least time after which Linux sends again, which it also takes for a pause. */
const pauseUs = 1_000_000;
const mark = "OVATION_BENCH_NETWORK";

/** `own`, or the `machine`'s: by want of rights, or because OVATION_BENCH_NETWORK=machine asks for it. */
export function network(): string {
  return process.env[mark] ?? "machine";
}

/** Frames that every viewer gets before anything is measured: more than the sixteen after a pause. */
const warmFrames = 24;
const warmMs = 15_000;

/**
 * Resolves when `frames` counts `warmFrames` more for each of `viewers`, or after `warmMs`: a server that is
 * too slow for that is measured as it is.
 */
export async function warmed(frames: () => Promise<number>, viewers: number): Promise<void> {
  const untilMs = performance.now() + warmMs;
  const enough = (await frames()) + warmFrames * viewers;
  while ((await frames()) < enough && performance.now() < untilMs) await Bun.sleep(100);
}

/** Goes on in a network of its own, where that can be had: this process then only waits for the other. */
export async function enterOwnNetwork(): Promise<void> {
  if (process.env[mark] !== undefined || Bun.which("unshare") === null) return;
  const enter = `ip link set lo up && echo ${pauseUs} > /proc/sys/net/ipv4/tcp_rto_min_us`;
  const into = ["unshare", "--map-root-user", "--net", "sh", "-c"];
  if (!Bun.spawnSync({ cmd: [...into, enter], stdout: "ignore", stderr: "ignore" }).success) return;
  const inside = Bun.spawn({
    cmd: [...into, `${enter} && exec "$@"`, "sh", process.execPath, ...process.argv.slice(1)],
    env: { ...process.env, [mark]: "own" },
    stdio: ["inherit", "inherit", "inherit"],
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => inside.kill(signal));
  process.exit(await inside.exited);
}

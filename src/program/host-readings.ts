/**
 * Reads what `ovation check --host` judges: this process, its kernel, its ports, its folder, its certificates
 * and its NATS. Everything that cannot be read is left out, and nothing is left behind.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
} from "node:fs";
import { createServer } from "node:net";
import { totalmem } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Clock } from "../base/clock.ts";
import { secret } from "../base/prng.ts";
import type { Settings } from "../settings/config.ts";
import { holdersOf, openMax } from "./descriptors.ts";
import type { CertificateReading, HostReadings, NatsReading } from "./host.ts";
import { withNats } from "./keep-nats.ts";

const kernelNames = [
  "net.core.somaxconn",
  "net.ipv4.tcp_max_syn_backlog",
  "net.ipv4.tcp_notsent_lowat",
  "net.ipv4.tcp_wmem",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_retries2",
  "net.ipv4.tcp_slow_start_after_idle",
];
/** In the control group of a container's first process. */
const containers = /docker|kubepods|containerd|lxc/;
const clockSetters = /^(chronyd|ntpd|openntpd|systemd-timesyn|ptp4l|phc2sys)$/;

/** Takes the readings for a node of these settings, of so many processes. */
export async function readHost(
  settings: Settings,
  parts: { readonly clock: Clock; readonly workers: number; readonly foreign: readonly string[] },
): Promise<HostReadings> {
  const { data, nats } = settings;
  return {
    ...streamsReading(settings, parts.workers),
    kernel: Object.fromEntries(kernelNames.map((name) => [name, text(kernelFile(name))])),
    ports: await ports(settings),
    memory: memory(),
    clock: clockSetter(),
    data: folder(nats.length > 0 ? ":memory:" : data),
    certificates: certificates(settings),
    nats: nats.length > 0 ? await natsReading(settings, parts.clock) : undefined,
    foreign: parts.foreign,
    nowMs: parts.clock.date(),
  };
}

/** How many streams are wanted of so many processes, and how many descriptors each of these may open. */
export function streamsReading(
  settings: Settings,
  workers: number,
): Pick<HostReadings, "descriptors" | "wanted"> {
  const { limits, nodeStreams, memoryMax } = settings;
  return {
    descriptors: Number.isFinite(openMax()) ? openMax() : undefined,
    wanted: {
      streams: limits === "off" ? 0 : nodeStreams,
      holders: holdersOf(settings, workers),
      memoryMaxBytes: memoryMax * 1024 * 1024,
    },
  };
}

function text(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}

function kernelFile(name: string): string {
  return `/proc/sys/${name.replaceAll(".", "/")}`;
}

function memory(): HostReadings["memory"] {
  const limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
  const bytes = Math.min(...limits.map((path) => Number(text(path))).filter((limit) => limit > 0));
  const all = totalmem();
  return bytes < all ? { bytes, from: "its control group" } : { bytes: all, from: "the machine" };
}

function clockSetter(): string | undefined {
  if (existsSync("/run/systemd/timesync/synchronized")) return "systemd-timesyncd";
  for (const id of list("/proc").filter((name) => /^\d+$/.test(name))) {
    const name = text(`/proc/${id}/comm`) ?? "";
    if (clockSetters.test(name)) return name;
  }
  const inContainer =
    existsSync("/.dockerenv") ||
    existsSync("/run/.containerenv") ||
    containers.test(text("/proc/1/cgroup") ?? "") ||
    text("/proc/1/comm") !== "systemd";
  return inContainer ? "container" : undefined;
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** What is wrong with the data folder, tried by writing to it; the one above it where it is not there yet. */
function folder(path: string): HostReadings["data"] {
  if (path === ":memory:") return { path, trouble: undefined, freeBytes: Number.MAX_SAFE_INTEGER };
  let near = resolve(path);
  while (!existsSync(near) && dirname(near) !== near) near = dirname(near);
  const probe = join(near, `.ovation-check-${secret(8)}`);
  try {
    const fd = openSync(probe, "wx", 0o600);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
      rmSync(probe, { force: true });
    }
    const { bavail, bsize } = statfsSync(near);
    return { path, trouble: undefined, freeBytes: bavail * bsize };
  } catch (error) {
    const { code = "unwritable" } = error as { code?: string };
    return { path, trouble: `cannot be written (${code})`, freeBytes: 0 };
  }
}

async function ports(settings: Settings): Promise<HostReadings["ports"]> {
  const wanted = [{ host: settings.host, port: settings.port }];
  if (settings.adminPort !== 0) wanted.push({ host: settings.adminHost, port: settings.adminPort });
  const tried = wanted.map(async ({ host, port }) => ({
    at: `${host}:${port}`,
    trouble: await new Promise<string | undefined>((resolve) => {
      const server = createServer();
      server.once("error", ({ code }: Error & { code?: string }) => {
        resolve(code === "EADDRINUSE" ? "in use" : `cannot be had (${code})`);
      });
      server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
    }),
  }));
  return Promise.all(tried);
}

function certificates({ tlsCert, tlsKey, natsCa }: Settings): CertificateReading[] {
  const read = [
    { flag: "--tls-cert", path: tlsCert, key: tlsKey },
    { flag: "--nats-ca", path: natsCa, key: "" },
  ];
  return read.filter(({ path }) => path !== "").map(certificate);
}

function certificate(of: { readonly flag: string; readonly path: string; readonly key: string }) {
  const { flag, path, key } = of;
  try {
    const read = new X509Certificate(readFileSync(path));
    const [fromMs, toMs] = [Date.parse(read.validFrom), Date.parse(read.validTo)];
    const fits = key === "" || read.checkPrivateKey(createPrivateKey(readFileSync(key)));
    return { flag, path, fromMs, toMs, trouble: fits ? undefined : `the key in ${key} is another's` };
  } catch (error) {
    return { flag, path, fromMs: 0, toMs: 0, trouble: `cannot be read: ${(error as Error).message}` };
  }
}

async function natsReading(settings: Settings, clock: Clock): Promise<NatsReading> {
  try {
    const inspected = await withNats(settings, clock, (bus) => bus.inspect());
    return { trouble: undefined, ...inspected };
  } catch (error) {
    if ((error as Error).name !== "BusUnavailable") throw error;
    return { trouble: (error as Error).message };
  }
}

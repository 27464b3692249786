/**
 * Reads what `ovation check --host` judges: this process, its kernel, its ports, its folder, its certificates
 * and its NATS. Everything that cannot be read is left out, and nothing is left behind.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import type { Clock } from "../base/clock.ts";
import { secret } from "../base/prng.ts";
import { build } from "../base/version.ts";
import { BusUnavailable } from "../bus/bus.ts";
import { fileName } from "../ledger/schema.ts";
import { StartRefused } from "../node/company.ts";
import type { Settings } from "../settings/config.ts";
import { holdersOf, openMax } from "./descriptors.ts";
import type { CertificateReading, HostReadings, NatsReading, PortReading } from "./host.ts";
import { withNats } from "./keep-nats.ts";
import { memoryLimit } from "./memory.ts";
import { namesIn, timekeeping } from "./timekeeping.ts";

const kernelNames = [
  "net.core.somaxconn",
  "net.ipv4.tcp_max_syn_backlog",
  "net.ipv4.tcp_notsent_lowat",
  "net.ipv4.tcp_wmem",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_retries2",
  "net.ipv4.tcp_slow_start_after_idle",
];
/** How long NATS is waited for, in ms: whoever looks over a machine has it running. */
const natsMs = 3_000;
/** Zones apart, a commit's day may be the day after. */
const dayMs = 86_400_000;

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
    memory: memoryLimit(),
    clock: timekeeping(),
    madeMs: build.date === "" ? 0 : Date.parse(build.date) - dayMs,
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

/**
 * What is wrong with the data folder, tried by writing to it, or to the one above it where it is not there
 * yet; and with the ledger in it, which may be another user's.
 */
function folder(path: string): HostReadings["data"] {
  if (path === ":memory:") return { path, trouble: undefined, freeBytes: Number.MAX_SAFE_INTEGER };
  let near = resolve(path);
  while (!existsSync(near) && dirname(near) !== near) near = dirname(near);
  const probe = join(near, `.ovation-check-${secret(8)}`);
  let tried = near;
  try {
    const fd = openSync(probe, "wx", 0o600);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
      rmSync(probe, { force: true });
    }
    for (const name of namesIn(near).filter((name) => name.startsWith(fileName))) {
      tried = join(near, name);
      accessSync(tried, constants.R_OK | constants.W_OK);
    }
    const { bavail, bsize } = statfsSync(near);
    return { path, trouble: undefined, freeBytes: bavail * bsize };
  } catch (error) {
    return { path, trouble: { code: codeOf(error), at: tried }, freeBytes: 0 };
  }
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? "unknown";
}

async function ports(settings: Settings): Promise<PortReading[]> {
  const { host, port, adminHost, adminPort } = settings;
  const wanted: Omit<PortReading, "trouble">[] = [{ flag: "port", host, port }];
  if (adminPort !== 0) wanted.push({ flag: "admin-port", host: adminHost, port: adminPort });
  const tried = wanted.map(async (one) => ({
    ...one,
    trouble: await new Promise<string | undefined>((resolve) => {
      const server = createServer();
      server.once("error", (error) => resolve(codeOf(error)));
      server.listen({ host: one.host, port: one.port, exclusive: true }, () =>
        server.close(() => resolve(undefined)),
      );
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

const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** A chain is good for as long as all of it is. */
function certificate(of: { readonly flag: string; readonly path: string; readonly key: string }) {
  const { flag, path, key } = of;
  let reading = path;
  try {
    const text = readFileSync(path, "utf8");
    const chain = (text.match(pem) ?? [text]).map((one) => new X509Certificate(one));
    const fromMs = Math.max(...chain.map(({ validFrom }) => Date.parse(validFrom)));
    const toMs = Math.min(...chain.map(({ validTo }) => Date.parse(validTo)));
    reading = key;
    const fits = key === "" || chain[0]?.checkPrivateKey(createPrivateKey(readFileSync(key)));
    return { flag, path, fromMs, toMs, trouble: fits ? undefined : { key } };
  } catch (error) {
    return { flag, path, fromMs: 0, toMs: 0, trouble: { unreadable: reading, why: codeOf(error) } };
  }
}

async function natsReading(settings: Settings, clock: Clock): Promise<NatsReading> {
  try {
    const inspected = await withNats(settings, clock, (bus) => bus.inspect(settings.natsReplicas), natsMs);
    return { trouble: undefined, ...inspected };
  } catch (error) {
    const isKnown = error instanceof BusUnavailable || error instanceof StartRefused;
    if (!isKnown) throw error;
    return { trouble: error.message };
  }
}

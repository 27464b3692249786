/**
 * What `ovation check --host` says of a machine: a line for each thing that a node depends on there, OK or
 * WARN, and with a WARN what to do.
 *
 * Pure: readings in, lines out, so that each judgement is tried without a machine that is wrong in that way
 * (host.test.ts); host-readings.ts takes the readings. The values are those of deploy/90-ovation.conf, where
 * their reasons stand.
 */

import type { Amiss } from "../bus/nats-inspect.ts";
import { limits } from "../core/limits.ts";
import { roomIn } from "./descriptors.ts";
import type { Memory } from "./memory.ts";
import type { Timekeeping } from "./timekeeping.ts";

/** What was read of a machine; undefined: not there to be read. */
export interface HostReadings {
  /** Descriptors that each process of the node may open. */
  readonly descriptors: number | undefined;
  /** Settings of the kernel, by name: numbers between spaces. */
  readonly kernel: Readonly<Record<string, string | undefined>>;
  /** Each port that the node would listen on. */
  readonly ports: readonly PortReading[];
  readonly memory: Memory;
  readonly clock: Timekeeping;
  /** The day this program was made, at the earliest; 0 where that is not known. */
  readonly madeMs: number;
  /** The data folder: where it cannot be written, and why; and free bytes beneath it. */
  readonly data: {
    readonly path: string;
    readonly trouble: { readonly code: string; readonly at: string } | undefined;
    readonly freeBytes: number;
  };
  readonly certificates: readonly CertificateReading[];
  readonly nats: NatsReading | undefined;
  /** Variables that change what this executable is. */
  readonly foreign: readonly string[];
  readonly wanted: {
    readonly streams: number;
    /** Processes of the node that hold streams: see descriptors.ts. */
    readonly holders: number;
    readonly memoryMaxBytes: number;
  };
  readonly nowMs: number;
}

export interface PortReading {
  readonly flag: "port" | "admin-port";
  readonly host: string;
  readonly port: number;
  /** The system's code for why it cannot be listened on; undefined: it can. */
  readonly trouble: string | undefined;
}

export interface CertificateReading {
  readonly flag: string;
  readonly path: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** That the key is another's, or which file cannot be read and why. */
  readonly trouble:
    | { readonly key: string }
    | { readonly unreadable: string; readonly why: string }
    | undefined;
}

export interface NatsReading {
  /** Why it cannot be reached; then nothing else is known. */
  readonly trouble: string | undefined;
  readonly version?: string | undefined;
  readonly payloadBytesMax?: number | undefined;
  /** What its API for JetStream said against being used. */
  readonly jetstream?: string | undefined;
  /** What this user was not let do. */
  readonly denied?: readonly string[] | undefined;
  /** Streams and buckets of the prefix. */
  readonly streams?: readonly string[] | undefined;
  /** What of them is not as a node of these settings wants it. */
  readonly amiss?: readonly Amiss[] | undefined;
}

export interface Line {
  readonly name: string;
  readonly ok: boolean;
  readonly said: string;
  /** What helps; none where it is well. */
  readonly remedy: string | undefined;
}

const mb = 1024 * 1024;
/** Descriptors that a process needs besides those of viewers. */
const ownDescriptors = 1_000;
const freeBytesMin = 1024 * mb;
const memoryBytesMin = 256 * mb;
const certificateMsMin = 14 * 86_400_000;
/** The server that Debian ships. */
const natsMin = [2, 9];
const kernelRemedy = "deploy/90-ovation.conf into /etc/sysctl.d/, then sysctl --system";

/** Each thing that was looked at, in the order of a start. */
export function judge(readings: HostReadings): readonly Line[] {
  return [
    ...foreign(readings),
    descriptors(readings),
    ...(readings.wanted.holders > 0 ? kernel(readings) : []),
    ...readings.ports.map(port),
    memory(readings),
    clock(readings),
    data(readings),
    ...readings.certificates.map((one) => certificate(one, readings.nowMs)),
    ...(readings.nats ? nats(readings.nats) : []),
  ];
}

/** The lines as they are printed. */
export function linesText(lines: readonly Line[]): string {
  const columns = Math.max(...lines.map(({ name }) => name.length));
  return lines
    .map(({ name, ok, said, remedy }) => {
      return `${ok ? "OK  " : "WARN"}  ${name.padEnd(columns)}  ${said}${remedy ? `: ${remedy}` : ""}\n`;
    })
    .join("");
}

function line(name: string, said: string, remedy?: string): Line {
  return { name, ok: remedy === undefined, said, remedy };
}

function foreign({ foreign }: HostReadings): Line[] {
  return foreign.map((name) => line(name, "it changes what this executable is", "unset it"));
}

/** Whether the node's processes may open a descriptor for each of --node-streams. */
export function descriptors({ descriptors, wanted }: Pick<HostReadings, "descriptors" | "wanted">): Line {
  if (descriptors === undefined) return line("descriptors", "not known here");
  const { streams, holders } = wanted;
  const held = roomIn(descriptors, holders);
  const who = holders === 1 ? "the process that holds" : `each of ${holders} processes that hold`;
  const said = `${descriptors} for ${who} streams`;
  if (holders === 0 || held >= streams) return line("descriptors", said);
  const each = Math.ceil(streams / holders) + ownDescriptors;
  const remedy = `LimitNOFILE=${each} or ulimit -n, more --workers, or --node-streams=${held}`;
  return line("descriptors", `${said}, hence ${held} of --node-streams=${streams}`, remedy);
}

/** By name of the setting: which of its numbers counts, and what it is at least, or at most. */
const kernelWanted: readonly {
  readonly name: string;
  readonly at: number;
  readonly least?: number;
  readonly most?: number;
  readonly about: string;
}[] = [
  { name: "net.core.somaxconn", at: 0, least: 4_096, about: "N connections may wait to be accepted" },
  { name: "net.ipv4.tcp_max_syn_backlog", at: 0, least: 4_096, about: "N connections may be half open" },
  { name: "net.ipv4.tcp_notsent_lowat", at: 0, most: 131_072, about: "N bytes may wait unsent for a viewer" },
  {
    name: "net.ipv4.tcp_wmem",
    at: 2,
    most: 262_144,
    about: "N bytes of memory may hold what one has not read",
  },
  { name: "net.ipv4.tcp_rmem", at: 2, most: 1_048_576, about: "N bytes of memory may hold what one sent" },
  { name: "net.ipv4.tcp_retries2", at: 0, most: 10, about: "N tries until one that vanished is given up" },
  {
    name: "net.ipv4.tcp_slow_start_after_idle",
    at: 0,
    most: 0,
    about: "N, where 0 is a tick at full speed after a pause",
  },
];

function kernel({ kernel }: HostReadings): Line[] {
  return kernelWanted.map(({ name, at, least, most, about }) => {
    const value = Number(kernel[name]?.trim().split(/\s+/)[at] ?? Number.NaN);
    if (Number.isNaN(value)) return line(name, "not known here");
    const isWell = value >= (least ?? 0) && value <= (most ?? Number.POSITIVE_INFINITY);
    return line(name, about.replace("N", String(value)), isWell ? undefined : kernelRemedy);
  });
}

/** By the system's code: what is wrong, and what helps. FLAG is the flag that chose the port. */
const portTroubles: Readonly<Record<string, readonly [said: string, remedy: string]>> = {
  EADDRINUSE: ["in use", "end who has it, as ss -ltnp says, or take another with FLAG"],
  EACCES: [
    "not for this user",
    "FLAG above 1023, or CAP_NET_BIND_SERVICE: AmbientCapabilities= and its bounding set, or setcap",
  ],
  EADDRNOTAVAIL: ["not an address of this machine", "HOST with one that ip addr lists, or 0.0.0.0"],
  // What Bun says of a name that nobody knows has no code.
  unknown: ["no name that is known here", "HOST with an address of this machine"],
};

function port({ flag, host, port, trouble }: PortReading): Line {
  const name = `port ${host.includes(":") ? `[${host}]` : host}:${port}`;
  if (trouble === undefined) return line(name, "free");
  const other = [`cannot be had (${trouble})`, "take another with FLAG, or HOST"] as const;
  const [said, remedy] = portTroubles[trouble] ?? other;
  return line(
    name,
    said,
    remedy.replace("FLAG", `--${flag}`).replace("HOST", `--${flag.replace("port", "host")}`),
  );
}

function memory({ memory: { bytes, from }, wanted }: HostReadings): Line {
  const said = `${Math.round(bytes / mb)} MB, of ${from}`;
  if (bytes < memoryBytesMin) return line("memory", said, `give it ${memoryBytesMin / mb} MB or more`);
  if (wanted.memoryMaxBytes <= bytes) return line("memory", said);
  return line("memory", `${said}, and --memory-max is more`, "lower it: the node would be killed before");
}

function clock({ clock, nowMs, madeMs }: HostReadings): Line {
  const { by, withinMs, isKnown, inContainer } = clock;
  const keeper = `chrony or systemd-timesyncd${inContainer ? " on this container's host" : ""}`;
  const remedy = `${keeper}: tokens begin and end by it`;
  if (nowMs < madeMs) return line("clock", `it says ${dayOf(nowMs)}, before this program was made`, remedy);
  if (withinMs !== undefined) {
    return line("clock", `kept${by ? ` by ${by}` : ""}, within ${Math.ceil(withinMs)} ms`);
  }
  if (by !== undefined) return line("clock", `set by ${by}`);
  if (inContainer && !isKnown) return line("clock", "the host's, whoever sets it");
  return line("clock", "nobody sets it", remedy);
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function data({ data: { path, trouble, freeBytes } }: HostReadings): Line {
  const name = `--data=${path}`;
  if (trouble !== undefined)
    return line(name, `${trouble.at} cannot be written (${trouble.code})`, writable(trouble));
  if (freeBytes === Number.MAX_SAFE_INTEGER) return line(name, "keeps nothing");
  const free = `${Math.floor(freeBytes / mb)} MB free`;
  if (freeBytes < freeBytesMin) return line(name, free, "a disk with a gigabyte free, at least");
  return line(name, `can be written, ${free}`);
}

/** What helps where something cannot be written, by the system's code. */
function writable({ code, at }: { readonly code: string; readonly at: string }): string {
  if (code === "EROFS") return "a volume that is mounted to be written (ReadWritePaths= of a unit)";
  if (code === "ENOSPC" || code === "EDQUOT") return "a disk with a gigabyte free, at least";
  if (code === "ENOTDIR") return `a path above which there are folders only: ${at} is none`;
  return `chown it to the user that runs ovation, or a folder that this one may write`;
}

function certificate({ flag, path, fromMs, toMs, trouble }: CertificateReading, nowMs: number): Line {
  const name = `${flag}=${path}`;
  if (trouble && "key" in trouble) {
    return line(name, `the key in ${trouble.key} is another's`, "the files that belong together");
  }
  if (trouble) {
    const { unreadable, why } = trouble;
    return line(name, `${unreadable} cannot be read (${why})`, "a PEM file that this user may read");
  }
  const until = `good until ${dayOf(toMs)}`;
  if (nowMs < fromMs) return line(name, `not good before ${dayOf(fromMs)}`, "look at this clock, or wait");
  if (nowMs > toMs) return line(name, `no more good, ${until}`, "renew it, then SIGHUP");
  return line(name, until, toMs - nowMs < certificateMsMin ? "renew it, then SIGHUP" : undefined);
}

function nats(reading: NatsReading): Line[] {
  const { trouble, version = "", payloadBytesMax = 0, jetstream, denied = [], streams = [] } = reading;
  const { amiss = [] } = reading;
  if (trouble !== undefined) return [line("NATS", trouble, "look at --nats, its user and its certificate")];
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isNew = major > (natsMin[0] as number) || (major === natsMin[0] && minor >= (natsMin[1] as number));
  const said = streams.length === 0 ? "none yet: a dispatcher makes them" : streams.join(", ");
  return [
    line("NATS", `version ${version}`, isNew ? undefined : `${natsMin.join(".")} or newer`),
    line(
      "NATS max_payload",
      `${payloadBytesMax} bytes`,
      payloadBytesMax >= limits.payloadBytesMin ? undefined : `max_payload: ${limits.payloadBytesMin}`,
    ),
    jetstream === undefined
      ? line("NATS JetStream", "there")
      : line("NATS JetStream", jetstream, "jetstream { store_dir: … } for this account"),
    denied.length === 0
      ? line("NATS permissions", "ask, answer, publish and hear")
      : line("NATS permissions", `not let: ${denied.join(", ")}`, "docs/cluster.md has what a user needs"),
    ...(amiss.length === 0 ? [line("NATS streams", said)] : []),
    ...amiss.map(({ stream, said, remedy }) => line(`NATS stream ${stream}`, said, remedy)),
  ];
}

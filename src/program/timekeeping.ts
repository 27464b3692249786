/** How this machine's clock is kept, for `ovation check --host`: by the kernel's own word, and by whom. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { openLibrary } from "../base/libc.ts";

export interface Timekeeping {
  /** Who sets it here; undefined: nobody is seen. */
  readonly by: string | undefined;
  /** How far off it may be at most, in ms, as the kernel was told; undefined: it was not told lately. */
  readonly withinMs: number | undefined;
  /** Whether the kernel could be asked: a container may not be let. */
  readonly isKnown: boolean;
  /** Whether this is a container, whose clock is its host's. */
  readonly inContainer: boolean;
}

/** In the control group of a container's first process. */
const containers = /docker|kubepods|containerd|lxc/;
const setters = /^(chronyd|ntpd|openntpd|systemd-timesyn|ptp4l|phc2sys)$/;

export function timekeeping(): Timekeeping {
  return { ...kernels(), by: setter(), inContainer: isContainer() };
}

/** adjtimex(2), which reads when it is told to change nothing: TIME_ERROR is a clock that nobody keeps. */
const functions = { adjtimex: { args: ["ptr"], returns: "int" } } as const;
const timexBytes = 208;
const maxErrorAt = 24;
const timeError = 5;

function kernels(): Pick<Timekeeping, "withinMs" | "isKnown"> {
  const library = openLibrary(functions);
  if (!library) return { withinMs: undefined, isKnown: false };
  const timex = new Uint8Array(timexBytes);
  const state = library.symbols.adjtimex(timex);
  library.close();
  if (state < 0) return { withinMs: undefined, isKnown: false };
  const microseconds = Number(new DataView(timex.buffer).getBigInt64(maxErrorAt, true));
  return { withinMs: state === timeError ? undefined : microseconds / 1000, isKnown: true };
}

function setter(): string | undefined {
  if (existsSync("/run/systemd/timesync/synchronized")) return "systemd-timesyncd";
  for (const id of namesIn("/proc").filter((name) => /^\d+$/.test(name))) {
    const name = text(`/proc/${id}/comm`);
    if (setters.test(name)) return name;
  }
  return undefined;
}

function isContainer(): boolean {
  return (
    existsSync("/.dockerenv") ||
    existsSync("/run/.containerenv") ||
    containers.test(text("/proc/1/cgroup")) ||
    text("/proc/1/comm") !== "systemd"
  );
}

/** What is in the folder `path`; nothing where it cannot be read. */
export function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

/**
 * What is seen of a process from outside: by the kernel (/proc, Linux only), and in its own metrics. The runs
 * of bench/ look at servers with it, too.
 */
import { readdirSync, readFileSync } from "node:fs";

const ticksPerSecond = 100;

/** Seconds of processor time that a process and all its threads have used, to a hundredth. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold spaces; user and system time are fields 14 and 15 of all.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** The same of the threads that it has now, to the nanosecond: for what takes less than a second. */
export function threadSeconds(pid: number): number {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    } catch {
      // It has ended meanwhile.
    }
  }
  return ns / 1e9;
}

/** Bytes of a process that are resident (RSS), as `ps` shows them. */
export function residentBytes(pid: number): number {
  const rss = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(rss?.[1] ?? 0) * 1024;
}

/** Bytes of user memory of a process, pages that it shares with others in part. */
export function userBytes(pid: number): number {
  const pss = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
  return Number(pss?.[1] ?? 0) * 1024;
}

/** Values of Prometheus' text by series, as written there: `ovation_frames_total{event="likes"}`. */
export function seriesIn(text: string): Map<string, number> {
  const series = new Map<string, number>();
  for (const line of text.split("\n")) {
    const cut = line.lastIndexOf(" ");
    if (cut > 0 && !line.startsWith("#")) series.set(line.slice(0, cut), Number(line.slice(cut + 1)));
  }
  return series;
}

/** `ovation load` for runs: the real audience, which checks every frame, and its report. */
import type { LoadReport } from "../src/load/report.ts";
import { executable } from "./ovation.ts";
import { familyOf, kill } from "./proc.ts";

/** A started load: `pids` are its own process and, once it has begun, those of its audience. */
export interface Load {
  readonly pid: number;
  pids(): readonly number[];
  readonly report: Promise<LoadReport>;
  end(): Promise<void>;
}

/** Starts it against `ports` of this machine. */
export function startLoad(ports: readonly number[], ...flags: readonly string[]): Load {
  const url = ports.map((port) => `http://127.0.0.1:${port}`).join(",");
  const child = Bun.spawn({
    cmd: [executable(), "load", `--url=${url}`, "--json", "--quiet", ...flags],
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
    env: {},
  });
  const end = async (): Promise<void> => {
    for (const pid of familyOf(child.pid).reverse()) kill(pid);
    await child.exited;
  };
  return {
    pid: child.pid,
    pids: () => familyOf(child.pid),
    report: reportOf(child.stdout),
    end,
  };
}

/** Runs it to its end; throws when anything that was accepted did not arrive exactly once. */
export async function runLoad(ports: readonly number[], ...flags: readonly string[]): Promise<LoadReport> {
  const load = startLoad(ports, ...flags);
  try {
    const report = await load.report;
    if (!report.ok) throw new Error(report.failures.join("; "));
    return report;
  } finally {
    await load.end();
  }
}

async function reportOf(output: ReadableStream<Uint8Array>): Promise<LoadReport> {
  const text = await new Response(output).text();
  if (text.trim() === "") throw new Error("ovation load gave no report");
  return JSON.parse(text) as LoadReport;
}

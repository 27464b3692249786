/**
 * A nats-server with JetStream for one run: on a free port, its store in the folder given, gone afterwards.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const readyMs = 10_000;

export interface Nats {
  readonly url: string;
  readonly pid: number;
  end(): Promise<void>;
}

/** Starts the `nats-server` of the PATH. */
export async function startNats(folder: string): Promise<Nats> {
  // Debian puts servers where the PATH of an ordinary user does not look.
  const path = Bun.which("nats-server", { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` });
  if (!path) throw new Error("this run needs nats-server (Debian: apt install nats-server)");
  const child = Bun.spawn({
    cmd: [path, "-a", "127.0.0.1", "-p", "-1", "-js", "-sd", folder, "--ports_file_dir", folder],
    stdio: ["ignore", "ignore", "ignore"],
  });
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
  };
  const untilMs = performance.now() + readyMs;
  while (performance.now() < untilMs && child.exitCode === null) {
    const url = urlIn(join(folder, `nats-server_${child.pid}.ports`));
    if (url) return { url, pid: child.pid, end };
    await Bun.sleep(20);
  }
  await end();
  throw new Error("nats-server did not start");
}

function urlIn(path: string): string | undefined {
  try {
    const { nats } = JSON.parse(readFileSync(path, "utf8")) as { nats?: string[] };
    return nats?.[0];
  } catch {
    // Not there yet, or half written.
    return undefined;
  }
}

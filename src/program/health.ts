/**
 * `ovation health`: asks the node of these settings, on this machine, whether it is ready.
 *
 * For images without a shell or curl (HEALTHCHECK, exec probes): it reads the same flags and variables as
 * `ovation serve` does, so that what is asked is the node that was started by them. A certificate is not
 * looked at: who is asked is this machine. Held by system/main.test.ts.
 */
import type { Clock } from "../base/clock.ts";
import type { Settings } from "../settings/config.ts";

/** Time for the whole question, ms: container runtimes give some seconds. */
const answerMs = 3_000;
const everywhere = new Set(["0.0.0.0", "::", "[::]"]);

export interface Health {
  readonly ready: boolean;
  readonly said: string;
}

/** What the node answered, in its own words or ours; never throws. */
export async function askHealth(settings: Settings, clock: Clock): Promise<Health> {
  const url = `${ownUrl(settings)}/health/ready`;
  const late = new AbortController();
  const timer = clock.after(answerMs, () => late.abort());
  try {
    const answer = await fetch(url, { signal: late.signal, tls: { rejectUnauthorized: false } });
    return { ready: answer.ok, said: (await answer.text()).trim() };
  } catch (error) {
    const why = late.signal.aborted ? `no answer in ${answerMs} ms` : (error as Error).message;
    return { ready: false, said: `${url}: ${why}` };
  } finally {
    timer.cancel();
  }
}

/** Where operators reach the node of these settings on this machine, without a path. */
export function ownUrl(
  settings: Pick<Settings, "adminPort" | "adminHost" | "port" | "host" | "tlsCert">,
): string {
  const { adminPort, adminHost, port, host, tlsCert } = settings;
  const at = adminPort !== 0 ? `${hostOf(adminHost)}:${adminPort}` : `${hostOf(host)}:${port}`;
  return `http${tlsCert === "" ? "" : "s"}://${at}`;
}

/** Who is asked: a node that listens everywhere, here. */
function hostOf(host: string): string {
  if (everywhere.has(host)) return "127.0.0.1";
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

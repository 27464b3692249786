/**
 * A proxy that nobody told us of. It makes all viewers one address, with one address' limits, and on this
 * machine with none; so that is said in the log, once, when so many streams in a row came from one address
 * with the header that proxies write. Viewers who write it themselves come from many.
 */
import { limits } from "../core/limits.ts";
import type { Call } from "./call.ts";
import type { Doors } from "./doors.ts";

/** By node: who brought the header last, and how often in a row. */
const forwarders = new WeakMap<Doors["log"], { address: string; streams: number } | "told">();

/** Looks at a stream that is opened, where `--trust-proxy` is 0. */
export function noteProxy({ settings, log }: Doors, { request, peer }: Call): void {
  if (settings.trustProxy > 0) return;
  const known = forwarders.get(log);
  if (known === "told" || !request.headers.has("x-forwarded-for")) return;
  const address = peer?.requestIP(request)?.address ?? "";
  const streams = known?.address === address ? known.streams + 1 : 1;
  if (streams < limits.forwardedStreamsMin) {
    forwarders.set(log, { address, streams });
    return;
  }
  forwarders.set(log, "told");
  log.warn("streams come with X-Forwarded-For: if a proxy of yours sends it, set --trust-proxy=1", {
    address,
  });
}

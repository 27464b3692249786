/**
 * What operators and their machines ask: health, metrics, the cluster as this node sees it, the demo's
 * crowd.
 */
import { fieldsOf, isRejection } from "../core/interaction.ts";
import { json, refuse, refused } from "./answer.ts";
import { readJson } from "./body.ts";
import { crowdFansMax } from "./demo.ts";
import type { Crowd, Doors } from "./doors.ts";
import type { Entry } from "./entry.ts";

const demoBodyBytesMax = 256;

/** `GET /health/live`: this process answers. */
export function getLive(): Response {
  return json(200, { status: "ok" });
}

/** `GET /health/ready`: send viewers and publishers here, or not, and why not. */
export function getReady(doors: Doors): Response {
  const { ready, reasons } = readiness(doors);
  if (ready) return json(200, { status: "ready" });
  return refuse("not-ready", reasons.join(", ") || "starting", 1, { reasons });
}

function readiness(doors: Doors): { readonly ready: boolean; readonly reasons: readonly string[] } {
  const { ready, reasons } = doors.ready();
  if (!doors.frontend?.draining) return { ready, reasons };
  return { ready: false, reasons: reasons.includes("draining") ? reasons : [...reasons, "draining"] };
}

/** `GET /metrics`, in the text format of Prometheus. */
export async function getMetrics(doors: Doors): Promise<Response> {
  const { registry } = doors.metrics;
  const text = await (doors.allMetrics ? doors.allMetrics() : registry.metrics());
  return new Response(text, {
    headers: { "content-type": registry.contentType, "cache-control": "no-store" },
  });
}

/** `GET /v1/cluster`, for whoever holds the admin key. */
export async function getCluster(doors: Doors): Promise<Response> {
  const view = await doors.cluster();
  return "rejected" in view ? refused(view) : json(200, view);
}

/** `GET /v1/demo` */
export function getDemo(doors: Doors): Response {
  return doors.crowd ? fansOf(doors.crowd) : noCrowd();
}

const demoFields: ReadonlySet<string> = new Set(["fans"]);

/** `PUT /v1/demo` `{"fans":n}` */
export async function putDemo(doors: Doors, entry: Entry): Promise<Response> {
  if (!doors.crowd) return noCrowd();
  const body = await readJson(doors, entry, demoBodyBytesMax);
  if (body instanceof Response) return body;
  const fields = fieldsOf(body, demoFields);
  if (isRejection(fields)) return refused(fields);
  const { fans } = fields;
  if (typeof fans !== "number" || !Number.isInteger(fans) || fans < 0 || fans > crowdFansMax) {
    return refuse("bad-field", `fans must be a whole number from 0 to ${crowdFansMax}`);
  }
  doors.crowd.set(fans);
  return fansOf(doors.crowd);
}

function fansOf(crowd: Crowd): Response {
  return json(200, { fans: crowd.fans, max: crowdFansMax });
}

function noCrowd(): Response {
  return refuse("not-found", "there is no simulated crowd here: start with --demo");
}

/** `GET /media/:file`: one file of the --media folder. */
export async function getMedia(doors: Doors, entry: Entry): Promise<Response> {
  const file = await doors.media?.(entry.request, entry.params.file ?? "");
  return file ?? refuse("not-found", "no such file");
}

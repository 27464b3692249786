/**
 * The calls of moderators: mutes, bans, a video's rules, what holds, who decided what.
 *
 * Each asks for the right to moderate the video that it is about; what is about all videos needs a right over
 * all of them.
 */
import { BusUnavailable } from "../bus/bus.ts";
import { type Rejection, reject, type VideoId } from "../core/interaction.ts";
import type { Identity } from "../trust/identity.ts";
import type { Moderation } from "../trust/moderation.ts";
import { auditMax } from "../trust/moderation.ts";
import { noRules, parseRestriction, parseVideoRules, type Restriction } from "../trust/rules.ts";
import { empty, json, refuse, refused } from "./answer.ts";
import { readJson } from "./body.ts";
import { wholeNumber } from "./call.ts";
import type { Doors } from "./doors.ts";
import { type Entry, videoOf } from "./entry.ts";

const bodyBytesMax = 4_096;

/** `POST /v1/admin/mutes` `{"user" or "address","video"?,"seconds"}`; 0 seconds lift it. */
export function postMute(doors: Doors, entry: Entry): Promise<Response> {
  return restrict(doors, entry, "mute");
}

/** `POST /v1/admin/bans`, as mutes. */
export function postBan(doors: Doors, entry: Entry): Promise<Response> {
  return restrict(doors, entry, "ban");
}

async function restrict(doors: Doors, entry: Entry, type: Restriction["type"]): Promise<Response> {
  const { who } = entry;
  const body = await readJson(doors, entry, bodyBytesMax);
  if (body instanceof Response) return body;
  const restriction = parseRestriction(type, body, doors.clock.date());
  if ("rejected" in restriction) return refused(restriction);
  const foreign = beyond(doors, who, restriction.video);
  return foreign ?? decided(doors, (moderation) => moderation.restrict(restriction, who));
}

/** `PUT /v1/admin/videos/:video` `{"state"?,"slowModeMs"?,"comments"?,"only"?,"holdMs"?}` */
export async function putVideoRules(doors: Doors, entry: Entry): Promise<Response> {
  const { who } = entry;
  const video = videoOf(entry);
  const body = await readJson(doors, entry, bodyBytesMax);
  if (body instanceof Response) return body;
  return decided(doors, async (moderation) => {
    const before = moderation.rules(video);
    // Of a video without rules of its own the log may know that it is closed.
    const kept =
      before === noRules ? await doors.catalog.kept(video, false) : { kept: before.state === "closed" };
    if ("rejected" in kept) return kept;
    const now = kept.kept ? { ...before, state: "closed" as const } : before;
    const rules = parseVideoRules(body, now);
    if ("rejected" in rules) return rules;
    const opens = rules.state === "open" && (kept.kept || (body as { state?: unknown }).state === "open");
    const opened = opens ? await doors.catalog.kept(video, true) : undefined;
    if (opened && "rejected" in opened) return opened;
    return moderation.setRules(video, rules, who, now);
  });
}

/** `GET /v1/admin/moderation`: what holds now. */
export async function getModeration(doors: Doors, entry: Entry): Promise<Response> {
  const foreign = beyond(doors, entry.who, undefined);
  if (foreign) return foreign;
  return doors.moderation ? json(200, doors.moderation.list()) : starting();
}

/** `GET /v1/admin/audit?limit=N`: who decided what, newest first. */
export async function getAudit(doors: Doors, entry: Entry): Promise<Response> {
  const foreign = beyond(doors, entry.who, undefined);
  if (foreign) return foreign;
  const limit = wholeNumber(entry.query, "limit", { min: 1, max: auditMax, fallback: 100 });
  if (typeof limit === "object") return refused(limit);
  if (!doors.moderation) return starting();
  try {
    const decisions = (await doors.moderation.audit(limit)).map(({ row: _, ...decision }) => decision);
    return json(200, { decisions });
  } catch (error) {
    if (!(error instanceof BusUnavailable)) throw error;
    return refused(reject("unavailable", "the audit log cannot be read now", 1));
  }
}

/** Whoever may moderate some videos only may decide about those only. */
function beyond(doors: Doors, who: Identity, video: VideoId | undefined): Response | undefined {
  if (video !== undefined) return doors.auth.forbids(who, "moderate", video);
  return who.videos === undefined ? undefined : refuse("forbidden", "this token is not for all videos");
}

async function decided(
  doors: Doors,
  decide: (moderation: Moderation) => Promise<Rejection | undefined>,
): Promise<Response> {
  if (!doors.moderation) return starting();
  try {
    const refusal = await decide(doors.moderation);
    return refusal ? refused(refusal) : empty(204);
  } catch (error) {
    if (!(error instanceof BusUnavailable)) throw error;
    return refused(reject("unavailable", "decisions cannot be written down now", 1));
  }
}

function starting(): Response {
  return refused(reject("unavailable", "this node is starting", 2));
}

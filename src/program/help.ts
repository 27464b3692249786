/**
 * What `ovation help` prints: flags of a command, or what a topic comes to, which is a page of docs/ in
 * short. The topics come with the web pages (scripts/web-docs.ts). Held by help.test.ts.
 */
import { topics } from "../../web/dist/topics.ts";
import { nearest } from "../base/nearest.ts";
import { conformHelp } from "../conform/command.ts";
import { loadHelp } from "../load/options.ts";
import { calibrateHelp, planHelp } from "../plan/options.ts";
import { type Command, commands, settingsHelp } from "../settings/config.ts";
import { keepHelp } from "./keep-options.ts";
import { tokenHelp } from "./mint.ts";

/** What was asked about. */
export type About = { readonly of: Command } | { readonly topic: string };

/** The text, or the mistake of asking about something there is no help about. */
export function helpAbout(about: About): string | { readonly mistakes: readonly string[] } {
  if ("of" in about) return helpOf(about.of);
  const { topic } = about;
  const text = Object.hasOwn(topics, topic) ? topics[topic] : undefined;
  if (text !== undefined) {
    return `${text}\n\nAll of it: docs/${topic}.md, or /docs/${topic} of a running server.\n`;
  }
  const near = nearest(topic, [...Object.keys(topics), ...Object.keys(commands)]);
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  return { mistakes: [`no help about ${JSON.stringify(topic.slice(0, 60))}${hint}`, topicsLine().trim()] };
}

function helpOf(command: Command): string {
  const own: Partial<Record<Command, () => string>> = {
    ...{ load: loadHelp, token: tokenHelp, plan: planHelp, calibrate: calibrateHelp, conform: conformHelp },
    ...{ backup: keepHelp, restore: keepHelp, verify: keepHelp },
  };
  return own[command]?.() ?? `${settingsHelp()}\n${topicsLine()}`;
}

function topicsLine(): string {
  return `Topics, as in "ovation help auth": ${Object.keys(topics).join(", ")}\n`;
}

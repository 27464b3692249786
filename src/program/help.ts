/**
 * What `ovation help` prints: flags of a command, or what a topic comes to, which is a page of docs/ in
 * short; and what a shell or `man` is given. The topics come with the web pages (scripts/web-docs.ts). Held
 * by help.test.ts.
 */
import { topics } from "../../web/dist/topics.ts";
import { nearest } from "../base/nearest.ts";
import { build } from "../base/version.ts";
import { conformHelp } from "../conform/command.ts";
import { loadHelp } from "../load/options.ts";
import { calibrateHelp, planHelp } from "../plan/options.ts";
import { type Asked, type Command, commands, settingsHelp } from "../settings/config.ts";
import { completion, shells } from "./completion.ts";
import { keepHelp } from "./keep-options.ts";
import { manual } from "./manual.ts";
import { tokenHelp } from "./mint.ts";

/**
 * The text, or the mistake of asking about something there is no help about. Asked with flags, it is that of
 * `completion` or of `man`.
 */
export function helpAbout(about: Asked): string | { readonly mistakes: readonly string[] } {
  if ("of" in about) return helpOf(about.of);
  if ("flags" in about) {
    if (about.command === "man") return manual(build.version);
    const [shell = ""] = about.flags;
    return completion(shell) ?? { mistakes: [`completion is for one of ${shells.join(", ")}`] };
  }
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

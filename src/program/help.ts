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
import { type Asked, type Command, commands, settingsHelp, settingsTable } from "../settings/config.ts";
import { helpText } from "../settings/text.ts";
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
    if (about.command === "man") return manual(build);
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
    ...{ check: () => ofNode("check", "check [--host]", hostFlag), health: () => ofNode("health") },
    ...{ completion: () => alone(`completion ${shells.join("|")}`, commands.completion) },
    ...{ man: () => alone("man", commands.man), version: () => alone("version", commands.version) },
  };
  return own[command]?.() ?? `${settingsHelp()}\n${topicsLine()}`;
}

const hostFlag = `Without an address, --host looks over this machine instead: a line for each thing that
a node of these settings depends on here, OK, or WARN with what to do. Exit: 0 all
well, 1 something is warned of, 2 mistakes in flags or settings.
`;

/** Of a command that takes a node's settings, all of which stand in the help of serve. */
function ofNode(name: "check" | "health", usage: string = name, more = ""): string {
  const all = "All flags and variables of ovation serve are understood: ovation --help lists them.\n";
  return helpText(
    { ...settingsTable, command: `ovation ${usage}`, about: sentence(commands[name]), rows: {}, rules: [] },
    `\n${all}${more}`,
  );
}

function sentence(about: string): string {
  return `${about.replace(/^\w/, (letter) => letter.toUpperCase())}.`;
}

function alone(usage: string, about: string): string {
  return `Usage: ovation ${usage}\n\n${sentence(about)}\n`;
}

function topicsLine(): string {
  return `Topics, as in "ovation help auth": ${Object.keys(topics).join(", ")}\n`;
}

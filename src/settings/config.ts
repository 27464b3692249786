/**
 * What an operator can set, and the words of the command line.
 *
 * One table holds every setting of a node. Its flags, OVATION_ variables, file keys, defaults, checks, help
 * and docs/settings.md all come from here. To add a setting, add a row: its key is the flag in camel case,
 * and ends in Ms for a duration (tickMs is --tick). Add a rule if it makes sense only together with others.
 * Then `npm run docs`.
 *
 * Not here: how a table is read (base/settings.ts), and the flags of `load`, `token` and `plan`, which have
 * their own.
 */
import { nearest } from "../base/nearest.ts";
import { secret } from "../base/prng.ts";
import { limits } from "../core/limits.ts";
import { accessRows, accessRules, limitRows } from "./config-access.ts";
import { hookRows, hookRules } from "./config-hooks.ts";
import { liveRows, liveRules } from "./config-live.ts";
import { timelineRows, timelineRules } from "./config-timeline.ts";
import {
  accepted,
  choice,
  duration,
  durationOrNone,
  listOf,
  matching,
  oneLine,
  onOff,
  wholeNumber,
  wholeNumberOr,
} from "./kinds.ts";
import { defineSettings, group, type Machine, type Parsed, parseTable, type SettingsOf } from "./table.ts";
import { effectiveText, helpText, settingsMarkdown } from "./text.ts";

const pathCharsMax = 4_096;
const secretCharsMax = 1_024;
const name = matching(/^[A-Za-z0-9_-]{1,32}$/, "1 to 32 of A-Z a-z 0-9 _ -", "name");
const path = oneLine(pathCharsMax, "path");

const secretText = oneLine(secretCharsMax, "secret");
const natsServer = accepted(
  "a server like nats://host:4222, without a user or password",
  "url",
  isNatsServer,
);
const likeKind = matching(/^[a-z][a-z0-9_-]{0,15}$/, "1 to 16 of a-z 0-9 _ -, a letter first", "kind");

export const settingsTable = defineSettings({
  command: "ovation serve",
  about: "Serves the live reactions of an audience: likes and comments over Server-Sent Events.",
  prefix: "OVATION_",
  foreignPrefixes: ["LOAD", "TOKEN", "PLAN", "CALIBRATE", "CONFORM"].map((of) => `OVATION_${of}_`),
  rows: {
    ...group("Node", {
      role: {
        kind: choice("both", "frontend", "dispatcher"),
        fallback: "both",
        help: "what this node does; frontend holds streams, dispatcher takes likes and comments",
      },
      port: {
        kind: wholeNumber(0, 65_535),
        fallback: "8080",
        help: "HTTP port; 0 takes a free one",
      },
      host: {
        kind: matching(/^[A-Za-z0-9.:_-]{1,255}$/, "an address or a host name", "address"),
        fallback: "0.0.0.0",
        help: "address to listen on",
      },
      data: {
        kind: matching(/^\P{Cc}{1,4096}$/u, "a folder, or :memory:", "path"),
        fallback: "./ovation-data",
        help: "folder of the ledger of a node without --nats; :memory: keeps nothing",
      },
      durability: {
        kind: choice("process", "power"),
        fallback: "process",
        help: "what an answered like outlives in that folder: the process's death, or a loss of power too",
      },
      node: {
        kind: name,
        fallback: nodeName,
        fallbackShown: "node- and eight random letters",
        help: "this node's name, unique in the cluster; viewers are told it",
      },
      region: {
        kind: name,
        fallback: "main",
        help: "where this node is",
      },
      workers: {
        kind: wholeNumberOr("auto", 1, 256),
        fallback: "1",
        help: "processes of this node; auto is one per core; without --nats one of them has the ledger",
      },
      drainMs: {
        kind: duration(0, 600_000),
        fallback: "10s",
        help: "time over which viewers are sent away when the node stops",
      },
      media: {
        kind: path,
        fallback: "",
        help: "folder of video files for the demo page",
      },
      beatMs: {
        kind: duration(limits.beatMinMs, limits.beatMaxMs),
        fallback: "15s",
        help: "longest a stream is silent; a client's read time-out must be longer",
      },
      streamAgeMs: {
        kind: durationOrNone(limits.streamAgeMinMs, 86_400_000),
        fallback: "0",
        help: "age at which a stream is told to come back, before a proxy cuts it; 0 is never",
      },
      demo: {
        kind: onOff(),
        fallback: "false",
        help: "invents an audience, for showing",
      },
    }),
    ...group("Cluster", {
      nats: {
        kind: listOf(natsServer, 0, 16),
        fallback: "",
        fallbackShown: "alone",
        help: "NATS servers with JetStream; without them the node is alone",
      },
      natsPrefix: {
        kind: name,
        fallback: "ov",
        help: "first word of every subject, stream and bucket, so that several systems can share NATS",
      },
      natsUser: {
        kind: oneLine(secretCharsMax, "user"),
        fallback: "",
        help: "user at NATS",
      },
      natsPassword: {
        kind: secretText,
        fallback: "",
        help: "password at NATS",
        secret: true,
      },
      natsToken: {
        kind: secretText,
        fallback: "",
        help: "token at NATS, in place of a user",
        secret: true,
      },
      natsCreds: {
        kind: path,
        fallback: "",
        help: "credentials file of NATS, in place of a user",
      },
      natsCa: {
        kind: path,
        fallback: "",
        help: "certificate file that NATS must be signed by; turns TLS on",
      },
      natsReplicas: {
        kind: wholeNumber(1, 5),
        fallback: "1",
        help: "copies JetStream keeps of everything; 3 outlives a lost NATS server",
      },
      partitions: {
        kind: wholeNumber(1, 64),
        fallback: "4",
        help: "logs the likes are spread over by video; fixed once a cluster has data",
      },
    }),
    ...group("Reactions", {
      kinds: {
        kind: listOf(likeKind, 1, 16),
        fallback: "heart,clap,laugh,wow,fire",
        help: "kinds of like",
      },
      likeMode: {
        kind: choice("many", "once"),
        fallback: "many",
        help: "many adds up taps; once is one like per viewer, which can be taken back; fixed with the data",
      },
      likesMax: {
        kind: wholeNumber(1, 50_000_000),
        fallback: "8000000",
        help: "likes held with --like-mode=once, about 16 bytes each; further ones get 503",
      },
      tickMs: {
        kind: duration(0, 5_000),
        fallback: "50ms",
        help: "window over which likes merge before viewers see them; 0 passes without pause",
      },
      commentTickMs: {
        kind: duration(0, 1_000),
        fallback: "20ms",
        help: "window over which comments are written together",
      },
      commentRate: {
        kind: wholeNumber(1, 100_000),
        fallback: "500",
        help: "comments per second written to a viewer per video",
      },
      commentHistory: {
        kind: wholeNumber(20, 1_000_000),
        fallback: "1000",
        help: "comments kept per video for listing and replay",
      },
    }),
    ...group("Videos", {
      videosMax: {
        kind: wholeNumber(1, 20_000_000),
        fallback: "1000000",
        help: "videos with likes held in memory, about 1 KB each; the same on all nodes",
      },
      coldAfterMs: {
        kind: duration(2_000, 365 * 86_400_000),
        fallback: "10m",
        help: "how long nobody has used a closed video when it leaves memory; it is read back when asked for",
      },
    }),
    ...group("Timeline", timelineRows),
    ...group("Beyond streams", liveRows),
    ...group("Access", accessRows),
    ...group("Limits", limitRows),
    ...group("Hooks", hookRows),
    ...group("Log", {
      logLevel: {
        kind: choice("debug", "info", "warn", "error"),
        fallback: "info",
        help: "least level that is written",
      },
      logFormat: {
        kind: choice("auto", "json", "pretty"),
        fallback: "auto",
        help: "auto is pretty on a terminal and JSON lines elsewhere",
      },
    }),
  },
  rules: [
    ...accessRules,
    ...hookRules,
    ...timelineRules,
    ...liveRules,
    {
      uses: ["port", "adminPort", "host", "adminHost"],
      mistake: ({ port, adminPort, host, adminHost }) =>
        adminPort !== 0 && adminPort === port && (host === adminHost || /^(0\.0\.0\.0|::)$/.test(host))
          ? "--admin-port must be another than --port"
          : undefined,
    },
    {
      uses: ["role", "nats"],
      mistake: ({ role, nats }) =>
        role !== "both" && nats.length === 0
          ? `--role=${role} needs --nats: a node alone must be frontend and dispatcher both`
          : undefined,
    },
    {
      uses: ["natsUser", "natsPassword"],
      mistake: ({ natsUser, natsPassword }) =>
        (natsUser === "") !== (natsPassword === "")
          ? "--nats-user and --nats-password go together"
          : undefined,
    },
    {
      uses: ["natsUser", "natsToken", "natsCreds"],
      mistake: ({ natsUser, natsToken, natsCreds }) =>
        [natsUser, natsToken, natsCreds].filter((given) => given !== "").length > 1
          ? "--nats-user, --nats-token and --nats-creds exclude each other"
          : undefined,
    },
  ],
});

export type Settings = SettingsOf<typeof settingsTable.rows>;
export type ParsedSettings = Parsed<typeof settingsTable.rows>;
export type Sources = Extract<ParsedSettings, { settings: unknown }>["sources"];

export const commands = {
  serve: "run a node (the default)",
  load: "bring an audience: viewers, likes and comments over real sockets, and a report",
  token: "make a token for a viewer or a publisher",
  conform: "try a server, ours or another's, against the protocol",
  plan: "work out nodes, memory and network for an audience",
  calibrate: "measure here, in half a minute, what plan works with",
  check: "print the settings in effect, and where each came from; --host: look over this machine for them",
  health: "ask the node of these settings, here, whether it is ready; exit 0 or 1",
  backup: "keep a copy of what a running node, or a cluster, holds: ovation backup FILE",
  restore: "put such a copy into an empty folder, or an empty NATS: ovation restore FILE",
  verify: "look whether a folder, a copy (FILE), a node (--url) or a cluster (--nats) holds together",
  completion: "print what a shell completes these by: source <(ovation completion bash), or zsh, fish",
  man: "print the manual page: ovation man | man -l -",
  version: "print the version",
  help: "print this text, that of a command, or what a topic comes to: ovation help auth",
} as const;
export type Command = keyof typeof commands;
/** How many words may stand behind a command that has no flags. */
const wordsBehind: Readonly<Partial<Record<Command, number>>> = {
  version: 0,
  man: 0,
  help: 1,
  completion: 1,
};

/** What was asked for: a command and its own flags. `help` asks for the help of `of`, or about a `topic`. */
export type Asked =
  | { readonly command: Exclude<Command, "help">; readonly flags: readonly string[] }
  | { readonly command: "help"; readonly of: Command }
  | { readonly command: "help"; readonly topic: string };

/** Reads the first word. `argv` starts after the program's name. */
export function readCommand(argv: readonly string[]): Asked | { readonly mistakes: readonly string[] } {
  const first = argv[0] ?? "";
  const isFlag = first === "" || first.startsWith("-");
  if (!isFlag && !Object.hasOwn(commands, first)) {
    const near = nearest(first, Object.keys(commands));
    const hint = near === undefined ? "see ovation --help" : `did you mean ${near}?`;
    return { mistakes: [`unknown command ${JSON.stringify(first.slice(0, 60))}; ${hint}`] };
  }
  const command = isFlag ? "serve" : (first as Command);
  const flags = isFlag ? argv : argv.slice(1);
  if (flags.some((flag) => flag === "--help" || flag === "-h"))
    return { command: "help", of: isFlag ? "help" : command };
  const extra = flags[wordsBehind[command] ?? flags.length];
  if (extra !== undefined) return { mistakes: [`unexpected word ${JSON.stringify(extra.slice(0, 60))}`] };
  if (command === "help") return helpAbout(flags[0] ?? "help");
  if (isFlag && (first === "--version" || first === "-v")) return { command: "version", flags: [] };
  return { command, flags };
}

/** `ovation help WORD`: about a command, or about a topic, which whoever prints it knows. */
function helpAbout(word: string): Asked {
  return Object.hasOwn(commands, word)
    ? { command: "help", of: word as Command }
    : { command: "help", topic: word };
}

/**
 * Reads a node's settings. `argv` holds flags only (readCommand took the command off); `readFile` answers the
 * text of the --config file or throws. Answers typed settings, or every mistake at once, one line each.
 */
export function parseSettings(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
  machine: Machine = thisMachine(),
): ParsedSettings {
  const parsed = parseTable(settingsTable, { argv, env, readFile, machine });
  return "mistakes" in parsed ? parsed : { ...parsed, warnings: [...parsed.warnings, ...foreignTo(env)] };
}

/** Variables that are not ours and change what an executable made by Bun does before it is asked. */
const foreignVariables = ["BUN_OPTIONS", "BUN_BE_BUN"];

/** Those of them that are set. */
export function foreignIn(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  return foreignVariables.filter((name) => env[name]);
}

function foreignTo(env: Readonly<Record<string, string | undefined>>): string[] {
  return foreignIn(env).map(
    (name) => `${name} is set: it changes what this executable is, and may have it run other code; unset it`,
  );
}

/** The text of `ovation --help` and `ovation serve --help`. */
export function settingsHelp(): string {
  const columns = Math.max(...Object.keys(commands).map((command) => command.length));
  const lines = Object.entries(commands).map(
    ([command, about]) => `  ${command.padEnd(columns)}  ${about}\n`,
  );
  return helpText(settingsTable, `\nCommands, as in "ovation load --help":\n${lines.join("")}`);
}

/** The table of docs/settings.md. */
export function settingsSection(): string {
  return settingsMarkdown(settingsTable);
}

/** What `ovation check` prints. */
export function effectiveSettings(sources: Sources): string {
  return effectiveText(settingsTable, sources);
}

/** Every viewer is told it: it says nothing of the machine. */
function nodeName({ suffix }: Machine): string {
  return `node-${suffix}`;
}

function thisMachine(): Machine {
  return { suffix: secret(8) };
}

function isNatsServer(text: string): boolean {
  const url = URL.parse(text.includes("://") ? text : `nats://${text}`);
  if (url === null || !/^(nats|tls):$/.test(url.protocol) || url.hostname === "") return false;
  return (
    url.username === "" && url.password === "" && /^\/?$/.test(url.pathname) && url.search + url.hash === ""
  );
}

import { describe, expect, test } from "bun:test";
import {
  commands,
  effectiveSettings,
  parseSettings,
  readCommand,
  settingsHelp,
  settingsTable,
} from "./config.ts";
import { flagOf } from "./table.ts";

const noFile = () => {
  throw new Error("no file");
};
const machine = { suffix: "7f3a" };

function settingsOf(...argv: string[]) {
  const parsed = parseSettings(argv, {}, noFile, machine);
  if ("mistakes" in parsed) throw new Error(parsed.mistakes.join("\n"));
  return parsed.settings;
}

function mistakesOf(...argv: string[]): readonly string[] {
  const parsed = parseSettings(argv, {}, noFile, machine);
  return "mistakes" in parsed ? parsed.mistakes : [];
}

describe("settings of a node", () => {
  test("alone on a laptop, nothing needs to be set", () => {
    expect(settingsOf()).toMatchObject({
      role: "both",
      port: 8080,
      data: "./ovation-data",
      nats: [],
      node: "node-7f3a",
      kinds: ["heart", "clap", "laugh", "wow", "fire"],
      tickMs: 50,
      commentTickMs: 20,
      drainMs: 10_000,
      beatMs: 15_000,
      streamAgeMs: 0,
      workers: 1,
      demo: false,
    });
  });

  test("every key is its flag in camel case, with Ms for a duration and only for one", () => {
    for (const [key, row] of Object.entries(settingsTable.rows)) {
      expect(flagOf(key)).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(`${key} ${key.endsWith("Ms")}`).toBe(`${key} ${row.kind.placeholder === "duration"}`);
    }
  });

  test("what makes another program of an executable is warned of", () => {
    const warned = (env: Record<string, string>) => {
      const parsed = parseSettings([], env, noFile, machine);
      return "mistakes" in parsed ? [] : parsed.warnings.map((warning) => warning.replace(/:.*/, ""));
    };
    expect(warned({ BUN_OPTIONS: "--smol", BUN_BE_BUN: "0" })).toEqual([
      "BUN_OPTIONS is set",
      "BUN_BE_BUN is set",
    ]);
    expect(warned({ BUN_OPTIONS: "", PATH: "/bin" })).toEqual([]);
  });

  test("a node names itself by chance, and not after its machine, which viewers would be told", () => {
    const named = [1, 2].map(() => {
      const parsed = parseSettings([], {}, noFile);
      if ("mistakes" in parsed) throw new Error(parsed.mistakes.join("\n"));
      return parsed.settings.node;
    });
    for (const node of named) expect(node).toMatch(/^node-[0-9a-z]{8}$/);
    expect(named[0]).not.toBe(named[1] as string);
  });

  test.each([
    [
      "--kinds",
      ["heart", "heart,clap2,a_b-c", "a".repeat(16)],
      ["", "Heart", "1up", "a,a", "a".repeat(17), "a b"],
    ],
    ["--tick", ["0", "0ms", "5s"], ["5001ms", "6s", "-1"]],
    ["--comment-tick", ["0", "1s"], ["1001ms"]],
    ["--comment-history", ["20", "1000000"], ["19", "1000001"]],
    ["--drain", ["0", "10m"], ["11m"]],
    ["--port", ["0", "65535"], ["65536", "http"]],
    ["--nats-prefix", ["ov", "a_B-9"], ["a.b", "a b", "*", ">", ""]],
    ["--node", ["a"], ["a.b", "", "a".repeat(33), "a\nb"]],
    [
      "--nats",
      ["nats://a:4222", "tls://a,b:4223", "[::1]:4222"],
      ["http://a", "nats://u:p@a", "nats://a/x", ",", "a b"],
    ],
    [
      "--cors-origins",
      ["", "*", "https://a.example,http://localhost:3000"],
      ["https://a.example/", "a.example", "ftp://a"],
    ],
    ["--data", [":memory:", "/var/lib/ovation"], [""]],
    ["--host", ["::", "127.0.0.1", "localhost"], ["", "a b"]],
    ["--log-format", ["auto", "json", "pretty"], ["xml"]],
    [
      "--webhook-events",
      ["milestone", "video_occupied,video_vacated"],
      ["", "everything", "milestone,milestone"],
    ],
    ["--milestones", ["", "1", "100,1000", "9".repeat(15)], ["0", "01", "1.5", "-1", "9".repeat(16), "many"]],
    ["--review-deadline", ["10ms", "10s"], ["9ms", "11s"]],
    ["--review-fallback", ["allow", "deny"], ["", "maybe"]],
  ])("%s keeps its bounds", (flag, good, bad) => {
    for (const text of good)
      expect({ text, mistakes: mistakesOf(`${flag}=${text}`) }).toEqual({ text, mistakes: [] });
    for (const text of bad)
      expect({ text, mistakes: mistakesOf(`${flag}=${text}`).length }).toEqual({ text, mistakes: 1 });
  });

  test("rules across settings", () => {
    expect(mistakesOf("--role=frontend")[0]).toStartWith("--role=frontend needs --nats");
    expect(mistakesOf("--role=dispatcher", "--nats=localhost:4222")).toEqual([]);
    expect(mistakesOf("--workers=auto")).toEqual([]);
    expect(mistakesOf("--workers=2", "--nats=localhost:4222")).toEqual([]);
    expect(mistakesOf("--cors-origins=*,https://a.example").length).toBe(1);
    const programs =
      "null,capacitor://localhost,ionic://localhost,tauri://localhost,chrome-extension://abcdef";
    expect(mistakesOf(`--cors-origins=${programs},https://tauri.localhost`)).toEqual([]);
    expect(mistakesOf("--nats-user=u", "--nats-password=p")).toEqual([]);
    const same = ["--port=9000", "--admin-port=9000"];
    expect(mistakesOf(...same)).toEqual(["--admin-port must be another than --port"]);
    expect(mistakesOf(...same, "--host=127.0.0.1")).toHaveLength(1);
    expect(mistakesOf(...same, "--host=10.0.0.1")).toEqual([]);
    expect(mistakesOf("--nats-user=u").length).toBe(1);
    expect(mistakesOf("--nats-user=u", "--nats-password=p", "--nats-token=t").length).toBe(1);
  });

  test("servers that are told or asked have an address and a secret", () => {
    const signed = "--webhook-secrets-file=secrets";
    for (const flag of ["--webhook-urls", "--review-url"]) {
      expect(mistakesOf(`${flag}=https://a.example/hook?key=1`, signed)).toEqual([]);
      expect(mistakesOf(`${flag}=https://a.example/hook`)[0]).toStartWith(
        "--webhook-urls and --review-url need",
      );
      for (const url of ["a.example", "ftp://a.example", "https://u:p@a.example/", "https://a.example/#x"]) {
        expect(mistakesOf(`${flag}=${url}`, signed)).toHaveLength(1);
      }
    }
    expect(mistakesOf("--webhook-urls=https://a.example,http://b.example", signed)).toEqual([]);
  });

  test("what is in effect is shown without the secrets", () => {
    const names = ["ADMIN_KEY", "NATS_TOKEN", "WEBHOOK_SECRETS"];
    const secrets = Object.fromEntries(names.map((name) => [`OVATION_${name}`, "sesame"]));
    const parsed = parseSettings(["--nats=localhost:4222"], secrets, noFile, machine);
    if ("mistakes" in parsed) throw new Error(parsed.mistakes.join("\n"));
    const text = effectiveSettings(parsed.sources);
    expect(text).not.toContain("sesame");
    expect(text).toMatch(/^admin-key +\(hidden\) +OVATION_ADMIN_KEY$/m);
    expect(text).toMatch(/^tick +50ms +default$/m);
  });
});

describe("commands", () => {
  test("the first word is the command, serve when there is none", () => {
    expect(readCommand([])).toEqual({ command: "serve", flags: [] });
    expect(readCommand(["--port=9000"])).toEqual({ command: "serve", flags: ["--port=9000"] });
    expect(readCommand(["serve", "--port=9000"])).toEqual({ command: "serve", flags: ["--port=9000"] });
    expect(readCommand(["load", "--viewers", "5"])).toEqual({ command: "load", flags: ["--viewers", "5"] });
    expect(readCommand(["--version"])).toEqual({ command: "version", flags: [] });
  });

  test("help of the program, and of one command", () => {
    expect(readCommand(["--help"])).toEqual({ command: "help", of: "help" });
    expect(readCommand(["help"])).toEqual({ command: "help", of: "help" });
    expect(readCommand(["--port=1", "-h"])).toEqual({ command: "help", of: "help" });
    expect(readCommand(["load", "--help"])).toEqual({ command: "help", of: "load" });
    expect(readCommand(["help", "load"])).toEqual({ command: "help", of: "load" });
    expect(readCommand(["help", "auth"])).toEqual({ command: "help", topic: "auth" });
  });

  test("an unknown command is a mistake that names the nearest", () => {
    expect(readCommand(["sevre"])).toEqual({ mistakes: ['unknown command "sevre"; did you mean serve?'] });
    expect(readCommand(["__proto__"])).toEqual({
      mistakes: ['unknown command "__proto__"; see ovation --help'],
    });
  });

  test("a word too many behind a command without flags is a mistake", () => {
    for (const words of [
      ["version", "--x"],
      ["man", "x"],
      ["help", "auth", "x"],
      ["completion", "bash", "x"],
    ]) {
      expect(readCommand(words)).toEqual({ mistakes: [`unexpected word "${words.at(-1)}"`] });
    }
    expect(readCommand(["completion", "bash"])).toEqual({ command: "completion", flags: ["bash"] });
  });

  test("help names every command and every flag", () => {
    const help = settingsHelp();
    for (const command of Object.keys(commands)) expect(help).toMatch(new RegExp(`^  ${command} `, "m"));
    for (const key of Object.keys(settingsTable.rows)) expect(help).toContain(`--${flagOf(key)}`);
  });
});

describe("an audience beyond streams", () => {
  test("a share is a part of 1, and needs something to sign with where a token is needed", () => {
    expect(settingsOf("--stream-share=0.2", "--poll-every=3s")).toMatchObject({
      ...{ streamShare: "0.2", pollEveryMs: 3_000 },
    });
    for (const wrong of ["1.1", "-1", "20%", ".5", ""])
      expect(mistakesOf(`--stream-share=${wrong}`)).toHaveLength(1);
    const token = ["--auth=token", "--jwks-url=https://keys.example/"];
    expect(mistakesOf(...token, "--stream-share=0.5")).toEqual([
      "--stream-share with --auth=token needs --live-secrets, --jwt-secrets or --jwt-secrets-file",
    ]);
    expect(mistakesOf(...token)).toEqual([]);
    expect(mistakesOf(...token, "--stream-share=0.5", "--live-secrets=x")).toEqual([]);
  });
});

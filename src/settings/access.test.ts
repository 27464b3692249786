/** Secrets out of settings and files: what is refused at start, and what a reload changes. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import { listening } from "../hooks/receiver-kit.ts";
import { Signatures } from "../trust/signatures.ts";
import { Access, readCredentials } from "./access.ts";
import { parseSettings } from "./config.ts";

const long = "0123456789abcdef0123456789abcdef";
const noFile = () => {
  throw Object.assign(new Error("no file"), { code: "ENOENT" });
};

function settingsOf(...flags: string[]) {
  const parsed = parseSettings(flags, {}, noFile);
  if ("mistakes" in parsed) throw new Error(parsed.mistakes.join("\n"));
  return parsed.settings;
}

const hook = "--webhook-urls=http://127.0.0.1:1/";

describe("webhook secrets", () => {
  test.each([
    [
      "short",
      [hook, "--webhook-secrets=too-short-to-be-safe"],
      /^webhook secret 1 has 20 bytes, it needs 32/,
    ],
    ["one of several short", [hook, `--webhook-secrets=${long},x`], /^webhook secret 2 has 1 bytes/],
    ["no base64", [hook, "--webhook-secrets=whsec_!"], /^webhook secret 1 has no base64/],
    ["short behind whsec_", [hook, `--webhook-secrets=whsec_${btoa("x".repeat(24))}`], /has 24 bytes/],
    [
      "a file that is away",
      [hook, "--webhook-secrets-file=/away"],
      /--webhook-secrets-file: cannot read \/away/,
    ],
    ["too many", [hook, `--webhook-secrets=${Array(9).fill(long).join()}`], /^at most 8/],
  ])("%s are refused without being shown", (_, flags, mistake) => {
    const read = readCredentials(settingsOf(...flags), noFile);
    if (!("mistakes" in read)) throw new Error("taken");
    expect(read.mistakes[0]).toMatch(mistake);
    for (const text of [long, "too-short", "whsec_"]) {
      expect(read.mistakes.join("\n").replace("behind whsec_", "")).not.toContain(text);
    }
  });

  test("in an empty file are missing, though the setting is there", () => {
    const settings = settingsOf("--review-url=http://127.0.0.1:1/", "--webhook-secrets-file=empty");
    expect(readCredentials(settings, () => "# none yet\n")).toEqual({
      mistakes: ["webhooks and reviews need a secret to be signed with"],
    });
  });

  test("come from both places, and from the file again when asked; a bad one changes nothing", () => {
    const settings = settingsOf(hook, `--webhook-secrets=${long}`, "--webhook-secrets-file=some");
    let text = `# old\n${"o".repeat(32)}\n`;
    const readFile = () => text;
    const read = readCredentials(settings, readFile);
    if ("mistakes" in read) throw new Error(read.mistakes.join());
    const access = new Access(settings, read, new VirtualClock(), listening().log);
    const secrets = () => access.hookSecrets.map((bytes) => new TextDecoder().decode(bytes));
    expect(secrets()).toEqual([long, "o".repeat(32)]);
    text = "n".repeat(32);
    expect(access.reload(readFile)).toEqual([]);
    expect(secrets()).toEqual([long, "n".repeat(32)]);
    text = "short";
    expect(access.reload(readFile)).toHaveLength(1);
    expect(secrets()).toEqual([long, "n".repeat(32)]);
  });
});

describe("what signs addresses in place of tokens", () => {
  const clock = new VirtualClock();
  const video = "v" as VideoId;
  const readOf = (...flags: string[]) => readCredentials(settingsOf(...flags), noFile);
  const signed = (...flags: string[]) => {
    const read = readOf(...flags);
    if ("mistakes" in read) throw new Error(read.mistakes.join("; "));
    return read.signatures?.query(video, clock.date());
  };
  const other = long.toUpperCase();
  const token = "--auth=token";

  test("are secrets of its own, or else those of tokens; nothing where nobody needs one", () => {
    expect(signed(`--jwt-secrets=${long}`)).toBeUndefined();
    expect(signed(token, "--jwks-url=http://127.0.0.1:1/")).toBeUndefined();
    const byTokens = signed(token, `--jwt-secrets=${long}`);
    expect(byTokens).toBe(new Signatures([long]).query(video, clock.date()));
    const own = signed(token, `--jwt-secrets=${long}`, `--live-secrets=${other},${long}`);
    expect(own).toBe(new Signatures([other]).query(video, clock.date()));
    expect(own).not.toBe(byTokens);
  });

  test("short ones are refused without being shown", () => {
    const read = readOf(token, `--jwt-secrets=${long}`, "--live-secrets=easy-to-guess");
    expect("mistakes" in read && read.mistakes[0]).toMatch(/^live secret 1 has 13 bytes, it needs 32/);
  });
});

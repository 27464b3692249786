/**
 * The settings of what this server asks of others and tells them: rows and rules of the table in config.ts.
 */

import { happeningTypes } from "../core/happening.ts";
import { accepted, choice, duration, listOf, matching, oneLine } from "./kinds.ts";

const secretsCharsMax = 16_384;
const path = oneLine(4_096, "path");
const address = "an address like https://example.com/hook, without a user or password";
const receiver = accepted(address, "url", isReceiver);
const types: readonly string[] = happeningTypes;
const type = accepted(`one of ${types.join(", ")}`, "type", (text) => types.includes(text));

export const hookRows = {
  webhookUrls: {
    kind: listOf(receiver, 0, 8),
    fallback: "",
    fallbackShown: "none",
    help: "servers that are told what happens, by dispatchers; see docs/webhooks.md",
  },
  webhookSecrets: {
    kind: oneLine(secretsCharsMax, "secret,…"),
    fallback: "",
    help: "secrets that webhooks and reviews are signed with, each of them, so they can be rotated",
    secret: true,
  },
  webhookSecretsFile: { kind: path, fallback: "", help: "file of more --webhook-secrets, one a line" },
  webhookEvents: {
    kind: listOf(type, 1, types.length),
    fallback: types.join(","),
    help: "types of event that are told",
  },
  milestones: {
    kind: listOf(matching(/^[1-9]\d{0,14}$/, "a whole number from 1", "n"), 0, 64),
    fallback: "100,1000,10000,100000,1000000,10000000,100000000,1000000000",
    help: "numbers of likes of a video, of one kind and of all, that are told as milestone",
  },
  reviewUrl: {
    kind: accepted(`${address}, or nothing`, "url", (text) => text === "" || isReceiver(text)),
    fallback: "",
    fallbackShown: "none",
    help: "server that is asked about each comment before anybody sees it; see docs/moderate.md",
  },
  reviewDeadlineMs: {
    kind: duration(10, 10_000),
    fallback: "200ms",
    help: "how long a comment waits for its review",
  },
  reviewFallback: {
    kind: choice("allow", "deny"),
    fallback: "allow",
    help: "what becomes of a comment without a review in time",
  },
  otlpUrl: {
    kind: accepted(`${address}, or nothing`, "url", (text) => text === "" || isReceiver(text)),
    fallback: "",
    fallbackShown: "none",
    help: "OpenTelemetry collector that is sent traces of some likes, as OTLP over HTTP; see docs/operate.md",
  },
} as const;

interface HookSettings {
  readonly webhookUrls: readonly string[];
  readonly reviewUrl: string;
  readonly webhookSecrets: string;
  readonly webhookSecretsFile: string;
}

export const hookRules = [
  {
    uses: ["webhookUrls", "reviewUrl", "webhookSecrets", "webhookSecretsFile"],
    mistake: ({ webhookUrls, reviewUrl, webhookSecrets, webhookSecretsFile }: HookSettings) =>
      webhookUrls.join() + reviewUrl !== "" && webhookSecrets + webhookSecretsFile === ""
        ? "--webhook-urls and --review-url need --webhook-secrets or --webhook-secrets-file"
        : undefined,
  },
] as const;

function isReceiver(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return url.username + url.password + url.hash === "";
}

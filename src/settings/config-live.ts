/** The settings of an audience beyond streams. As config.ts, which has them under one heading. */
import { duration, oneLine, share } from "./kinds.ts";

const secretsCharsMax = 16_384;

export const liveRows = {
  streamShare: {
    kind: share,
    fallback: "1",
    help: "share of the viewers who get a stream; the others poll what caches share; the same on all nodes",
  },
  pollEveryMs: {
    kind: duration(1_000, 60_000),
    fallback: "2s",
    help: "how often whoever gets no stream polls",
  },
  liveSecrets: {
    kind: oneLine(secretsCharsMax, "secret,…"),
    fallback: "",
    fallbackShown: "--jwt-secrets",
    help: "with --auth=token: secrets that sign what is polled, the same on all nodes; the first one signs",
    secret: true,
  },
} as const;

type LiveSettings = Readonly<
  Record<"auth" | "streamShare" | "liveSecrets" | "jwtSecrets" | "jwtSecretsFile", string>
>;

export const liveRules = [
  {
    uses: ["auth", "streamShare", "liveSecrets", "jwtSecrets", "jwtSecretsFile"],
    mistake: ({ auth, streamShare, liveSecrets, jwtSecrets, jwtSecretsFile }: LiveSettings) =>
      auth === "token" && Number(streamShare) < 1 && liveSecrets + jwtSecrets + jwtSecretsFile === ""
        ? "--stream-share with --auth=token needs --live-secrets, --jwt-secrets or --jwt-secrets-file"
        : undefined,
  },
] as const;

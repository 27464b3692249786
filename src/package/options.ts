/**
 * The options of `createOvation`. Written by `npm run docs` from the table of settings
 * (settings/config.ts): what is said here is what `ovation --help` says. Its types are written out, so that
 * a program's compiler needs nothing of the table; scripts/docs.test.ts holds them against it.
 */

/** Every setting of `ovation serve` that is not about ports or processes. Times are in milliseconds. */
export interface OvationOptions {
  /** What this node does; frontend holds streams, dispatcher takes likes and comments. One of both, frontend,
   * dispatcher.
   * @default "both"
   */
  readonly role?: "both" | "frontend" | "dispatcher";
  /** Folder of the ledger of a node without `nats`; :memory: keeps nothing. A folder, or :memory:.
   * @default ":memory:"
   */
  readonly data?: string;
  /** What an answered like outlives in that folder: the process's death, or a loss of power too. One of
   * process, power.
   * @default "process"
   */
  readonly durability?: "process" | "power";
  /** This node's name, unique in the cluster; viewers are told it. 1 to 32 of A-Z a-z 0-9 _ -.
   * @default node- and eight random letters
   */
  readonly node?: string;
  /** Where this node is. 1 to 32 of A-Z a-z 0-9 _ -.
   * @default "main"
   */
  readonly region?: string;
  /** Time over which viewers are sent away when the node stops. A duration from 0ms to 10m, in ms.
   * @default 10000
   */
  readonly drainMs?: number;
  /** Folder of video files for the demo page. One line of at most 4096 characters.
   * @default ""
   */
  readonly media?: string;
  /** Longest a stream is silent; a client's read time-out must be longer. A duration from 1s to 1m, in ms.
   * @default 15000
   */
  readonly beatMs?: number;
  /** Age at which a stream is told to come back, before a proxy cuts it; 0 is never. 0, or a duration from 1m
   * to 1d, in ms.
   * @default 0
   */
  readonly streamAgeMs?: number;
  /** Invents an audience, for showing. True or false.
   * @default false
   */
  readonly demo?: boolean;
  /** NATS servers with JetStream; without them the node is alone. At most 16 different items, each a server
   * like nats://host:4222, without a user or password.
   * @default [] (alone)
   */
  readonly nats?: readonly string[];
  /** First word of every subject, stream and bucket, so that several systems can share NATS. 1 to 32 of A-Z
   * a-z 0-9 _ -.
   * @default "ov"
   */
  readonly natsPrefix?: string;
  /** User at NATS. One line of at most 1024 characters.
   * @default ""
   */
  readonly natsUser?: string;
  /** Password at NATS. One line of at most 1024 characters.
   * @default ""
   */
  readonly natsPassword?: string;
  /** Token at NATS, in place of a user. One line of at most 1024 characters.
   * @default ""
   */
  readonly natsToken?: string;
  /** Credentials file of NATS, in place of a user. One line of at most 4096 characters.
   * @default ""
   */
  readonly natsCreds?: string;
  /** Certificate file that NATS must be signed by; turns TLS on. One line of at most 4096 characters.
   * @default ""
   */
  readonly natsCa?: string;
  /** Copies JetStream keeps of everything; 3 outlives a lost NATS server. A whole number from 1 to 5.
   * @default 1
   */
  readonly natsReplicas?: number;
  /** Logs the likes are spread over by video; fixed once a cluster has data. A whole number from 1 to 64.
   * @default 4
   */
  readonly partitions?: number;
  /** Kinds of like. 1 to 16 different items, each 1 to 16 of a-z 0-9 _ -, a letter first.
   * @default ["heart","clap","laugh","wow","fire"]
   */
  readonly kinds?: readonly string[];
  /** Many adds up taps; once is one like per viewer, which can be taken back; fixed with the data. One of
   * many, once.
   * @default "many"
   */
  readonly likeMode?: "many" | "once";
  /** Likes held with `likeMode: "once"`, about 16 bytes each; further ones get 503. A whole number from 1 to
   * 50000000.
   * @default 8000000
   */
  readonly likesMax?: number;
  /** Window over which likes merge before viewers see them; 0 passes without pause. A duration from 0ms to
   * 5s, in ms.
   * @default 50
   */
  readonly tickMs?: number;
  /** Window over which comments are written together. A duration from 0ms to 1s, in ms.
   * @default 20
   */
  readonly commentTickMs?: number;
  /** Comments per second written to a viewer per video. A whole number from 1 to 100000.
   * @default 500
   */
  readonly commentRate?: number;
  /** Comments kept per video for listing and replay. A whole number from 20 to 1000000.
   * @default 1000
   */
  readonly commentHistory?: number;
  /** Videos with likes held in memory, about 1 KB each; the same on all nodes. A whole number from 1 to
   * 20000000.
   * @default 1000000
   */
  readonly videosMax?: number;
  /** How long nobody has used a closed video when it leaves memory; it is read back when asked for. A
   * duration from 2s to 365d, in ms.
   * @default 600000
   */
  readonly coldAfterMs?: number;
  /** Keeps which second each like belongs to, for timelines, moments and replay; the same on all nodes. True
   * or false.
   * @default true
   */
  readonly timeline?: boolean;
  /** How long the likes of each second are kept; the same on all nodes, as the next two. A duration from 15m
   * to 1d, in ms.
   * @default 7200000
   */
  readonly timelineFineMs?: number;
  /** How long those of each ten seconds are; then those of each minute. A duration from 15m to 10d, in ms.
   * @default 86400000
   */
  readonly timelineMiddleMs?: number;
  /** How long those of each minute are; then they are only part of the totals. A duration from 15m to 365d,
   * in ms.
   * @default 2592000000
   */
  readonly timelineKeepMs?: number;
  /** How far a viewer's mediaTime may lie behind the video's median; beyond, it is ignored. A duration from
   * 1s to 1h, in ms.
   * @default 120000
   */
  readonly mediaBehindMs?: number;
  /** How far it may lie ahead of the median; all nodes have the same two. A duration from 1s to 1h, in ms.
   * @default 10000
   */
  readonly mediaAheadMs?: number;
  /** Share of the viewers who get a stream; the others poll what caches share; the same on all nodes. A share
   * from 0 to 1, like 0.2.
   * @default "1"
   */
  readonly streamShare?: string;
  /** How often whoever gets no stream polls. A duration from 1s to 1m, in ms.
   * @default 2000
   */
  readonly pollEveryMs?: number;
  /** With `auth: "token"`: secrets that sign what is polled, the same on all nodes; the first one signs. One
   * line of at most 16384 characters.
   * @default "" (--jwt-secrets)
   */
  readonly liveSecrets?: string;
  /** Web origins whose pages may call this server; * alone allows all. At most 256 different items, each an
   * origin like https://example.com or capacitor://localhost, null, or *.
   * @default [] (same origin only)
   */
  readonly corsOrigins?: readonly string[];
  /** Key of the admin calls, 16 characters or more; without one they are off. One line of at most 1024
   * characters.
   * @default ""
   */
  readonly adminKey?: string;
  /** Keys of servers and people, scopes joined by +: watch, publish, moderate, metrics, admin. One line of at
   * most 16384 characters.
   * @default ""
   */
  readonly apiKeys?: string;
  /** File of more `apiKeys`, one a line. One line of at most 4096 characters.
   * @default ""
   */
  readonly apiKeysFile?: string;
  /** Open lets anybody watch, like and comment; token asks everybody for a token. One of open, token.
   * @default "open"
   */
  readonly auth?: "open" | "token";
  /** Secrets of HS256 tokens; the first one makes tokens, all are taken, so they can be rotated. One line of
   * at most 16384 characters.
   * @default ""
   */
  readonly jwtSecrets?: string;
  /** File of more `jwtSecrets`, one a line. One line of at most 4096 characters.
   * @default ""
   */
  readonly jwtSecretsFile?: string;
  /** Public keys of RS256, ES256 and EdDSA tokens: a PEM file or a JWKS. One line of at most 4096 characters.
   * @default ""
   */
  readonly jwtKeysFile?: string;
  /** Where public keys of tokens are published as a JWKS. An address like https://example.com/keys, or
   * nothing.
   * @default ""
   */
  readonly jwksUrl?: string;
  /** What a token's iss must say. One line of at most 256 characters.
   * @default "" (any)
   */
  readonly jwtIssuer?: string;
  /** What a token's aud must say. One line of at most 256 characters.
   * @default "" (any)
   */
  readonly jwtAudience?: string;
  /** How far a token maker's clock may be from this one: exp and nbf are taken so much wider. A duration from
   * 0ms to 5m, in ms.
   * @default 5000
   */
  readonly jwtLeewayMs?: number;
  /** File of words that no comment may hold: one a line, *part* matches inside words. One line of at most
   * 4096 characters.
   * @default ""
   */
  readonly wordList?: string;
  /** Proxies of yours before this server: so many entries of X-Forwarded-For are believed. A whole number
   * from 0 to 10.
   * @default 0
   */
  readonly trustProxy?: number;
  /** Videos there are, like final or match-*; calls about others get 404, so that nobody invents any. At most
   * 1000 different items, each an id, or the beginning of ids and a *.
   * @default [] (all ids)
   */
  readonly videos?: readonly string[];
  /** Off lifts those below, for load tests on your own machine; addresses like 127.0.0.1 have none. One of
   * on, off.
   * @default "on"
   */
  readonly limits?: "on" | "off";
  /** Likes a second of one viewer (who has a token). A whole number from 1 to 1000000000.
   * @default 20
   */
  readonly viewerLikes?: number;
  /** Comments in ten seconds of one viewer. A whole number from 1 to 1000000000.
   * @default 10
   */
  readonly viewerComments?: number;
  /** Streams of one viewer open at once on a node. A whole number from 1 to 1000000000.
   * @default 16
   */
  readonly viewerStreams?: number;
  /** Units of work a second of one viewer, ten times as many at once. A whole number from 1 to 1000000000.
   * @default 200
   */
  readonly viewerWork?: number;
  /** Likes a second of one address, of viewers without a token. A whole number from 1 to 1000000000.
   * @default 2000
   */
  readonly addressLikes?: number;
  /** Comments in ten seconds of one address, of viewers without a token. A whole number from 1 to 1000000000.
   * @default 200
   */
  readonly addressComments?: number;
  /** New streams a second of one address, ten times as many at once. A whole number from 1 to 1000000000.
   * @default 200
   */
  readonly addressStreams?: number;
  /** The same of one address: a call is a unit, what needs more of a node is more. A whole number from 1 to
   * 1000000000.
   * @default 4000
   */
  readonly addressWork?: number;
  /** Streams open at once on a node. A whole number from 1 to 1000000000.
   * @default 250000
   */
  readonly nodeStreams?: number;
  /** New streams a second of a node, twice as many at once. A whole number from 1 to 1000000000.
   * @default 20000
   */
  readonly nodeAccepts?: number;
  /** Servers that are told what happens, by dispatchers; see docs/webhooks.md. At most 8 different items,
   * each an address like https://example.com/hook, without a user or password.
   * @default [] (none)
   */
  readonly webhookUrls?: readonly string[];
  /** Secrets that webhooks and reviews are signed with, each of them, so they can be rotated. One line of at
   * most 16384 characters.
   * @default ""
   */
  readonly webhookSecrets?: string;
  /** File of more `webhookSecrets`, one a line. One line of at most 4096 characters.
   * @default ""
   */
  readonly webhookSecretsFile?: string;
  /** Types of event that are told. 1 to 6 different items, each one of video_occupied, video_vacated,
   * comment_published, comment_removed, milestone, moment.
   * @default ["video_occupied","video_vacated","comment_published","comment_removed","milestone","moment"]
   */
  readonly webhookEvents?: readonly string[];
  /** Numbers of likes of a video, of one kind and of all, that are told as milestone. At most 64 different
   * items, each a whole number from 1.
   * @default ["100","1000","10000","100000","1000000","10000000","100000000","1000000000"]
   */
  readonly milestones?: readonly string[];
  /** Server that is asked about each comment before anybody sees it; see docs/moderate.md. An address like
   * https://example.com/hook, without a user or password, or nothing.
   * @default "" (none)
   */
  readonly reviewUrl?: string;
  /** How long a comment waits for its review. A duration from 10ms to 10s, in ms.
   * @default 200
   */
  readonly reviewDeadlineMs?: number;
  /** What becomes of a comment without a review in time. One of allow, deny.
   * @default "allow"
   */
  readonly reviewFallback?: "allow" | "deny";
  /** OpenTelemetry collector that is sent traces of some likes, as OTLP over HTTP; see docs/operate.md. An
   * address like https://example.com/hook, without a user or password, or nothing.
   * @default "" (none)
   */
  readonly otlpUrl?: string;
  /** Least level that is written. One of debug, info, warn, error.
   * @default "warn"
   */
  readonly logLevel?: "debug" | "info" | "warn" | "error";
  /**
   * Takes each line of the log, JSON with its newline.
   * @default the console, from `logLevel` on
   */
  readonly log?: (line: string) => void;
}

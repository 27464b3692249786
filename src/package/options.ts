/**
 * The options of `createOvation`. Written by `npm run docs` from the table of settings
 * (settings/config.ts): what is said here is what `ovation --help` says.
 */
import type { Settings } from "../settings/config.ts";

/** Every setting of `ovation serve` that is not about ports or processes. Times are in milliseconds. */
export interface OvationOptions {
  /** What this node does; frontend holds streams, dispatcher takes likes and comments. One of both, frontend,
   * dispatcher.
   * @default "both"
   */
  readonly role?: Settings["role"];
  /** Folder of the ledger of a node without --nats; :memory: keeps nothing. A folder, or :memory:.
   * @default ":memory:"
   */
  readonly data?: Settings["data"];
  /** What an answered like outlives in that folder: the process's death, or a loss of power too. One of
   * process, power.
   * @default "process"
   */
  readonly durability?: Settings["durability"];
  /** This node's name, unique in the cluster; viewers are told it. 1 to 32 of A-Z a-z 0-9 _ -.
   * @default node- and eight random letters
   */
  readonly node?: Settings["node"];
  /** Where this node is. 1 to 32 of A-Z a-z 0-9 _ -.
   * @default "main"
   */
  readonly region?: Settings["region"];
  /** Time over which viewers are sent away when the node stops. A duration from 0ms to 10m, in ms.
   * @default 10000
   */
  readonly drainMs?: Settings["drainMs"];
  /** Folder of video files for the demo page. One line of at most 4096 characters.
   * @default ""
   */
  readonly media?: Settings["media"];
  /** Longest a stream is silent; a client's read time-out must be longer. A duration from 1s to 1m, in ms.
   * @default 15000
   */
  readonly beatMs?: Settings["beatMs"];
  /** Age at which a stream is told to come back, before a proxy cuts it; 0 is never. 0, or a duration from 1m
   * to 1d, like 90m, 12h or 7d, in ms.
   * @default 0
   */
  readonly streamAgeMs?: Settings["streamAgeMs"];
  /** Invents an audience, for showing. True or false.
   * @default false
   */
  readonly demo?: Settings["demo"];
  /** NATS servers with JetStream; without them the node is alone. At most 16 different items, each a server
   * like nats://host:4222, without a user or password.
   * @default [] (alone)
   */
  readonly nats?: Settings["nats"];
  /** First word of every subject, stream and bucket, so that several systems can share NATS. 1 to 32 of A-Z
   * a-z 0-9 _ -.
   * @default "ov"
   */
  readonly natsPrefix?: Settings["natsPrefix"];
  /** User at NATS. One line of at most 1024 characters.
   * @default ""
   */
  readonly natsUser?: Settings["natsUser"];
  /** Password at NATS. One line of at most 1024 characters.
   * @default ""
   */
  readonly natsPassword?: Settings["natsPassword"];
  /** Token at NATS, in place of a user. One line of at most 1024 characters.
   * @default ""
   */
  readonly natsToken?: Settings["natsToken"];
  /** Credentials file of NATS, in place of a user. One line of at most 4096 characters.
   * @default ""
   */
  readonly natsCreds?: Settings["natsCreds"];
  /** Certificate file that NATS must be signed by; turns TLS on. One line of at most 4096 characters.
   * @default ""
   */
  readonly natsCa?: Settings["natsCa"];
  /** Copies JetStream keeps of everything; 3 outlives a lost NATS server. A whole number from 1 to 5.
   * @default 1
   */
  readonly natsReplicas?: Settings["natsReplicas"];
  /** Logs the likes are spread over by video; fixed once a cluster has data. A whole number from 1 to 64.
   * @default 4
   */
  readonly partitions?: Settings["partitions"];
  /** Kinds of like. 1 to 16 different items, each 1 to 16 of a-z 0-9 _ -, a letter first.
   * @default ["heart","clap","laugh","wow","fire"]
   */
  readonly kinds?: Settings["kinds"];
  /** Many adds up taps; once is one like per viewer, which can be taken back; fixed with the data. One of
   * many, once.
   * @default "many"
   */
  readonly likeMode?: Settings["likeMode"];
  /** Likes held with --like-mode=once, about 16 bytes each; further ones get 503. A whole number from 1 to
   * 50000000.
   * @default 8000000
   */
  readonly likesMax?: Settings["likesMax"];
  /** Window over which likes merge before viewers see them; 0 passes without pause. A duration from 0ms to
   * 5s, in ms.
   * @default 50
   */
  readonly tickMs?: Settings["tickMs"];
  /** Window over which comments are written together. A duration from 0ms to 1s, in ms.
   * @default 20
   */
  readonly commentTickMs?: Settings["commentTickMs"];
  /** Comments per second written to a viewer per video. A whole number from 1 to 100000.
   * @default 500
   */
  readonly commentRate?: Settings["commentRate"];
  /** Comments kept per video for listing and replay. A whole number from 20 to 1000000.
   * @default 1000
   */
  readonly commentHistory?: Settings["commentHistory"];
  /** Videos with likes held in memory, about 1 KB each; the same on all nodes. A whole number from 1 to
   * 20000000.
   * @default 1000000
   */
  readonly videosMax?: Settings["videosMax"];
  /** How long nobody has used a closed video when it leaves memory; it is read back when asked for. A
   * duration from 2s to 365d, like 90m, 12h or 7d, in ms.
   * @default 600000
   */
  readonly coldAfterMs?: Settings["coldAfterMs"];
  /** Keeps which second each like belongs to, for timelines, moments and replay; the same on all nodes. True
   * or false.
   * @default true
   */
  readonly timeline?: Settings["timeline"];
  /** How long the likes of each second are kept; the same on all nodes, as the next two. A duration from 15m
   * to 1d, like 90m, 12h or 7d, in ms.
   * @default 7200000
   */
  readonly timelineFineMs?: Settings["timelineFineMs"];
  /** How long those of each ten seconds are; then those of each minute. A duration from 15m to 10d, like 90m,
   * 12h or 7d, in ms.
   * @default 86400000
   */
  readonly timelineMiddleMs?: Settings["timelineMiddleMs"];
  /** How long those of each minute are; then they are only part of the totals. A duration from 15m to 365d,
   * like 90m, 12h or 7d, in ms.
   * @default 2592000000
   */
  readonly timelineKeepMs?: Settings["timelineKeepMs"];
  /** How far a viewer's mediaTime may lie behind the video's median; beyond, it is ignored. A duration from
   * 1s to 1h, in ms.
   * @default 120000
   */
  readonly mediaBehindMs?: Settings["mediaBehindMs"];
  /** How far it may lie ahead of the median; all nodes have the same two. A duration from 1s to 1h, in ms.
   * @default 10000
   */
  readonly mediaAheadMs?: Settings["mediaAheadMs"];
  /** Share of the viewers who get a stream; the others poll what caches share; the same on all nodes. A share
   * from 0 to 1, like 0.2.
   * @default "1"
   */
  readonly streamShare?: Settings["streamShare"];
  /** How often whoever gets no stream polls. A duration from 1s to 1m, in ms.
   * @default 2000
   */
  readonly pollEveryMs?: Settings["pollEveryMs"];
  /** With --auth=token: secrets that sign what is polled, the same on all nodes; the first one signs. One
   * line of at most 16384 characters.
   * @default "" (--jwt-secrets)
   */
  readonly liveSecrets?: Settings["liveSecrets"];
  /** Web origins whose pages may call this server; * alone allows all. At most 256 different items, each an
   * origin like https://example.com or capacitor://localhost, null, or *.
   * @default [] (same origin only)
   */
  readonly corsOrigins?: Settings["corsOrigins"];
  /** Key of the admin calls, 16 characters or more; without one they are off. One line of at most 1024
   * characters.
   * @default ""
   */
  readonly adminKey?: Settings["adminKey"];
  /** Keys of servers and people, scopes joined by +: watch, publish, moderate, metrics, admin. One line of at
   * most 16384 characters.
   * @default ""
   */
  readonly apiKeys?: Settings["apiKeys"];
  /** File of more --api-keys, one a line. One line of at most 4096 characters.
   * @default ""
   */
  readonly apiKeysFile?: Settings["apiKeysFile"];
  /** Open lets anybody watch, like and comment; token asks everybody for a token. One of open, token.
   * @default "open"
   */
  readonly auth?: Settings["auth"];
  /** Secrets of HS256 tokens; the first one makes tokens, all are taken, so they can be rotated. One line of
   * at most 16384 characters.
   * @default ""
   */
  readonly jwtSecrets?: Settings["jwtSecrets"];
  /** File of more --jwt-secrets, one a line. One line of at most 4096 characters.
   * @default ""
   */
  readonly jwtSecretsFile?: Settings["jwtSecretsFile"];
  /** Public keys of RS256, ES256 and EdDSA tokens: a PEM file or a JWKS. One line of at most 4096 characters.
   * @default ""
   */
  readonly jwtKeysFile?: Settings["jwtKeysFile"];
  /** Where public keys of tokens are published as a JWKS. An address like https://example.com/keys, or
   * nothing.
   * @default ""
   */
  readonly jwksUrl?: Settings["jwksUrl"];
  /** What a token's iss must say. One line of at most 256 characters.
   * @default "" (any)
   */
  readonly jwtIssuer?: Settings["jwtIssuer"];
  /** What a token's aud must say. One line of at most 256 characters.
   * @default "" (any)
   */
  readonly jwtAudience?: Settings["jwtAudience"];
  /** How far a token maker's clock may be from this one: exp and nbf are taken so much wider. A duration from
   * 0ms to 5m, in ms.
   * @default 5000
   */
  readonly jwtLeewayMs?: Settings["jwtLeewayMs"];
  /** File of words that no comment may hold: one a line, *part* matches inside words. One line of at most
   * 4096 characters.
   * @default ""
   */
  readonly wordList?: Settings["wordList"];
  /** Proxies of yours before this server: so many entries of X-Forwarded-For are believed. A whole number
   * from 0 to 10.
   * @default 0
   */
  readonly trustProxy?: Settings["trustProxy"];
  /** Videos there are, like final or match-*; calls about others get 404, so that nobody invents any. At most
   * 1000 different items, each an id, or the beginning of ids and a *.
   * @default [] (all ids)
   */
  readonly videos?: Settings["videos"];
  /** Off lifts those below, for load tests on your own machine; addresses like 127.0.0.1 have none. One of
   * on, off.
   * @default "on"
   */
  readonly limits?: Settings["limits"];
  /** Likes a second of one viewer (who has a token). A whole number from 1 to 1000000000.
   * @default 20
   */
  readonly viewerLikes?: Settings["viewerLikes"];
  /** Comments in ten seconds of one viewer. A whole number from 1 to 1000000000.
   * @default 10
   */
  readonly viewerComments?: Settings["viewerComments"];
  /** Streams of one viewer open at once on a node. A whole number from 1 to 1000000000.
   * @default 16
   */
  readonly viewerStreams?: Settings["viewerStreams"];
  /** Units of work a second of one viewer, ten times as many at once. A whole number from 1 to 1000000000.
   * @default 200
   */
  readonly viewerWork?: Settings["viewerWork"];
  /** Likes a second of one address, of viewers without a token. A whole number from 1 to 1000000000.
   * @default 2000
   */
  readonly addressLikes?: Settings["addressLikes"];
  /** Comments in ten seconds of one address, of viewers without a token. A whole number from 1 to 1000000000.
   * @default 200
   */
  readonly addressComments?: Settings["addressComments"];
  /** New streams a second of one address, ten times as many at once. A whole number from 1 to 1000000000.
   * @default 200
   */
  readonly addressStreams?: Settings["addressStreams"];
  /** The same of one address: a call is a unit, what needs more of a node is more. A whole number from 1 to
   * 1000000000.
   * @default 4000
   */
  readonly addressWork?: Settings["addressWork"];
  /** Streams open at once on a node. A whole number from 1 to 1000000000.
   * @default 250000
   */
  readonly nodeStreams?: Settings["nodeStreams"];
  /** New streams a second of a node, twice as many at once. A whole number from 1 to 1000000000.
   * @default 20000
   */
  readonly nodeAccepts?: Settings["nodeAccepts"];
  /** Servers that are told what happens, by dispatchers; see docs/webhooks.md. At most 8 different items,
   * each an address like https://example.com/hook, without a user or password.
   * @default [] (none)
   */
  readonly webhookUrls?: Settings["webhookUrls"];
  /** Secrets that webhooks and reviews are signed with, each of them, so they can be rotated. One line of at
   * most 16384 characters.
   * @default ""
   */
  readonly webhookSecrets?: Settings["webhookSecrets"];
  /** File of more --webhook-secrets, one a line. One line of at most 4096 characters.
   * @default ""
   */
  readonly webhookSecretsFile?: Settings["webhookSecretsFile"];
  /** Types of event that are told. 1 to 6 different items, each one of video_occupied, video_vacated,
   * comment_published, comment_removed, milestone, moment.
   * @default ["video_occupied","video_vacated","comment_published","comment_removed","milestone","moment"]
   */
  readonly webhookEvents?: Settings["webhookEvents"];
  /** Numbers of likes of a video, of one kind and of all, that are told as milestone. At most 64 different
   * items, each a whole number from 1.
   * @default ["100","1000","10000","100000","1000000","10000000","100000000","1000000000"]
   */
  readonly milestones?: Settings["milestones"];
  /** Server that is asked about each comment before anybody sees it; see docs/moderate.md. An address like
   * https://example.com/hook, without a user or password, or nothing.
   * @default "" (none)
   */
  readonly reviewUrl?: Settings["reviewUrl"];
  /** How long a comment waits for its review. A duration from 10ms to 10s, in ms.
   * @default 200
   */
  readonly reviewDeadlineMs?: Settings["reviewDeadlineMs"];
  /** What becomes of a comment without a review in time. One of allow, deny.
   * @default "allow"
   */
  readonly reviewFallback?: Settings["reviewFallback"];
  /** OpenTelemetry collector that is sent traces of some likes, as OTLP over HTTP; see docs/operate.md. An
   * address like https://example.com/hook, without a user or password, or nothing.
   * @default "" (none)
   */
  readonly otlpUrl?: Settings["otlpUrl"];
  /** Least level that is written. One of debug, info, warn, error.
   * @default "warn"
   */
  readonly logLevel?: Settings["logLevel"];
  /**
   * Takes each line of the log, JSON with its newline.
   * @default the console, from `logLevel` on
   */
  readonly log?: (line: string) => void;
}

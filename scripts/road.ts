/**
 * The reading order of the source: sections, what each is about, the files that begin it, and the folders
 * whose other files it takes, by name. docs.ts makes docs/source.md of it.
 */

export interface Section {
  readonly title: string;
  readonly about: string;
  /** Paths without `src/` and `.ts`, in reading order. */
  readonly first: readonly string[];
  /** Folders whose files that no section names come at the end of this one. */
  readonly rest: readonly string[];
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const road: readonly Section[] = [
  {
    title: "A like, from `POST` to the bytes of an event",
    about: "Read these in order; `limits.ts` holds every number they are bound by.",
    first: words(`
      program/main program/serve node/service program/collect-garbage node/open node/company node/pulse
      node/runtime node/runtime-bun node/node http/listen http/server http/routes http/row http/call
      http/enter http/entry http/publish http/body http/bodies core/interaction core/text core/ingest
      dispatcher/ingest dispatcher/admit dispatcher/batch dispatcher/lane core/record core/once core/hash
      ledger/ledger ledger/sqlite ledger/sqlite-file ledger/fold ledger/log-time ledger/keys ledger/members
      core/totals dispatcher/dispatcher dispatcher/routes dispatcher/ticks core/wire bus/bus bus/memory
      video/sync video/strangers video/state core/sse fanout/supervisor fanout/pace fanout/shard
      fanout/lanes fanout/walk fanout/slot fanout/connection fanout/direct fanout/tally core/beats
      core/limits`),
    rest: ["core", "dispatcher", "node", "fanout"],
  },
  {
    title: "A viewer comes, falls behind, and comes back",
    about: "What a stream is told first, what is kept for those who return, and how streams end.",
    first: words(`
      http/streams frontend/frontend frontend/request video/interest video/counts core/presence
      frontend/joining core/lineage core/entry video/history video/held fanout/catchup frontend/poll
      asking/reader asking/asker asking/elsewhere frontend/words frontend/expiry frontend/farewell`),
    rest: ["frontend", "video", "asking"],
  },
  {
    title: "What the ledger on one machine keeps",
    about: "One SQLite file, or nothing beyond the process.",
    first: words(`
      ledger/schema ledger/comments ledger/page ledger/written ledger/retention ledger/memory`),
    rest: [],
  },
  {
    title: "From one machine to many",
    about: "The same road over NATS and JetStream, and several processes on one port.",
    first: words(`
      asking/relay core/nodes core/peers bus/rows bus/nats bus/nats-link bus/nats-dial bus/nats-jetstream
      bus/nats-streams bus/nats-reader bus/nats-table bus/nats-watch bus/nats-restore ledger/streams
      ledger/jetstream ledger/partition ledger/copy ledger/appender ledger/verifier ledger/trail
      ledger/snapshot ledger/snapshots ledger/comment-pages ledger/known ledger/shared
      ledger/comment-stream http/early program/workers program/worker program/listeners bus/local-hub
      bus/local-session bus/frames bus/pipe bus/local bus/local-tables bus/local-words`),
    rest: ["bus", "ledger", "program"],
  },
  {
    title: "Mounted in another program",
    about: "The package: a node without a port of its own.",
    first: words("package/ovation package/ovation-bun package/embed"),
    rest: ["package"],
  },
  {
    title: "Who may do what",
    about: "Tokens, keys, allowances and moderators' decisions.",
    first: words(`
      settings/access trust/address trust/allowance trust/generations trust/identity trust/journal
      trust/keys program/mint trust/moderation trust/rate trust/payer trust/rules fanout/review
      trust/token-keys trust/tokens trust/words http/seats http/auth`),
    rest: ["trust"],
  },
  {
    title: "Telling other servers, and asking them",
    about: "Webhooks, and the review of a comment before anybody sees it.",
    first: words(`
      core/happening dispatcher/happenings dispatcher/milestones dispatcher/occupancy hooks/webhooks
      hooks/outbox hooks/review hooks/post hooks/signature`),
    rest: ["hooks"],
  },
  {
    title: "The rest of the door: reads, pages, operators",
    about: "Calls beside the road, and what they are made of.",
    first: [],
    rest: ["http"],
  },
  {
    title: "Settings, time, log, metrics",
    about: "What every layer stands on.",
    first: words(`
      settings/config settings/config-access settings/config-hooks settings/kinds settings/table
      settings/text base/assert base/clock base/sweep base/sorted base/durations base/log base/metrics`),
    rest: ["settings", "base"],
  },
  {
    title: "`ovation conform`, the protocol tried",
    about: "Each sentence of protocol.md as a check of any server.",
    first: words(`
      conform/command conform/conform conform/probe conform/stream conform/calls conform/comments
      conform/streams conform/seen conform/report`),
    rest: ["conform"],
  },
  {
    title: "`ovation load`, the audience",
    about: "Viewers and publishers over real sockets, and the proof that everything accepted arrived.",
    first: words(`
      load/load load/options load/run load/crew load/link load/worker load/audience load/viewer load/stream
      load/http-answer load/sse-parser load/events load/places load/publishers load/schedule
      load/request-pool load/target load/latency load/health load/check load/settle load/report
      load/report-text`),
    rest: ["load"],
  },
  {
    title: "`ovation plan`, the arithmetic",
    about: "How many nodes an audience needs, from coefficients that `ovation calibrate` measures.",
    first: words("plan/plan plan/options plan/model plan/coefficients plan/text plan/calibrate plan/proc"),
    rest: ["plan"],
  },
];

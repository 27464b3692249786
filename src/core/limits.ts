/**
 * Every number that bounds memory or work, with its unit, in one place; what happens at each bound is
 * said beside it. How they relate is checked once, at start: relations.ts.
 */
import { timeLimits } from "./limits-time.ts";

export const limits = {
  /** Bytes of a request body. Beyond: 413. */
  bodyBytesMax: 16 * 1024,
  /** Bytes of a batch request body (`POST /v1/likes`). Beyond: 413. */
  batchBodyBytesMax: 512 * 1024,
  /** Longest a body may take from its head to its end, in milliseconds. Beyond: 408. */
  bodyMs: 10_000,
  /** Bytes of bodies on their way to a node at once. Beyond: 503; of one viewer or address: 429. */
  bodiesBytesMax: 64 * 1024 * 1024,
  bodiesOfOneBytesMax: 4 * 1024 * 1024,
  /** Items of `POST /v1/likes`. Beyond: 422. */
  batchItemsMax: 1000,
  /** Likes in one interaction: a client merges taps. Beyond: 422. */
  likeCountMax: 50,
  /** Code points of a comment. Beyond: 422. */
  commentCharsMax: 500,
  /** Code points of a user name. Beyond: 422. */
  userCharsMax: 64,
  /** UTF-16 units of the name of a viewer, with one like per viewer. Beyond: 422. */
  viewerCharsMax: 128,
  /** Bytes of an idempotency key (visible ASCII). Beyond: 422. */
  keyBytesMax: 128,
  /** Characters of a video id. Beyond: 400. */
  videoIdCharsMax: 64,
  /** Videos on one stream. Beyond: 422. */
  videosPerStreamMax: 32,
  /** Rows of the (video, node) table that one node writes at once. Beyond: they wait. */
  rowsUnderWayMax: 256,
  /** Videos watched on one node. Beyond: a stream that asks for another one is refused. */
  watchesMax: 200_000,
  /** Of them, by one viewer or address; by the networks of one site four times as many. Beyond: refused. */
  watchesOfOneMax: 20_000,
  /** Interactions in one relayed micro-batch, and their bytes. Beyond: another one. */
  relayItemsMax: 500,
  relayBytesMax: 256 * 1024,
  /** Lanes of the log whose likes travel apart. Beyond: some of them share a micro-batch, and its fate. */
  relayLanesMax: 8,
  /** Longest an interaction waits to be relayed with others, in milliseconds. */
  relayMs: 5,
  /** How long a key is remembered, in milliseconds of log time. */
  keyWindowMs: 120_000,
  /** Keys remembered at once. Beyond: new keyed likes are answered 503 until old ones expire. */
  keysMax: 8_000_000,
  /**
   * Videos whose totals are held in memory unless --videos-max says otherwise, in each partition of a shared
   * log up to twice its share. Beyond: likes of a new video are answered 503, and closed videos leave memory
   * at once, those longest unused first. From the half of it on, videos with less than `fewLikes` likes that
   * nobody liked for `idleMs` of log time are forgotten, the oldest first.
   */
  videosMax: 1_000_000,
  fewLikes: 10,
  idleMs: 10 * 60_000,
  /**
   * Videos that have left memory, closed: their ids stay, some 12 bytes each. Beyond: none leaves any more.
   * Of them, how many are held for a while once they were asked for, and read at once. Beyond: the one asked
   * for longest ago is read again when it is; 503.
   */
  awayMax: 10_000_000,
  awayWarmMax: 256,
  awayReadsMax: 64,
  /** Records of a shared log that wait for a video to come back. Beyond: they are read again when it is. */
  awayHeldMax: 1_000,
  /** Videos that a dispatcher puts away at once, and looks at in a second. Beyond: a second later. */
  awayAtOnceMax: 64,
  awayTurnMax: 1_000,
  /** Likes, or comments, waiting for their commit in one lane of the log. Beyond: 503 in that lane. */
  pendingMax: 20_000,
  /** Longest a like waits to share a commit, in milliseconds. */
  batchMs: 10,
  /**
   * Likes with a key, or with a viewer, in one record of the log: keeps a record under NATS' 1 MB. Beyond: a
   * new record.
   */
  recordKeysMax: 16_384,
  /** Names shown with a tick (`by`). Beyond: the first ones stay. */
  bySizeMax: 5,
  /** Connections of one shard. Beyond: another shard. */
  connectionsPerShardMax: 1024,
  /** Writes a shard does before the event loop gets its turn. */
  stepWritesMax: 256,
  /** Turns' worth of writes that a late one does beside its own, while newcomers keep the loop busy. */
  lateTurnsMax: 3,
  /** Bytes of comments that one write to the viewers of a video carries. Beyond: the next one does. */
  writeBytesMax: 256 * 1024,
  /** Bytes of a write that a sink is given at once. Beyond: another piece, once that is taken. */
  writePieceBytes: 8 * 1024,
  /** Walks besides those of slots in a shard's lanes. Beyond: an early removal is told in its turn only. */
  asidesMax: 64,
  /** Chunks waiting in one viewer's stream before the viewer counts as lagging. */
  streamChunksMax: 8,
  /** Descriptors kept for health, metrics and publishing. Streams that would take one of them: `bye`. */
  descriptorsReserved: 64,
  /** Bytes that wait in the kernel to be sent to one viewer, on Linux. Beyond: it counts as lagging. */
  notSentBytesMax: 16 * 1024,
  /** Bytes of comments owed to a lagging viewer. Beyond: its stream is closed and resumes by id. */
  owedBytesMax: 64 * 1024,
  /** Bytes of one page of history between nodes. Beyond: the next page. */
  pageBytesMax: 512 * 1024,
  /** Entries of one page of history between nodes. Beyond: the next page. */
  pageEntriesMax: 1000,
  /** Bytes of a backup in one piece, and of the log that grows meanwhile. Beyond: it is given up. */
  backupChunkBytes: 256 * 1024,
  backupLogBytesMax: 256 * 1024 * 1024,
  /** Entries of a watched video that a node keeps for replay. Older ones are asked for. */
  historyEntriesMax: 1000,
  /** Longest a comment is held for review, in milliseconds. */
  holdMsMax: 10_000,
  /**
   * Entries of a watched video that wait on a node for their hold to pass. Beyond: asked for again when
   * half of them have been shown; until then moderators do not see them either. Later for all, never
   * earlier, none lost.
   */
  heldEntriesMax: 6_000,
  /** Entries shown at once when their hold has passed. Beyond: the next ones after `releasePauseMs`. */
  releaseMax: 64,
  releasePauseMs: 50,
  /**
   * Videos whose comments a ledger in memory holds. Beyond: the one longest without a comment is forgotten.
   */
  memoryRoomsMax: 1000,
  /** Keys of comments that a ledger in memory remembers. Beyond: the oldest is forgotten before its time. */
  memoryKeysMax: 100_000,
  /** Comments in a snapshot. */
  snapshotCommentsMax: 20,
  /** Comments of one listing. */
  listingMax: 100,
  /** Longest long poll, in seconds. */
  pollWaitMaxS: 25,
  /** Long polls held at once. Beyond: 503. */
  pollsMax: 10_000,
  /** Branches of a log that are remembered. Beyond: the oldest is forgotten, and its ids get `reset`. */
  branchesMax: 1000,
  /** Characters of a `Last-Event-ID` that are looked at. Beyond: reset. */
  eventIdCharsMax: 64,
  /** What `--beat` may be: no stream is silent for longer, in milliseconds. */
  beatMinMs: 1_000,
  beatMaxMs: 60_000,
  /** Streams are looked at for beats this often, in milliseconds, or eight times in a shorter beat. */
  beatSweepMs: 1_000,
  /** A stream that took no byte for so many beats is closed. */
  idleBeats: 3,
  /**
   * A connection whose other side acknowledges nothing for this long is closed by the kernel, in
   * milliseconds, or for a beat less than those above, whichever is longer. Shorter ones would cut who rides
   * through a tunnel.
   */
  unansweredMinMs: 25_000,
  /** What `--stream-age` may be at least, in milliseconds, unless it is 0. */
  streamAgeMinMs: 60_000,
  /** Longest a stream that ended for its age stays away, in ms: its place is free, and it is live. */
  ageRetryMs: 1_000,
  /** Least time between two log lines about the same thing that strangers can bring about, in ms. */
  logAgainMs: 60_000,
  /** Streams in a row with a forwarding header from one address, after which that is taken for a proxy. */
  forwardedStreamsMin: 5,
  /** Over how long viewers are sent away that a worker holds beyond its share, in milliseconds. */
  shedMs: 5_000,
  /** How long the last bytes of a stream have before its connection is ended too, in milliseconds. */
  byeMs: 100,
  /** Characters of the headers that a page's preflight asks for. Beyond: the usual ones are allowed. */
  corsHeadersCharsMax: 2_048,
  /**
   * Bytes of one event: clients in Go read lines of 64 KiB, and meet a longer one again and again. The
   * longest is a snapshot, which the other bounds keep below this; see relations.ts.
   */
  eventBytesMax: 60_000,
  /** First reconnect delay told to each stream, drawn from this range, in milliseconds. */
  retryMinMs: 1_000,
  retryMaxMs: 5_000,
  /** How long a node keeps a video's subscription after its last viewer left, in milliseconds. */
  lingerMs: 15_000,
  /** Least time between two viewer counts of one video and node, in milliseconds. */
  viewersEveryMs: 1_000,
  /** Viewer counts are repeated this often even without change, in milliseconds. */
  viewersRepeatMs: 5_000,
  /** A viewer count older than this no longer counts, in milliseconds. */
  viewersExpireMs: 15_000,
  /** Videos listed by `GET /v1/cluster`, and rows of each. Beyond: only counted. */
  clusterVideosMax: 1000,
  clusterRowsMax: 64,
  /** How long a node's lease lasts without renewal, in milliseconds. */
  leaseMs: 10_000,
  /** How often a node renews its lease, in milliseconds. */
  leaseRenewMs: 3_000,
  /**
   * How often a node asks whether publishing through it would be of use, in ms, again after a failure, and
   * failures in a row that make it not ready.
   */
  pulseMs: 2_000,
  pulseAgainMs: 500,
  pulseFailuresMax: 2,
  /** Reasons not to be ready that another node may tell. Beyond: it is not understood. */
  reasonsMax: 64,
  /** What goes on being wrong between nodes is said in the log this often, in milliseconds. */
  saidAgainMs: 60_000,
  /** How often a dispatcher says that it is there, in ms, and how often it may be missed. */
  aliveEveryMs: 500,
  /** Rows of a node without a lease are removed after this, in milliseconds, of so many videos at a time. */
  endedRowsMs: 60_000,
  endedRowsMax: 500,
  aliveMissedMax: 4,
  /** How long a dispatcher that has said goodbye still serves what was on its way to it, in milliseconds. */
  leaveMs: 100,
  /** Dispatchers whose silence is noticed. Beyond: only their leases count. */
  peersMax: 256,
  /** A quiet video's totals are published once more after this, in milliseconds: heals a lost tick. */
  echoMs: 1_000,
  /** A video with viewers is asked for again after this, though nothing seems to be missing, in ms. */
  recheckMs: 4_000,
  /** Least time between two such questions of a node, in ms: with many videos each waits longer. */
  recheckEveryMs: 250,
  /**
   * Numbers that another node may tell: versions and likes of a kind, and viewers of a node. Beyond: it is
   * not understood. All that may be summed of them stays a whole number.
   */
  countMax: 2 ** 46,
  nodeViewersMax: 10_000_000,
  /**
   * How far totals or a place of a comment may be beyond all that is known of a video. Beyond: the log is
   * asked before anything of it is believed. Above how far versions jump when a log is seeded anew.
   */
  leapMax: 2_000_000,
  /** Longest a request between nodes waits, in milliseconds. */
  requestMs: 2_000,
  /** Longest a like or comment waits for the shared log, in milliseconds. Beyond: 503. */
  storeMs: 1_800,
  /** Bytes handed to NATS that it is not known to have taken. Beyond: refused, as if it were away. */
  busUnderWayBytesMax: 16 * 1024 * 1024,
  /** Bytes that a NATS server must let a message have: its default. One that allows less is told of. */
  payloadBytesMin: 1024 * 1024,
  /** Requests of one node waiting for an answer from NATS. Beyond: refused, as if it were away. */
  busRequestsMax: 20_000,
  /** Bytes of one message between processes of one machine. Beyond: refused, whoever says so is cut off. */
  localFrameBytesMax: 2 * 1024 * 1024,
  /**
   * Bytes waiting for one process of the same machine to read them. Beyond: a worker refuses, as if the bus
   * were away, and a worker that does not read is cut off and looks anew. Answers take half of it at most;
   * beyond, they are that it is to be asked again.
   */
  localWaitingBytesMax: 16 * 1024 * 1024,
  /**
   * How often a worker asks whether the process with the ledger still answers, in ms, and answers in a row
   * that may be missing before it is taken to be away.
   */
  localPingMs: 500,
  localPingsMax: 3,
  /** How long a worker waits before it looks for the process with the ledger again, in milliseconds. */
  localRetryMinMs: 20,
  localRetryMaxMs: 100,
  /** How often a table that is put back after a loss is looked at, in milliseconds. */
  tableLookMs: 5_000,
  /** Newest decisions of one node that are put back should their tables be lost. Older ones stay lost. */
  decisionsRestoredMax: 10_000,
  /** Rows that are put back at once, and the pause before the next ones, in milliseconds. */
  tableRestoreMax: 100,
  tableRestoreEveryMs: 100,
  /**
   * How long a video must have had no viewer on any node before it is told as vacated, in milliseconds: a
   * page that is loaded anew, or a node whose viewers move to another, is no news.
   */
  vacantMs: 6_000,
  /**
   * Happenings whose owner is another dispatcher, remembered this long in case it died before it told them,
   * in milliseconds. Beyond the number: the oldest is forgotten.
   */
  handoverMs: 5_000,
  handoverMax: 10_000,
  /**
   * Records of a partition that a dispatcher can tell from others at their places, at least. Beyond: where a
   * log that went back parts from what was folded is told by when its records arrived.
   */
  trailMax: 16_384,
  /**
   * How far versions of totals jump when a log is seeded anew: more records than another dispatcher can have
   * folded and told beyond the one that seeds it, so that no viewer holds a higher version.
   */
  seedVersions: 1_000_000,
  /**
   * Branches of a partition that came before its own, and are remembered. Beyond: the oldest is forgotten;
   * who is still on it goes over to what is there.
   */
  parentsMax: 16,
  /**
   * Longest that a like, durable, waits to be read back before it is answered, in milliseconds. Beyond: it is
   * answered all the same, and written again should the log lose it.
   */
  foldWaitMs: 250,
  /**
   * Likes answered before they were read back, in one partition, in records. Beyond: its likes are answered
   * 503.
   */
  unfoldedMax: 512,
  /**
   * Longest that a reader of totals waits for each of three steps until they hold all that was answered
   * before, in milliseconds. Beyond: 503.
   */
  readWaitMs: 500,
  /**
   * A reader of a partition that told nothing for so long, although something was stored, is replaced, in ms.
   */
  readSilenceMs: 1_000,
  /** Time between two tries of a partition that takes no appends, in milliseconds. */
  probeMs: 1_000,
  /**
   * Last places of the shared comments whose content a dispatcher knows, and how many it reads to find where
   * a log broke. Beyond: a log that lost more is taken for another one from its beginning.
   */
  knownPlacesMax: 512,
  knownReadsMax: 64,
  /** How often a dispatcher looks whether the shared comments are what it knows, in milliseconds. */
  lineageCheckMs: 2_000,
  /** How often a dispatcher asks how many bytes NATS holds, in milliseconds: a few calls, for its metrics. */
  dataBytesEveryMs: 30_000,
  /** How long living dispatchers are asked for, to tell a start from a return, in milliseconds. */
  vouchMs: 1_000,
  /** Pages of comments read from a shared log at once. Beyond: unavailable. */
  ledgerReadsMax: 256,
  /**
   * From so many pages at once on, the newest part of the log is read once for all of them and held, for so
   * long after the last of them and as long in all, in ms, and so much of it. Beyond: what is older is read
   * page by page.
   */
  stretchPagesMin: 16,
  stretchIdleMs: 10_000,
  stretchMs: 60_000,
  stretchEntriesMax: 300_000,
  stretchBytesMax: 64 * 1024 * 1024,
  /** Videos looked at for a page of them in a turn, and pages looked for at once. Beyond: 503. */
  catalogTurnMax: 5_000,
  catalogsMax: 4,
  /** Times that a server is asked for videos with comments, some 100,000 each. Beyond: not all are told. */
  commentedPagesMax: 10,
  /** Videos with entries that are looked at, so many at once, as deleted ones are not told. Beyond: told. */
  commentedLooksMax: 2_000,
  commentedLooksAtOnce: 32,
  /**
   * How often a dispatcher looks for deletions that somebody left, and the pause between two pieces, in ms.
   */
  tasksEveryMs: 10_000,
  taskPauseMs: 10,
  /** Comments, or videos, that an erasure looks at in one piece. */
  taskPieceMax: 500,
  ...timeLimits,
} as const;

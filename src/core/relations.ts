/** How the numbers of limits.ts relate: what one promises, another must leave room for (limits.test.ts). */
import { assert } from "../base/assert.ts";
import { limits } from "./limits.ts";

/** Throws if two limits contradict each other. */
export function assertLimits(): void {
  const l = limits;
  assert(l.beatMinMs <= l.beatMaxMs, "beatMinMs <= beatMaxMs");
  assert(l.idleBeats >= 3, "a stream outlives two beats that got lost");
  assert((l.idleBeats * l.beatMaxMs) / 1000 <= 255, "an idle time fits the runtime's 255 seconds");
  assert(l.streamAgeMinMs >= l.beatMaxMs, "a stream lives for a beat at least");
  // Four bytes to a code point, six to one of JSON's escapes, of which text has two: for a break and a quote.
  const commentBytes = 4 * (l.commentCharsMax + l.userCharsMax) + 2 * l.videoIdCharsMax + 128;
  const regionsAndKinds = 8 * 1024;
  assert(
    l.snapshotCommentsMax * commentBytes + regionsAndKinds <= l.eventBytesMax,
    "the longest snapshot is an event of allowed length",
  );
  const signedBytes = 2 * l.videoIdCharsMax + 128;
  assert(
    l.videosPerStreamMax * signedBytes + 1024 <= l.eventBytesMax,
    "a bye tells where to poll each video",
  );
  assert(l.viewersExpireMs >= 2 * l.viewersRepeatMs, "a viewer count survives one lost message");
  assert(l.leaseMs >= 3 * l.leaseRenewMs, "a lease survives two lost renewals");
  assert(
    l.aliveEveryMs * l.aliveMissedMax < l.leaseMs,
    "a silent dispatcher is passed over before its lease ends",
  );
  assert(l.handoverMs >= 2 * l.aliveEveryMs * l.aliveMissedMax, "what a dead owner did not tell is told");
  assert(l.vacantMs > l.retryMaxMs, "viewers who are sent elsewhere are back before their video is vacated");
  assert(l.endedRowsMs >= 3 * l.leaseMs, "a node that was away for a moment finds its rows again");
  assert(l.lingerMs >= l.leaseMs, "a linger outlives a lease");
  assert(l.recordKeysMax * 17 + 640 * 1024 <= l.payloadBytesMin, "a record fits NATS' default payload");
  assert(l.pageBytesMax <= 0.75 * l.payloadBytesMin, "a page fits NATS' default payload");
  assert(
    l.pageBytesMax + 40 * l.branchesMax <= l.payloadBytesMin,
    "a page and a lineage fit NATS' default payload",
  );
  assert(l.lineageCheckMs < l.recheckMs, "a dispatcher knows of a break before viewers are looked after");
  // Stored, a count takes no more than it weighs.
  assert(
    2 * l.commentCountsBytesMax <= l.payloadBytesMin,
    "comments in their time fit NATS' default payload",
  );
  assert(l.vouchMs < l.requestMs, "who starts does not wait longer for the living than for an answer");
  assert(l.pendingMax >= l.batchItemsMax, "one batch request fits the pending bound");
  assert(l.commentCharsMax * 12 + l.userCharsMax * 12 + 1024 <= l.bodyBytesMax, "a full comment fits a body");
  assert(l.owedBytesMax >= 8 * l.commentCharsMax * 4, "a lagging viewer may owe several comments");
  assert(l.watchesMax >= 10 * l.watchesOfOneMax, "no one caller fills a node with what it watches");
  assert(l.bodiesOfOneBytesMax >= 4 * l.batchBodyBytesMax, "a server sends several batches at once");
  assert(l.bodiesBytesMax >= 8 * l.bodiesOfOneBytesMax, "no one caller keeps others' bodies out");
  assert(l.idleMs >= 2 * l.keyWindowMs, "a like that is repeated under its key finds what it was counted in");
  assert(l.batchItemsMax * l.keyBytesMax <= l.batchBodyBytesMax, "a full batch of keys fits its body");
  assert(3 * l.readWaitMs < l.requestMs, "who asks for totals hears that they cannot be known");
  assert(l.relayMs + l.storeMs < 2_000, "a publisher knows within two seconds that the log is away");
  assert(l.leapMax > l.seedVersions, "totals of a log that was seeded anew are believed at once");
  assert(64 * l.countMax <= Number.MAX_SAFE_INTEGER, "sums over logs are whole numbers");
  assert(l.retryMinMs <= l.retryMaxMs, "retryMinMs <= retryMaxMs");
  assert(l.heldEntriesMax >= 2 * l.pageEntriesMax, "a page fits where half of what is held was shown");
  assert(l.rowsUnderWayMax * 8 <= l.busRequestsMax, "rows leave room for other requests");
  assert(l.localFrameBytesMax >= 2 * l.payloadBytesMin, "what NATS carries is carried on one machine too");
  assert(l.localWaitingBytesMax >= 4 * l.localFrameBytesMax, "several of the longest messages may wait");
  assert(l.releaseMax <= l.historyEntriesMax, "what is shown at once is held for replay");
}

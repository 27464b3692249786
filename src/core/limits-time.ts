/** Of limits.ts, what bounds a video's own time: its timeline, whose clock it goes by, moments and replay. */
export const timeLimits = {
  /**
   * Bytes that the timeline of one video weighs, at four a count (stored they are two, mostly). Beyond: what
   * is oldest is merged into longer steps before its time, and in the end only counted.
   */
  timelineOfOneBytesMax: 2 * 1024 * 1024,
  /**
   * Bytes that all timelines of one ledger weigh. Beyond: the reactions of videos that were quiet for longest
   * are only counted, without their place in time.
   */
  timelinesBytesMax: 64 * 1024 * 1024,
  /**
   * Bytes that the comments of one video weigh in their time, counted likewise, which fits a message of NATS.
   * Beyond: what is oldest is merged into longer steps before its time, and in the end only counted.
   */
  commentCountsBytesMax: 256 * 1024,
  /** Videos of which a shared log's dispatcher holds what it wrote last. Beyond: it is read again. */
  commentCountsHeldMax: 256,
  /**
   * Videos whose comments a ledger in a file counts in memory, some 2 KB each, and bytes that their counts
   * weigh beside that. Beyond: they are read from the file again.
   */
  fileCountsHeldMax: 4_096,
  fileCountsHeldBytesMax: 32 * 1024 * 1024,
  /**
   * With a shared log: entries of a video that one dispatcher writes before it has counted them. Fewer where
   * the history is short: an eighth of it, so that of eight dispatchers nothing is let go before it was
   * counted, and of one of less than 32 a quarter, or four. Beyond: the next one waits until they are.
   */
  uncountedMax: 1_000,
  /** Videos of which a dispatcher knows how many those are. Beyond: it looks when the next comment comes. */
  uncountedVideosMax: 10_000,
  /** Entries of those that it keeps the times of. Beyond: they are read again when they are counted. */
  uncountedHeardMax: 200_000,
  /** Longest a comment waits for those before it to be counted, in ms. Beyond: 503. */
  countMs: 1_500,
  /**
   * Timelines held open for more, 2 to 6 KB each. Beyond: the quietest is packed until its next like, and
   * more videos than this that are liked in turn cost some 30 microseconds a like.
   */
  timelinesOpenMax: 4_096,
  /**
   * Media times whose median is a video's skew, and of them in one second of log time. Beyond: passed over.
   * Older ones than so many milliseconds are forgotten, but for so many: a step shows within half a minute.
   */
  mediaSamplesMax: 255,
  mediaSamplesPerSecond: 8,
  mediaSampleMs: 60_000,
  mediaSamplesKept: 31,
  /** Whoever liked a video within so many milliseconds before is nobody new to it. */
  personMs: 10_000,
  /** Steps of one answer about a timeline, and its bytes. Beyond: 400. */
  timelinePointsMax: 10_800,
  timesBytesMax: 768 * 1024,
  /** Lines of one page of a replay, and bytes of the comments in it. Beyond: the next page. */
  replayLinesMax: 2_000,
  replayBytesMax: 256 * 1024,
  /** Comments of one millisecond. Beyond: they belong to the next one, as a page ends between two of them. */
  commentsTogetherMax: 100,
  /** Moments of one answer, and comments of each. */
  momentsMax: 100,
  momentCommentsMax: 3,
  /** Videos that are watched for moments. Beyond: the one longest without a like is not. */
  momentVideosMax: 10_000,
  /** Comments whose time a dispatcher knows. Beyond: of the video asked for longest ago they are not. */
  commentTimesMax: 1_000_000,
  /** How often viewers are counted for timelines, in ms, samples of a video, and videos that have such. */
  viewerSampleMs: 10_000,
  viewerSamplesMax: 1_440,
  sampledVideosMax: 1_000,
  /** Of a caller and a video, in each of two generations. Beyond: the quietest are new once more. */
  peopleMax: 200_000,
} as const;

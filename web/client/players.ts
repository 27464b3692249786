/**
 * Which picture a player shows now, for `watch(video, { playhead })`: `/ovation-players.js`.
 *
 *     import { hlsPlayhead } from "https://your.host/ovation-players.js";
 *     watch("final", { playhead: hlsPlayhead(hls), likes: … });
 *
 * Each player knows the date of its picture somewhere else, and most know a wrong one for a while: before
 * their first picture they say 1970, the start of the stream or the viewer's own clock, and from `seeking` to
 * `seeked` the date of where they are going while the old picture still stands. So: no date before the first
 * picture, the last one while seeking or without data, and `null` (reactions are shown at once) for what has
 * no dates: files, streams without EXT-X-PROGRAM-DATE-TIME, a browser's own HLS, DASH by video.js. Held by
 * players.test.ts; `npm run players` measures them in Chromium.
 */

/** Unix ms of the picture shown, in the stream's own dates. */
export type Playhead = () => number | null;

type Film = Pick<HTMLMediaElement, "currentSrc" | "readyState" | "seeking">;

/** hls.js, what is used of it. */
export interface HlsPlayer {
  readonly media: Film | null;
  readonly playingDate: Date | null;
}

/** dash.js' MediaPlayer, what is used of it. */
export interface DashPlayer {
  getVideoElement(): Film;
  timeAsUTC(): number;
}

/** shaka.Player, what is used of it. */
export interface ShakaPlayer {
  getMediaElement(): Film | null;
  getAssetUri(): string | null;
  getManifestType(): string | null;
  isLive(): boolean;
  getPlayheadTimeAsDate(): Date | null;
}

interface VhsSegment {
  /** Seconds of the player's time; only of segments that were loaded. */
  readonly start?: number;
  readonly end?: number;
  /** Unix ms. */
  readonly programDateTime?: number;
}

/** A player of video.js, what is used of it. */
export interface VideoJsPlayer {
  currentTime(): number | undefined;
  tech(safety: { IWillNotUseThisInPlugins: true }): unknown;
}

interface VideoJsTech {
  el(): Film;
  readonly vhs?: {
    readonly playlists: { media(): { readonly segments?: readonly VhsSegment[] } | undefined };
  };
}

/** 2000-01-01: no picture of a stream with dates is older. */
const DATED_MS = 946_684_800_000;
const HAVE_CURRENT_DATA = 2;

/** What `date` says while there is a picture that it can be about. */
function whileShown(film: () => Film | null | undefined, date: () => number | null | undefined): Playhead {
  let last: number | null = null;
  let source: string | undefined;
  return () => {
    const now = film();
    if (now?.currentSrc !== source) last = null;
    source = now?.currentSrc;
    if (!now || now.seeking || now.readyState < HAVE_CURRENT_DATA) return last;
    const at = date();
    last = at && at > DATED_MS ? at : null;
    return last;
  };
}

/** hls.js: `playingDate`. Its `latency` is 1 to 2 s too low, and is not used. */
export const hlsPlayhead = (hls: HlsPlayer): Playhead =>
  whileShown(
    () => hls.media,
    () => hls.playingDate?.getTime(),
  );

/** dash.js: `timeAsUTC`, which throws until there is a stream. Never `play()` in the turn of `initialize`. */
export function dashPlayhead(player: DashPlayer): Playhead {
  const attempt = <T>(ask: () => T): T | null => {
    try {
      return ask();
    } catch {
      return null;
    }
  };
  return whileShown(
    () => attempt(() => player.getVideoElement()),
    () => attempt(() => player.timeAsUTC() * 1000),
  );
}

/** Whether an HLS playlist, or else the first one that it names, carries dates. */
async function carriesDates(address: string, isFirst = true): Promise<boolean> {
  const text = await (await fetch(address)).text();
  if (text.includes("#EXT-X-PROGRAM-DATE-TIME:")) return true;
  const [, first] = /#EXT-X-STREAM-INF:.*\s+([^#\s]+)/.exec(text) ?? [];
  return isFirst && first !== undefined && carriesDates(new URL(first, address).href, false);
}

/**
 * shaka: `getPlayheadTimeAsDate`, which invents a date from the viewer's clock where the stream has none. So
 * unless the page says by `dated` whether it has, a look at the playlist does; a live DASH stream has.
 */
export function shakaPlayhead(player: ShakaPlayer, options: { dated?: boolean } = {}): Playhead {
  let asked: string | null = null;
  let found = false;

  function look(address: string): void {
    asked = address;
    found = player.getManifestType() === "DASH" && player.isLive();
    if (player.getManifestType() !== "HLS") return;
    carriesDates(address).then(
      (dated) => {
        if (asked === address) found = dated;
      },
      // A playlist that cannot be read: no date is better than a wrong one.
      () => {},
    );
  }

  return whileShown(
    () => player.getMediaElement(),
    () => {
      const address = player.getAssetUri();
      if (options.dated === undefined && address !== null && address !== asked) look(address);
      return (options.dated ?? found) ? player.getPlayheadTimeAsDate()?.getTime() : null;
    },
  );
}

/**
 * video.js with its HLS (VHS): the date of the segment that plays, and how far into it. Its own
 * `convertToProgramTime` is off by the first time stamp of a transport stream.
 */
export function videoJsPlayhead(player: VideoJsPlayer): Playhead {
  /** Date less position, ms: a segment that has left the playlist still plays. */
  let offset: number | null = null;
  let source: string | undefined;
  const tech = () => player.tech({ IWillNotUseThisInPlugins: true }) as VideoJsTech | undefined;
  return whileShown(
    () => tech()?.el(),
    () => {
      const t = player.currentTime() ?? 0;
      const now = tech()?.el().currentSrc;
      if (now !== source) offset = null;
      source = now;
      const segments = tech()?.vhs?.playlists.media()?.segments ?? [];
      const at = segments.find(
        ({ start, end }) => start !== undefined && end !== undefined && t >= start && t < end,
      );
      if (at) offset = at.programDateTime === undefined ? null : at.programDateTime - 1000 * (at.start ?? 0);
      return offset === null ? null : offset + 1000 * t;
    },
  );
}

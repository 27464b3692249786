/**
 * The page of `npm run players`: two players of one live stream, ten seconds apart, and a watch for each. For
 * every comment it notes which picture each of the two viewers saw when it was told, read off the picture;
 * and for those of the first viewer's own, which picture he saw when he wrote it.
 */
import { type Watch, watch } from "../../web/client/client.ts";
import {
  type DashPlayer,
  dashPlayhead,
  type HlsPlayer,
  hlsPlayhead,
  type Playhead,
  type ShakaPlayer,
  shakaPlayhead,
  type VideoJsPlayer,
  videoJsPlayhead,
} from "../../web/client/players.ts";
import { BITS, BLOCK_PX } from "./stream.ts";

interface Globals {
  Hls: new (
    options: object,
  ) => HlsPlayer & { loadSource(url: string): void; attachMedia(film: Element): void };
  shaka: {
    polyfill: { installAll(): void };
    Player: new () => ShakaPlayer & {
      attach(film: Element): Promise<void>;
      load(url: string): Promise<void>;
    };
  };
  dashjs: {
    MediaPlayer(): {
      create(): DashPlayer & {
        updateSettings(settings: object): void;
        initialize(film: Element, url: string, autoplay: boolean): void;
      };
    };
  };
  videojs(
    film: Element,
    options: object,
  ): VideoJsPlayer & {
    src(source: object): void;
    currentTime(at?: number): number | undefined;
    play(): Promise<void>;
    muted(is: boolean): void;
  };
}
const players = globalThis as unknown as Globals;

interface Viewer {
  readonly playhead: Playhead;
  film(): HTMLVideoElement;
  readonly watch: Watch;
  /** Told comments, and the picture that was shown. */
  readonly told: { text: string; picture: number }[];
  passed: number;
}

function element(): HTMLVideoElement {
  const film = document.createElement("video");
  film.muted = film.autoplay = film.playsInline = true;
  film.width = BITS * BLOCK_PX;
  document.body.append(film);
  return film;
}

const makes: Record<string, (film: HTMLVideoElement) => Promise<Playhead>> = {
  async "hls.js"(film) {
    const hls = new players.Hls({ liveSyncDuration: 5 });
    hls.loadSource("live.m3u8");
    hls.attachMedia(film);
    return hlsPlayhead(hls);
  },
  "shaka (HLS)": (film) => shaka(film, "live.m3u8"),
  "shaka (DASH)": (film) => shaka(film, "live.mpd"),
  async "dash.js"(film) {
    const player = players.dashjs.MediaPlayer().create();
    player.updateSettings({ streaming: { delay: { liveDelay: 6 }, liveCatchup: { enabled: false } } });
    player.initialize(film, new URL("live.mpd", location.href).href, true);
    return dashPlayhead(player);
  },
  async "video.js"(film) {
    film.className = "video-js";
    const player = players.videojs(film, { muted: true, autoplay: true, controls: false });
    player.src({ src: "live.m3u8", type: "application/x-mpegURL" });
    return videoJsPlayhead(player);
  },
};

async function shaka(film: HTMLVideoElement, url: string): Promise<Playhead> {
  players.shaka.polyfill.installAll();
  const player = new players.shaka.Player();
  await player.attach(film);
  await player.load(new URL(url, location.href).href);
  return shakaPlayhead(player);
}

const canvas = document.createElement("canvas");
canvas.width = BITS * BLOCK_PX;
canvas.height = BLOCK_PX;
const context = canvas.getContext("2d", { willReadFrequently: true });

/** The number that stands in the picture shown now. */
function pictureOf(film: HTMLVideoElement): number {
  context?.drawImage(film, 0, 0, film.videoWidth, BLOCK_PX, 0, 0, canvas.width, BLOCK_PX);
  const row = context?.getImageData(0, BLOCK_PX / 2, canvas.width, 1).data;
  let number = 0;
  for (let bit = 0; bit < BITS; bit++)
    if ((row?.[(bit * BLOCK_PX + BLOCK_PX / 2) * 4] ?? 0) > 128) number += 2 ** bit;
  return number;
}

const viewers: Viewer[] = [];

const page = {
  /** Puts two players up, by their names, with a watch of `video` for each. */
  async start(names: readonly string[], url: string, video: string): Promise<void> {
    for (const [n, name] of names.entries()) {
      const film = element();
      film.id = `film${n}`;
      const make = makes[name];
      if (!make) throw new Error(`no player ${name}`);
      // video.js puts an element of its own in the place of the one it is given.
      const now = () => document.querySelector<HTMLVideoElement>(`#film${n} video, video#film${n}`) ?? film;
      const playhead = await make(film);
      const told: Viewer["told"] = [];
      const watching = watch(video, {
        ...{ url, playhead },
        comment: ({ text }) => told.push({ text, picture: pictureOf(now()) }),
        passed: ({ comments }) => {
          viewer.passed += comments;
        },
      });
      const viewer: Viewer = { playhead, film: now, watch: watching, told, passed: 0 };
      viewers.push(viewer);
    }
  },
  /** Unix ms that each of the two believes to show. */
  playheads: () => viewers.map(({ playhead }) => playhead()),
  /** The first viewer writes a comment; the picture that he sees. */
  say(text: string): number {
    const [first] = viewers;
    if (!first) return Number.NaN;
    void first.watch.comment(text);
    return pictureOf(first.film());
  },
  /** Winds the second player until it is `ms` behind the first. */
  apart(ms: number): void {
    const [first, second] = viewers;
    const film = second?.film();
    if (!first || !second || !film) return;
    film.currentTime += ((first.playhead() ?? 0) - ms - (second.playhead() ?? 0)) / 1000;
  },
  /** What each was told so far, and how far apart the two are by their pictures. */
  seen: () => ({
    told: viewers.map(({ told }) => told),
    passed: viewers.map(({ passed }) => passed),
    pictures: viewers.map(({ film }) => pictureOf(film())),
    seeking: viewers.map(({ film }) => film().seeking),
    dropped: viewers.map(({ film }) => film().getVideoPlaybackQuality().droppedVideoFrames),
  }),
};
Object.assign(globalThis, { players: page });
export type PlayersPage = typeof page;

/** Playheads of players as they were seen: before their first picture, while seeking, without dates. */
import { afterEach, describe, expect, test } from "bun:test";
import { dashPlayhead, hlsPlayhead, shakaPlayhead, videoJsPlayhead } from "./players.ts";

const DATE = 1_800_000_000_000;
const film = (more: object = {}) => ({ currentSrc: "blob:1", readyState: 4, seeking: false, ...more });

describe("a picture and its date", () => {
  const says = (media: object | null) => {
    const hls = {
      media: media as ReturnType<typeof film> | null,
      playingDate: new Date(DATE) as Date | null,
    };
    return { hls, playhead: hlsPlayhead(hls) };
  };

  test("none before the first picture, and none of a stream without dates", () => {
    expect(says(null).playhead()).toBeNull();
    expect(says(film({ readyState: 1 })).playhead()).toBeNull();
    const { hls, playhead } = says(film());
    expect(playhead()).toBe(DATE);
    hls.playingDate = null;
    expect(playhead()).toBeNull();
  });

  test("the old one while seeking and while data is missing, the target's when its picture is there", () => {
    const { hls, playhead } = says(film());
    expect(playhead()).toBe(DATE);
    hls.playingDate = new Date(DATE + 30_000);
    for (const readyState of [1, 4]) {
      hls.media = film({ seeking: true, readyState });
      expect(playhead()).toBe(DATE);
    }
    hls.media = film({ readyState: 1 });
    expect(playhead()).toBe(DATE);
    hls.media = film();
    expect(playhead()).toBe(DATE + 30_000);
  });

  test("another stream in the same element begins without one", () => {
    const { hls, playhead } = says(film());
    expect(playhead()).toBe(DATE);
    hls.media = film({ currentSrc: "blob:2", readyState: 0 });
    expect(playhead()).toBeNull();
    hls.media = null;
    expect(playhead()).toBeNull();
  });
});

test("dash.js throws, then says 1970, then the start of the stream without a picture", () => {
  let says: () => number = () => {
    throw new Error("You must first call initialize()");
  };
  let media = film({ readyState: 0 });
  let attached = false;
  const playhead = dashPlayhead({
    timeAsUTC: () => says(),
    getVideoElement() {
      if (!attached) throw new Error("You must first call attachView()");
      return media;
    },
  });
  expect(playhead()).toBeNull();
  attached = true;
  media = film();
  expect(playhead()).toBeNull();
  says = () => 0;
  expect(playhead()).toBeNull();
  says = () => DATE / 1000 - 60;
  media = film({ readyState: 1 });
  expect(playhead()).toBeNull();
  media = film();
  says = () => DATE / 1000;
  expect(playhead()).toBe(DATE);
});

describe("shaka", () => {
  const before = globalThis.fetch;
  afterEach(() => {
    globalThis.fetch = before;
  });
  const player = (type: string, live: boolean) => ({
    getMediaElement: () => film(),
    getAssetUri: () => "http://cdn/live/main.m3u8",
    getManifestType: () => type,
    isLive: () => live,
    getPlayheadTimeAsDate: () => new Date(DATE),
  });
  const serve = (files: Record<string, string>) => {
    const asked: string[] = [];
    globalThis.fetch = ((url: string) => {
      asked.push(url);
      const text = files[url];
      return text === undefined ? Promise.reject(new Error("gone")) : Promise.resolve(new Response(text));
    }) as typeof fetch;
    return asked;
  };
  const settled = () => new Promise((done) => setTimeout(done, 0));

  test("a live DASH stream has dates, one on demand has none, and the page may know better", () => {
    expect(shakaPlayhead(player("DASH", true))()).toBe(DATE);
    expect(shakaPlayhead(player("DASH", false))()).toBeNull();
    expect(shakaPlayhead(player("DASH", true), { dated: false })()).toBeNull();
    expect(shakaPlayhead(player("HLS", true), { dated: true })()).toBe(DATE);
  });

  test("an HLS stream has dates when the first of its playlists has, looked at once", async () => {
    const asked = serve({
      "http://cdn/live/main.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow/index.m3u8\n",
      "http://cdn/live/low/index.m3u8":
        "#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:00:00Z\n#EXTINF:2,\na.ts",
    });
    const playhead = shakaPlayhead(player("HLS", true));
    expect(playhead()).toBeNull();
    await settled();
    expect([playhead(), playhead()]).toEqual([DATE, DATE]);
    expect(asked.length).toBe(2);
  });

  test("without dates in it, and where it cannot be read, what shaka says is invented", async () => {
    for (const files of [{ "http://cdn/live/main.m3u8": "#EXTM3U\n#EXTINF:2,\na.ts\n" }, {}]) {
      serve(files);
      const playhead = shakaPlayhead(player("HLS", true));
      playhead();
      await settled();
      expect(playhead()).toBeNull();
    }
  });
});

describe("video.js", () => {
  const player = (segments: object[] | undefined) => {
    const state = { t: 0, segments };
    const vhs = { playlists: { media: () => state.segments && { segments: state.segments } } };
    const tech = { el: () => film(), ...(segments && { vhs }) };
    const playhead = videoJsPlayhead({ currentTime: () => state.t, tech: () => tech });
    return { state, playhead };
  };

  test("the date of the segment that plays, and how far into it", () => {
    const { state, playhead } = player([
      { programDateTime: DATE },
      { start: 1.4, end: 3.4, programDateTime: DATE + 2000 },
      // After an outage of ten seconds.
      { start: 3.4, end: 5.4, programDateTime: DATE + 14_000 },
    ]);
    state.t = 2.4;
    expect(playhead()).toBe(DATE + 3000);
    state.t = 3.4;
    expect(playhead()).toBe(DATE + 14_000);
  });

  test("a segment that plays on after it has left the playlist keeps its date", () => {
    const { state, playhead } = player([{ start: 0, end: 2, programDateTime: DATE }]);
    state.t = 1;
    playhead();
    state.segments = [];
    state.t = 1.5;
    expect(playhead()).toBe(DATE + 1500);
  });

  test("none where segments have none, and none of what is not its HLS", () => {
    expect(player([{ start: 0, end: 2 }]).playhead()).toBeNull();
    expect(player(undefined).playhead()).toBeNull();
  });
});

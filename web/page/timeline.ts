/**
 * The timeline under the picture: when the audience reacted, and the moments of it. While the video is live it
 * grows; once it is over, the stage shows the recording, and whoever jumps to a moment sees what was done then.
 *
 * It is there where the server has `/timeline`. A video is over when it was closed, or for whoever asks to see
 * it again (`?replay`). Where there is no film of it, a silent tape is played in its place.
 */
import { iconElement } from "../client/icons.ts";
import type { Timeline } from "../client/reel.ts";
import type { Moment } from "../client/replay.ts";
import { glyph, make } from "../client/stage/dom.ts";
import type { OvationStage } from "../client/stage/stage.ts";
import { barsOf, clockOf, placed } from "./graph.ts";
import type { Labels } from "./labels.ts";
import { SilentTape, type Tape } from "./tape.ts";

const EVERY_MS = 5000;
const DRAW_MS = 250;
const BAR_PX = 4;
/** Moments are as far apart as a mouse needs, or a finger. */
const GAP_PX = { mouse: 30, finger: 44 } as const;
const fingers = matchMedia("(max-width: 859.98px), (pointer: coarse)");
/** A jump goes to a little before the moment. */
const LEAD_MS = 2000;
const PLAY = "M7 4.5v15l12-7.5z";
const PAUSE = "M8 5v14M16 5v14";

interface Known {
  readonly timeline: Timeline;
  readonly moments: readonly Moment[];
}

/** What is played once a video is over, and the date of its first picture. */
interface Playing {
  readonly tape: Tape;
  readonly startsAt: number;
}

const dateOf = ({ tape, startsAt }: Playing) => startsAt + 1000 * tape.currentTime;

function wind({ tape, startsAt }: Playing, date: number): void {
  tape.currentTime = Math.max(0, (date - startsAt) / 1000);
}

/** Asks the server; undefined when it has no timeline, or does not answer. */
async function ask(video: string): Promise<Known | undefined> {
  const path = `/v1/videos/${video}`;
  const [line, peaks] = await Promise.all(
    ["timeline", "moments?n=10"].map((what) => fetch(`${path}/${what}`).catch(() => undefined)),
  );
  if (!line?.ok) return;
  const timeline = (await line.json()) as Timeline;
  const moments = peaks?.ok ? ((await peaks.json()) as { moments: Moment[] }).moments : [];
  return { timeline, moments };
}

/** Puts the timeline under the picture of `stage`, if the server has one; `replay`: to see it again. */
export async function addTimeline(stage: OvationStage, labels: Labels, replay: boolean): Promise<void> {
  let isOver = replay;
  stage.addEventListener("ovation-closed", (event) => {
    isOver = replay || (event as CustomEvent<boolean>).detail;
  });
  const first = await ask(stage.video);
  if (!first) return;
  const canvas = make("canvas", { "aria-hidden": "true" });
  const marks = make("ol", { class: "moments", "aria-label": labels.moments });
  // Said where there is nothing to see yet; the section has it as its name.
  const none = make("p", { class: "none", dir: labels.dir, "aria-hidden": "true" }, labels.timeline);
  const track = make("div", { class: "track", dir: "ltr" }, canvas, none, marks);
  const strip = make("section", { class: "timeline", slot: "under", "aria-label": labels.timeline }, track);
  stage.append(strip);
  let known = first;
  let playing: Playing | undefined;

  /** How much of the time shown is past, 0 to 1. */
  function played(): number {
    const { from, to } = known.timeline;
    return playing ? (dateOf(playing) - from) / (to - from) : 1;
  }

  const draw = () => {
    none.hidden = Object.values(known.timeline.likes).some((counts) => counts.some((count) => count > 0));
    drawBars(canvas, known.timeline, played());
  };

  function place(): void {
    const gapPx = fingers.matches ? GAP_PX.finger : GAP_PX.mouse;
    const shown = placed(known.moments, known.timeline, gapPx / Math.max(1, track.clientWidth));
    marks.replaceChildren(
      ...shown.map((moment) => {
        const item = make("li", {}, markOf(moment, known.timeline.from, labels, playing));
        item.style.setProperty("--place", String(moment.place));
        return item;
      }),
    );
  }

  function finish(): void {
    const now = recordingOf(stage, known.timeline);
    playing = now;
    stage.dataset.over = "";
    strip.hidden = isNothing(known.timeline);
    // The stage says so, and it is looked at again.
    if (strip.hidden) return void setTimeout(again, EVERY_MS);
    const { from, to } = known.timeline;
    const controls = createControls(now, labels, played, (part) => wind(now, from + part * (to - from)));
    strip.prepend(controls.play);
    strip.append(controls.time);
    track.append(controls.position);
    setInterval(() => {
      controls.show();
      draw();
    }, DRAW_MS);
  }

  async function again(): Promise<void> {
    // Before the answer, so that it holds what came until then.
    const over = isOver;
    if (over || !document.hidden) known = (await ask(stage.video)) ?? known;
    if (over) finish();
    else setTimeout(again, EVERY_MS);
    place();
    draw();
  }

  new ResizeObserver(() => {
    place();
    draw();
  }).observe(track);
  if (replay) finish();
  else setTimeout(again, EVERY_MS);
}

const isNothing = ({ from, to }: Timeline) => !(to > from);

/** From here on the stage shows what was done then: over the film there is, or a silent tape. */
function recordingOf(stage: OvationStage, timeline: Timeline): Playing {
  const { from, to } = timeline;
  const src = stage.getAttribute("src");
  const startsAt = Number(new URLSearchParams(location.search).get("startsAt")) || from;
  if (!src) {
    const tape = new SilentTape((to - from) / 1000);
    stage.recording = { media: tape, startsAt: from };
    return { tape, startsAt: from };
  }
  const film =
    stage.querySelector<HTMLVideoElement>(":scope > video") ??
    make("video", { slot: "player", src, playsinline: true });
  // Without anything to see again there is no timeline to play it by.
  film.controls = isNothing(timeline);
  if (!film.isConnected) stage.append(film);
  stage.recording = { media: film, startsAt };
  return { tape: film, startsAt };
}

/** While the video is live a mark, and then a way there. */
function markOf(moment: Moment, from: number, labels: Labels, playing: Playing | undefined): HTMLElement {
  const counts = Object.entries(moment.likes).sort(([, a], [, b]) => b - a);
  const sum = counts.reduce((all, [, count]) => all + count, 0);
  const name = labels.moment(clockOf((moment.peak - from) / 1000, labels.locale), sum);
  const icon = iconElement(counts[0]?.[0] ?? "heart");
  if (!playing) return make("span", { class: "moment", role: "img", "aria-label": name, title: name }, icon);
  const button = make("button", { type: "button", class: "moment", "aria-label": name, title: name }, icon);
  button.addEventListener("click", () => {
    wind(playing, moment.start - LEAD_MS);
    void playing.tape.play();
  });
  return button;
}

function createControls(
  { tape }: Playing,
  labels: Labels,
  played: () => number,
  windTo: (part: number) => void,
) {
  const play = make("button", { type: "button", class: "play" });
  const time = make("output", { class: "time", "aria-live": "off" });
  const position = make("input", { type: "range", min: 0, max: 1000, "aria-label": labels.position });
  let wasPaused: boolean | undefined;

  function show(): void {
    const text = clockOf(tape.currentTime, labels.locale);
    if (time.textContent !== text) {
      time.textContent = text;
      position.setAttribute("aria-valuetext", text);
    }
    position.value = String(1000 * played());
    if (tape.paused === wasPaused) return;
    wasPaused = tape.paused;
    play.replaceChildren(glyph(wasPaused ? PLAY : PAUSE));
    play.setAttribute("aria-label", wasPaused ? labels.play : labels.pause);
  }
  play.addEventListener("click", () => {
    if (tape.paused) void tape.play();
    else tape.pause();
    show();
  });
  position.addEventListener("input", () => {
    windTo(position.valueAsNumber / 1000);
    show();
  });
  show();
  return { play, time, position, show };
}

/** Bars of the reactions; what was played stands out from what was not. */
function drawBars(canvas: HTMLCanvasElement, timeline: Timeline, played: number): void {
  const ratio = Math.min(2, devicePixelRatio || 1);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  if (!context || !width) return;
  context.scale(ratio, ratio);
  const bars = barsOf(timeline, Math.max(1, Math.floor(width / BAR_PX)));
  const most = Math.max(1, ...bars);
  context.fillStyle = getComputedStyle(canvas).color;
  for (const [n, bar] of bars.entries()) {
    // A square root: beside a goal, one also sees that somebody was there before it.
    const high = bar > 0 ? Math.max(2, Math.sqrt(bar / most) * height) : 1;
    context.globalAlpha = n / bars.length <= played ? 1 : 0.4;
    context.fillRect(n * BAR_PX, height - high, BAR_PX - 1, high);
  }
}

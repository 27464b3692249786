/**
 * The picture that stands for a live video: a night match seen from the stand, drawn on a canvas.
 *
 * It needs no file, costs a few milliseconds a frame (30 a second, nothing while hidden, one still
 * picture under `prefers-reduced-motion`) and listens: the crowd bounces, lights up and waves with the
 * reactions arriving. What happens on the pitch is match.ts'; this file is the camera and the stands.
 */
import { createMatch, type Match } from "./match.ts";
import { type Camera, cameraFor, drawPitch, drawPlayers } from "./pitch.ts";

export interface Broadcast {
  /** Reactions a second now: what the crowd does follows. */
  excite(perSecond: number): void;
  stop(): void;
}

interface Palette {
  readonly sky: readonly [string, string];
  readonly stand: readonly [string, string];
  readonly roof: string;
  readonly crowd: readonly string[];
  readonly glow: string;
  readonly lamp: string;
}

const night: Palette = {
  sky: ["#040716", "#12224d"],
  stand: ["#0a1130", "#141d45"],
  roof: "#060a1e",
  crowd: ["#2b3566", "#35407a", "#4a3a70", "#6b3a5c", "#3d4f86", "#58639b", "#7d4a55", "#27305c"],
  glow: "255 238 205",
  lamp: "#fff7e2",
};
const day: Palette = {
  sky: ["#6fb1ea", "#d9edf9"],
  stand: ["#5c6b91", "#8391b4"],
  roof: "#7485ad",
  crowd: ["#e8e4dc", "#d75a6a", "#4f6fc4", "#f0b95a", "#9fb0d6", "#ffffff", "#c2475f", "#33487f"],
  glow: "255 255 245",
  lamp: "#ffffff",
};

const ROWS = 19;
const SEATS = 72;
const SEAT_M = 0.85;
const FRAME_MS = 1000 / 30;
const PIXELS_MAX = 1_500_000;
/** A machine that shows fewer frames than this gets fewer pixels, down to a quarter of them. */
const SLOW_FRAME_MS = 42;
const SHARPNESS_MIN = 0.5;

interface Light {
  x: number;
  row: number;
  bornMs: number;
  lifeMs: number;
}

/** One row of people, drawn once: `SEATS` seats wide, repeated along the stand. */
function rowOfPeople(palette: Palette, shade: number): HTMLCanvasElement {
  const tile = document.createElement("canvas");
  const px = 12;
  tile.width = SEATS * px;
  tile.height = 22;
  const context = tile.getContext("2d") as CanvasRenderingContext2D;
  for (let seat = 0; seat < SEATS; seat++) {
    if (Math.random() < 0.07) continue;
    const colour = palette.crowd[Math.floor(Math.random() * palette.crowd.length)] ?? "#fff";
    const x = seat * px + px / 2 + (Math.random() - 0.5) * 3;
    const y = 7 + Math.random() * 3;
    context.fillStyle = colour;
    context.beginPath();
    context.roundRect(x - 4.6, y + 2, 9.2, 16, 4);
    context.fill();
    context.fillStyle = shade ? "#c79b83" : "#8a6a66";
    context.beginPath();
    context.arc(x, y, 3.2, 0, 7);
    context.fill();
  }
  return tile;
}

/** A soft round light, drawn once. */
function softLight(rgb: string): HTMLCanvasElement {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 64;
  const context = tile.getContext("2d") as CanvasRenderingContext2D;
  const fade = context.createRadialGradient(32, 32, 0, 32, 32, 32);
  fade.addColorStop(0, `rgb(${rgb} / 1)`);
  fade.addColorStop(0.15, `rgb(${rgb} / 0.75)`);
  fade.addColorStop(0.4, `rgb(${rgb} / 0.16)`);
  fade.addColorStop(1, `rgb(${rgb} / 0)`);
  context.fillStyle = fade;
  context.fillRect(0, 0, 64, 64);
  return tile;
}

export function createBroadcast(canvas: HTMLCanvasElement, theme: () => "dark" | "light"): Broadcast {
  const context = canvas.getContext("2d", { alpha: false }) as CanvasRenderingContext2D;
  const motion = matchMedia("(prefers-reduced-motion: reduce)");
  const match: Match = createMatch();
  let shownTheme = theme();
  let palette = shownTheme === "dark" ? night : day;
  let people = [0, 1, 2, 3].map(() => rowOfPeople(palette, shownTheme === "light" ? 1 : 0));
  let glow = softLight(palette.glow);
  let lights: Light[] = [];
  let energy = 0;
  let wanted = 0;
  let wave = 0;
  let cameraX = 0;
  let frame = 0;
  let lastMs = 0;
  let sharpness = 1;
  let frameMs = FRAME_MS;
  let width = 0;
  let height = 0;

  function sky(camera: Camera): void {
    const fade = context.createLinearGradient(0, 0, 0, height * 0.4);
    fade.addColorStop(0, palette.sky[0]);
    fade.addColorStop(1, palette.sky[1]);
    context.fillStyle = fade;
    context.fillRect(0, 0, width, height * 0.6);
    const roofY = camera.y(33, 108);
    context.fillStyle = palette.roof;
    context.beginPath();
    context.moveTo(0, roofY);
    context.quadraticCurveTo(width / 2, roofY - height * 0.035, width, roofY);
    context.lineTo(width, camera.y(0, 76));
    context.lineTo(0, camera.y(0, 76));
    context.fill();
  }

  function stands(camera: Camera, nowMs: number): void {
    const top = camera.y(2 + ROWS * 1.5, 78 + ROWS * 1.6);
    const foot = camera.y(0, 76);
    const fade = context.createLinearGradient(0, top, 0, foot);
    fade.addColorStop(0, palette.stand[0]);
    fade.addColorStop(1, palette.stand[1]);
    context.fillStyle = fade;
    context.fillRect(0, top, width, foot - top);
    for (let row = ROWS - 1; row >= 0; row--) {
      const z = 78 + row * 1.6;
      const scale = camera.scale(z);
      const bounce = Math.abs(Math.sin(nowMs / 190 + row * 2.1)) * energy * scale * 0.35;
      const y = camera.y(1.2 + row * 1.5, z) - bounce;
      const tileWidth = SEATS * SEAT_M * scale;
      const tileHeight = 1.56 * scale;
      const tile = people[row % 4] as HTMLCanvasElement;
      context.globalAlpha = 0.5 + 0.5 * (1 - row / ROWS);
      const start = camera.x(-200 + row * 3.7, z) % tileWidth;
      for (let x = start - tileWidth; x < width; x += tileWidth) {
        context.drawImage(tile, x, y - tileHeight, tileWidth + 0.5, tileHeight);
      }
    }
    context.globalAlpha = 1;
  }

  /** Telephones held up, camera flashes, and the wave of light that goes round. */
  function crowdLights(camera: Camera, nowMs: number, seconds: number): void {
    const due = (0.6 + energy * 46) * seconds * Math.min(2, width / 600);
    const count = Math.floor(due) + (Math.random() < due % 1 ? 1 : 0);
    for (let born = 0; born < count && lights.length < 220; born++) {
      const x = cameraX + (Math.random() - 0.5) * 150;
      const row = Math.floor(Math.random() * ROWS);
      lights.push({ x, row, bornMs: nowMs, lifeMs: 350 + Math.random() * (600 + energy * 1800) });
    }
    lights = lights.filter((light) => nowMs - light.bornMs < light.lifeMs);
    context.globalCompositeOperation = "lighter";
    for (const light of lights) {
      const t = (nowMs - light.bornMs) / light.lifeMs;
      const z = 78 + light.row * 1.6;
      const size = camera.scale(z) * 1.5;
      context.globalAlpha = Math.sin(t * Math.PI) * 0.9;
      context.drawImage(
        glow,
        camera.x(light.x, z) - size / 2,
        camera.y(2.3 + light.row * 1.5, z) - size / 2,
        size,
        size,
      );
    }
    wave = (wave + seconds * 0.16) % 1.4;
    const waveX = (wave - 0.2) * width;
    const top = camera.y(2 + ROWS * 1.5, 78 + ROWS * 1.6);
    const foot = camera.y(0, 76);
    const band = context.createLinearGradient(waveX - width * 0.16, 0, waveX + width * 0.16, 0);
    const strength = 0.05 + energy * 0.2;
    band.addColorStop(0, `rgb(${palette.glow} / 0)`);
    band.addColorStop(0.5, `rgb(${palette.glow} / ${strength})`);
    band.addColorStop(1, `rgb(${palette.glow} / 0)`);
    context.globalAlpha = 1;
    context.fillStyle = band;
    context.fillRect(0, top, width, foot - top);
    context.globalCompositeOperation = "source-over";
  }

  function floodlights(camera: Camera, nowMs: number): void {
    if (shownTheme === "light") return;
    context.globalCompositeOperation = "lighter";
    for (const [index, worldX] of [-58, -20, 20, 58].entries()) {
      const x = camera.x(worldX, 108);
      const y = camera.y(35, 108);
      const size = camera.scale(108);
      const breath = 1 + 0.04 * Math.sin(nowMs / 1700 + index);
      context.globalAlpha = 0.5;
      const halo = size * 30 * breath;
      context.drawImage(glow, x - halo / 2, y - halo / 2, halo, halo);
      context.globalAlpha = 1;
      context.fillStyle = palette.lamp;
      for (let lamp = -3; lamp <= 3; lamp++) {
        context.beginPath();
        context.arc(x + lamp * size * 0.95, y, size * 0.36, 0, 7);
        context.fill();
      }
    }
    context.globalAlpha = 1;
    context.globalCompositeOperation = "source-over";
  }

  function paint(nowMs: number, seconds: number): void {
    if (theme() !== shownTheme) {
      shownTheme = theme();
      palette = shownTheme === "dark" ? night : day;
      people = [0, 1, 2, 3].map(() => rowOfPeople(palette, shownTheme === "light" ? 1 : 0));
      glow = softLight(palette.glow);
    }
    energy += (wanted - energy) * Math.min(1, seconds * 2);
    match.step(seconds);
    cameraX += (Math.max(-26, Math.min(26, match.ball.x * 0.62)) - cameraX) * Math.min(1, seconds * 0.9);
    const camera = cameraFor(width, height, cameraX);
    sky(camera);
    stands(camera, nowMs);
    crowdLights(camera, nowMs, seconds);
    drawPitch(context, camera, shownTheme, nowMs);
    drawPlayers(context, camera, match);
    floodlights(camera, nowMs);
  }

  function next(nowMs: number): void {
    frame = 0;
    if (motion.matches) return;
    if (nowMs - lastMs >= FRAME_MS - 2) {
      const sinceMs = Math.min(200, nowMs - lastMs);
      const seconds = Math.min(0.1, sinceMs / 1000);
      lastMs = nowMs;
      frameMs += (sinceMs - frameMs) * 0.05;
      if (frameMs > SLOW_FRAME_MS && sharpness > SHARPNESS_MIN && !document.hidden) {
        sharpness = Math.max(SHARPNESS_MIN, sharpness * 0.8);
        frameMs = FRAME_MS;
        resize();
      }
      paint(nowMs, seconds);
    }
    frame = requestAnimationFrame(next);
  }

  function start(): void {
    cancelAnimationFrame(frame);
    if (width && height) paint(performance.now(), 0.02);
    frame = requestAnimationFrame(next);
  }

  function resize(): void {
    const { clientWidth, clientHeight } = canvas;
    if (!clientWidth || !clientHeight) return;
    const most = Math.sqrt(PIXELS_MAX / (clientWidth * clientHeight));
    const ratio = Math.min(devicePixelRatio || 1, most) * sharpness;
    width = Math.round(clientWidth * ratio);
    height = Math.round(clientHeight * ratio);
    canvas.width = width;
    canvas.height = height;
  }
  const resized = new ResizeObserver(() => {
    resize();
    start();
  });
  resized.observe(canvas);
  motion.addEventListener("change", start);

  return {
    excite(perSecond) {
      // 10 a second is a murmur, 10,000 a roar.
      wanted = Math.min(1, Math.log10(1 + perSecond) / 4);
    },
    stop() {
      cancelAnimationFrame(frame);
      resized.disconnect();
      motion.removeEventListener("change", start);
    },
  };
}

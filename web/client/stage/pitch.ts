/**
 * The camera, the pitch and the players, as lines and shapes on a canvas.
 *
 * The camera is a shifted lens: it looks straight across the pitch and the picture is moved up or down
 * instead of tilting, so what is upright stays upright and one division gives every point its place.
 * Metres in, pixels out; `z` is the depth from the near touchline.
 */
import type { Match } from "./match.ts";

const CAMERA_Y_M = 22;
const CAMERA_BACK_M = 45;

export interface Camera {
  readonly width: number;
  readonly height: number;
  /** Pixels per metre at a depth. */
  scale(z: number): number;
  x(x: number, z: number): number;
  y(y: number, z: number): number;
}

/** A wide picture shows the whole far side; a tall one looks closer and leaves its foot to the page. */
export function cameraFor(width: number, height: number, x: number): Camera {
  const tall = height > width;
  const focal = height * (tall ? 1.24 : 1.62);
  const horizon = height * (tall ? 0.235 : 0.165);
  const scale = (z: number) => focal / (z + CAMERA_BACK_M);
  return {
    width,
    height,
    scale,
    x: (worldX, z) => width / 2 + (worldX - x) * scale(z),
    y: (worldY, z) => horizon + (CAMERA_Y_M - worldY) * scale(z),
  };
}

const grass = { dark: ["#17693c", "#1c7745", "#0c3f25"], light: ["#3f9d52", "#4bab5d", "#2f8443"] } as const;

function quad(
  context: CanvasRenderingContext2D,
  camera: Camera,
  x0: number,
  x1: number,
  z0: number,
  z1: number,
): void {
  context.beginPath();
  context.moveTo(camera.x(x0, z0), camera.y(0, z0));
  context.lineTo(camera.x(x1, z0), camera.y(0, z0));
  context.lineTo(camera.x(x1, z1), camera.y(0, z1));
  context.lineTo(camera.x(x0, z1), camera.y(0, z1));
  context.closePath();
}

function arc(
  context: CanvasRenderingContext2D,
  camera: Camera,
  cx: number,
  cz: number,
  r: number,
  from = 0,
  to = 360,
): void {
  for (let degrees = from; degrees <= to; degrees += 6) {
    const angle = (degrees * Math.PI) / 180;
    const x = cx + Math.cos(angle) * r;
    const z = cz + Math.sin(angle) * r;
    if (degrees === from) context.moveTo(camera.x(x, z), camera.y(0, z));
    else context.lineTo(camera.x(x, z), camera.y(0, z));
  }
}

function boards(context: CanvasRenderingContext2D, camera: Camera, nowMs: number): void {
  const z = 73;
  const top = camera.y(1.5, z);
  const foot = camera.y(0, z);
  const px = foot - top;
  context.fillStyle = "#0b1026";
  context.fillRect(0, top, camera.width, px);
  context.font = `800 ${px * 0.68}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  context.direction = "ltr";
  const words = ["OVATION", "♥", "EVERY REACTION COUNTS", "♥"];
  const gap = px * 2.2;
  const lengths = words.map((word) => context.measureText(word).width + gap);
  const round = lengths.reduce((sum, length) => sum + length, 0);
  const start = ((camera.x(0, z) - (nowMs / 1000) * px * 1.1) % round) - round * 2;
  for (let x = start, word = 0; x < camera.width; x += lengths[word % words.length] ?? round, word++) {
    const text = words[word % words.length] ?? "";
    context.fillStyle = text === "♥" ? "#ff3b6b" : "#f4f1e8";
    context.fillText(text, x, top + px * 0.54);
  }
}

function lines(context: CanvasRenderingContext2D, camera: Camera): void {
  context.strokeStyle = "rgb(255 255 255 / 0.62)";
  context.lineWidth = Math.max(1, camera.scale(34) * 0.13);
  quad(context, camera, -52.5, 52.5, 0, 68);
  context.stroke();
  context.beginPath();
  context.moveTo(camera.x(0, 0), camera.y(0, 0));
  context.lineTo(camera.x(0, 68), camera.y(0, 68));
  arc(context, camera, 0, 34, 9.15);
  for (const side of [-1, 1]) {
    const facing = side < 0 ? 0 : 180;
    arc(context, camera, side * 41.5, 34, 9.15, facing - 53, facing + 53);
    context.stroke();
    quad(context, camera, side * 36, side * 52.5, 13.84, 54.16);
    context.stroke();
    quad(context, camera, side * 47, side * 52.5, 24.84, 43.16);
    context.stroke();
    context.beginPath();
  }
  context.fillStyle = "rgb(255 255 255 / 0.7)";
  for (const x of [0, -41.5, 41.5]) {
    context.beginPath();
    const r = camera.scale(34) * 0.28;
    context.ellipse(camera.x(x, 34), camera.y(0, 34), r, r * 0.4, 0, 0, 7);
    context.fill();
  }
}

function goals(context: CanvasRenderingContext2D, camera: Camera): void {
  for (const side of [-1, 1]) {
    context.strokeStyle = "rgb(255 255 255 / 0.18)";
    context.lineWidth = 1;
    for (let net = 0; net <= 6; net++) {
      const z = 30.34 + (net * 7.32) / 6;
      context.beginPath();
      context.moveTo(camera.x(side * 52.5, z), camera.y(2.44, z));
      context.lineTo(camera.x(side * 54.5, z), camera.y(0, z));
      context.stroke();
    }
    context.strokeStyle = "rgb(255 255 255 / 0.9)";
    context.lineWidth = Math.max(1.5, camera.scale(34) * 0.14);
    context.beginPath();
    context.moveTo(camera.x(side * 52.5, 30.34), camera.y(0, 30.34));
    context.lineTo(camera.x(side * 52.5, 30.34), camera.y(2.44, 30.34));
    context.lineTo(camera.x(side * 52.5, 37.66), camera.y(2.44, 37.66));
    context.lineTo(camera.x(side * 52.5, 37.66), camera.y(0, 37.66));
    context.stroke();
  }
}

export function drawPitch(
  context: CanvasRenderingContext2D,
  camera: Camera,
  theme: "dark" | "light",
  nowMs: number,
): void {
  const [even, odd, edge] = grass[theme];
  const { width, height } = camera;
  const top = camera.y(0, 73);
  context.fillStyle = edge;
  context.fillRect(0, top, width, height - top);
  for (let stripe = 0; stripe < 14; stripe++) {
    context.fillStyle = stripe % 2 ? odd : even;
    quad(context, camera, -52.5 + stripe * 7.5, -45 + stripe * 7.5, -16, 70);
    context.fill();
  }
  // Light pools in the middle and falls off towards the edges.
  const pool = context.createRadialGradient(
    width / 2,
    top + (height - top) * 0.35,
    0,
    width / 2,
    height * 0.6,
    width * 0.75,
  );
  pool.addColorStop(0, theme === "dark" ? "rgb(214 255 190 / 0.2)" : "rgb(255 255 220 / 0.22)");
  pool.addColorStop(1, theme === "dark" ? "rgb(0 8 22 / 0.5)" : "rgb(10 60 30 / 0.16)");
  context.fillStyle = pool;
  context.fillRect(0, top, width, height - top);
  lines(context, camera);
  goals(context, camera);
  boards(context, camera, nowMs);
}

const kits = [
  { shirt: "#ff3b6b", shorts: "#ffffff" },
  { shirt: "#f3f6ff", shorts: "#2748b8" },
] as const;

export function drawPlayers(context: CanvasRenderingContext2D, camera: Camera, match: Match): void {
  const byDepth = [...match.players].sort((a, b) => b.z - a.z);
  let ballDrawn = false;
  const ball = () => {
    ballDrawn = true;
    const { x, y, z } = match.ball;
    const r = camera.scale(z) * 0.24;
    context.fillStyle = "rgb(0 0 0 / 0.4)";
    context.beginPath();
    context.ellipse(camera.x(x, z), camera.y(0, z), r * 1.1, r * 0.45, 0, 0, 7);
    context.fill();
    context.fillStyle = "#fff";
    context.beginPath();
    context.arc(camera.x(x, z), camera.y(y, z), r, 0, 7);
    context.fill();
  };
  context.lineCap = "round";
  for (const player of byDepth) {
    const index = match.players.indexOf(player);
    if (!ballDrawn && match.ball.z > player.z) ball();
    const m = camera.scale(player.z);
    const x = camera.x(player.x, player.z);
    const y = camera.y(0, player.z);
    const kit = kits[player.team];
    const keeper = index % 11 === 0;
    for (const lamp of [-1, 1]) {
      context.fillStyle = "rgb(0 0 0 / 0.22)";
      context.beginPath();
      context.ellipse(x + lamp * m * 0.5, y + m * 0.04, m * 0.62, m * 0.16, 0, 0, 7);
      context.fill();
    }
    const swing = Math.sin(performance.now() / 95 + index) * player.stride * m * 0.34;
    context.strokeStyle = "#d9a98a";
    context.lineWidth = m * 0.17;
    context.beginPath();
    context.moveTo(x, y - m * 0.8);
    context.lineTo(x + swing, y);
    context.moveTo(x, y - m * 0.8);
    context.lineTo(x - swing, y);
    context.stroke();
    context.fillStyle = kit.shorts;
    context.fillRect(x - m * 0.21, y - m * 0.98, m * 0.42, m * 0.34);
    context.fillStyle = keeper ? "#ffc93c" : kit.shirt;
    context.beginPath();
    context.roundRect(x - m * 0.27, y - m * 1.52, m * 0.54, m * 0.66, m * 0.16);
    context.fill();
    context.fillStyle = "#c98f70";
    context.beginPath();
    context.arc(x + player.facing * m * 0.04, y - m * 1.68, m * 0.17, 0, 7);
    context.fill();
  }
  if (!ballDrawn) ball();
}

/**
 * A match of three hours in a real node, within half a minute: the node is told it while its wall clock
 * (libfaketime) goes through these hours, and is then started again on its folder, under the real clock.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Wall } from "../src/system/faketime.ts";
import { type Ovation, startOvation, startOvationWith } from "./ovation.ts";

const kinds = ["heart", "clap", "fire"] as const;
const likesEach = 50;
/** Of one request, and comments under way at once. */
const likesMax = 1000;
const commentsAtOnce = 50;
const json = { "content-type": "application/json" };

export interface Match {
  readonly server: Ovation;
  readonly seconds: number;
  readonly likes: number;
  readonly comments: number;
  end(): Promise<void>;
}

interface Told {
  readonly seconds: number;
  readonly likes: number;
  readonly comments: number;
}

/** A node with `likes` and `comments` of the video `match`, evenly over the `seconds` until now. */
export async function startMatch(told: Told, origin: string): Promise<Match> {
  const data = mkdtempSync(join(tmpdir(), "ovation-replay-"));
  const history = `--comment-history=${2 * told.comments}`;
  const flags = [`--data=${data}`, history, "--comment-rate=100000", `--cors-origins=${origin}`];
  let server: Ovation | undefined;
  const end = async (): Promise<void> => {
    await server?.end();
    rmSync(data, { recursive: true, force: true });
  };
  const wall = new Wall();
  try {
    server = await startOvationWith(wall.env, ...flags, "--media-ahead=5m", "--media-behind=5m");
    await tell(told, `http://127.0.0.1:${server.port}/v1`, wall);
    await server.end();
    server = await startOvation(...flags);
    return { ...told, server, end };
  } catch (error) {
    await end();
    throw error;
  } finally {
    wall.remove();
  }
}

/** Tells it in as many parts as requests of likes are, each when it happened, as the wall says. */
async function tell({ seconds, likes, comments }: Told, url: string, wall: Wall): Promise<void> {
  const startMs = Date.now() - 1000 * seconds;
  const send = async (path: string, body: object): Promise<void> => {
    const answer = await fetch(`${url}/${path}`, {
      method: "POST",
      headers: json,
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
  };
  const parts = Math.ceil(likes / likesEach / likesMax);
  const dateOf = (n: number, all: number) => Math.round(startMs + (1000 * seconds * n) / all);
  const part = (all: number, i: number) => Math.floor((all * i) / parts);
  for (let i = 0; i < parts; i++) {
    wall.set(Math.round((dateOf(i + 0.5, parts) - Date.now()) / 1000));
    const taps = likes / likesEach;
    const items = Array.from({ length: part(taps, i + 1) - part(taps, i) }, (_, n) => {
      const nth = part(taps, i) + n;
      return {
        ...{ video: "match", kind: kinds[nth % 3], count: likesEach },
        ...{ key: `like-${nth}`, mediaTime: dateOf(nth, taps) },
      };
    });
    await send("likes", { items });
    for (let first = part(comments, i); first < part(comments, i + 1); first += commentsAtOnce) {
      const last = Math.min(first + commentsAtOnce, part(comments, i + 1));
      const each = Array.from({ length: last - first }, (_, n) => first + n);
      await Promise.all(
        each.map((n) => {
          const said = { user: `fan ${n % 500}`, text: `what a match, comment ${n}` };
          return send("videos/match/comments", { ...said, mediaTime: dateOf(n, comments) });
        }),
      );
    }
  }
}

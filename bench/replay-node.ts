/**
 * A match of two hours in a real node, within half a minute: likes and comments that say pictures of the hour
 * before and the hour to come, as far from now as a node believes.
 */
import { type Ovation, startOvation } from "./ovation.ts";

const reachMs = 3_500_000;
const kinds = ["heart", "clap", "fire"] as const;
const likesEach = 50;
const batch = 1000;
const commentsAtOnce = 50;
const json = { "content-type": "application/json" };

export interface Match {
  readonly server: Ovation;
  readonly seconds: number;
  readonly likes: number;
  readonly comments: number;
}

/** Starts a node with `likes` and `comments` of the video `match`, evenly over its time. */
export async function startMatch(likes: number, comments: number, origin: string): Promise<Match> {
  const flags = [
    "--media-ahead=1h",
    "--media-behind=1h",
    "--comment-history=100000",
    "--comment-rate=100000",
  ];
  const server = await startOvation(...flags, `--cors-origins=${origin}`);
  const url = `http://127.0.0.1:${server.port}/v1`;
  const nowMs = Date.now();
  /** Golden ratio: all over the match, in no order, so that the median of what viewers are behind is now. */
  const pictureOf = (n: number) => Math.round(nowMs + (((n * 0.618034) % 1) * 2 - 1) * reachMs);
  const send = async (path: string, body: object): Promise<void> => {
    const answer = await fetch(`${url}/${path}`, {
      method: "POST",
      headers: json,
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
  };
  for (let first = 0; first < likes / likesEach; first += batch) {
    const items = Array.from({ length: batch }, (_, n) => ({
      ...{ video: "match", kind: kinds[(first + n) % 3], count: likesEach },
      ...{ key: `like-${first + n}`, mediaTime: pictureOf(first + n) },
    }));
    await send("likes", { items });
  }
  for (let first = 0; first < comments; first += commentsAtOnce) {
    const each = Array.from({ length: commentsAtOnce }, (_, n) => first + n);
    await Promise.all(
      each.map((n) =>
        send("videos/match/comments", {
          ...{ user: `fan ${n % 500}`, text: `what a match, comment ${n}` },
          // One after the other, as they are written: a node keeps them in that order.
          mediaTime: Math.round(nowMs + ((2 * n) / comments - 1) * reachMs),
        }),
      ),
    );
  }
  return { server, seconds: (2 * reachMs) / 1000, likes, comments };
}

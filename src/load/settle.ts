/**
 * What the nodes say the totals are, and what they should be.
 *
 * Reading goes over HTTP and is repeated while the totals are still on their way; judging is pure. Likes that
 * were neither accepted nor refused make the right answer a range.
 */
import { z } from "zod";
import type { Totals } from "./events.ts";
import type { Answer, RequestPool } from "./request-pool.ts";
import type { Target } from "./target.ts";

export interface Node {
  readonly target: Target;
  readonly pool: RequestPool;
}

/** What the server owes for one video. */
export class Account {
  readonly accepted: Record<string, number> = {};
  readonly unknown: Record<string, number> = {};
  readonly comments: string[] = [];
}

const shape = z.object({ totals: z.record(z.string(), z.number().int().nonnegative()) });

/** Totals of `video` as `node` tells them; a few words if it does not. */
export async function readTotals(node: Node, video: string, token: string): Promise<Totals | string> {
  const text =
    `GET /v1/videos/${video} HTTP/1.1\r\nHost: ${node.target.authority}\r\nAccept: application/json\r\n` +
    `${token ? `Authorization: Bearer ${token}\r\n` : ""}\r\n`;
  const ask = (): Promise<Answer> => new Promise((resolve) => node.pool.send(text, resolve));
  let answer = await ask();
  // A connection kept alive since long ago may have been closed meanwhile.
  if (answer.kind === "lost") answer = await ask();
  if (answer.kind !== "answer") return answer.kind === "unsent" ? "cannot be reached" : "does not answer";
  if (answer.status !== 200) return `answers ${answer.status} to GET /v1/videos/${video}`;
  try {
    return shape.parse(JSON.parse(answer.body)).totals;
  } catch {
    return `answers GET /v1/videos/${video} with something else than documented`;
  }
}

const config = z.object({
  likeMode: z.enum(["many", "once"]).default("many"),
  auth: z.enum(["open", "token"]).default("open"),
});

/** What `node` says of itself; of one that says nothing, the usual is assumed. */
export async function configOf(node: Node): Promise<z.infer<typeof config>> {
  const text = `GET /v1/config HTTP/1.1\r\nHost: ${node.target.authority}\r\n\r\n`;
  const answer = await new Promise<Answer>((resolve) => node.pool.send(text, resolve));
  try {
    return config.parse(answer.kind === "answer" && answer.status === 200 ? JSON.parse(answer.body) : {});
  } catch {
    return config.parse({});
  }
}

/** How one video's totals compare with what is owed. */
export interface Balance {
  readonly lost: number;
  readonly doubled: number;
}

/** Compares `told` with `before` plus what was accepted, allowing for what is unknown; kind by kind. */
export function balance(before: Totals, account: Account, told: Totals): Balance {
  let lost = 0;
  let doubled = 0;
  const kinds = new Set([...Object.keys(before), ...Object.keys(account.accepted), ...Object.keys(told)]);
  for (const kind of kinds) {
    const least = (before[kind] ?? 0) + (account.accepted[kind] ?? 0);
    const most = least + (account.unknown[kind] ?? 0);
    const got = told[kind] ?? 0;
    lost += Math.max(0, least - got);
    doubled += Math.max(0, got - most);
  }
  return { lost, doubled };
}

/** `before` plus what was accepted. */
export function expected(before: Totals, account: Account): Totals {
  const totals: Record<string, number> = { ...before };
  for (const [kind, count] of Object.entries(account.accepted)) totals[kind] = (totals[kind] ?? 0) + count;
  return totals;
}

/** What every node told about every video, and how it compares. */
export interface Settled {
  /** Totals by video, from the first node that answers. */
  readonly totals: ReadonlyMap<string, Totals>;
  /** Of the node that is furthest off. */
  readonly lost: number;
  readonly doubled: number;
  /** Nodes that could not be asked, each with a reason. */
  readonly silent: readonly string[];
}

/** Totals of all videos as `node` tells them, or why it does not. */
export async function readNode(
  node: Node,
  videos: readonly string[],
  token: string,
): Promise<Map<string, Totals> | string> {
  const totals = new Map<string, Totals>();
  const answers = await Promise.all(videos.map((video) => readTotals(node, video, token)));
  for (const [index, video] of videos.entries()) {
    const answer = answers[index] ?? "does not answer";
    if (typeof answer === "string") return `http://${node.target.authority} ${answer}`;
    totals.set(video, answer);
  }
  return totals;
}

/** Asks every node once and compares with what is owed. */
export async function askAll(
  nodes: readonly Node[],
  before: ReadonlyMap<string, Totals>,
  accounts: ReadonlyMap<string, Account>,
  token: string,
): Promise<Settled> {
  const told = await Promise.all(nodes.map((node) => readNode(node, [...before.keys()], token)));
  const silent: string[] = [];
  let totals: ReadonlyMap<string, Totals> = new Map();
  let lost = 0;
  let doubled = 0;
  for (const answer of told) {
    if (typeof answer === "string") {
      silent.push(answer);
      continue;
    }
    if (totals.size === 0) totals = answer;
    const sum = { lost: 0, doubled: 0 };
    for (const [video, account] of accounts) {
      const one = balance(before.get(video) ?? {}, account, answer.get(video) ?? {});
      sum.lost += one.lost;
      sum.doubled += one.doubled;
    }
    lost = Math.max(lost, sum.lost);
    doubled = Math.max(doubled, sum.doubled);
  }
  return { totals, lost, doubled, silent };
}

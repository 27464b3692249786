/**
 * What is asked of a proxy before Ovation, each check on its own with a figure as its answer. A check throws
 * what is wrong; whether that was to be expected of this proxy, recipes.ts knows.
 */
import { type ClientHttp2Session, connect } from "node:http2";
import { systemClock } from "../../src/base/clock.ts";
import { secret } from "../../src/base/prng.ts";
import { conform } from "../../src/conform/conform.ts";
import { post, Viewer } from "../../src/system/events.ts";
import { Raw } from "../../src/system/raw.ts";
import { ovation, type TrialNode, until } from "../trial.ts";
import type { Check } from "./recipes.ts";

export interface Stand {
  readonly node: TrialNode;
  /** Where the proxy is. */
  readonly url: string;
  readonly port: number;
  readonly tlsUrl: string;
  /** Makes the proxy read its file again; undefined where it cannot. */
  readonly reload: (() => Promise<void>) | undefined;
}

/** Answers what was seen; throws what is wrong. */
export type Look = (stand: Stand) => Promise<string>;

/** Events are within this of what caused them, for half of the viewers at least. */
const promptMs = 100;
const leftMs = 2_000;
const streams = 50;

function demand(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** 200 viewers and a crowd that likes and comments: nothing lost or doubled, events in time. */
async function audience({ url }: Stand): Promise<string> {
  const many = ["--viewers=200", "--ramp=200", "--likes=20", "--comments=2", "--duration=5", "--json"];
  const run = Bun.spawn(ovation("load", `--url=${url}`, ...many, "--video-prefix=audience"), {
    stderr: "ignore",
  });
  const report = JSON.parse(await new Response(run.stdout).text());
  demand(report.ok, report.failures.join("; "));
  const { likesMs, commentsMs } = report.delivered;
  const slowest = Math.round(report.published.acceptMs.max);
  demand(likesMs.p50 <= promptMs, `events after p50 ${Math.round(likesMs.p50)} ms`);
  const said = [likesMs.p50, likesMs.p99, commentsMs.p50].map(Math.round);
  const events = `likes p50 ${said[0]} p99 ${said[1]} ms, comments p50 ${said[2]} ms`;
  return `exact; ${events}, slowest POST ${slowest} ms`;
}

/** Twenty streams on one HTTP/2 connection, each of which gets its snapshot and a like. */
async function http2({ tlsUrl, node }: Stand): Promise<string> {
  const session = connect(tlsUrl, { rejectUnauthorized: false });
  session.on("error", () => {});
  try {
    const heard = Array.from({ length: 20 }, () => streamOn(session));
    const all = (what: string) => until(() => heard.every((one) => one().includes(what)), 5_000);
    demand(
      await all("event: snapshot"),
      `${count(heard, "event: snapshot")} of 20 streams of a connection begin`,
    );
    await post(`${node.url}/v1/videos/h2/likes`, { kind: "heart" });
    demand(await all("event: likes"), `${count(heard, "event: likes")} of 20 streams hear of a like`);
    return "20 streams of one connection";
  } finally {
    session.destroy();
  }
}

/** A like of a heart; the status of its answer, 0 for none. A proxy's own answers are no JSON. */
async function like(url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const init = { method: "POST", headers: { "content-type": "application/json", ...headers } };
  const answer = await fetch(url, { ...init, body: '{"kind":"heart"}' }).catch(() => undefined);
  await answer?.text().catch(() => {});
  return answer?.status ?? 0;
}

function count(heard: readonly (() => string)[], what: string): number {
  return heard.filter((one) => one().includes(what)).length;
}

function streamOn(session: ClientHttp2Session): () => string {
  let text = "";
  const request = session.request({ ":path": "/v1/videos/h2/events" });
  request.setEncoding("utf8");
  request.on("data", (piece: string) => {
    text += piece;
  });
  request.on("error", () => {});
  return () => text;
}

/** Viewers of a silent video who leave do not count two seconds later. */
async function leaving({ port, node }: Stand): Promise<string> {
  const raws = await Promise.all(
    Array.from({ length: 10 }, () => Raw.get(port, "/v1/videos/leaving/events")),
  );
  demand(await until(async () => (await node.viewers("leaving")) === 10, 5_000), "10 viewers never counted");
  // Behind what the coming of the others has made the node write.
  await Bun.sleep(2_500);
  const startMs = performance.now();
  for (const raw of raws) raw.close();
  const gone = await until(async () => (await node.viewers("leaving")) === 0, 40_000);
  const afterS = ((performance.now() - startMs) / 1000).toFixed(1);
  demand(gone, `still counted after ${afterS} s`);
  demand(performance.now() - startMs <= leftMs, `counted for ${afterS} s, with beats every 5 s`);
  return `counted for ${afterS} s`;
}

/** While the node is away a stream is told to come back in a way that EventSource does not take for a no. */
async function away({ url, node }: Stand): Promise<string> {
  await node.kill();
  try {
    const headers = { accept: "text/event-stream" };
    const stream = await fetch(`${url}/v1/videos/away/events`, {
      headers,
      signal: AbortSignal.timeout(20_000),
    });
    const text = await stream.text();
    const status = await like(`${url}/v1/videos/away/likes`);
    demand(status === 0 || status >= 500, `a like is answered ${status} while nobody is there`);
    demand(stream.status === 200 && text.includes("retry:"), `a stream is answered ${stream.status}`);
    return `a stream is answered 200 and retry, a like ${status || "with nothing"}`;
  } finally {
    await node.start();
  }
}

/** Likes while the node is killed and comes back: each with a key counts once, none without is repeated. */
async function posts({ url, node }: Stand): Promise<string> {
  const stop = performance.now() + 6_000;
  const tally = { keyed: 0, taken: 0, silent: 0, refused: 0 };
  const publish = async (keyed: boolean, index: number): Promise<void> => {
    for (let i = 0; performance.now() < stop; i++) {
      const headers = keyed ? { "idempotency-key": `k-${index}-${i}` } : {};
      const send = () => like(`${url}/v1/videos/${keyed ? "keyed" : "plain"}/likes`, headers);
      let status = await send();
      if (!keyed) tally[status === 202 ? "taken" : status === 0 ? "silent" : "refused"]++;
      while (keyed && status !== 202) {
        await Bun.sleep(100);
        status = await send();
      }
      if (keyed) tally.keyed++;
      await Bun.sleep(20);
    }
  };
  const all = Promise.all([0, 1, 2, 3].flatMap((index) => [publish(true, index), publish(false, index)]));
  await Bun.sleep(1_500);
  await node.kill();
  await Bun.sleep(1_000);
  await node.start();
  await all;
  const [keyed, plain] = await Promise.all([node.hearts("keyed"), node.hearts("plain")]);
  demand(keyed === tally.keyed, `${tally.keyed} likes with keys were taken, ${keyed} are counted`);
  const most = tally.taken + tally.silent + tally.refused;
  demand(plain >= tally.taken && plain <= most, `${plain} likes without keys of ${tally.taken} to ${most}`);
  return `${keyed} with keys exact; without, ${tally.taken} taken and ${plain} counted`;
}

/** A client that writes X-Forwarded-For itself still counts for its own address. */
async function address({ url, node }: Stand): Promise<string> {
  const chosen = "198.51.100.7";
  const headers = { "x-forwarded-for": chosen };
  const ban = { address: chosen, seconds: 3_600 };
  const { status } = await post(`${node.url}/v1/admin/bans`, ban, { "x-api-key": adminKey });
  demand(status === 204, `the ban is answered ${status}`);
  const path = "/v1/videos/address/likes";
  demand((await like(node.url + path, headers)) === 403, "the ban does not work at all");
  const behind = await like(url + path, headers);
  demand(behind === 202, `the client's own header is believed (${behind})`);
  return "the client's own header is not believed";
}

export const adminKey = secret(24);

/** The protocol is kept through it, by somebody whose key comes as `Authorization`. */
async function conformed({ url }: Stand): Promise<string> {
  const parts = { url, key: adminKey, prefix: "conform-", only: [], clock: systemClock(), told: () => {} };
  const outcomes = await conform(parts);
  const broken = outcomes.filter(({ outcome }) => outcome === "broken");
  demand(broken.length === 0, broken.map(({ name, why }) => `${name}: ${why}`).join("; "));
  return `${outcomes.filter(({ outcome }) => outcome === "holds").length} sentences of the protocol hold`;
}

/** Fifty streams stay, and new ones come in, while the proxy reads its file again. */
async function reload({ url, reload: again }: Stand): Promise<string> {
  if (!again) throw new Error("not reloaded");
  const viewers = await open(url, "reload");
  await again();
  await Bun.sleep(1_000);
  const late = await Viewer.open(`${url}/v1/videos/reload/events`);
  const arrived = until(() => late.named("snapshot").length > 0, 5_000);
  await post(`${url}/v1/videos/reload/likes`, { kind: "heart" });
  const told = await until(() => viewers.every((viewer) => viewer.named("likes").length > 0), 5_000);
  const cut = viewers.filter(({ ended }) => ended).length;
  const came = await arrived;
  for (const viewer of [...viewers, late]) viewer.close();
  demand(cut === 0 && told, `${cut} of ${streams} streams cut`);
  demand(came, "nobody new is answered");
  return `${streams} streams stay, new ones come in`;
}

/** Every stream hears bye and ends whole, and every like is answered, while the node drains. */
async function drain({ url, node }: Stand): Promise<string> {
  const viewers = await open(url, "drain");
  let draining = true;
  const statuses: number[] = [];
  const publishing = (async () => {
    while (draining) {
      const { status } = await post(`${url}/v1/videos/drain/likes`, { kind: "heart" }).catch(() => ({
        status: 0,
      }));
      // What comes when the process has ended is no part of the drain.
      if (draining) statuses.push(status);
      await Bun.sleep(100);
    }
  })();
  const drained = node.drain();
  const ended = await until(() => viewers.every(({ ended }) => ended), 10_000);
  draining = false;
  await publishing;
  await drained;
  await node.start();
  const byes = viewers.filter(({ heard }) => heard.at(-1)?.event === "bye").length;
  demand(ended && byes === streams, `${byes} of ${streams} streams hear bye and end`);
  const failed = statuses.filter((status) => status !== 202);
  demand(failed.length === 0, `likes are answered ${[...new Set(failed)]} while draining`);
  return `${byes} of ${streams} hear bye and end; ${statuses.length} likes taken meanwhile`;
}

async function open(url: string, video: string): Promise<Viewer[]> {
  const viewers = await Promise.all(
    Array.from({ length: streams }, () => Viewer.open(`${url}/v1/videos/${video}/events`)),
  );
  const all = await until(() => viewers.every((viewer) => viewer.named("snapshot").length > 0), 10_000);
  demand(all, "not every stream begins");
  return viewers;
}

/** In the order in which they are made: those behind which the node is another one come last. */
export const checks: readonly [Check, Look][] = [
  ["audience", audience],
  ["http2", http2],
  ["leaving", leaving],
  ["address", address],
  ["protocol", conformed],
  ["reload", reload],
  ["drain", drain],
  ["away", away],
  ["posts", posts],
];

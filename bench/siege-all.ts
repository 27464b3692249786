/**
 * `npm run bench:siege -- --all`: what a few cheap requests can do, before and after. Each attack of
 * siege-attacks.ts in turn, at the executable of 8c5741b and at today's: what a bystander notices, who likes
 * fifty times a second from elsewhere; what memory the server has taken; and what was refused.
 *
 * The bystander's likes fall due at an even pace, and their time counts from then, so a server that stalls
 * cannot hide it; what is never answered counts as long as it was waited for.
 */
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { userBytes } from "../src/plan/proc.ts";
import { certify } from "../src/system/certificate.ts";
import { buildEarlier } from "./before.ts";
import { Helper } from "./link.ts";
import { executable, type Ovation, startOvationAt } from "./ovation.ts";
import { CpuWatch, starvedSeconds } from "./proc.ts";
import { Ends, type RunFlags, say } from "./run.ts";
import { type AttackName, type AttackOrder, type AttackWord, attackNames } from "./siege-orders.ts";
import { mint } from "./siege-token.ts";
import { percentilesOf, round } from "./stats.ts";

const earlier = "8c5741b";
const quietSeconds = 3;
const secondsMax = 10;
const likesPerS = 50;
const answerMs = 15_000;
const watchMs = 200;
const reviewMs = 30;
const key = "bystanders-of-the-siege-hold-this";
const secret = "a secret that only this run knows and only for a minute";
const keysOfSet = 32;
/** More than a video keeps of comments, so that the first one's place is gone. */
const commentsOfVideo = 1_050;
const videosFilled = 32;
const fillers = 64;

interface Figures {
  readonly quietP99Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Bystander's likes that got something else than 202. */
  readonly lost: number;
  readonly memoryMB: number;
  readonly peakMB: number;
  /** Of the server, while the attack lasted. */
  readonly cores: number;
  /** Share of that time in which it was ready to run and had no core. */
  readonly starved: number;
  readonly answers: AttackWord;
  /** What became of a like of a video that is new, once all was over. */
  readonly newVideo: number;
}

export async function measureAll({ seconds, own }: RunFlags, ends: Ends) {
  const names = attackNames.filter((name) => own.only === undefined || name.includes(own.only));
  const lasts = Math.min(seconds, secondsMax);
  const before = ends.add(buildEarlier(earlier));
  const figures: Record<string, { before: Figures; after: Figures }> = {};
  for (const name of names) {
    const at = async (binary: string): Promise<Figures> => {
      const own = new Ends();
      ends.add({ end: () => own.all() });
      try {
        return await siege(name, lasts, own, binary);
      } finally {
        await own.all();
      }
    };
    figures[name] = { before: await at(before.binary), after: await at(executable()) };
    say(rowOf(name, "before", figures[name].before));
    say(rowOf(name, "after", figures[name].after));
  }
  return { earlier, attacks: figures };
}

function rowOf(name: string, when: string, { quietP99Ms, p99Ms, maxMs, ...rest }: Figures): string {
  const { memoryMB, peakMB, lost, newVideo, answers, cores, starved } = rest;
  const told = JSON.stringify(answers);
  return (
    `| ${name} | ${when} | quiet p99 ${quietP99Ms} ms | p99 ${p99Ms} ms, max ${maxMs} ms, ${lost} lost | ` +
    `${memoryMB} → ${peakMB} MB | ${cores} cores, starved ${starved} | ${told} | new video ${newVideo} |`
  );
}

/** One attack at one executable. */
async function siege(name: AttackName, seconds: number, ends: Ends, binary: string): Promise<Figures> {
  const { flags, given } = await groundFor(name, ends);
  const isSecure = flags.some((flag) => flag.startsWith("--tls"));
  const server = ends.add(
    await startOvationAt(binary, "--trust-proxy=1", `--api-keys=by:publish+watch:${key}`, ...flags),
  );
  const url = `${isSecure ? "https" : "http"}://127.0.0.1:${server.port}`;
  const place = name === "old places" ? await fill(url) : given;
  const attacker = ends.add(new Helper<AttackOrder, AttackWord>("siege-attacks.ts"));
  const quiet = await bystand(url, quietSeconds * 1000);
  const memoryMB = megabytes(server);
  let peakMB = memoryMB;
  const looking = setInterval(() => {
    peakMB = Math.max(peakMB, megabytes(server));
  }, watchMs);
  const attacking = attacker.ask({ attack: name, url, port: server.port, seconds, given: place });
  const starvedBefore = starvedSeconds(server.pid);
  const cpu = new CpuWatch({ server: [server.pid] });
  const besieged = await bystand(url, seconds * 1000);
  const { used, seconds: lasted } = cpu.read();
  const starved = (starvedSeconds(server.pid) - starvedBefore) / lasted;
  const answers = await attacking;
  clearInterval(looking);
  const fresh = await like(url, `new-${Date.now()}`);
  return {
    quietP99Ms: round(quiet.ms.p99),
    p99Ms: round(besieged.ms.p99),
    maxMs: round(besieged.ms.max),
    lost: besieged.lost,
    ...{ memoryMB, peakMB, answers, cores: round(used.server / lasted), starved: round(starved) },
    newVideo: fresh,
  };
}

function megabytes({ pid }: Ovation): number {
  return Math.round(userBytes(pid) / 1e6);
}

/** What an attack needs to be there: flags of the server, and what the attacker is given. */
async function groundFor(name: AttackName, ends: Ends): Promise<{ flags: readonly string[]; given: string }> {
  const none = { flags: [], given: "" };
  if (name === "200 comments at once") {
    const reviewer = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch() {
        await Bun.sleep(reviewMs);
        return Response.json({ verdict: "deny" });
      },
    });
    ends.add({ end: () => reviewer.stop(true) });
    const review = `--review-url=http://127.0.0.1:${reviewer.port}/`;
    return { ...none, flags: [review, `--webhook-secrets=${secret}`, "--comment-rate=100000"] };
  }
  if (name === "dripping bodies") {
    const folder = mkdtempSync(join(tmpdir(), "ovation-siege-"));
    ends.add({ end: async () => rmSync(folder, { recursive: true }) });
    const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
    certify("siege", files);
    return { ...none, flags: [`--tls-cert=${files.cert}`, `--tls-key=${files.key}`] };
  }
  if (name === "token texts") {
    return { flags: ["--auth=token", `--jwt-secrets=${secret}`], given: mint("*", secret) };
  }
  if (name !== "strangers' tokens") return none;
  const keys = Array.from({ length: keysOfSet }, (_, i) => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    return { ...publicKey.export({ format: "jwk" }), kid: `k${i}`, alg: "RS256", use: "sig" };
  });
  const issuer = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => Response.json({ keys }) });
  ends.add({ end: () => issuer.stop(true) });
  return { ...none, flags: ["--auth=token", `--jwks-url=http://127.0.0.1:${issuer.port}/`] };
}

const trusting = { tls: { rejectUnauthorized: false } } as RequestInit;
const headers = { "content-type": "application/json", "x-api-key": key, "x-forwarded-for": "192.0.2.200" };

async function post(url: string, path: string, body: object): Promise<Response> {
  return fetch(url + path, {
    ...{ method: "POST", headers, body: JSON.stringify(body), signal: AbortSignal.timeout(answerMs) },
    ...trusting,
  });
}

/** The status of a like's answer; 0: none came. */
async function like(url: string, video: string): Promise<number> {
  try {
    const answer = await post(url, `/v1/videos/${video}/likes`, { kind: "heart" });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return 0;
  }
}

/** Likes at an even pace for `ms`, and waits for every answer. */
async function bystand(url: string, ms: number) {
  const beganMs = performance.now();
  const samples: number[] = [];
  const waiting: Promise<void>[] = [];
  let lost = 0;
  for (let n = 0; n < (ms * likesPerS) / 1000; n++) {
    const dueMs = beganMs + (n * 1000) / likesPerS;
    await Bun.sleep(Math.max(0, dueMs - performance.now()));
    waiting.push(
      like(url, "bystander").then((status) => {
        samples.push(performance.now() - dueMs);
        if (status !== 202) lost++;
      }),
    );
  }
  await Promise.all(waiting);
  return { ms: percentilesOf(samples), lost };
}

/** Writes more comments on many videos than they keep; answers the place of the first. */
async function fill(url: string): Promise<string> {
  let first = "";
  let next = 0;
  const all = videosFilled * commentsOfVideo;
  const one = async (): Promise<void> => {
    while (next < all) {
      const n = next++;
      const answer = await post(url, `/v1/videos/v${n % videosFilled}/comments`, { text: `comment ${n}` });
      const { id } = (await answer.json()) as { id?: string };
      if (n === 0) first = id ?? "";
    }
  };
  await Promise.all(Array.from({ length: fillers }, one));
  return first;
}

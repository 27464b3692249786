/**
 * An audience without streams, behind real caches: `npm run caches` puts nginx and Varnish of Debian, with
 * their files of deploy/proxies, before a node and asks them for what viewers poll, as fast as a few
 * processes can, while somebody likes. Prints for each what the node was asked, how old answers were, how
 * many viewers the requests are worth, and who was busy with them, in cores; ends with 1 where the node was
 * asked more than twice a second for a video, totals do not end exact, or somebody is told what is not
 * theirs.
 *
 * `npm run caches -- varnish` tries that alone; `--seconds=20`, `--pollers=2`. It wants root, as Debian's
 * files are laid out for it: `apt-get install --no-install-recommends nginx-light varnish`. Everything it
 * starts it ends.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { SignJWT } from "jose";
import { familyOf } from "../bench/proc.ts";
import { cpuSeconds } from "../src/plan/proc.ts";
import { freePorts } from "../src/system/ports.ts";
import { dieWithUs, folder, say, TrialNode, until } from "./trial.ts";

process.env.PATH = [process.env.PATH, "/usr/local/sbin", "/usr/sbin"].join(delimiter);
const words = process.argv.slice(2);
const numberOf = (name: string, fallback: number): number =>
  Number(words.find((word) => word.startsWith(`--${name}=`))?.split("=")[1] ?? fallback);
const seconds = numberOf("seconds", 20);
const pollers = numberOf("pollers", 2);
const wanted = words.filter((word) => !word.startsWith("--"));
const files = join(import.meta.dir, "../deploy/proxies");
const secret = "0123456789abcdef0123456789abcdef";
const videos = ["one", "two", "three"];
/** A viewer asks so often, in s: what --poll-every is as shipped. */
const paceS = 2;
/** What the node may be asked a second for each video. */
const asksMax = 2;
const likesPerS = 20;
/** An answer may be this old: a second, five while another is on its way, and the way. In s. */
const staleMaxS = 8;

interface Cache {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  end(): Promise<void>;
}

const caches: Readonly<Record<string, (room: string, port: number, upstream: number) => readonly string[]>> =
  {
    nginx(room, port, upstream) {
      mkdirSync(join(room, "cache"));
      const file = written(room, "nginx-cache.conf", [
        ["127.0.0.1:8080", `127.0.0.1:${upstream}`],
        ["listen 80;", `listen 127.0.0.1:${port}; access_log off; keepalive_requests 100000000;`],
        ["/var/cache/nginx/ovation", join(room, "cache")],
      ]);
      const globals = `daemon off; pid ${room}/pid; error_log ${room}/error.log;`;
      return ["nginx", "-p", room, "-e", `${room}/error.log`, "-c", file, "-g", globals];
    },
    varnish(room, port, upstream) {
      const file = written(room, "varnish-cache.vcl", [['.port = "8080"', `.port = "${upstream}"`]]);
      const store = ["-s", "malloc,64M", "-n", join(room, "varnish")];
      return ["varnishd", "-F", "-a", `127.0.0.1:${port}`, "-f", file, ...store];
    },
  };

function written(room: string, name: string, changes: readonly (readonly [string, string])[]): string {
  let text = readFileSync(join(files, name), "utf8");
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`deploy/proxies/${name} has no ${from}`);
    text = text.replaceAll(from, to);
  }
  const path = join(room, name);
  writeFileSync(path, text);
  return path;
}

async function start(name: string, upstream: number): Promise<Cache> {
  const room = folder(`cache-${name}`);
  const [port = 0] = await freePorts(1);
  const command = caches[name]?.(room.path, port, upstream) ?? [];
  Bun.spawnSync(["chmod", "-R", "a+rwX", room.path]);
  const log = Bun.file(join(room.path, "said.log"));
  const child = Bun.spawn([...dieWithUs, ...command], { stdout: log, stderr: log });
  const url = `http://127.0.0.1:${port}`;
  const end = async (): Promise<void> => {
    child.kill("SIGTERM");
    await Promise.race([child.exited, Bun.sleep(3_000)]);
    child.kill("SIGKILL");
    await child.exited;
    room.remove();
  };
  const answers = async () => (await fetch(`${url}/health/live`).catch(() => undefined))?.status === 200;
  if (await until(answers, 15_000)) return { url, port, pid: child.pid, end };
  const said = (await log.text()).trim().split("\n").slice(-5).join(" | ");
  await end();
  throw new Error(`${name} does not start: ${said}`);
}

/** Seconds of processor time of a process and of all that it has started. */
function usedS(pid: number): number {
  return familyOf(pid).reduce((sum, member) => sum + cpuSeconds(member), 0);
}

const counted = (n: number): string => Math.round(n).toLocaleString("en");

function demand(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

async function like(url: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  const { status } = await fetch(url, { method: "POST", headers, body: '{"kind":"heart"}' });
  demand(status === 202, `a like is answered ${status}`);
}

async function heartsAt(url: string): Promise<number> {
  const answer = await fetch(url);
  demand(answer.status === 200, `${url} is answered ${answer.status}`);
  return ((await answer.json()) as { totals: { heart?: number } }).totals.heart ?? 0;
}

/** Requests for live states that the node has answered so far. */
async function asked(node: TrialNode): Promise<number> {
  const metrics = await (await fetch(`${node.url}/metrics`)).text();
  const lines = metrics.split("\n").filter((line) => line.includes('route="/v1/videos/{video}/live"'));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

/** Polls at full rate while somebody likes; answers what was seen, in words. */
async function flood(cache: Cache, node: TrialNode): Promise<string> {
  const paths = videos.map((video) => `/v1/videos/${video}/live`);
  for (const path of paths) await heartsAt(cache.url + path);
  const before = await asked(node);
  const usedBefore = [cache.pid, node.pid].map((pid) => usedS(pid));
  const startMs = performance.now();
  const script = join(import.meta.dir, "caches/poller.ts");
  const crowd = Array.from({ length: pollers }, () =>
    Bun.spawn([...dieWithUs, process.execPath, script, String(cache.port), String(seconds), ...paths]),
  );
  let over = false;
  const saidAt: number[] = [];
  const publish = async (): Promise<void> => {
    while (!over) {
      await like(`${node.url}/v1/videos/one/likes`);
      saidAt.push(performance.now());
      await Bun.sleep(1000 / likesPerS);
    }
  };
  const ages: number[] = [];
  const look = async (): Promise<void> => {
    while (!over) {
      const seen = await heartsAt(`${cache.url}/v1/videos/one/live`);
      const nextAt = saidAt[seen];
      ages.push(nextAt === undefined ? 0 : performance.now() - nextAt);
      await Bun.sleep(20);
    }
  };
  const sides = Promise.all([publish(), look()]);
  const ended = crowd.map(async (child) => JSON.parse(await new Response(child.stdout).text()));
  const tallies = (await Promise.all(ended)) as { answered: number; wrong: number; broken: number }[];
  const tookS = (performance.now() - startMs) / 1000;
  const cores = (used: number) => (used / tookS).toFixed(2);
  const [byCache, byNode] = [cache.pid, node.pid].map((pid, i) => usedS(pid) - (usedBefore[i] ?? 0));
  const byPollers = crowd.reduce(
    (all, one) => all + Number(one.resourceUsage()?.cpuTime.total ?? 0) / 1e6,
    0,
  );
  const reached = (await asked(node)) - before;
  over = true;
  await sides;
  const sum = (of: "answered" | "wrong" | "broken") => tallies.reduce((total, tally) => total + tally[of], 0);
  demand(sum("wrong") === 0, `${sum("wrong")} answers were not 200`);
  demand(sum("broken") === 0, `${sum("broken")} connections broke`);
  const perVideo = reached / tookS / videos.length;
  demand(perVideo <= asksMax, `the node was asked ${perVideo.toFixed(2)} times a second for each video`);
  const exact = async () => (await heartsAt(`${cache.url}/v1/videos/one/live`)) === saidAt.length;
  demand(await until(exact, staleMaxS * 1000), `the total is not ${saidAt.length} in the end`);
  ages.sort((a, b) => a - b);
  const at = (part: number) => ((ages[Math.floor(part * ages.length)] ?? 0) / 1000).toFixed(2);
  demand(Number(at(0.99)) <= staleMaxS, `answers are ${at(0.99)} s old at p99`);
  const rate = sum("answered") / tookS;
  return [
    `${counted(rate)} requests/s, worth ${counted(rate * paceS)} viewers at ${paceS} s;`,
    `cores: cache ${cores(byCache ?? 0)}, pollers ${cores(byPollers)}, node ${cores(byNode ?? 0)};`,
    `the node: ${perVideo.toFixed(2)}/s for each of ${videos.length} videos;`,
    `answers p50 ${at(0.5)} s old, p99 ${at(0.99)} s (${ages.length} seen); ${saidAt.length} likes exact`,
  ].join(" ");
}

/** The node dies and comes back: what is cached is told on, and then what is new. */
async function away(cache: Cache, node: TrialNode): Promise<string> {
  const url = `${cache.url}/v1/videos/one/live`;
  const hearts = await heartsAt(url);
  await node.kill();
  const untilMs = performance.now() + 10_000;
  let answers = 0;
  for (; performance.now() < untilMs; answers++) {
    demand((await heartsAt(url)) === hearts, "what is cached has changed while nobody is there");
    await Bun.sleep(100);
  }
  await node.start();
  await like(`${node.url}/v1/videos/one/likes`);
  demand(await until(async () => (await heartsAt(url)) === hearts + 1, 20_000), "what is new does not come");
  return `${answers} answers in the 10 s that the node was away, all 200; then what is new`;
}

/** Signed addresses: shared by their holders, and nobody else's. */
async function signed(cache: Cache, node: TrialNode): Promise<string> {
  const tokenOf = (sub: string) =>
    new SignJWT({ sub, videos: "*" })
      .setProtectedHeader({ alg: "HS256" })
      .setExpirationTime("1h")
      .sign(new TextEncoder().encode(secret));
  const toldTo = async (sub: string): Promise<string> => {
    const stream = await fetch(`${cache.url}/v1/videos/one/events?token=${await tokenOf(sub)}`);
    const { poll } = JSON.parse(/^data: (.*)$/m.exec(await stream.text())?.[1] ?? "{}");
    return `${cache.url}/v1/videos/one/${poll.url}`;
  };
  const urls = await Promise.all(Array.from({ length: 20 }, (_, i) => toldTo(`viewer-${i}`)));
  // The twenty may have met the turn of a window.
  demand(new Set(urls).size <= 2, "holders are told different addresses");
  const [url = ""] = urls;
  await heartsAt(url);
  const before = await asked(node);
  const startMs = performance.now();
  for (let i = 0; i < 40; i++) await Promise.all(urls.map(heartsAt));
  const most = Math.ceil((performance.now() - startMs) / 1000) * asksMax * new Set(urls).size + 2;
  const reached = (await asked(node)) - before;
  demand(reached <= most, `800 polls reached the node ${reached} times`);
  const bare = `${cache.url}/v1/videos/one/live`;
  const own = await fetch(bare, { headers: { authorization: `Bearer ${await tokenOf("ann")}` } });
  demand(own.status === 200, `a token is answered ${own.status}`);
  const statuses = [bare, `${url}A`, url.replace("/one/", "/two/")].map(
    async (at) => (await fetch(at)).status,
  );
  const [none, wrong, other] = await Promise.all(statuses);
  demand(
    none === 401 && wrong === 403 && other === 403,
    `strangers are answered ${none}, ${wrong}, ${other}`,
  );
  await heartsAt(url);
  return `one address for 20 holders, 800 polls reached the node ${reached} times; strangers: 401, 403, 403`;
}

/** Makes all checks of one cache, and prints each. Answers how many were wrong. */
async function tried(name: string): Promise<number> {
  let wrong = 0;
  const checks = { flood, away, signed };
  for (const [check, look] of Object.entries(checks)) {
    const secrets = check === "signed" ? ["--auth=token", `--jwt-secrets=${secret}`, "--stream-share=0"] : [];
    const node = await TrialNode.open("--trust-proxy=1", "--limits=off", ...secrets);
    let cache: Cache | undefined;
    try {
      cache = await start(name, node.port);
      say(`${name.padEnd(9)}${check.padEnd(8)}${await look(cache, node)}`);
    } catch (error) {
      wrong++;
      say(`${name.padEnd(9)}${check.padEnd(8)}WRONG: ${(error as Error).message}`);
    } finally {
      await cache?.end();
      await node.close();
    }
  }
  return wrong;
}

let wrong = 0;
for (const name of Object.keys(caches)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const program = name === "varnish" ? "varnishd" : name;
  if (Bun.which(program)) wrong += await tried(name);
  else say(`${name.padEnd(9)}skipped: ${program} is not installed`);
}
say(wrong === 0 ? "\nall of it holds" : `\n${wrong} rows are wrong`);
process.exit(wrong === 0 ? 0 : 1);

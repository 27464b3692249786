/**
 * Other people's client libraries follow a video of Ovation through a kill -9, a restart, a drain and another
 * restart, all at once, each by its short program in scripts/clients/, which docs/clients.md shows. Each is
 * judged by what it printed: the last total, and every comment once and in order.
 *
 * `npm run clients -- go python` tries those alone. A client whose toolchain is not there is skipped by name.
 * Packages come from their registries, builds go to dist/clients. Everything it starts it ends.
 */
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Browser } from "playwright-core";
import { startBrowser } from "../src/system/browser.ts";
import { post } from "../src/system/events.ts";
import { dieWithUs, say, TrialNode, until } from "./trial.ts";

const root = join(import.meta.dir, "..");
const builds = join(root, "dist/clients");
const wanted = process.argv.slice(2);
const video = "final";
/** More than a snapshot holds: who comes back without its place has a hole, and it shows. */
const commentsEach = 30;
/** Longest that a client's own pauses between attempts were seen to grow to, and the last news' way. */
const arriveMs = 90_000;

/** A client under way. */
interface Follower {
  /** What it has shown so far: `total N`, `comment TEXT` or `missed some`. */
  readonly lines: () => Promise<readonly string[]>;
  readonly end: () => Promise<void>;
}

interface Client {
  readonly name: string;
  readonly library: string;
  /** Programs without which it cannot be tried. */
  readonly needs: readonly string[];
  /** In its own folder, in order. */
  readonly build: readonly (readonly string[])[];
  readonly run: (folder: string, url: string) => readonly string[];
}

const processes: readonly Client[] = [
  {
    name: "python",
    library: "httpx-sse 0.4.3",
    needs: ["python3"],
    build: [
      ["python3", "-m", "venv", "venv"],
      ["venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"],
    ],
    run: (folder, url) => [join(folder, "venv/bin/python"), "watch.py", url],
  },
  {
    name: "go",
    library: "launchdarkly/eventsource 1.11.0",
    needs: ["go"],
    build: [["go", "build", "-o", "watch", "."]],
    run: (folder, url) => [join(folder, "watch"), url],
  },
  {
    name: "java",
    library: "okhttp-eventsource 4.3.0",
    needs: ["java", "mvn"],
    build: [["mvn", "-q", "-B", "compile", "dependency:copy-dependencies", "-DoutputDirectory=target/lib"]],
    run: (_, url) => ["java", "-cp", `target/classes${delimiter}target/lib/*`, "Watch", url],
  },
  {
    name: "rust",
    library: "eventsource-stream 0.2.3",
    needs: ["cargo"],
    build: [["cargo", "build", "--quiet", "--locked"]],
    run: (folder, url) => [join(folder, "target/debug/watch"), url],
  },
  {
    name: "node",
    library: "eventsource-client 1.2.0",
    needs: ["node"],
    build: [[process.execPath, "install", "--silent"]],
    run: (_, url) => ["node", "watch.mjs", url],
  },
];

/** Builds and starts `client`; throws the last lines of what its tools said. */
async function start(client: Client, url: string): Promise<Follower> {
  const folder = join(builds, client.name);
  mkdirSync(folder, { recursive: true });
  cpSync(join(root, "scripts/clients", client.name), folder, { recursive: true });
  for (const command of client.build) {
    const built = Bun.spawn([...command], { cwd: folder, stdout: "pipe", stderr: "pipe" });
    const said = await Promise.all([new Response(built.stdout).text(), new Response(built.stderr).text()]);
    if ((await built.exited) !== 0) throw new Error(`${command[0]}: ${said.join("").trim().slice(-300)}`);
  }
  const child = Bun.spawn([...dieWithUs, ...client.run(folder, url)], {
    cwd: folder,
    stdout: "pipe",
    stderr: "ignore",
  });
  let text = "";
  void (async () => {
    const decoder = new TextDecoder();
    for await (const piece of child.stdout) text += decoder.decode(piece, { stream: true });
  })();
  return {
    lines: async () => text.split("\n").slice(0, -1),
    end: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** The plain EventSource page of the embedding guide, served from elsewhere, in a real Chromium. */
function page(node: TrialNode) {
  const text = readFileSync(join(root, "web/snippets/eventsource.html"), "utf8");
  const html = text.replaceAll("https://ovation.example", node.url).replaceAll("/final", `/${video}`);
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response(html, { headers: { "content-type": "text/html; charset=utf-8" } }),
  });
}

async function openPage(browser: Browser, address: string): Promise<Follower> {
  const tab = await (await browser.newContext()).newPage();
  await tab.goto(address);
  return {
    lines: async () => {
      const total = await tab.locator("#likes").textContent();
      const comments = await tab.locator("#comments li").allTextContents();
      return [`total ${total}`, ...comments.map((row) => `comment ${row.replace(/^Guest: /, "")}`)];
    },
    end: () => browser.close(),
  };
}

let likes = 0;
const comments: string[] = [];

/** Likes and comments, each under its key until it is taken: the node may end meanwhile. */
async function publish(node: TrialNode): Promise<void> {
  const taken = async (path: string, body: object, key: string): Promise<void> => {
    const send = () => post(`${node.url}/v1/videos/${video}/${path}`, body, { "idempotency-key": key });
    for (;;) {
      const { status } = await send().catch(() => ({ status: 0 }));
      if (status === 201 || status === 202) return;
      await Bun.sleep(50);
    }
  };
  for (let i = 0; i < commentsEach; i++) {
    const number = comments.length + 1;
    const text = `${number}: "é" 👏 \u2028 {}`;
    await taken("comments", { text }, `comment-${number}`);
    comments.push(text);
    likes += 3;
    await taken("likes", { kind: "heart", count: 3 }, `like-${number}`);
  }
}

/** What is wrong with what a client has shown; undefined: nothing. */
function judged(lines: readonly string[]): string | undefined {
  const total = lines.filter((line) => line.startsWith("total ")).at(-1);
  const shown = lines.filter((line) => line.startsWith("comment ")).map((line) => line.slice(8));
  if (lines.includes("missed some")) return "was told that it missed some";
  if (total !== `total ${likes}`) return `${total ?? "no total"}, not ${likes}`;
  const wrong = shown.findIndex((text, index) => text !== comments[index]);
  if (wrong >= 0) return `its comment ${wrong + 1} is ${JSON.stringify(shown[wrong])}`;
  return shown.length === comments.length ? undefined : `${shown.length} comments of ${comments.length}`;
}

const row = (name: string, seen: string) => say(`${name.padEnd(44)}${seen}`);
const isWanted = (name: string) => wanted.length === 0 || wanted.includes(name);
const flags = ["--cors-origins=*", "--drain=2s", "--beat=5s"];
const node = await TrialNode.open(...flags);
const server = page(node);
const url = `${node.url}/v1/videos/${video}/events`;
const followers = new Map<string, Follower>();
let wrong = 0;
try {
  for (const client of processes.filter(({ name }) => isWanted(name))) {
    const title = `${client.name}: ${client.library}`;
    const missing = client.needs.filter((program) => !Bun.which(program));
    if (missing.length > 0) {
      row(title, `skipped: there is no ${missing.join(", no ")}`);
      continue;
    }
    const follower = await start(client, url).catch((error: Error) => {
      row(title, `skipped: it cannot be built here (${error.message.split("\n")[0]})`);
      return undefined;
    });
    if (follower) followers.set(title, follower);
  }
  if (isWanted("browser") && Bun.which("chromium")) {
    followers.set("browser: EventSource of Chromium", await openPage(await startBrowser(), server.url.href));
  } else if (isWanted("browser")) row("browser: EventSource of Chromium", "skipped: there is no chromium");
  const allHere = async () => {
    const all = await Promise.all([...followers.values()].map(({ lines }) => lines()));
    return all.every((lines) => judged(lines) === undefined);
  };
  // What was there before they came is in their snapshots.
  await until(allHere, arriveMs);
  for (const end of ["kill", "drain", "kill"] as const) {
    const publishing = publish(node);
    await Bun.sleep(100);
    await node[end]();
    await node.start();
    await publishing;
    // Once more while most of them are still on their way back.
    await publish(node);
    await until(allHere, arriveMs);
  }
  for (const [title, { lines }] of followers) {
    const found = judged(await lines());
    if (found) wrong++;
    row(
      title,
      found ? `WRONG: ${found}` : `exact: ${likes} likes, ${comments.length} comments once and in order`,
    );
  }
} finally {
  for (const { end } of followers.values()) await end();
  await server.stop(true);
  await node.close();
}
process.exit(wrong === 0 ? 0 : 1);

/**
 * `npm run stranger`: the way of somebody who has never seen this, from a clone to a like in a page of their
 * own, plain and with React from the packages' tarballs. Types what the documents say, prints each command
 * with the time it took, and ends with 1 when a like does not arrive.
 *
 * Needs git, npm with its registry, and Chromium. What is cloned is what is committed.
 */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWindow, startBrowser, until } from "../src/system/browser.ts";
import { freePorts } from "../src/system/ports.ts";
import { folder, say } from "./trial.ts";

const root = join(import.meta.dir, "..");
const startMs = 180_000;

const plain = (server: string): string => `<!doctype html>
<title>Mine</title>
<script type="module" src="${server}/ovation-stage.js"></script>
<ovation-stage video="final"></ovation-stage>
`;

const react = (server: string): string => `import { useReactions } from "ovation-client/react";
import { createRoot } from "react-dom/client";

function Reactions() {
  const { totals, like } = useReactions("final", { url: "${server}" });
  return <button onClick={() => like("heart")}>{totals.heart ?? 0} likes</button>;
}
createRoot(document.querySelector("#root")).render(<Reactions />);
`;

const seconds = (fromMs: number): string => `${((performance.now() - fromMs) / 1000).toFixed(1)} s`;

/** Types a line in `cwd`. Throws with what it printed when it fails. */
async function type(line: string, cwd: string): Promise<void> {
  const fromMs = performance.now();
  const child = Bun.spawn(["sh", "-c", line], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`$ ${line}\n${out}${err}`);
  say(`$ ${line}   # ${seconds(fromMs)}`);
}

/** `npm start` until it is ready; the answer ends it. */
async function startIn(cwd: string, port: number): Promise<() => Promise<void>> {
  const line = `npm start -- --port=${port} --cors-origins='*'`;
  const fromMs = performance.now();
  // Like a terminal's: a signal reaches all that the line started.
  const child = Bun.spawn(["sh", "-c", `exec ${line}`], {
    cwd,
    stdio: ["ignore", "ignore", "ignore"],
    detached: true,
  });
  const end = async (): Promise<void> => {
    process.kill(-child.pid, "SIGTERM");
    await child.exited;
  };
  const isReady = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`$ ${line}\nended with ${child.exitCode}`);
    return (await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined))?.ok === true;
  };
  await until("the server", isReady, startMs).catch(async (error) => {
    await end();
    throw error;
  });
  say(`$ ${line}   # ${seconds(fromMs)} until it is ready`);
  return end;
}

/** Serves `at` from another origin, opens its page, and taps until the server has counted it. */
async function likeIn(at: string, button: RegExp, server: string): Promise<void> {
  const fromMs = performance.now();
  const site = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch({ url }) {
      const file = Bun.file(join(at, new URL(url).pathname.slice(1) || "index.html"));
      return (await file.exists()) ? new Response(file) : new Response("", { status: 404 });
    },
  });
  const total = async (): Promise<number> => {
    const state = await (await fetch(`${server}/v1/videos/final`)).json();
    return (state as { totals: { heart?: number } }).totals.heart ?? 0;
  };
  const before = await total();
  const browser = await startBrowser();
  try {
    const { page } = await openWindow(browser, site.url.href);
    await page.getByRole("button", { name: button }).click();
    await until("the like", async () => (await total()) === before + 1);
    const name = `${at.split("/").at(-1)}/index.html`;
    say(`  a like in ${name} has counted   # ${seconds(fromMs)}, Chromium's start included`);
  } finally {
    await browser.close();
    await site.stop(true);
  }
}

const fromMs = performance.now();
const { path, remove } = folder("stranger");
const clone = join(path, "ovation");
const [port = 0] = await freePorts(1);
const server = `http://127.0.0.1:${port}`;
let end: (() => Promise<void>) | undefined;
try {
  await type(`git clone --quiet ${root} ovation`, path);
  end = await startIn(clone, port);
  mkdirSync(join(path, "plain"));
  writeFileSync(join(path, "plain/index.html"), plain(server));
  await likeIn(join(path, "plain"), /heart/i, server);
  say(`from the clone to a like in a page of one's own: ${seconds(fromMs)}\n`);

  await type("npm run --silent pack:all", clone);
  const tarball = readdirSync(join(clone, "dist/packages")).find((name) =>
    /^ovation-client-.*\.tgz$/.test(name),
  );
  mkdirSync(join(path, "with-react"));
  await type("npm init -y", join(path, "with-react"));
  await type(
    `npm install ../ovation/dist/packages/${tarball} react react-dom esbuild`,
    join(path, "with-react"),
  );
  writeFileSync(join(path, "with-react/app.jsx"), react(server));
  writeFileSync(
    join(path, "with-react/index.html"),
    '<!doctype html><div id="root"></div><script src="app.js"></script>',
  );
  await type("npx esbuild app.jsx --bundle --jsx=automatic --outfile=app.js", join(path, "with-react"));
  await likeIn(join(path, "with-react"), /likes/, server);
  say(`to one in a React component, from the tarball: ${seconds(fromMs)}`);
} finally {
  await end?.();
  remove();
}

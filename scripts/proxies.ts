/**
 * Ovation behind other people's reverse proxies: each that is installed is started on the loopback address
 * with its file of deploy/proxies, and asked eight things (proxies/checks.ts). Prints a table of what was
 * seen; whatever is neither right nor a known exception (proxies/recipes.ts) ends it with 1.
 *
 * `npm run proxies -- nginx caddy` tries those alone. All nine take ten minutes and want root, as Debian's
 * files are laid out for it: `apt-get install --no-install-recommends nginx-light apache2-bin haproxy varnish
 * caddy lighttpd lighttpd-mod-openssl squid trafficserver h2o`. Everything it starts it ends.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { certify } from "../src/system/certificate.ts";
import { freePorts } from "../src/system/ports.ts";
import { adminKey, checks, type Stand } from "./proxies/checks.ts";
import { type Place, type Recipe, recipes } from "./proxies/recipes.ts";
import { dieWithUs, folder, say, TrialNode, until } from "./trial.ts";

/** Debian puts servers where the PATH of an ordinary user does not look. */
process.env.PATH = [process.env.PATH, "/usr/local/sbin", "/usr/sbin"].join(delimiter);
const wanted = process.argv.slice(2).map((name) => name.toLowerCase());
const startMs = 10_000;
const endMs = 3_000;
const checkMs = 120_000;

interface Proxy {
  readonly stand: Stand;
  readonly end: () => Promise<void>;
}

/** Starts `recipe` before `node`; resolves when it answers. */
async function start(recipe: Recipe, node: TrialNode): Promise<Proxy> {
  const room = folder(recipe.name.toLowerCase().replace(" ", "-"));
  const [port = 0, tlsPort = 0, spare = 0] = await freePorts(3);
  const place: Place = { folder: room.path, port, tlsPort, spare, upstream: node.port };
  const pair = { cert: join(room.path, "cert.pem"), key: join(room.path, "key.pem") };
  certify("localhost", pair);
  writeFileSync(
    join(room.path, "both.pem"),
    readFileSync(pair.cert, "utf8") + readFileSync(pair.key, "utf8"),
  );
  // Some of them work as another user than the one who starts them.
  Bun.spawnSync(["chmod", "-R", "a+rwX", room.path]);
  const env = { ...process.env, ...recipe.env?.(place) };
  const log = Bun.file(join(room.path, "said.log"));
  const child = Bun.spawn([...dieWithUs, ...recipe.start(place)], { env, stdout: log, stderr: log });
  const url = `http://127.0.0.1:${port}`;
  const end = async (): Promise<void> => {
    child.kill("SIGTERM");
    await Promise.race([child.exited, Bun.sleep(endMs)]);
    child.kill("SIGKILL");
    await child.exited;
    room.remove();
  };
  const answers = async () => (await fetch(`${url}/health/ready`).catch(() => undefined))?.status === 200;
  if (!(await until(answers, startMs))) {
    const said = (await log.text()).trim().split("\n").slice(-5).join(" | ");
    await end();
    throw new Error(`does not start: ${said}`);
  }
  const { reload: way } = recipe;
  const reload =
    way &&
    (async () => {
      if (typeof way === "string") child.kill(way);
      else await Bun.spawn([...way(place)], { env, stdout: "ignore", stderr: "ignore" }).exited;
    });
  return { stand: { node, url, port, tlsUrl: `https://localhost:${tlsPort}`, reload }, end };
}

/** Makes all checks of one proxy, and prints each. Answers how many were neither right nor known. */
async function tried(recipe: Recipe): Promise<number> {
  const flags = ["--trust-proxy=1", "--limits=off", "--beat=5s", "--drain=2s", `--admin-key=${adminKey}`];
  const node = await TrialNode.open(...flags);
  let wrong = 0;
  const row = (check: string, seen: string) => say(`${recipe.name.padEnd(16)}${check.padEnd(10)}${seen}`);
  let proxy: Proxy | undefined;
  try {
    proxy = await start(recipe, node);
    for (const [check, look] of checks) {
      const exception = recipe.exceptions[check];
      const late = Bun.sleep(checkMs).then(() => Promise.reject(new Error(`took over ${checkMs / 1000} s`)));
      try {
        row(check, await Promise.race([look(proxy.stand), late]));
      } catch (error) {
        const { message } = error as Error;
        if (!exception) wrong++;
        row(check, exception ? `exception: ${message} (${exception})` : `WRONG: ${message}`);
      }
    }
  } catch (error) {
    wrong++;
    row("start", `WRONG: ${(error as Error).message}`);
  } finally {
    await proxy?.end();
    await node.close();
  }
  return wrong;
}

let wrong = 0;
for (const recipe of recipes) {
  if (wanted.length > 0 && !wanted.includes(recipe.name.toLowerCase())) continue;
  if (!Bun.which(recipe.program)) {
    say(`${recipe.name.padEnd(16)}skipped: ${recipe.program} is not installed (Debian: ${recipe.package})`);
    continue;
  }
  wrong += await tried(recipe);
}
say(wrong === 0 ? "\nevery row is right, or an exception that is known" : `\n${wrong} rows are wrong`);
process.exit(wrong === 0 ? 0 : 1);

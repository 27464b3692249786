/**
 * The peers of `bench:peers`: how each is had, started, listened to and published to. They are put into a
 * temporary folder and nothing of them stays; one that cannot be had is named with its reason.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { startOvation } from "./ovation.ts";
import { bunPath, root } from "./place.ts";
import { familyOf, kill } from "./proc.ts";

export interface Peer {
  readonly pid: number;
  readonly port: number;
  /** Where a viewer asks for its stream. */
  readonly path: string;
  /** Publishes one message that holds `"at":atMs`; resolves when it is taken. */
  publish(atMs: number): Promise<void>;
  end(): Promise<void>;
}

/** Pinned, so that two runs measure the same; nchan and Node are those of this machine. */
const centrifugoVersion = "v6.9.1";
const betterSseVersion = "0.16.1";

const startMs = 20_000;
const installMs = 600_000;

/** By name: how it is started, with an empty folder of its own. Rejects when it cannot be had. */
export const peers: Readonly<Record<string, (folder: string) => Promise<Peer>>> = {
  ovation: () => ovation(),
  nchan,
  centrifugo,
  "hono on Bun": (folder) => hono(folder, bunPath),
  "hono on Node": (folder) => hono(folder, "node"),
  "better-sse on Node": betterSse,
};

async function ovation(): Promise<Peer> {
  const { pid, port, end } = await startOvation();
  // Comments: likes that come together would be merged, which no peer does.
  const publish = () => post(`http://127.0.0.1:${port}/v1/videos/peers/comments`, '{"text":"how nice"}');
  return { pid, port, path: "/v1/videos/peers/events", publish, end };
}

/** nginx of this machine with the module of its distribution, taken out of its package. */
async function nchan(folder: string): Promise<Peer> {
  run("apt-get", ["download", "libnginx-mod-nchan"], folder);
  run("sh", ["-c", "dpkg -x libnginx-mod-nchan*.deb ."], folder);
  const port = await freePort();
  const config = join(folder, "nginx.conf");
  writeFileSync(
    config,
    `load_module ${folder}/usr/lib/nginx/modules/ngx_nchan_module.so;
daemon off; master_process off; worker_rlimit_nofile 20000; pid ${folder}/pid; error_log ${folder}/log;
events { worker_connections 19000; }
http { access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server { listen 127.0.0.1:${port} backlog=4096;
    location = /pub { nchan_publisher; nchan_channel_id peers; nchan_message_buffer_length 20; }
    location = /sub { nchan_subscriber eventsource; nchan_channel_id peers;
      nchan_subscriber_first_message newest; } } }`,
  );
  const nginx = Bun.which("nginx", { PATH: `${process.env.PATH}:/usr/sbin` });
  if (!nginx) throw new Error("there is no nginx here");
  return server([nginx, "-c", config, "-p", folder], port, "/sub", "/pub");
}

async function centrifugo(folder: string): Promise<Peer> {
  run("go", ["install", `github.com/centrifugal/centrifugo/v6@${centrifugoVersion}`], folder, {
    GOBIN: folder,
  });
  const port = await freePort();
  const config = join(folder, "config.json");
  const settings = {
    client: { insecure: true },
    http_api: { insecure: true },
    uni_sse: { enabled: true },
    channel: { without_namespace: { allow_subscribe_for_client: true } },
    http_server: { address: "127.0.0.1", port: String(port) },
    log: { level: "error" },
  };
  writeFileSync(config, JSON.stringify(settings));
  const connect = encodeURIComponent(JSON.stringify({ subs: { peers: {} } }));
  const wrap = (data: string): string => `{"channel":"peers","data":${data}}`;
  const command = [join(folder, "centrifugo"), "-c", config];
  return server(command, port, `/connection/uni_sse?cf_connect=${connect}`, "/api/publish", wrap);
}

/** Hono's own helper: one loop per viewer, one write per message. */
async function hono(folder: string, runtime: string): Promise<Peer> {
  linkPackages(folder);
  const port = await freePort();
  const serve =
    runtime === "node"
      ? `const { serve } = await import("@hono/node-server");
serve({ fetch: app.fetch, port: ${port}, hostname: "127.0.0.1" });`
      : `Bun.serve({ fetch: app.fetch, port: ${port}, hostname: "127.0.0.1", idleTimeout: 0 });`;
  const text = `import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
const app = new Hono();
const viewers = new Set();
app.get("/sub", (c) => streamSSE(c, (stream) => new Promise((resolve) => {
  viewers.add(stream);
  stream.onAbort(() => { viewers.delete(stream); resolve(); });
  void stream.writeSSE({ event: "hello", data: "{}" });
})));
app.post("/pub", async (c) => {
  const data = await c.req.text();
  for (const stream of viewers) void stream.writeSSE({ event: "likes", data });
  return c.text("ok");
});
${serve}`;
  writeFileSync(join(folder, "server.mjs"), text);
  return server([runtime, join(folder, "server.mjs")], port, "/sub", "/pub");
}

async function betterSse(folder: string): Promise<Peer> {
  writeFileSync(join(folder, "package.json"), '{"private":true}');
  run("npm", ["install", "--no-audit", "--no-fund", `better-sse@${betterSseVersion}`], folder);
  const port = await freePort();
  const text = `import { createServer } from "node:http";
import { createChannel, createSession } from "better-sse";
const channel = createChannel();
createServer(async (request, response) => {
  if (request.method === "GET") {
    const session = await createSession(request, response);
    channel.register(session);
    return;
  }
  let text = "";
  for await (const piece of request) text += piece;
  channel.broadcast(JSON.parse(text), "likes");
  response.end("ok");
}).listen({ port: ${port}, host: "127.0.0.1", backlog: 4096 });`;
  writeFileSync(join(folder, "server.mjs"), text);
  return server(["node", join(folder, "server.mjs")], port, "/sub", "/pub");
}

async function server(
  cmd: readonly string[],
  port: number,
  path: string,
  publishPath: string,
  wrap = (data: string): string => data,
): Promise<Peer> {
  const child = Bun.spawn({ cmd: [...cmd], stdio: ["ignore", "ignore", "inherit"] });
  const url = `http://127.0.0.1:${port}${publishPath}`;
  const publish = (atMs: number): Promise<void> =>
    post(url, wrap(`{"video":"peers","totals":{"heart":123456},"version":12345,"at":${atMs.toFixed(3)}}`));
  const end = async (): Promise<void> => {
    for (const pid of familyOf(child.pid).reverse()) kill(pid);
    await child.exited;
  };
  const untilMs = performance.now() + startMs;
  for (;;) {
    if (
      await publish(0).then(
        () => true,
        () => false,
      )
    )
      return { pid: child.pid, port, path, publish, end };
    if (child.exitCode !== null || performance.now() > untilMs) break;
    await Bun.sleep(100);
  }
  await end();
  throw new Error(`${cmd[0]} did not start`);
}

async function post(url: string, body: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body, keepalive: false });
  await answer.text();
  if (!answer.ok) throw new Error(`publishing was answered ${answer.status}`);
}

function linkPackages(folder: string): void {
  const modules = join(folder, "node_modules");
  if (!existsSync(modules)) mkdirSync(modules);
  for (const name of ["hono", "@hono"]) run("ln", ["-s", join(root, "node_modules", name), modules], folder);
}

function run(command: string, args: readonly string[], cwd: string, env: Record<string, string> = {}): void {
  const stdio = ["ignore", "ignore", "pipe"] as const;
  execFileSync(command, [...args], {
    cwd,
    timeout: installMs,
    stdio: [...stdio],
    env: { ...process.env, ...env },
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/**
 * Nine reverse proxies of Debian: how each is started on other ports with its file of deploy/proxies, how it
 * is told to read it again, and in what it differs from what is asked of all, with the reason.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where a proxy is run. */
export interface Place {
  readonly folder: string;
  readonly port: number;
  readonly tlsPort: number;
  /** A port of its own for a proxy that wants one more. */
  readonly spare: number;
  readonly upstream: number;
}

export type Check =
  | "audience"
  | "http2"
  | "leaving"
  | "away"
  | "posts"
  | "address"
  | "protocol"
  | "reload"
  | "drain";

export interface Recipe {
  readonly name: string;
  /** Debian's package, and the program it brings. */
  readonly package: string;
  readonly program: string;
  /** Writes its files, and answers the command. */
  readonly start: (place: Place) => readonly string[];
  readonly env?: (place: Place) => Readonly<Record<string, string>>;
  /** Makes it read its file again: a signal to it, or a command. */
  readonly reload: NodeJS.Signals | ((place: Place) => readonly string[]) | undefined;
  /** What does not hold, and why. */
  readonly exceptions: Partial<Readonly<Record<Check, string>>>;
}

const files = join(import.meta.dir, "../../deploy/proxies");
/** A place that is noticed when something is written: the next event, or a beat and the one after it. */
const atNextWrite = "notices a viewer who left when it writes: the next event, or up to two beats";
const noHttp2 = (why: string): string => `HTTP/1.1 only: ${why}`;

/** The file `name` with each of `changes` made, which must all find something; `more` is put behind it. */
function written(place: Place, name: string, changes: readonly [RegExp, string][], more = ""): string {
  let text = readFileSync(join(files, name), "utf8");
  for (const [from, to] of changes) {
    if (!from.test(text)) throw new Error(`deploy/proxies/${name} has no ${from}`);
    text = text.replace(new RegExp(from, "gm"), to);
  }
  const path = join(place.folder, name);
  writeFileSync(path, text.replaceAll("/etc/ovation", place.folder) + more);
  return path;
}

const upstream = ({ upstream }: Place): [RegExp, string] => [/127\.0\.0\.1:8080/, `127.0.0.1:${upstream}`];

const nginx: Recipe = {
  name: "nginx",
  package: "nginx-light",
  program: "nginx",
  start: (place) => {
    const listens: [RegExp, string][] = [
      [/listen 80;/, `listen 127.0.0.1:${place.port};`],
      [/listen 443/, `listen 127.0.0.1:${place.tlsPort}`],
    ];
    const file = written(place, "nginx.conf", [upstream(place), ...listens]);
    const globals = `daemon off; pid ${place.folder}/nginx.pid; error_log ${place.folder}/error.log;`;
    return ["nginx", "-p", place.folder, "-e", `${place.folder}/error.log`, "-c", file, "-g", globals];
  },
  reload: "SIGHUP",
  exceptions: {},
};

const apache: Recipe = {
  name: "Apache",
  package: "apache2-bin",
  program: "apache2",
  start: (place) => {
    const { folder } = place;
    const more = `\nPidFile ${folder}/apache.pid\nErrorLog ${folder}/error.log\nServerName test\n`;
    const listens: [RegExp, string] = [/Listen 80/, `Listen 127.0.0.1:${place.port}`];
    return ["apache2", "-DFOREGROUND", "-f", written(place, "apache.conf", [upstream(place), listens], more)];
  },
  reload: "SIGUSR1",
  exceptions: {
    http2: noHttp2("mod_http2 works on six streams of a connection and lets the others wait"),
    leaving: atNextWrite,
    away: "ErrorDocument keeps the 503: a browser's EventSource gives up",
  },
};

const haproxy: Recipe = {
  name: "HAProxy",
  package: "haproxy",
  program: "haproxy",
  start: (place) => {
    const changes: [RegExp, string][] = [
      [/bind :80/, `bind 127.0.0.1:${place.port}`],
      [/bind :443/, `bind 127.0.0.1:${place.tlsPort}`],
    ];
    cpSync(join(files, "haproxy-later.http"), join(place.folder, "haproxy-later.http"));
    return ["haproxy", "-W", "-db", "-f", written(place, "haproxy.cfg", [upstream(place), ...changes])];
  },
  reload: "SIGUSR2",
  exceptions: {},
};

const varnish: Recipe = {
  name: "Varnish",
  package: "varnish",
  program: "varnishd",
  start: (place) => {
    const file = written(place, "varnish.vcl", [[/\.port = "8080"/, `.port = "${place.upstream}"`]]);
    const store = ["-s", "malloc,64M", "-n", join(place.folder, "varnish")];
    return ["varnishd", "-F", "-a", `127.0.0.1:${place.port}`, "-f", file, ...store];
  },
  reload: ({ folder }) => [
    ...["sh", "-c"],
    `varnishadm -n ${folder}/varnish vcl.load again ${folder}/varnish.vcl && ` +
      `varnishadm -n ${folder}/varnish vcl.use again`,
  ],
  exceptions: {
    http2: noHttp2("it speaks no TLS, and pipes no stream over HTTP/2"),
    away: "cuts a pipe that it cannot open: a browser comes back, others as they do",
  },
};

const caddy: Recipe = {
  name: "Caddy",
  package: "caddy",
  program: "caddy",
  start: (place) => {
    const sites: [RegExp, string][] = [
      [/^http:\/\/:80/m, `http://:${place.port}`],
      [/^https:\/\/:443/m, `https://localhost:${place.tlsPort}`],
    ];
    const file = written(place, "Caddyfile", [upstream(place), ...sites]);
    const globals = `{\n\tadmin 127.0.0.1:${place.spare}\n\tauto_https disable_redirects\n}\n`;
    writeFileSync(file, globals + readFileSync(file, "utf8"));
    return ["caddy", "run", "--adapter", "caddyfile", "--config", file];
  },
  env: ({ folder }) => ({ HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }),
  reload: ({ folder, spare }) => {
    const at = ["--address", `127.0.0.1:${spare}`];
    return ["caddy", "reload", "--force", "--adapter", "caddyfile", "--config", `${folder}/Caddyfile`, ...at];
  },
  exceptions: {},
};

const lighttpd: Recipe = {
  name: "lighttpd",
  package: "lighttpd and lighttpd-mod-openssl",
  program: "lighttpd",
  start: (place) => {
    const changes: [RegExp, string][] = [
      [/server\.port = 80/, `server.port = ${place.port}\nserver.bind = "127.0.0.1"`],
      [/"port" => 8080/, `"port" => ${place.upstream}`],
      [/":443"/, `"127.0.0.1:${place.tlsPort}"`],
    ];
    const more = `\nserver.pid-file = "${place.folder}/lighttpd.pid"\n`;
    return ["lighttpd", "-D", "-f", written(place, "lighttpd.conf", changes, more)];
  },
  reload: "SIGUSR1",
  exceptions: {
    http2: "8 streams of a connection, as its SETTINGS say",
    leaving: atNextWrite,
    away: "answers 503: a browser's EventSource gives up",
    reload: "SIGUSR1 waits for streams and answers nobody meanwhile: restart it instead",
  },
};

const squid: Recipe = {
  name: "Squid",
  package: "squid",
  program: "squid",
  start: (place) => {
    const changes: [RegExp, string][] = [
      [/http_port 80/, `http_port 127.0.0.1:${place.port}`],
      [/parent 8080/, `parent ${place.upstream}`],
    ];
    const logs = ["access_log none", "cache_log stdio:/dev/null", "cache_store_log none"];
    const own = [...logs, `pid_filename ${place.folder}/squid.pid`, "shutdown_lifetime 1 second"];
    const file = written(place, "squid.conf", changes, `\n${own.join("\n")}\n`);
    return ["squid", "-N", "-n", `trial${place.port}`, "-f", file];
  },
  reload: "SIGHUP",
  exceptions: {
    http2: noHttp2("it has no other"),
    away: "answers 503: a browser's EventSource gives up",
  },
};

const trafficServer: Recipe = {
  name: "Traffic Server",
  package: "trafficserver",
  program: "traffic_server",
  start: (place) => {
    const config = join(place.folder, "etc");
    cpSync("/etc/trafficserver", config, { recursive: true, dereference: true });
    // Debian's layout, but for what a run reads and writes.
    const own = { sysconfdir: "etc", runtimedir: "run", logdir: "log", cachedir: "cache", datadir: "data" };
    const layout = { prefix: "/usr", exec_prefix: "/usr", bindir: "/usr/bin", sbindir: "/usr/sbin" };
    const libraries = { libdir: "/usr/lib/trafficserver", libexecdir: "/usr/lib/trafficserver/modules" };
    const rooms = { includedir: "/usr/include", localstatedir: place.folder, ...layout, ...libraries };
    const lines = Object.entries(rooms).map(([name, path]) => `${name}: ${path}\n`);
    for (const [name, path] of Object.entries(own)) {
      mkdirSync(join(place.folder, path), { recursive: true });
      lines.push(`${name}: ${join(place.folder, path)}\n`);
    }
    const runroot = join(place.folder, "runroot.yaml");
    writeFileSync(runroot, lines.join(""));
    const ports: [RegExp, string] = [/STRING 80 443:ssl/, `STRING ${place.port} ${place.tlsPort}:ssl`];
    const more = ["admin.user_id STRING #-1"].map((line) => `CONFIG proxy.config.${line}\n`).join("");
    const file = written(place, "trafficserver-records.config", [ports], more);
    writeFileSync(join(config, "records.config"), readFileSync(file));
    writeFileSync(join(config, "remap.config"), `map / http://127.0.0.1:${place.upstream}/\n`);
    const pair = `ssl_cert_name=${place.folder}/cert.pem ssl_key_name=${place.folder}/key.pem`;
    writeFileSync(join(config, "ssl_multicert.config"), `dest_ip=* ${pair}\n`);
    return ["traffic_server", `--run-root=${runroot}`];
  },
  reload: undefined,
  exceptions: {
    leaving: atNextWrite,
    away: "answers 502: a browser's EventSource gives up",
    reload: "traffic_ctl wants traffic_manager, which is not part of this run",
  },
};

const h2o: Recipe = {
  name: "H2O",
  package: "h2o",
  program: "h2o",
  start: (place) => {
    const changes: [RegExp, string][] = [
      [/listen: 80/, `listen:\n  host: 127.0.0.1\n  port: ${place.port}`],
      [/ {2}port: 443/, `  host: 127.0.0.1\n  port: ${place.tlsPort}`],
    ];
    const { folder } = place;
    const more = `\npid-file: ${folder}/h2o.pid\nerror-log: ${folder}/error.log\nnum-threads: 1\n`;
    return ["h2o", "-m", "worker", "-c", written(place, "h2o.conf", [upstream(place), ...changes], more)];
  },
  reload: undefined,
  exceptions: {
    leaving: atNextWrite,
    away: "answers 502: a browser's EventSource gives up",
    reload: "SIGHUP works under Server::Starter only, which is not part of this run",
  },
};

export const recipes: readonly Recipe[] = [
  nginx,
  apache,
  haproxy,
  varnish,
  caddy,
  lighttpd,
  squid,
  trafficServer,
  h2o,
];

/** `ovation check --host` on this machine, over real folders, ports, certificates and servers. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { callApi } from "../bus/nats-kit.ts";
import { runCheck } from "../program/check.ts";
import { certify } from "./certificate.ts";
import { program } from "./cluster.ts";
import { startNats } from "./nats.ts";

setDefaultTimeout(30_000);

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "ovation-check-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** What it says of each thing: by name, whether it is well, and in which words. */
async function check(...flags: string[]) {
  let [said, complained] = ["", ""];
  const code = await runCheck(["--host", "--port=0", ...flags], {
    ...{ env: {}, clock: systemClock(), readFile: (path) => readFileSync(path, "utf8") },
    print: (text) => {
      said += text;
    },
    complain: (text) => {
      complained += text;
    },
  });
  const lines = said.trim().split("\n");
  const of = (name: string): string => lines.find((line) => line.slice(6).startsWith(name)) ?? "";
  return { code, said, complained, of };
}

test("a folder, a port and a certificate are tried, and nothing is left behind", async () => {
  const [cert, key] = [join(root, "cert.pem"), join(root, "key.pem")];
  certify("localhost", { cert, key });
  const data = join(root, "data/deep");
  const well = await check(`--data=${data}`, `--tls-cert=${cert}`, `--tls-key=${key}`);
  expect(well.of(`--data=${data}`)).toStartWith("OK");
  expect(well.of("--tls-cert")).toMatch(/^OK .*good until \d{4}-\d\d-\d\d$/);
  expect(well.of("port 0.0.0.0:0")).toStartWith("OK");
  expect([existsSync(join(root, "data")), readdirSync(root).sort()]).toEqual([
    false,
    ["cert.pem", "key.pem"],
  ]);

  const other = join(root, "other.pem");
  certify("localhost", { cert: join(root, "unused.pem"), key: other });
  const file = join(root, "file");
  writeFileSync(file, "");
  const taken = createServer();
  const port = await new Promise<number>((resolve) => {
    taken.listen(0, "127.0.0.1", () => resolve((taken.address() as { port: number }).port));
  });
  const flags = [`--data=${file}/below`, `--tls-cert=${cert}`, `--tls-key=${other}`];
  const wrong = await check(...flags, "--host=127.0.0.1", `--port=${port}`);
  taken.close();
  expect(wrong.code).toBe(1);
  expect(wrong.of(`--data=${file}`)).toMatch(/^WARN .*file cannot be written \(ENOTDIR\): a path above/);
  expect(wrong.of("--tls-cert")).toMatch(/^WARN .*is another's/);
  expect(wrong.of(`port 127.0.0.1:${port}`)).toMatch(/^WARN .*in use/);
});

test("NATS is asked for what a node needs, and nothing is made there", async () => {
  const more = `authorization { users = [ { user: all, password: all }, { user: few, password: few,
    permissions: { publish: ["ov.check.>"], subscribe: ["_INBOX.>"] } } ] }`;
  const [nats, plain, limited] = await Promise.all([
    startNats(),
    startNats({ jetstream: false, config: "max_payload: 65536" }),
    startNats({ config: more }),
  ]);
  try {
    const well = await check("--data=:memory:", `--nats=${nats.url}`);
    for (const name of ["NATS ", "NATS max_payload", "NATS JetStream", "NATS permissions", "NATS streams"]) {
      expect(well.of(name)).toStartWith("OK");
    }
    expect((await callApi(nats.url, "STREAM.NAMES")).total).toBe(0);
    const bad = await check("--data=:memory:", `--nats=${plain.url}`);
    expect(bad.of("NATS max_payload")).toMatch(/^WARN .*65536 bytes: max_payload: 1048576$/);
    expect(bad.of("NATS JetStream")).toMatch(/^WARN .*store_dir/);
    const user = ["--nats-user=few", "--nats-password=few"];
    const few = await check("--data=:memory:", `--nats=${limited.url}`, ...user);
    expect([few.code, few.of("NATS permissions")]).toEqual([1, expect.stringMatching(/^WARN .*not let/)]);
  } finally {
    for (const server of [nats, plain, limited]) await server.close();
  }
});

test("streams of others and copies that are missing are told, and why NATS cannot be reached", async () => {
  const more = "authorization { users = [ { user: all, password: all } ] }";
  const [nats, locked] = await Promise.all([startNats(), startNats({ config: more })]);
  try {
    await callApi(nats.url, "STREAM.CREATE.taker", {
      name: "taker",
      subjects: [">"],
      storage: "memory",
      no_ack: true,
    });
    const taken = await check("--data=:memory:", `--nats=${nats.url}`);
    expect(taken.of("NATS stream taker")).toMatch(/^WARN .*none of ours: other subjects/);
    await callApi(nats.url, "STREAM.DELETE.taker");
    const ours = { name: "ov_likes_0", subjects: ["ov.likes.0"], storage: "memory" };
    await callApi(nats.url, "STREAM.CREATE.ov_likes_0", ours);
    const one = await check("--data=:memory:", `--nats=${nats.url}`, "--nats-replicas=3");
    expect(one.said).toMatch(
      /^WARN {2}NATS stream ov_likes_0 +1 of --nats-replicas=3 copies: nats stream edit/m,
    );
    expect(one.said).toMatch(/^WARN {2}NATS stream ov_likes_0 +is kept in memory/m);

    const wrong = ["--nats-user=all", "--nats-password=wrong"];
    const [refused, away, file] = await Promise.all([
      check("--data=:memory:", `--nats=${locked.url}`, ...wrong),
      check("--data=:memory:", "--nats=127.0.0.1:1"),
      check("--data=:memory:", `--nats=${nats.url}`, "--nats-creds=/away.creds"),
    ]);
    expect(refused.of("NATS ")).toMatch(/^WARN .*cannot be reached: .*Authorization/);
    expect(away.of("NATS ")).toMatch(/^WARN .*cannot be reached: .*ECONNREFUSED/);
    expect(file.of("NATS ")).toMatch(/^WARN .*--nats-creds: cannot read \/away.creds/);
  } finally {
    for (const server of [nats, locked]) await server.close();
  }
});

test("a ledger of another user is told, and a chain of which a later certificate ends", async () => {
  // Not below the folder of the tests, which is nobody else's.
  const data = mkdtempSync("/var/tmp/ovation-theirs-");
  writeFileSync(join(data, "ovation.sqlite-wal"), "");
  chmodSync(data, 0o777);
  chmodSync(join(data, "ovation.sqlite-wal"), 0o400);
  const nobody = ["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all"];
  const asOther = process.getuid?.() === 0 ? nobody : [];
  const run = (...words: string[]) => Bun.spawnSync([...asOther, ...program, ...words], { env: {} });
  // Root may write everything, and somebody else may not be let to this program.
  const canTry = asOther.length === 0 || (Bun.which("setpriv") && run("version").success);
  try {
    if (canTry) {
      const said = run("check", "--host", "--port=0", `--data=${data}`).stdout.toString();
      expect(said).toMatch(/^WARN .*ovation\.sqlite-wal cannot be written \(EACCES\): chown/m);
      expect(readdirSync(data)).toEqual(["ovation.sqlite-wal"]);
    }
  } finally {
    rmSync(data, { recursive: true });
  }

  const [cert, key, chain] = ["cert2.pem", "key2.pem", "chain.pem"].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  certify("localhost", { cert, key });
  const flags = { cert: join(root, "short.pem"), key: join(root, "short-key.pem") };
  certify("localhost", flags, 3);
  writeFileSync(chain, readFileSync(cert, "utf8") + readFileSync(flags.cert, "utf8"));
  const ends = await check("--data=:memory:", `--tls-cert=${chain}`, `--tls-key=${key}`);
  expect(ends.of("--tls-cert")).toMatch(/^WARN .*renew it/);
});

test("a weak admin key, and a flag that is none, are mistakes", async () => {
  for (const key of ["short", "aaaaaaaaaaaaaaaaaaaa"]) {
    const { code, complained } = await check("--data=:memory:", `--admin-key=${key}`);
    expect([code, complained]).toEqual([2, expect.stringContaining("--admin-key")]);
    expect(complained).not.toContain(key);
  }
  expect((await check("--dta=x")).complained).toContain("did you mean --data?");
});

test("without --host it says when there are fewer descriptors than streams, of all processes", () => {
  const check = (...flags: string[]) => {
    const command = `ulimit -n 300 && exec "$@"`;
    return Bun.spawnSync(["bash", "-c", command, "check", ...program, "check", ...flags], { env: {} });
  };
  const few = check("--node-streams=500", "--workers=3");
  expect([few.exitCode, few.stdout.toString()]).toEqual([0, expect.stringContaining("node-streams")]);
  expect(few.stderr.toString()).toContain("ovation: descriptors: 300 for each of 2 processes");
  expect(few.stderr.toString()).toContain("472 of --node-streams=500: LimitNOFILE=1250");
  expect(check("--node-streams=472", "--workers=3").stderr.toString()).toBe("");
});

test("the program looks over its machine", () => {
  const env = { BUN_OPTIONS: "--smol" };
  const { exitCode, stdout } = Bun.spawnSync(
    [...program, "check", "--host", "--data=:memory:", "--node-streams=9"],
    {
      env,
    },
  );
  expect([exitCode, stdout.toString()]).toEqual([1, expect.stringMatching(/^WARN {2}BUN_OPTIONS /)]);
  expect(stdout.toString()).toContain("\nOK    descriptors");
});

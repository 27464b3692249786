/**
 * The ways into NATS: TLS with one's own authority, a user, a token, a credentials file, and doors that stay
 * shut.
 */
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "nats";
import { startNats } from "../system/nats.ts";
import { accountOfOperator, authority, creds } from "../system/nats-secrets.ts";
import type { NatsOptions } from "./nats.ts";
import { connectBus, memoryLog, openBus, until } from "./nats-kit.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serverUrl(config: string): Promise<string> {
  const server = await startNats({ config });
  closers.push(() => server.close());
  return server.url;
}

/** Enters, and sees that a message goes round. */
async function enters(url: string, options: Partial<NatsOptions>): Promise<void> {
  const bus = await connectBus(url, options);
  closers.push(() => bus.close());
  const got: number[] = [];
  bus.subscribe("v", (payload) => got.push(payload.length));
  bus.publish("v", new Uint8Array(300_000));
  await until(() => got.length === 1);
  expect(got).toEqual([300_000]);
}

/** Stays outside, and says why. */
async function staysOut(url: string, options: Partial<NatsOptions>, reason: RegExp): Promise<void> {
  const log = memoryLog();
  const bus = openBus(url, { log, ...options });
  closers.push(() => bus.close());
  await until(() => log.lines.length > 0);
  expect(log.lines[0]).toStartWith("warn waiting for NATS");
  expect(log.lines[0]).toMatch(reason);
  expect(bus.connected()).toBe(false);
}

test("a user and password, and not without", async () => {
  const url = await serverUrl(`authorization { user: ann, password: "s3cret" }`);
  await enters(url, { user: "ann", password: "s3cret" });
  await staysOut(url, {}, /authorization/i);
  await staysOut(url, { user: "ann", password: "wrong" }, /authorization/i);
}, 30_000);

test("a token, and not another", async () => {
  const url = await serverUrl(`authorization { token: "t0ken" }`);
  await enters(url, { token: "t0ken" });
  await staysOut(url, { token: "other" }, /authorization/i);
}, 30_000);

test("a credentials file, and not one of another account", async () => {
  const { config, account } = accountOfOperator();
  const url = await serverUrl(config);
  await enters(url, { creds: creds(account) });
  await staysOut(url, { creds: creds(nkeys.createAccount()) }, /authorization/i);
}, 30_000);

test("TLS signed by one's own authority, and not by a stranger's", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ovation-tls-"));
  closers.push(async () => rmSync(folder, { recursive: true, force: true }));
  for (const name of ["ours", "theirs"]) await authority(folder, name);
  const url = await serverUrl(
    `tls { cert_file: "${folder}/ours-server.pem", key_file: "${folder}/ours-server.key" }`,
  );
  const ca = (name: string): string => readFileSync(join(folder, `${name}.pem`), "utf8");
  await enters(url, { ca: ca("ours") });
  await enters(url.replace("nats://", "tls://"), { ca: ca("ours") });
  await enters(url.replace("127.0.0.1", "localhost"), { ca: ca("ours") });
  await staysOut(url, { ca: ca("theirs") }, /certificate|signature|verif|issuer/i);
  await staysOut(url.replace("nats://", "tls://"), {}, /certificate|signature|verif|issuer/i);
  await staysOut(url, {}, /wants TLS/);
  const plain = await serverUrl("");
  await staysOut(plain, { ca: ca("ours") }, /has no TLS/);
}, 60_000);

test("TLS whose certificate names another host stays shut", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ovation-tls-"));
  closers.push(async () => rmSync(folder, { recursive: true, force: true }));
  await authority(folder, "ours", "DNS:elsewhere.example");
  const url = await serverUrl(
    `tls { cert_file: "${folder}/ours-server.pem", key_file: "${folder}/ours-server.key" }`,
  );
  const ca = readFileSync(join(folder, "ours.pem"), "utf8");
  await staysOut(url, { ca }, /host|altname|cert/i);
  await staysOut(url.replace("127.0.0.1", "localhost"), { ca }, /host|altname|cert/i);
}, 30_000);

test("a server that carries less than a page of comments is told of in one line", async () => {
  const log = memoryLog();
  const bus = await connectBus(await serverUrl("max_payload: 65536"), { log });
  closers.push(() => bus.close());
  expect(log.lines.filter((line) => line.startsWith("error"))).toEqual([
    'error NATS carries too little {"maxPayload":65536,"wanted":1048576,' +
      '"hint":"set max_payload of nats-server to 1048576 or more, its default"}',
  ]);
});

/** HTTPS with HTTP/2, certificates changed while it runs, and a port of its own for staff. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectH2 } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { certify } from "./certificate.ts";
import { executable, hows, startExecutable, startServer } from "./server.ts";

const folder = mkdtempSync(join(tmpdir(), "ovation-tls-"));
const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
const files = { cert, key };
const flags = [`--tls-cert=${cert}`, `--tls-key=${key}`];

/** Whose certificate a new connection is shown. */
function nameShown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

const get = (url: string) => fetch(url, { tls: { rejectUnauthorized: false } } as RequestInit);

beforeAll(() => certify("first", files));
afterAll(() => rmSync(folder, { recursive: true }));

for (const how of hows) {
  describe(how, () => {
    test("HTTPS, and HTTP/2 with a hundred streams on one connection", async () => {
      const node = await startServer(how, flags);
      expect(node.url).toStartWith("https://");
      expect((await get(`${node.url}/health/live`)).status).toBe(200);
      const plain = await fetch(node.url.replace("https", "http")).then(
        (answer) => answer.status,
        () => 0,
      );
      expect([0, 400]).toContain(plain);
      const session = connectH2(node.url, { rejectUnauthorized: false });
      const heard = await Promise.all(
        Array.from({ length: 100 }, (_, i) => {
          return new Promise<string>((resolve, reject) => {
            const stream = session.request({ ":path": `/v1/videos/v${i}/events` });
            let text = "";
            stream.setEncoding("utf8");
            stream.on("data", (part: string) => {
              text += part;
              if (!text.includes("event: snapshot")) return;
              stream.close();
              resolve(text);
            });
            stream.on("error", reject);
          });
        }),
      );
      heard.forEach((text, i) => {
        expect(text).toContain(`"video":"v${i}"`);
      });
      session.destroy();
      await node.stop();
    }, 20_000);
  });
}

test("an admin port takes health, metrics and staff's calls away from the public one", async () => {
  const claimed = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const adminPort = claimed.port;
  await claimed.stop(true);
  const node = await startServer("here", [`--admin-port=${adminPort}`, "--admin-key=only-for-this-test"]);
  const status = async (base: string, path: string) => (await fetch(base + path)).status;
  const staff = `http://127.0.0.1:${adminPort}`;
  for (const path of [
    "/metrics",
    "/health/live",
    "/health/ready",
    "/v1/admin/events",
    "/v1/cluster",
    "/admin",
  ]) {
    expect([path, await status(node.url, path)]).toEqual([path, 404]);
    expect([path, [200, 401].includes(await status(staff, path))]).toEqual([path, true]);
  }
  expect(await status(node.url, "/v1/videos/v")).toBe(200);
  expect(await status(staff, "/v1/videos/v")).toBe(200);
  await node.stop();
});

test("wrong certificates are told of in one line", async () => {
  writeFileSync(join(folder, "other.pem"), "no certificate");
  const start = startServer("here", [`--tls-cert=${join(folder, "other.pem")}`, `--tls-key=${key}`]);
  expect(start).rejects.toThrow("do not fit");
  expect(startServer("here", [`--tls-cert=${join(folder, "gone.pem")}`, `--tls-key=${key}`])).rejects.toThrow(
    "cannot read",
  );
});

test.if(hows.includes("executable"))(
  "SIGHUP changes certificate and keys; streams stay; what is wrong changes nothing",
  async () => {
    certify("first", files);
    const secrets = join(folder, "secrets.txt");
    writeFileSync(secrets, "the first secret of this test, 32 bytes\n");
    const node = await startExecutable([...flags, "--auth=token", `--jwt-secrets-file=${secrets}`]);
    const mint = (file: string) => {
      const made = Bun.spawnSync([executable, "token", "--video=v", `--secret-file=${file}`], { env: {} });
      return made.stdout.toString().trim();
    };
    const first = mint(secrets);
    const status = async (token: string) => (await get(`${node.url}/v1/videos/v?token=${token}`)).status;
    expect([await nameShown(node.port), await status(first)]).toEqual(["first", 200]);
    const stream = await get(`${node.url}/v1/videos/v/events?token=${first}`);
    const reader = stream.body?.getReader();
    await reader?.read();

    certify("second", files);
    writeFileSync(secrets, "the second secret of this test, 32 byte\n");
    const said = async (event: string) => {
      const before = node.lines.filter((line) => line.includes(`"event":"${event}"`)).length;
      node.kill("SIGHUP");
      while (node.lines.filter((line) => line.includes(`"event":"${event}"`)).length === before)
        await Bun.sleep(10);
    };
    await said("reloaded");
    expect([await nameShown(node.port), await status(first), await status(mint(secrets))]).toEqual([
      "second",
      401,
      200,
    ]);
    const open = await Promise.race([
      reader?.read().then(({ done }) => !done),
      Bun.sleep(300).then(() => true),
    ]);
    expect(open).toBe(true);

    writeFileSync(cert, "rubbish");
    await said("not reloaded");
    expect(await nameShown(node.port)).toBe("second");
    await reader?.cancel();
    expect(await node.stop()).toBe(0);
  },
  20_000,
);

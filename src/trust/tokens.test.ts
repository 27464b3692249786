/** Tokens: every way in which one can be wrong, and keys that rotate, are slow or are away. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHmac, generateKeyPairSync, type KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import { VirtualClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { mint, parseTokenOptions } from "../program/mint.ts";
import { forbids, type Identity } from "./identity.ts";
import { publicKeys, secretKey } from "./token-keys.ts";
import { type TokenRules, Tokens } from "./tokens.ts";

const nowS = 1_700_000_000;
const secret = "a secret of this test, 32 bytes and more";
const older = "an older secret of this test, as long as that";
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ed = generateKeyPairSync("ed25519");
const pem = (key: KeyObject) => key.export({ type: "spki", format: "pem" }).toString();
const good = { sub: "u1", exp: nowS + 60, videos: ["v", "match-*"] };
const rules: TokenRules = {
  keys: [
    secretKey(secret),
    secretKey(older),
    ...publicKeys(pem(rsa.publicKey) + pem(ec.publicKey) + pem(ed.publicKey)),
  ],
  jwksUrl: "",
  issuer: "",
  audience: "",
  leewayMs: 0,
};

function tokensOf(changes: Partial<TokenRules> = {}) {
  const clock = new VirtualClock(nowS * 1000);
  const logged: string[] = [];
  const log = createLog({ level: "debug", format: "json", write: (line) => logged.push(line), now: () => 0 });
  return { tokens: new Tokens({ ...rules, ...changes }, clock, log), clock, logged };
}

function sign(
  claims: object,
  alg = "HS256",
  key: KeyObject | string = secret,
  header: object = {},
): Promise<string> {
  const bytes = typeof key === "string" ? new TextEncoder().encode(key) : key;
  return new SignJWT({ ...claims }).setProtectedHeader({ alg, ...header }).sign(bytes);
}

/** Signed by hand: what a library refuses to sign. */
function handmade(header: object, claims: object, key: string | Uint8Array = secret): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const head = `${part(header)}.${part(claims)}`;
  return `${head}.${createHmac("sha256", key).update(head).digest("base64url")}`;
}

describe("a good token", () => {
  test.each([
    ["HS256", secret],
    ["HS256", older],
    ["RS256", rsa.privateKey],
    ["ES256", ec.privateKey],
    ["EdDSA", ed.privateKey],
  ] as const)("%s", async (alg, key) => {
    const { tokens } = tokensOf();
    const token = await sign(
      { ...good, name: "Ada", can: ["watch", "like"], roles: ["fan"] },
      alg,
      key as KeyObject,
    );
    const who = (await tokens.verify(token)) as Identity;
    expect(who).toMatchObject({
      by: "token",
      sub: "u1",
      name: "Ada",
      roles: ["fan"],
      untilMs: (nowS + 60) * 1000,
    });
    const may = (right: "watch" | "comment", video: string) =>
      forbids(who, right, video as never) === undefined;
    expect([may("watch", "v"), may("watch", "match-1"), may("watch", "w"), may("watch", "vv")]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(may("comment", "v")).toBe(false);
    // The second time it is known at once.
    expect(tokens.verify(token)).toBe(who);
  });

  test("made by `ovation token`", async () => {
    const parsed = parseTokenOptions([`--secret=${secret}`, "--video=v", "--sub=u9"], {}, () => "");
    if ("mistakes" in parsed) throw new Error(parsed.mistakes.join());
    const { tokens } = tokensOf();
    const token = await mint(parsed.settings, nowS * 1000, () => "");
    expect(await tokens.verify(token)).toMatchObject({ sub: "u9", untilMs: (nowS + 3600) * 1000 });
  });

  test("ends on the second, though it was remembered", async () => {
    const { tokens, clock } = tokensOf();
    const token = await sign(good);
    await tokens.verify(token);
    clock.advance(59_999);
    expect(await tokens.verify(token)).toMatchObject({ sub: "u1" });
    clock.advance(1);
    expect(await tokens.verify(token)).toMatchObject({ message: "the token has expired" });
  });

  test("is not good any more once its secret is gone", async () => {
    const { tokens } = tokensOf();
    const token = await sign(good, "HS256", older);
    expect(await tokens.verify(token)).toMatchObject({ sub: "u1" });
    tokens.reload({ ...rules, keys: [secretKey(secret)] });
    expect(await tokens.verify(token)).toMatchObject({ rejected: "unauthorized" });
  });

  test("is not good any more once its secret is gone, though it was on its way just then", async () => {
    const { tokens, clock } = tokensOf();
    const token = await sign({ ...good, exp: nowS + 86_400 }, "HS256", older);
    const underway = tokens.verify(token);
    let told = 0;
    tokens.changed = () => told++;
    tokens.reload({ ...rules, keys: [secretKey(secret)] });
    expect(told).toBe(1);
    await underway;
    for (let minute = 0; minute < 60; minute++) {
      clock.advance(60_000);
      expect(await tokens.verify(token)).toMatchObject({ rejected: "unauthorized" });
    }
  });

  test("stays good, known at once, when other keys come and go", async () => {
    const { tokens } = tokensOf();
    const token = await sign(good, "HS256", older);
    const who = (await tokens.verify(token)) as Identity;
    tokens.reload({ ...rules, keys: [secretKey(older)] });
    expect(tokens.verify(token)).toBe(who);
    expect([tokens.stands(who.proof ?? ""), tokens.stands(secretKey(secret).proof)]).toEqual([true, false]);
  });

  test("is taken so much earlier and later as clocks may differ, and no more", async () => {
    const { tokens, clock } = tokensOf({ leewayMs: 5_000 });
    const early = await sign({ ...good, nbf: nowS + 5 });
    expect(await tokens.verify(early)).toMatchObject({ sub: "u1", untilMs: (nowS + 65) * 1000 });
    expect(await tokens.verify(await sign({ ...good, nbf: nowS + 6 }))).toMatchObject({
      message: "the token is not valid yet",
    });
    clock.advance(64_999);
    expect(await tokens.verify(early)).toMatchObject({ sub: "u1" });
    clock.advance(1);
    expect(await tokens.verify(early)).toMatchObject({ message: "the token has expired" });
    expect(await tokens.verify(await sign(good))).toMatchObject({ message: "the token has expired" });
  });

  test("ends by the wall, however that is set; and is remembered by time that passes", async () => {
    const { tokens, clock } = tokensOf();
    const token = await sign(good);
    await tokens.verify(token);
    clock.setWall(61_000);
    expect(await tokens.verify(token)).toMatchObject({ message: "the token has expired" });
    clock.setWall(-3_600_000);
    expect(await tokens.verify(token)).toMatchObject({ sub: "u1" });
  });
});

const hmacOfPem = () => handmade({ alg: "HS256" }, good, pem(rsa.publicKey));
const cases: [string, () => string | Promise<string>, string, Partial<TokenRules>?][] = [
  ["no signature", () => handmade({ alg: "none" }, good).replace(/[^.]*$/, ""), "tokens are signed with"],
  ["alg none, with one", () => handmade({ alg: "none" }, good), "tokens are signed with"],
  ["alg NONE", () => handmade({ alg: "NonE" }, good), "tokens are signed with"],
  ["an algorithm that is not on the list", () => handmade({ alg: "HS384" }, good), "tokens are signed with"],
  ["the public key as a secret", hmacOfPem, "signature is wrong"],
  ["RS256 claimed over an HMAC", () => handmade({ alg: "RS256" }, good), "signature is wrong"],
  [
    "HS256 where there are only public keys",
    () => sign(good),
    "no key here",
    { keys: publicKeys(pem(rsa.publicKey)) },
  ],
  ["another secret", () => sign(good, "HS256", "x".repeat(40)), "signature is wrong"],
  ["an empty secret", () => handmade({ alg: "HS256" }, good, ""), "signature is wrong"],
  [
    "changed claims",
    async () =>
      (await sign(good)).replace(
        /\.[^.]+\./,
        `.${Buffer.from(JSON.stringify({ ...good, sub: "root" })).toString("base64url")}.`,
      ),
    "signature is wrong",
  ],
  ["expired", () => sign({ ...good, exp: nowS - 1 }), "has expired"],
  ["expiring now", () => sign({ ...good, exp: nowS }), "has expired"],
  ["not yet", () => sign({ ...good, nbf: nowS + 5 }), "not valid yet"],
  ["no exp", () => sign({ sub: "u1", videos: "*" }), "no exp"],
  ["exp in words", () => handmade({ alg: "HS256" }, { ...good, exp: "tomorrow" }), "exp"],
  ["no sub", () => sign({ exp: nowS + 60, videos: "*" }), "no sub"],
  ["no videos", () => sign({ sub: "u1", exp: nowS + 60 }), "names no videos"],
  ["videos that are no ids", () => sign({ ...good, videos: ["../x"] }), "videos are ids"],
  ["a star in the middle", () => sign({ ...good, videos: ["a*b"] }), "videos are ids"],
  [
    "too many videos",
    () => sign({ ...good, videos: Array.from({ length: 101 }, (_, i) => `v${i}`) }),
    "names no videos",
  ],
  ["a name that is no text", () => sign({ ...good, name: { $ne: 1 } }), "name"],
  ["a name with a control character", () => sign({ ...good, name: "Ann\u001b[31m" }), "none a control"],
  ["a name of which nobody sees anything", () => sign({ ...good, name: "\u3164\u200b" }), "one visible"],
  ["a sub of two lines", () => sign({ ...good, sub: "u1\nkey" }), "no sub"],
  ["can that is no list", () => sign({ ...good, can: { like: true } }), '"can"'],
  ["another audience", () => sign({ ...good, aud: "them" }), "another audience", { audience: "us" }],
  ["no audience where one is wanted", () => sign(good), "another audience", { audience: "us" }],
  ["another issuer", () => sign({ ...good, iss: "them" }), "another issuer", { issuer: "us" }],
  [
    "its own key in the header",
    () => handmade({ alg: "HS256", jwk: { kty: "oct", k: "AA" } }, good),
    "may not bring keys",
  ],
  [
    "a place to fetch its key",
    () => handmade({ alg: "RS256", jku: "http://evil/keys" }, good),
    "may not bring keys",
  ],
  ["a certificate", () => handmade({ alg: "RS256", x5u: "http://evil/" }, good), "may not bring keys"],
  [
    "a critical extension",
    () => handmade({ alg: "HS256", crit: ["b64"], b64: false }, good),
    "may not bring keys",
  ],
  [
    "a kid that is a path",
    () => handmade({ alg: "HS256", kid: "../../dev/null" }, good, ""),
    "signature is wrong",
  ],
  [
    "a kid that is SQL",
    () => handmade({ alg: "HS256", kid: "' UNION SELECT 'x" }, good, "x"),
    "signature is wrong",
  ],
  ["a kid that is no text", () => handmade({ alg: "HS256", kid: 5 }, good), "kid"],
  ["a huge token", async () => `${await sign(good)}${"a".repeat(5_000)}`, "at most 4096"],
  ["dots", () => "..", "malformed"],
  ["rubbish", () => "a.b.c", "malformed"],
  ["JSON that is no object", () => `${Buffer.from("5").toString("base64url")}.e30.x`, "malformed"],
];

describe("a bad token", () => {
  test.each(["=", " ", "\n", "A", "."])(
    "another text of a good token, %j behind it, is none",
    async (more) => {
      const { tokens } = tokensOf();
      expect(await tokens.verify((await sign(good)) + more)).toMatchObject({ rejected: "unauthorized" });
    },
  );

  test("another text of a good token, in bits that mean nothing, is none", async () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const { tokens } = tokensOf();
    const token = await sign(good);
    // 256 bits in 43 characters: the last two bits of the last one mean nothing.
    const last = alphabet.indexOf(token.at(-1) ?? "");
    const others = [1, 2, 3].map((bits) => token.slice(0, -1) + alphabet[(last & ~3) | bits]);
    expect(last & 3).toBe(0);
    for (const text of others)
      expect(await tokens.verify(text)).toMatchObject({ message: "the token is malformed" });
    expect(await tokens.verify(token)).toMatchObject({ sub: "u1" });
  });

  // With a fourth parameter left out, the runner would pass a callback in its place.
  test.each(cases.map((row) => ({ name: row[0], row })))("$name", async ({ row }) => {
    const [, make, message, changes] = row;
    const { tokens } = tokensOf(changes);
    const token = await make();
    const verdict = await tokens.verify(token);
    expect(verdict).toMatchObject({ rejected: "unauthorized", message: expect.stringContaining(message) });
    // A refusal repeats nothing of the token.
    for (const part of token.split("."))
      if (part.length > 8) expect(JSON.stringify(verdict)).not.toContain(part);
  });

  test("admin is no right that a token can carry", async () => {
    const { tokens } = tokensOf();
    const who = (await tokens.verify(
      await sign({ ...good, videos: "*", can: ["admin", "watch"] }),
    )) as Identity;
    expect([...who.rights]).toEqual(["watch"]);
  });
});

describe("keys at a URL", () => {
  let mode: "here" | "slow" | "away" | "broken" = "here";
  let keys: object[] = [];
  let asked = 0;
  let server: ReturnType<typeof Bun.serve>;
  beforeAll(() => {
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch() {
        asked++;
        if (mode === "away") return new Response(null, { status: 503 });
        if (mode === "broken") return new Response("<html>");
        if (mode === "slow") await new Promise(() => {});
        return Response.json({ keys });
      },
    });
  });
  afterAll(() => server.stop(true));
  const remote = () => tokensOf({ keys: [], jwksUrl: `http://127.0.0.1:${server.port}/jwks` });
  const jwk = (key: KeyObject, kid: string) => ({ ...key.export({ format: "jwk" }), kid, use: "sig" });

  test("are fetched once, rotate, and outlive the place they came from", async () => {
    [mode, asked, keys] = ["here", 0, [jwk(rsa.publicKey, "k1"), { kty: "oct", k: "c2VjcmV0", kid: "oct" }]];
    const { tokens, clock, logged } = remote();
    const first = () =>
      sign({ ...good, exp: nowS + 86_400, jti: Math.random() }, "RS256", rsa.privateKey, { kid: "k1" });
    for (let i = 0; i < 5; i++) expect(await tokens.verify(await first())).toMatchObject({ sub: "u1" });
    expect(asked).toBe(1);

    keys = [...keys, jwk(ec.publicKey, "k2")];
    const second = () => sign({ ...good, exp: nowS + 86_400 }, "ES256", ec.privateKey, { kid: "k2" });
    // Unknown ids cannot make it ask more often than it likes; who could not be looked up may come again.
    const said: string[] = [];
    for (let i = 0; i < 20; i++) {
      clock.advance(1);
      const unknown = await sign(good, "ES256", ec.privateKey, { kid: `unknown-${i}` });
      said.push(((await tokens.verify(unknown)) as { rejected: string }).rejected);
    }
    expect(said.slice(0, 3)).toEqual(["unauthorized", "unauthorized", "unauthorized"]);
    expect(new Set(said.slice(3))).toEqual(new Set(["unavailable"]));
    expect(asked).toBe(4);
    keys = [...keys, jwk(ed.publicKey, "k3")];
    clock.advance(1);
    const third = () => sign({ ...good, exp: nowS + 86_400 }, "EdDSA", ed.privateKey, { kid: "k3" });
    expect(await tokens.verify(await third())).toMatchObject({ rejected: "unavailable" });
    clock.advance(15_000);
    expect(await tokens.verify(await third())).toMatchObject({ sub: "u1" });
    expect(await tokens.verify(await second())).toMatchObject({ sub: "u1" });
    expect(asked).toBe(5);

    mode = "away";
    clock.advance(11 * 60_000);
    expect(await tokens.verify(await first())).toMatchObject({ sub: "u1" });
    mode = "broken";
    clock.advance(60_000);
    expect(await tokens.verify(await first())).toMatchObject({ sub: "u1" });
    await Bun.sleep(20);
    expect(logged.join("")).toContain("token keys cannot be fetched");

    // A symmetric key in a published set is nobody's secret.
    const forged = handmade({ alg: "HS256", kid: "oct" }, good, "secret");
    expect(await tokens.verify(forged)).toMatchObject({ rejected: "unauthorized" });
  });

  test("that name nobody are tried three at most; who names its key is found among many", async () => {
    mode = "here";
    const many = Array.from({ length: 8 }, () => generateKeyPairSync("ed25519"));
    keys = many.map(({ publicKey }, i) => jwk(publicKey, `k${i}`));
    const { tokens } = remote();
    const [first] = many;
    const of = (header: object) => sign(good, "EdDSA", first?.privateKey as KeyObject, header);
    expect(await tokens.verify(await of({ kid: "k0" }))).toMatchObject({ sub: "u1" });
    expect(await tokens.verify(await of({}))).toMatchObject({ message: expect.stringContaining("kid") });
    expect(await tokens.verify(await of({ kid: "k1" }))).toMatchObject({
      message: expect.stringContaining("wrong"),
    });
  });

  test("never had make it 503, not 401; a slow place holds nobody beyond its deadline", async () => {
    mode = "away";
    const { tokens } = remote();
    const token = await sign(good, "RS256", rsa.privateKey);
    expect(await tokens.verify(token)).toMatchObject({ rejected: "unavailable", retryAfterS: 5 });

    mode = "slow";
    const slow = remote();
    const verdict = slow.tokens.verify(token);
    await slow.clock.run(3_000, 500);
    expect(await verdict).toMatchObject({ rejected: "unavailable" });
    expect(slow.logged.join("")).toContain("no answer within");
  });
});

describe("key files", () => {
  test.each([
    ["nothing", "hello", "no PEM"],
    ["a private key", rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString(), "private key"],
    ["a short RSA key", pem(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey), "2048 bits"],
    ["another curve", pem(generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey), "not RSA, P-256"],
    ["a JWKS of secrets", '{"keys":[{"kty":"oct","k":"AA"}]}', "no key for"],
  ])("%s is refused", (_, text, message) => expect(() => publicKeys(text)).toThrow(message));

  test("a JWKS file", () => {
    const keys = publicKeys(JSON.stringify({ keys: [ec.publicKey.export({ format: "jwk" })] }));
    expect(keys.map(({ algorithm }) => algorithm)).toEqual(["ES256"]);
  });
});

/**
 * What tests need to be let into NATS: an authority with a server's certificate, and credentials of accounts
 * as an operator of NATS signs them.
 */
import { join } from "node:path";
import { nkeys } from "nats";

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** Whatever an account may ask for, without bound. */
const unlimited = {
  subs: -1,
  data: -1,
  payload: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
  conn: -1,
  leaf: -1,
};
const allOfJetstream = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

/** An operator with one account that may use JetStream: lines of a server's configuration, the account. */
export function accountOfOperator(): { readonly config: string; readonly account: KeyPair } {
  const [operator, system, account] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount()];
  const accounts = [
    [system, jwt(operator, system, "account", { limits: unlimited })],
    [account, jwt(operator, account, "account", { limits: { ...unlimited, ...allOfJetstream } })],
  ] as const;
  const config = [
    `operator: ${jwt(operator, operator, "operator", {})}`,
    `system_account: ${system.getPublicKey()}`,
    "resolver: MEMORY",
    `resolver_preload: { ${accounts.map(([of, text]) => `${of.getPublicKey()}: ${text}`).join(", ")} }`,
  ];
  return { config: config.join("\n"), account };
}

/** An authority and a server's certificate signed by it, as `name.pem` and `name-server.pem`. */
export async function authority(
  folder: string,
  name: string,
  names = "IP:127.0.0.1,DNS:localhost",
): Promise<void> {
  const at = join(folder, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await Bun.$`openssl req -x509 ${key} -keyout ${at}.key -out ${at}.pem -days 2 -subj /CN=${name}`.quiet();
  await Bun.$`openssl req ${key} -keyout ${at}-server.key -out ${at}-server.csr -subj /CN=server`.quiet();
  await Bun.write(`${at}.ext`, `subjectAltName=${names}\n`);
  const by = ["-CA", `${at}.pem`, "-CAkey", `${at}.key`, "-CAcreateserial", "-extfile", `${at}.ext`];
  await Bun.$`openssl x509 -req -in ${at}-server.csr ${by} -out ${at}-server.pem -days 2`.quiet();
}

/** A NATS JWT about `subject`, signed by `issuer`. */
function jwt(issuer: KeyPair, subject: KeyPair, type: string, claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const head = part({ typ: "JWT", alg: "ed25519-nkey" });
  const body = part({
    jti: crypto.randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    name: type,
    sub: subject.getPublicKey(),
    nats: { ...claims, type, version: 2 },
  });
  const signature = issuer.sign(new TextEncoder().encode(`${head}.${body}`));
  return `${head}.${body}.${Buffer.from(signature).toString("base64url")}`;
}

/** A credentials file for a new user of `account`. */
export function creds(account: KeyPair): string {
  const user = nkeys.createUser();
  const token = jwt(account, user, "user", { pub: {}, sub: {}, subs: -1, data: -1, payload: -1 });
  const seed = new TextDecoder().decode(user.getSeed());
  return [
    "-----BEGIN NATS USER JWT-----",
    token,
    "------END NATS USER JWT------",
    "",
    "-----BEGIN USER NKEY SEED-----",
    seed,
    "------END USER NKEY SEED------",
    "",
  ].join("\n");
}

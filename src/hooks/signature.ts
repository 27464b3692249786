/**
 * Signatures of what is sent to other servers, by the convention of Standard Webhooks
 * (https://www.standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`, one signature per secret, so that
 * a receiver can go from an old secret to a new one without missing anything.
 */
import { createHmac } from "node:crypto";

/** Bytes of a secret that nobody guesses from a signature: as many as SHA-256 gives (RFC 2104, section 3). */
export const hookSecretBytesMin = 32;
/** Secrets in use at once. Beyond: refused at start. */
export const hookSecretsMax = 8;
const prefix = "whsec_";

/**
 * The bytes of a secret: its text, or what stands in base64 behind `whsec_`, as libraries for receivers have
 * it. Undefined for what is no base64 there.
 */
export function hookSecret(text: string): Uint8Array | undefined {
  if (!text.startsWith(prefix)) return new TextEncoder().encode(text);
  const encoded = text.slice(prefix.length);
  const bytes = Buffer.from(encoded, "base64");
  const again = bytes.toString("base64");
  return again.replace(/=+$/, "") === encoded.replace(/=+$/, "") ? new Uint8Array(bytes) : undefined;
}

/** What a receiver checks, as headers. `nowMs` is when this attempt is made: a repeat is signed anew. */
export function signatureHeaders(
  secrets: readonly Uint8Array[],
  id: string,
  nowMs: number,
  body: string,
): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  const signatures = secrets.map((secret) => {
    const digest = createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest("base64");
    return `v1,${digest}`;
  });
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatures.join(" "),
  };
}

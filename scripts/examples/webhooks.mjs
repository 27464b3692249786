/**
 * A receiver of webhooks and reviews, for Node 20 or newer and Bun, without packages: checks each request's
 * signature, prints what happened, and denies comments that hold the word it is told.
 *
 *   WEBHOOK_SECRET=… PORT=9000 DENY=spoiler node scripts/examples/webhooks.mjs
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const { WEBHOOK_SECRET: secret = "", PORT: port = "9000", DENY: denied } = process.env;
/** Signatures older than this may be somebody's copy. */
const oldS = 300;
const bodyBytesMax = 1024 * 1024;
/** Events seen a moment ago: one that was told twice is known by its id. */
const seen = new Set();
const seenMax = 10_000;

function isSigned(headers, body) {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures = "" } = headers;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > oldS) return false;
  const digest = createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest();
  return signatures.split(" ").some((signature) => {
    const given = Buffer.from(signature.slice("v1,".length), "base64");
    return signature.startsWith("v1,") && given.length === digest.length && timingSafeEqual(given, digest);
  });
}

function take({ events }) {
  for (const event of events) {
    if (seen.has(event.id)) continue;
    seen.add(event.id);
    if (seen.size > seenMax) seen.delete(seen.values().next().value);
    console.log(JSON.stringify(event));
  }
}

function review({ text }) {
  const isDenied = denied !== undefined && text.includes(denied);
  return isDenied ? { verdict: "deny", message: "that word is not taken here" } : { verdict: "allow" };
}

const server = createServer(async (request, response) => {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) return response.writeHead(413).end();
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks).toString();
  if (!isSigned(request.headers, body)) return response.writeHead(401).end();
  const message = JSON.parse(body);
  if (message.type === "comment_review") return response.end(JSON.stringify(review(message)));
  take(message);
  return response.writeHead(204).end();
});
server.listen(Number(port), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { signedBy } from "./receiver-kit.ts";
import { hookSecret, hookSecretBytesMin, signatureHeaders } from "./signature.ts";

describe("signatures", () => {
  test("are those of Standard Webhooks' own test vector", () => {
    const secret = hookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") as Uint8Array;
    const id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    expect(signatureHeaders([secret], id, 1_614_265_330_999, '{"test": 2432232314}')).toEqual({
      "webhook-id": id,
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
  });

  test("are one per secret, and another implementation takes each", async () => {
    const secrets = ["an old secret with 32 bytes at least", "ein neües Geheimnis mit genügend Bytes"];
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme" }), fc.nat(2 ** 41), async (body, nowMs) => {
        const bytes = secrets.map((secret) => hookSecret(secret) as Uint8Array);
        const headers = signatureHeaders(bytes, "msg_1", nowMs, body);
        const got = {
          id: "msg_1",
          timestamp: headers["webhook-timestamp"] ?? "",
          signatures: (headers["webhook-signature"] ?? "").split(" "),
          body,
          headers: new Headers(),
        };
        expect(await signedBy(got, secrets[0] as string)).toEqual([true, false]);
        expect(await signedBy(got, secrets[1] as string)).toEqual([false, true]);
        expect(await signedBy({ ...got, body: `${body} ` }, secrets[0] as string)).toEqual([false, false]);
        expect(await signedBy({ ...got, timestamp: "0" }, secrets[0] as string)).toContainEqual(
          nowMs < 1_000,
        );
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ["plain text", "0123456789abcdef0123456789abcdef", 32],
    ["text with more bytes than characters", "äöü", 6],
    ["base64 behind whsec_", `whsec_${Buffer.alloc(32, 7).toString("base64")}`, 32],
    ["base64 without its padding", `whsec_${Buffer.alloc(32, 7).toString("base64").replace("=", "")}`, 32],
  ])("%s", (_, text, bytes) => {
    expect(hookSecret(text)?.length).toBe(bytes);
  });

  test.each(["whsec_not base64!", "whsec_a", "whsec_ab*d"])("%s is no secret", (text) => {
    expect(hookSecret(text)?.length ?? 0).toBeLessThan(hookSecretBytesMin);
  });
});

/**
 * For tests: a real HTTP server that takes webhooks, or reviews comments, and answers as it is told to. It
 * checks signatures by WebCrypto, which the signing code does not use.
 */
import type { Log } from "../base/log.ts";
import { createLog } from "../base/log.ts";

export interface Got {
  readonly id: string;
  readonly timestamp: string;
  readonly signatures: readonly string[];
  readonly body: string;
  readonly headers: Headers;
}

export interface Event {
  readonly id: string;
  readonly type: string;
  readonly video: string;
  readonly at: number;
  readonly [more: string]: unknown;
}

type Answer = (got: Got, nth: number) => Response | Promise<Response>;

export class Receiver {
  readonly got: Got[] = [];
  /** What is answered from now on. */
  answer: Answer;
  #server: Bun.Server<undefined> | undefined;
  #wake: (() => void)[] = [];
  readonly port: number;

  constructor(answer: Answer = () => new Response(null, { status: 204 })) {
    this.answer = answer;
    this.#server = this.#serve(0);
    this.port = this.#server.port ?? 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook?token=secret-in-the-url`;
  }

  /** Events in order of arrival, of requests that were answered well or not. */
  get events(): Event[] {
    return this.got.flatMap(({ body }) => (JSON.parse(body) as { events: Event[] }).events);
  }

  /** Resolves once `met`, looking after every request. */
  async until(met: (receiver: Receiver) => boolean): Promise<void> {
    while (!met(this)) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  /** Nobody listens on its port. */
  async goAway(): Promise<void> {
    await this.#server?.stop(true);
    this.#server = undefined;
  }

  comeBack(): void {
    this.#server = this.#serve(this.port);
  }

  #serve(port: number): Bun.Server<undefined> {
    return Bun.serve({
      port,
      hostname: "127.0.0.1",
      idleTimeout: 0,
      fetch: async (request) => {
        const { headers } = request;
        const body = await request.text();
        const got = {
          id: headers.get("webhook-id") ?? "",
          timestamp: headers.get("webhook-timestamp") ?? "",
          signatures: (headers.get("webhook-signature") ?? "").split(" "),
          body,
          headers,
        };
        this.got.push(got);
        const response = this.answer(got, this.got.length);
        for (const wake of this.#wake.splice(0)) wake();
        return response;
      },
    });
  }
}

/** For each of a request's signatures, whether `secret` made it. */
export async function signedBy(got: Got, secret: string): Promise<boolean[]> {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes(secret), algorithm, false, ["verify"]);
  const covered = bytes(`${got.id}.${got.timestamp}.${got.body}`);
  return Promise.all(
    got.signatures.map((signature) => {
      const [, version, digest = ""] = /^(v1),([A-Za-z0-9+/]{43}=)$/.exec(signature) ?? [];
      if (!version) throw new Error(`no signature: ${signature}`);
      const given = Uint8Array.from(atob(digest), (char) => char.charCodeAt(0));
      return crypto.subtle.verify("HMAC", key, given, covered);
    }),
  );
}

/** A log whose lines can be looked at. */
export function listening(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const log = createLog({ level: "debug", format: "json", write: (line) => lines.push(line), now: () => 0 });
  return { log, lines };
}

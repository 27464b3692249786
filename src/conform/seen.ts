/**
 * The sentences that hold of every answer and every event: tried on all that the other checks have seen, once
 * they are done; and those about who asks and about operators.
 */
import { statusOf } from "../http/answer.ts";
import {
  Broken,
  type Checks,
  expectRefusal,
  expectShape,
  expectStatus,
  type Probe,
  Untried,
} from "./probe.ts";
import type { Block, Stream } from "./stream.ts";

const eventBytesMax = 60_000;
/** What `poll` of a `bye` holds. */
interface Polls {
  readonly url?: string;
  readonly urls?: Readonly<Record<string, string>>;
  readonly everyMs: number;
}

const statuses: Readonly<Record<string, number>> = statusOf;

/** What a check of all events or answers is about; where there are none it says nothing. */
function some<T>(all: readonly T[], what: string): readonly T[] {
  if (all.length === 0) throw new Untried(`no ${what} was seen`);
  return all;
}

function everyBlock(probe: Probe, wrong: (block: Block, stream: Stream) => string | undefined): void {
  for (const stream of some(probe.streams, "stream")) {
    for (const block of stream.blocks) {
      const why = wrong(block, stream);
      if (why !== undefined) throw new Broken(`${why}: ${JSON.stringify(block.raw.slice(0, 200))}`);
    }
  }
}

/** Tried when all others are through. */
export const seenChecks: Checks = {
  async "call-2"(probe) {
    const refusals = probe.replies.filter(({ status, text }) => status >= 400 && text !== "");
    for (const reply of some(refusals, "refusal")) {
      expectShape(reply, "Error");
      const { code } = (reply.says as { error: { code: string } }).error;
      if (statuses[code] === reply.status) continue;
      throw new Broken(`${reply.what}: ${reply.status} ${code} is not in the table`);
    }
  },
  async "call-3"(probe) {
    const late = probe.replies.filter(({ status }) => status === 429 || status === 503);
    for (const { what, status, headers } of some(late, "answer of 429 or 503")) {
      const after = headers.get("retry-after");
      if (!/^[1-9]\d*$/.test(after ?? "")) throw new Broken(`${what}: ${status} with Retry-After ${after}`);
    }
  },
  async "total-5"(probe) {
    for (const stream of some(probe.streams, "stream")) {
      const highest = new Map<string, { version: number; totals: Record<string, number> }>();
      for (const { event, says } of stream.blocks) {
        if (event !== "likes" && event !== "snapshot") continue;
        const told = says as { video: string; version: number; totals: Record<string, number> };
        const before = highest.get(told.video);
        if (before && told.version < before.version) continue;
        highest.set(told.video, told);
        const fallen = Object.entries(before?.totals ?? {}).find(([kind, n]) => (told.totals[kind] ?? 0) < n);
        if (fallen && !probe.takenBack.has(told.video)) {
          throw new Broken(`${fallen[0]} fell from ${fallen[1]} to ${told.totals[fallen[0]]}`);
        }
      }
    }
  },
  async "stream-12"(probe) {
    const ended = probe.streams.filter(
      ({ endedByServer, response }) => endedByServer && response.status === 200,
    );
    for (const { blocks } of some(ended, "end of a stream by the server")) {
      const last = blocks.at(-1);
      if (last?.event === "bye" && /^retry: ?\d+\n/.test(last.raw)) continue;
      throw new Broken(`a stream ended behind ${JSON.stringify(last?.raw.slice(0, 200))}`);
    }
  },
  async "stream-14"(probe) {
    const refused = some(probe.streams, "stream").find(
      ({ response: { status } }) => status === 429 || status >= 500,
    );
    if (refused) throw new Broken(`a stream was answered ${refused.response.status}`);
  },
  async "live-4"(probe) {
    const away = probe.streams.flatMap(({ asked, response, blocks }) => {
      const poll = blocks[0]?.says.poll as Polls | undefined;
      return poll === undefined ? [] : [{ asked, response, poll }];
    });
    for (const { asked, response, poll } of some(away, "viewer that was told to poll").slice(0, 4)) {
      if (!(poll.everyMs > 0)) throw new Broken(`everyMs is ${poll.everyMs}`);
      for (const video of asked.videos) {
        const named = poll.urls?.[video] ?? poll.url?.replace("{video}", video);
        const { href } = new URL(named ?? "", response.url);
        if (!href.startsWith(probe.parts.url)) throw new Broken(`it leads to ${href}`);
        const reply = await probe.ask("GET", href.slice(probe.parts.url.length), { bare: true });
        expectStatus(reply, 200);
        expectShape(reply, "Live");
      }
    }
  },
  async "form-1"(probe) {
    if (some(probe.streams, "stream").some(({ hasReturns }) => hasReturns)) throw new Broken("there is a CR");
  },
  async "form-2"(probe) {
    everyBlock(probe, ({ id, raw }) => {
      const last = raw.split("\n").at(-1) ?? "";
      return id !== undefined && !last.startsWith("id:") ? "id: is not the last line" : undefined;
    });
  },
  async "form-3"(probe) {
    everyBlock(probe, ({ data, raw }) => {
      if (data === undefined) return "there is no data";
      return /^:/m.test(raw) ? "there is a comment line" : undefined;
    });
  },
  async "form-4"(probe) {
    everyBlock(probe, ({ data = "", says }) => {
      if (data.includes("\n")) return "its data has several lines";
      return data !== "{}" && Object.keys(says).length === 0 ? "its data is no object" : undefined;
    });
  },
  async "form-5"(probe) {
    everyBlock(probe, ({ raw }) => {
      const bytes = new TextEncoder().encode(raw).length + 2;
      return bytes > eventBytesMax ? `it has ${bytes} bytes` : undefined;
    });
  },
  async "form-6"(probe) {
    for (const { asked, blocks } of some(probe.streams, "stream")) {
      if (asked.place !== undefined) continue;
      const waits = new Set(asked.videos);
      for (const { event, says, id, raw } of blocks) {
        if (waits.size === 0) break;
        if (event === "snapshot") waits.delete(String(says.video));
        const isEarly = id !== undefined && waits.size > 0;
        if (isEarly)
          throw new Broken(`an id: before the last snapshot: ${JSON.stringify(raw.slice(0, 200))}`);
      }
    }
  },
};

export const authChecks: Checks = {
  async "auth-1"(probe) {
    if (probe.config.auth !== "token") throw new Untried("auth is open here");
    const reply = await probe.ask("GET", `/v1/videos/${probe.video()}`, { bare: true });
    expectRefusal(reply, 401, "unauthorized");
    if (!reply.headers.has("www-authenticate")) throw new Broken("there is no WWW-Authenticate");
  },
  async "auth-2"(probe) {
    probe.needsKey();
    const path = `/v1/videos/${probe.video()}/comments/none-1`;
    for (const headers of [
      { authorization: `Bearer ${probe.parts.key}` },
      { "x-api-key": probe.parts.key },
    ]) {
      expectRefusal(await probe.ask("DELETE", path, { bare: true, headers }), 404, "unknown-comment");
    }
  },
};

/** Where operators' paths are not served to us, there is nothing to say of them. */
function notHere(status: number): void {
  if ([401, 403, 404].includes(status)) throw new Untried(`it is answered ${status} here`);
}

export const operatorChecks: Checks = {
  async "ops-1"(probe) {
    const reply = await probe.ask("GET", "/health/live");
    notHere(reply.status);
    expectStatus(reply, 200);
  },
  async "ops-2"(probe) {
    const reply = await probe.ask("GET", "/health/ready");
    notHere(reply.status);
    if (reply.status === 200) return;
    expectRefusal(reply, 503, "not-ready");
    if (!Array.isArray((reply.says as { reasons?: unknown }).reasons))
      throw new Broken("there are no reasons");
  },
  async "ops-3"(probe) {
    const reply = await probe.ask("GET", "/metrics");
    notHere(reply.status);
    expectStatus(reply, 200);
    const odd = reply.text
      .split("\n")
      .find((line) => !/^(#.*|[a-zA-Z_:][\w:]*(\{.*\})? \S+( \d+)?)?$/.test(line));
    if (odd !== undefined) throw new Broken(`there is a line ${JSON.stringify(odd.slice(0, 200))}`);
  },
  async "ops-4"(probe) {
    const reply = await probe.ask("GET", "/openapi.json");
    expectStatus(reply, 200);
    const { openapi, paths } = (reply.says ?? {}) as { openapi?: string; paths?: Record<string, unknown> };
    if (!openapi?.startsWith("3.1") || !paths?.["/v1/videos/{video}/likes"]) {
      throw new Broken(`it is OpenAPI ${openapi}, with ${Object.keys(paths ?? {}).length} paths`);
    }
  },
  async "ops-5"(probe) {
    const reply = await probe.ask("GET", "/asyncapi.json");
    expectStatus(reply, 200);
    const { asyncapi, components } = (reply.says ?? {}) as {
      asyncapi?: string;
      components?: { messages?: Record<string, unknown> };
    };
    const messages = Object.keys(components?.messages ?? {});
    const left = ["hello", "snapshot", "likes", "comment", "bye"].filter((name) => !messages.includes(name));
    if (!asyncapi?.startsWith("3.") || left.length > 0) {
      throw new Broken(`it is AsyncAPI ${asyncapi}, without ${left.join(", ") || "nothing"}`);
    }
  },
};

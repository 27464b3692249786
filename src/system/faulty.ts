/**
 * Servers that are not quite right: a proxy before a good node that breaks one sentence of the protocol. What
 * `ovation conform` says of each is system/conform.test.ts.
 */

export interface Fault {
  readonly name: string;
  /** The sentences that it breaks. */
  readonly breaks: readonly string[];
  /** Changes a request, or answers it itself. */
  readonly asked?: (request: Asked) => Asked | Response;
  /** Changes a whole answer. */
  readonly answered?: (status: number, text: string, path: string) => { status?: number; text?: string };
  /** Changes a block of a stream, without its empty line; "" leaves it out. */
  readonly told?: (block: string) => string;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

const isLike = ({ method, path }: Asked) =>
  method === "POST" && path.endsWith("/likes") && path !== "/v1/likes";
const isComment = ({ method, path }: Asked) => method === "POST" && path.endsWith("/comments");

function withBody(asked: Asked, change: (fields: Record<string, unknown>) => void): Asked {
  try {
    const fields = JSON.parse(asked.body) as Record<string, unknown>;
    change(fields);
    return { ...asked, body: JSON.stringify(fields) };
  } catch {
    return asked;
  }
}

function without(asked: Asked, ...names: readonly string[]): Asked {
  const headers = new Headers(asked.headers);
  for (const name of names) headers.delete(name);
  return { ...asked, headers };
}

/** Changes what an event says. */
function saying(event: string, change: (says: Record<string, unknown>) => void): (block: string) => string {
  return (block) => {
    if (!block.includes(`event: ${event}\n`)) return block;
    return block.replace(/^data: (.*)$/m, (_, data: string) => {
      const says = JSON.parse(data) as Record<string, unknown>;
      change(says);
      return `data: ${JSON.stringify(says)}`;
    });
  };
}

export const faults: readonly Fault[] = [
  {
    name: "a repeated key counts once more",
    breaks: ["like-6", "like-9"],
    asked: (asked) =>
      isLike(asked) && asked.headers.has("idempotency-key") ? without(asked, "idempotency-key") : asked,
  },
  {
    name: "a like is answered and not counted",
    breaks: ["like-2", "total-1", "total-4"],
    asked: (asked) => (isLike(asked) ? Response.json({}, { status: 202 }) : asked),
  },
  {
    name: "a repeated comment is placed twice",
    breaks: ["comment-3"],
    asked: (asked) => (isComment(asked) ? without(asked, "idempotency-key") : asked),
  },
  {
    name: "a field that is not known is passed over",
    breaks: ["call-7"],
    asked: (asked) =>
      isLike(asked)
        ? withBody(asked, (fields) => {
            delete fields.knid;
          })
        : asked,
  },
  {
    name: "a count beyond the most is cut to it",
    breaks: ["like-3"],
    asked: (asked) =>
      isLike(asked)
        ? withBody(asked, (fields) => {
            if (Number(fields.count) > 50) fields.count = 50;
          })
        : asked,
  },
  {
    name: "spaces around a text are taken off",
    breaks: ["comment-4"],
    asked: (asked) =>
      isComment(asked)
        ? withBody(asked, (fields) => {
            if (typeof fields.text === "string") fields.text = fields.text.trim();
          })
        : asked,
  },
  {
    name: "a mistake in a field is 400",
    breaks: ["call-2", "call-7", "like-5"],
    answered: (status) => (status === 422 ? { status: 400 } : {}),
  },
  {
    name: "a listing is newest first",
    breaks: ["comment-8"],
    answered(status, text, path) {
      if (status !== 200 || !/\/comments(\?|$)/.test(path)) return {};
      const page = JSON.parse(text) as { comments: unknown[] };
      return { text: JSON.stringify({ ...page, comments: page.comments.reverse() }) };
    },
  },
  {
    name: "a stream forgets the place it was asked for",
    breaks: ["resume-2", "resume-4", "resume-5", "resume-6"],
    asked: (asked) => {
      const plain = without(asked, "last-event-id");
      return { ...plain, path: plain.path.replace(/last_event_id=[^&]*/, "") };
    },
  },
  {
    name: "likes are told as what was added",
    breaks: ["total-3"],
    told: saying("likes", (says) => {
      says.totals = { heart: 1 };
    }),
  },
  { name: "no beat", breaks: ["stream-11"], told: (block) => (block.includes("event: beat") ? "" : block) },
  {
    name: "a removal is not told",
    breaks: ["stream-10"],
    told: (block) => (block.includes("event: retract") ? "" : block),
  },
  { name: "lines end in CR LF", breaks: ["form-1"], told: (block) => block.replaceAll("\n", "\r\n") },
  {
    name: "an event begins with its id",
    breaks: ["form-2"],
    told: (block) => block.replace(/^([\s\S]*)\n(id: .*)$/, "$2\n$1"),
  },
  { name: "a comment line now and then", breaks: ["form-3"], told: (block) => `: hello\n${block}` },
  {
    name: "an id before the snapshot",
    breaks: ["form-6"],
    told: (block) => (block.includes("event: hello") ? `${block}\nid: abcd-1` : block),
  },
  {
    name: "viewers are never counted down",
    breaks: ["stream-9"],
    told: (block) => (/event: viewers[\s\S]*"viewers":1\b/.test(block) ? "" : block),
  },
];

/** A server that does what the one at `url` does, with `fault`. */
export function startFaulty(url: string, fault: Fault): { readonly url: string; stop(): Promise<void> } {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 60,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const given: Asked = {
        method: request.method,
        path: `${pathname}${search}`,
        headers: without({ headers: request.headers } as Asked, "host", "accept-encoding", "content-length")
          .headers,
        body: await request.text(),
      };
      const asked = fault.asked?.(given) ?? given;
      if (asked instanceof Response) return asked;
      const answer = await fetch(`${url}${asked.path}`, {
        method: asked.method,
        headers: asked.headers,
        ...(asked.body !== "" && { body: asked.body }),
        signal: request.signal,
      });
      const isStream = answer.headers.get("content-type") === "text/event-stream";
      if (isStream && answer.body) return new Response(blocks(answer.body, fault), answer);
      const text = await answer.text();
      const told = fault.answered?.(answer.status, text, asked.path) ?? {};
      const status = told.status ?? answer.status;
      const headers = without({ headers: answer.headers } as Asked, "content-length").headers;
      const isEmpty = status === 204 || request.method === "HEAD";
      return new Response(isEmpty ? null : (told.text ?? text), { status, headers });
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true) };
}

/** The stream as `fault` has it. A good node that is left in the middle is no error here. */
function blocks(body: ReadableStream<Uint8Array>, fault: Fault): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let rest = "";
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
      if (done) return controller.close();
      const parts = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = parts.pop() ?? "";
      const told = parts.map((part) => (fault.told ? fault.told(part) : part)).filter((part) => part !== "");
      const text = told.map((part) => part + (part.includes("\r") ? "\r\n\r\n" : "\n\n")).join("");
      // Nothing to say is said too, or nobody would pull any more.
      controller.enqueue(encoder.encode(text));
    },
    cancel: () => reader.cancel().catch(() => {}),
  });
}

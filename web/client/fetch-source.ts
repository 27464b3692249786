/**
 * An EventSource by fetch, where there is none: as much of it as line.ts stands on, which opens a new one
 * itself whenever this one ends. Held by fetch-source.test.ts.
 */
import type { Heard, Source } from "./types.ts";

/** Opens `url`. Ends with `onerror`, and then says nothing more. */
export function fetchSource(url: string, get: (url: string, init: RequestInit) => Promise<Response>): Source {
  const abort = new AbortController();
  const listeners = new Map<string, (event: Heard) => void>();
  const source: Source = {
    readyState: 0,
    onerror: null,
    addEventListener: (name, listener) => listeners.set(name, listener),
    close() {
      source.readyState = 2;
      abort.abort();
    },
  };
  let lastEventId = "";

  function tell(block: string): void {
    const fields: Record<string, string> = {};
    for (const line of block.split("\n")) {
      const [, name = "", value = ""] = /^(\w*): ?(.*)$/.exec(line) ?? [];
      fields[name] = value;
    }
    lastEventId = fields.id ?? lastEventId;
    listeners.get(fields.event ?? "message")?.({ data: fields.data as string, lastEventId });
  }

  async function read(): Promise<void> {
    const init = { headers: { accept: "text/event-stream" }, signal: abort.signal };
    const { ok, body } = await get(url, init);
    if (abort.signal.aborted) return;
    if (ok && body) {
      source.readyState = 1;
      const reader = body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ; ) {
        const { value, done } = await reader.read();
        if (done) break;
        const blocks = (rest + value).split("\n\n");
        rest = blocks.pop() as string;
        for (const block of blocks) if (!abort.signal.aborted) tell(block);
      }
    }
    // An answer other than 200 is a refusal, as in a browser; a stream that ended is not.
    if (!abort.signal.aborted) source.readyState = ok ? 0 : 2;
  }

  const ended = () => {
    if (!abort.signal.aborted) source.onerror?.(undefined as never);
  };
  read().then(ended, ended);
  return source;
}

/**
 * Calls that say they are part of a trace (W3C Trace Context, `traceparent`), told to whoever traces
 * (hooks/traces.ts). Without `--otlp-url` nobody does, and a call costs one look. Held by
 * system/traces.test.ts.
 */
import type { Metrics, Traced } from "../base/metrics.ts";

/** The calls whose likes a tick will show; a stream lasts, and is told when it begins. */
const published = /^[^?#]*\/v1\/videos\/([A-Za-z0-9_-]{1,64})\/likes$/;

export class TracedCalls {
  readonly #metrics: Pick<Metrics, "traced">;
  readonly #begun = new WeakMap<Request, NonNullable<ReturnType<Traced["called"]>>>();

  constructor(metrics: Pick<Metrics, "traced">) {
    this.#metrics = metrics;
  }

  begin(request: Request): void {
    const { traced } = this.#metrics;
    if (!traced) return;
    const parent = request.headers.get("traceparent");
    const [, video] = parent !== null && request.method === "POST" ? (published.exec(request.url) ?? []) : [];
    const answered = traced.called(parent, video);
    if (answered) this.#begun.set(request, answered);
  }

  end(request: Request, route: string, status: number): void {
    if (this.#metrics.traced) this.#begun.get(request)?.(request.method, route, status);
  }
}

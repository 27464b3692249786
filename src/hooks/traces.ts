/**
 * Traces for OpenTelemetry: the way of a like from its acceptance to the frame that shows it, with
 * `--otlp-url`, as OTLP over HTTP in JSON.
 *
 * A tick carries when its oldest like was accepted, made durable and ticked, so whoever writes its frame
 * knows the whole way, and nothing has to be carried along for this: publish, log, tick, bus and frame are
 * told by the frontend. A few ticks a second are taken, what cannot be sent soon is dropped, and nobody
 * waits. Times are those of the nodes' wall clocks. Held by traces.test.ts.
 */
import { randomBytes } from "node:crypto";
import type { Clock, Elapsed, Timer } from "../base/clock.ts";
import { longAgo } from "../base/clock.ts";
import type { Fetch } from "./post.ts";

/** When the oldest like of a tick was where: Unix ms. */
export interface Way {
  readonly atMs: number;
  readonly durableMs: number;
  readonly tickedMs: number;
  readonly receivedMs: number;
}

export interface TracesParts {
  /** Where a collector takes OTLP: `/v1/traces` is added. */
  readonly url: string;
  readonly node: string;
  readonly region: string;
  readonly version: string;
  readonly fetch: Fetch;
  readonly clock: Clock;
}

/** Least time between two ticks that are traced, in ms. */
const everyMs = 100;
/** Ticks whose frame is not written yet. Beyond: the oldest is not traced. */
const openMax = 64;
/** Spans that wait to be sent. Beyond: dropped. */
const spansMax = 1_000;
const flushMs = 5_000;
const answerMs = 3_000;
/** As OTLP has it: SPAN_KIND_INTERNAL. */
const internal = 1;

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

export class Traces {
  readonly #parts: TracesParts;
  readonly #timer: Timer;
  /** By when the oldest like was accepted: what the frame's writer knows too. */
  readonly #open = new Map<number, Way>();
  #spans: Span[] = [];
  #takenAt: Elapsed = longAgo;
  #sending = false;

  constructor(parts: TracesParts) {
    this.#parts = parts;
    this.#timer = parts.clock.every(flushMs, () => void this.#flush());
  }

  /** A tick came whose frame is still to be written. */
  received(way: Way): void {
    const now = this.#parts.clock.elapsed();
    if (now - this.#takenAt < everyMs) return;
    this.#takenAt = now;
    this.#open.set(way.atMs, way);
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= openMax) break;
      this.#open.delete(oldest);
    }
  }

  /** The frame of the tick whose oldest like was accepted at `atMs` has been written. */
  written(atMs: number, writtenMs: number): void {
    const way = this.#open.get(atMs);
    if (!way) return;
    this.#open.delete(atMs);
    if (this.#spans.length < spansMax) this.#spans.push(...spansOf(way, writtenMs));
  }

  close(): Promise<void> {
    this.#timer.cancel();
    return this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#sending || this.#spans.length === 0) return;
    this.#sending = true;
    const { url, fetch, clock } = this.#parts;
    const body = JSON.stringify(this.#request(this.#spans));
    this.#spans = [];
    const late = new AbortController();
    const timer = clock.after(answerMs, () => late.abort());
    const headers = { "content-type": "application/json" };
    try {
      const to = `${url.replace(/\/$/, "")}/v1/traces`;
      const answer = await fetch(to, {
        method: "POST",
        headers,
        body,
        signal: late.signal,
        redirect: "manual",
      });
      await answer.body?.cancel();
    } catch {
      // A collector that is away is no reason to keep anything.
    } finally {
      timer.cancel();
      this.#sending = false;
    }
  }

  /** The body of a request, as opentelemetry-proto has it in JSON. */
  #request(spans: readonly Span[]): object {
    const { node, region, version } = this.#parts;
    const named = { "service.name": "ovation", "service.instance.id": node, "service.version": version };
    const attributes = Object.entries({ ...named, "ovation.region": region }).map(([key, stringValue]) => ({
      key,
      value: { stringValue },
    }));
    const scopeSpans = [{ scope: { name: "ovation", version }, spans }];
    return { resourceSpans: [{ resource: { attributes }, scopeSpans }] };
  }
}

function spansOf(way: Way, writtenMs: number): Span[] {
  const traceId = randomBytes(16).toString("hex");
  const root = randomBytes(8).toString("hex");
  const span = (name: string, fromMs: number, toMs: number, spanId: string, parent?: string): Span => ({
    ...{ traceId, spanId, ...(parent && { parentSpanId: parent }), name, kind: internal },
    startTimeUnixNano: nanos(fromMs),
    endTimeUnixNano: nanos(Math.max(fromMs, toMs)),
  });
  const stops: [string, number][] = [
    ["log", way.durableMs],
    ["tick", way.tickedMs],
    ["bus", way.receivedMs],
    ["frame", writtenMs],
  ];
  let fromMs = way.atMs;
  const spans = [span("publish", way.atMs, writtenMs, root)];
  for (const [name, toMs] of stops) {
    spans.push(span(name, fromMs, toMs, randomBytes(8).toString("hex"), root));
    fromMs = Math.max(fromMs, toMs);
  }
  return spans;
}

function nanos(ms: number): string {
  return (BigInt(Math.round(ms * 1_000)) * 1_000n).toString();
}

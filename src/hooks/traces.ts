/**
 * Traces for OpenTelemetry: the way of a like from its acceptance to the frame that shows it, with
 * `--otlp-url`, as OTLP over HTTP in JSON.
 *
 * A tick carries when its oldest like was accepted, made durable and ticked, so whoever writes its frame
 * knows the whole way, and nothing has to be carried along for this: publish, log, tick, bus and frame are
 * told by the frontend. A few ticks a second are taken, what cannot be sent soon is dropped, and nobody
 * waits. Times are those of the nodes' wall clocks.
 *
 * A call that says it is part of a trace (W3C Trace Context, `traceparent`, sampled) is a span of that trace,
 * and so is the way of its like where the same process writes the frame. Held by traces.test.ts.
 */
import { randomBytes } from "node:crypto";
import type { Clock, Elapsed, Timer } from "../base/clock.ts";
import { longAgo } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Fetch } from "./post.ts";

/** When the oldest like of a tick was where: Unix ms. */
export interface Way {
  readonly video: string;
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
  readonly log: Log;
}

/** Least time between two ticks that are traced, in ms. */
const everyMs = 100;
/** Ticks whose frame is not written yet. Beyond: the oldest is not traced. */
const openMax = 64;
/** Least time between two calls that are told as part of their callers' traces, in ms. */
const callEveryMs = 10;
/** Calls whose like no tick has shown yet. Beyond: the way of the oldest is no part of its trace. */
const callsMax = 64;
/** Spans that wait to be sent. Beyond: dropped. */
const spansMax = 1_000;
const flushMs = 5_000;
const answerMs = 3_000;
/** As OTLP has them: SPAN_KIND_INTERNAL, SPAN_KIND_SERVER, STATUS_CODE_ERROR. */
const [internal, server, failed] = [1, 2, 2];
/** W3C Trace Context, version 00; later ones may say more behind it. */
const traceparent = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Whose trace something is part of: 16 and 8 bytes, in hex. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
}

/** What `traceparent` says, where it is one and its trace is to be kept. */
export function contextIn(text: string | null): TraceContext | undefined {
  const [, version, traceId = "", spanId = "", flags = "", more] = traceparent.exec(text ?? "") ?? [];
  if (version === undefined || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return Number.parseInt(flags, 16) & 1 ? { traceId, spanId } : undefined;
}

/** A call that is part of a trace, and whose like the next tick of its video may show. */
interface Call extends TraceContext {
  readonly video: string | undefined;
  readonly fromMs: number;
  toMs: number;
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue: string } | { readonly intValue: string };
}

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes?: readonly Attribute[];
  readonly status?: { readonly code: number };
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

export class Traces {
  readonly #parts: TracesParts;
  readonly #timer: Timer;
  /** By when the oldest like was accepted: what the frame's writer knows too. */
  readonly #open = new Map<number, { readonly way: Way; readonly parent: TraceContext | undefined }>();
  readonly #calls = new Set<Call>();
  #spans: Span[] = [];
  #takenAt: Elapsed = longAgo;
  #calledAt: Elapsed = longAgo;
  #sending = false;
  #refused = false;

  constructor(parts: TracesParts) {
    this.#parts = parts;
    this.#timer = parts.clock.every(flushMs, () => void this.#flush());
  }

  /**
   * A call came; `parent` is its `traceparent`, `video` what it likes or comments. Answers what is to be told
   * when it has been answered; nothing where it is part of no trace.
   */
  called(parent: string | null, video: string | undefined): Answered | undefined {
    const context = contextIn(parent);
    const now = this.#parts.clock.elapsed();
    if (!context || now - this.#calledAt < callEveryMs) return undefined;
    this.#calledAt = now;
    const { traceId } = context;
    const fromMs = this.#parts.clock.date();
    const call: Call = { traceId, spanId: newSpanId(), video, fromMs, toMs: Number.POSITIVE_INFINITY };
    if (video !== undefined) keepFew(this.#calls, call, callsMax);
    return (method, route, status) => {
      call.toMs = this.#parts.clock.date();
      if (status >= 300) this.#calls.delete(call);
      this.#tell([spanOfCall(call, context, { method, route, status })]);
    };
  }

  /** A tick came whose frame is still to be written. */
  received(way: Way): void {
    const parent = this.#callOf(way);
    const now = this.#parts.clock.elapsed();
    if (!parent && now - this.#takenAt < everyMs) return;
    this.#takenAt = now;
    this.#open.set(way.atMs, { way, parent });
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= openMax) break;
      this.#open.delete(oldest);
    }
  }

  /** The frame of the tick whose oldest like was accepted at `atMs` has been written. */
  written(atMs: number, writtenMs: number): void {
    const open = this.#open.get(atMs);
    if (!open) return;
    this.#open.delete(atMs);
    this.#tell(spansOf(open.way, writtenMs, open.parent));
  }

  /** The call whose like is the oldest of a tick: of its video, and accepted while it was being answered. */
  #callOf({ video, atMs }: Way): TraceContext | undefined {
    for (const call of this.#calls) {
      if (call.video !== video || atMs < Math.floor(call.fromMs) || atMs > call.toMs) continue;
      this.#calls.delete(call);
      return call;
    }
    return undefined;
  }

  #tell(spans: readonly Span[]): void {
    if (this.#spans.length < spansMax) this.#spans.push(...spans);
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
      this.#heard(answer.ok ? undefined : `it answered ${answer.status}`);
    } catch (error) {
      // A collector that is away is no reason to keep anything.
      this.#heard((error as Error).message);
    } finally {
      timer.cancel();
      this.#sending = false;
    }
  }

  /** Says so when the collector begins to take nothing, and when it takes something again. */
  #heard(reason: string | undefined): void {
    const { log, url } = this.#parts;
    if (reason !== undefined && !this.#refused) log.warn("the collector takes no traces", { url, reason });
    if (reason === undefined && this.#refused) log.info("the collector takes traces again", { url });
    this.#refused = reason !== undefined;
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

/** Tells of a call what was answered. */
export type Answered = (method: string, route: string, status: number) => void;

/** Keeps `one` too; the oldest go where that makes too many. */
function keepFew<T>(all: Set<T>, one: T, max: number): void {
  all.add(one);
  for (const oldest of all) {
    if (all.size <= max) return;
    all.delete(oldest);
  }
}

const newSpanId = (): string => randomBytes(8).toString("hex");

interface Told {
  readonly method: string;
  readonly route: string;
  readonly status: number;
}

/** A call as OpenTelemetry's conventions for HTTP servers have it: its route, and no path or query. */
function spanOfCall(call: Call, parent: TraceContext, { method, route, status }: Told): Span {
  return {
    ...{ traceId: call.traceId, spanId: call.spanId, parentSpanId: parent.spanId },
    ...{ name: `${method} ${route}`, kind: server },
    attributes: [
      { key: "http.request.method", value: { stringValue: method } },
      { key: "http.route", value: { stringValue: route } },
      { key: "http.response.status_code", value: { intValue: String(status) } },
    ],
    ...(status >= 500 && { status: { code: failed } }),
    startTimeUnixNano: nanos(call.fromMs),
    endTimeUnixNano: nanos(Math.max(call.fromMs, call.toMs)),
  };
}

function spansOf(way: Way, writtenMs: number, parent: TraceContext | undefined): Span[] {
  const traceId = parent?.traceId ?? randomBytes(16).toString("hex");
  const root = newSpanId();
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
  const spans = [span("publish", way.atMs, writtenMs, root, parent?.spanId)];
  for (const [name, toMs] of stops) {
    spans.push(span(name, fromMs, toMs, newSpanId(), root));
    fromMs = Math.max(fromMs, toMs);
  }
  return spans;
}

function nanos(ms: number): string {
  return (BigInt(Math.round(ms * 1_000)) * 1_000n).toString();
}

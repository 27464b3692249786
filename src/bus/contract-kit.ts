/** What the parts of the buses' suite share: the harness they ask for, and ways to see what happened. */
import { afterEach, beforeEach } from "bun:test";
import type { Bus, Table } from "./bus.ts";

export interface BusHarness {
  /** Another node's bus on the same network. */
  connect(): Promise<Bus>;
  /** Lets everything under way arrive: subscriptions take effect, messages are delivered. */
  settle(): Promise<void>;
  /** Lets `ms` milliseconds of the buses' clock pass. */
  pass(ms: number): Promise<void>;
  /** Returns as soon as `true_` holds; throws when it takes unreasonably long. */
  until(true_: () => boolean): Promise<void>;
  /** A lease this network can keep, in milliseconds. */
  readonly leaseMs: number;
  close(): Promise<void>;
}

export type Open = () => Promise<BusHarness>;

/** A fresh network with two members around each test. */
export function network(open: Open) {
  const at = {} as { net: BusHarness; a: Bus; b: Bus };
  beforeEach(async () => {
    at.net = await open();
    at.a = await at.net.connect();
    at.b = await at.net.connect();
  });
  afterEach(() => at.net.close());
  return at;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

/** Why a promise was rejected; fails when it was not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it resolved");
}

/** What one watch was told, as the rows it makes and the story it tells. */
export function watched(table: Table) {
  const rows = new Map<string, string>();
  const story: string[] = [];
  const seen = { rows, story, synced: 0 };
  const watch = table.watch(
    (key, value) => {
      story.push(`${key}=${value}`);
      if (value === undefined) rows.delete(key);
      else rows.set(key, value);
    },
    () => seen.synced++,
  );
  return Object.assign(seen, { end: () => watch.end() });
}

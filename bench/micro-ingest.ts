/** Micro-benchmarks of taking likes: batch, dispatcher, and the HTTP door before them. */
import { systemClock } from "../src/base/clock.ts";
import { createMetrics } from "../src/base/metrics.ts";
import { kindSet, type Like } from "../src/core/interaction.ts";
import { Admit } from "../src/dispatcher/admit.ts";
import { Batch } from "../src/dispatcher/batch.ts";
import { DispatcherIngest } from "../src/dispatcher/ingest.ts";
import { createServer } from "../src/http/server.ts";
import { openMemoryLedger } from "../src/ledger/memory.ts";
import { fakeDoors } from "../src/system/fake-doors.ts";
import { kindNames, likeBodies, likes, videoIds } from "./fixtures.ts";
import type { Micro } from "./micro.ts";

/** Likes that arrive on one turn of the event loop, when a node is busy. */
const together = 64;

function ingest(): DispatcherIngest {
  const clock = systemClock();
  const metrics = createMetrics();
  const ledger = openMemoryLedger({ clock, commentHistory: 100 });
  ledger.onChanges(() => {});
  const batch = new Batch(ledger, clock, metrics);
  const admit = new Admit(ledger, 500);
  return new DispatcherIngest({ batch, admit, ledger, clock, metrics, kinds: kindSet(kindNames) });
}

export function dispatcher(): Micro[] {
  // Without keys: a window of keys that fills for as long as the benchmark runs would be measured too.
  const crowd = likes(1024, videoIds(20)).map((like) => ({ ...like, key: undefined }));
  const taking = ingest();
  let next = 0;
  const one = (): Promise<unknown> => taking.like(crowd[next++ & 1023] as Like);
  return [
    {
      name: "ingest: admit and batch 64 likes, per like",
      per: together,
      run: () => Promise.all(Array.from({ length: together }, one)),
    },
  ];
}

export function http(): Micro[] {
  const taking = ingest();
  const { doors } = fakeDoors({ ingest: taking });
  const server = createServer({ ...doors, settings: { ...doors.settings, kinds: [...kindNames] } });
  const bodies = likeBodies(256).map((body) => body.replace(/,"key":"[^"]*"/, ""));
  const headers = (body: string) => ({
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
  });
  const url = "http://127.0.0.1:8080/v1/videos/match-1/likes";
  let next = 0;
  const request = (): Request => {
    const body = bodies[next++ & 255] as string;
    return new Request(url, { method: "POST", body, headers: headers(body) });
  };
  return [
    {
      name: "http: make 64 requests, the floor, per request",
      per: together,
      run: () => Array.from({ length: together }, request),
    },
    {
      name: "http: answer 64 likes, per request",
      per: together,
      run: () => Promise.all(Array.from({ length: together }, () => server.fetch(request()))),
    },
    {
      name: "http: answer 64 likes by way of Hono, per request",
      per: together,
      run: () => Promise.all(Array.from({ length: together }, () => server.app.fetch(request()))),
    },
  ];
}

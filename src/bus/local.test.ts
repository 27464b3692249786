/** The bus between processes of one machine: the suite of every bus, and what a socket may do to it. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock, VirtualClock } from "../base/clock.ts";
import { seededPrng } from "../base/prng.ts";
import { limits } from "../core/limits.ts";
import { BusUnavailable, NobodyServes } from "./bus.ts";
import { describeBus } from "./contract.ts";
import { bytes, rejection, text, watched } from "./contract-kit.ts";
import { encodeFrame, FrameReader } from "./frames.ts";
import { type LocalBus, localBus } from "./local.ts";
import { LocalHub } from "./local-hub.ts";
import { greeting } from "./local-words.ts";
import { type MemoryLog, memoryLog, until } from "./nats-kit.ts";

/** How much virtual time passes between two looks, in ms. */
const stepMs = 10;

/** A place for a hub, and all that was opened there. */
class Place {
  readonly folder = mkdtempSync(join(tmpdir(), "ovation-bus-"));
  readonly path = join(this.folder, "bus");
  readonly log: MemoryLog = memoryLog();
  readonly buses: LocalBus[] = [];
  readonly clock: Clock;
  hub: LocalHub | undefined;

  constructor(clock: Clock = systemClock()) {
    this.clock = clock;
  }

  begin(): LocalHub {
    this.hub = new LocalHub({ path: this.path, clock: this.clock, log: this.log });
    this.hub.listen();
    return this.hub;
  }

  async join(): Promise<LocalBus> {
    const bus = localBus({ path: this.path, clock: this.clock, prng: seededPrng(this.buses.length) });
    this.buses.push(bus);
    await until(() => bus.connected());
    return bus;
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 2; i++) for (const bus of this.buses) if (bus.connected()) await bus.flush();
  }

  async close(): Promise<void> {
    for (const bus of this.buses) await bus.close();
    this.hub?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describeBus("local bus", async () => {
  const clock = new VirtualClock();
  const place = new Place(clock);
  place.begin();
  /** Time goes by in steps; in each, all that is under way arrives. */
  const pass = async (ms: number): Promise<void> => {
    for (let passedMs = 0; passedMs < ms; passedMs += stepMs) {
      clock.advance(stepMs);
      await place.settle();
    }
  };
  return {
    leaseMs: 3_000,
    connect: () => place.join(),
    settle: () => place.settle(),
    pass,
    async until(true_) {
      for (let waitedMs = 0; !true_(); waitedMs += stepMs) {
        if (waitedMs > 60_000) throw new Error("it never became true");
        await pass(stepMs);
      }
    },
    close: () => place.close(),
  };
});

const places: Place[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.close();
});
function place(clock?: Clock): Place {
  const made = new Place(clock);
  places.push(made);
  return made;
}

describe("a hub that dies", () => {
  test("is noticed at once, refused until it is back, and all goes on as it was asked for", async () => {
    const at = place();
    const first = at.begin();
    const bus = await at.join();
    const story: string[] = [];
    bus.onConnected((connected) => story.push(`connected ${connected}`));
    bus.subscribe("v", (payload) => story.push(text(payload)));
    bus.serve("s", (payload) => bytes(`served ${text(payload)}`));
    const rows = watched(await bus.table("t"));
    await (await first.connect().table("t")).put("old", "1");
    await until(() => rows.rows.has("old"));
    first.connect().serve("silent", () => new Promise(() => {}));
    const waiting = rejection(bus.request("silent", bytes(""), 60_000));
    await at.settle();
    first.close();
    expect(await waiting).toBeInstanceOf(BusUnavailable);
    expect(story).toEqual(["connected false"]);
    expect(bus.publish("v", bytes("lost"))).toBe(false);
    expect(bus.refused).toBe(1);
    expect(await rejection(bus.request("s", bytes(""), 60_000))).toBeInstanceOf(BusUnavailable);

    const second = at.begin();
    const own = second.connect();
    await (await own.table("t")).put("new", "1");
    await until(() => bus.connected());
    // What it asked for anew is on its way, ahead of this.
    await bus.flush();
    expect(text(await own.request("s", bytes("again"), 1_000))).toBe("served again");
    own.publish("v", bytes("live"));
    await until(() => story.includes("live"));
    await until(() => rows.synced === 2);
    expect([...rows.rows]).toEqual([["new", "1"]]);
    expect(rows.story.sort()).toEqual(["new=1", "old=1", "old=undefined"]);
  });

  test("leaves rows without a lease as they were, and the others for a lease", async () => {
    const clock = new VirtualClock();
    const at = place(clock);
    const hub = at.begin();
    const bus = await at.join();
    const [kept, leased] = [await bus.table("kept"), await bus.table("leased", { leaseMs: 3_000 })];
    const [some, others] = [watched(kept), watched(leased)];
    await kept.put("k", "1");
    await leased.put("k", "1");
    await until(() => some.rows.size === 1 && others.rows.size === 1);
    hub.close();
    await until(() => !bus.connected());
    clock.advance(2_999);
    expect(others.story).toEqual(["k=1"]);
    clock.advance(1);
    expect(others.story).toEqual(["k=1", "k=undefined"]);
    expect([...some.rows]).toEqual([["k", "1"]]);
  });

  test("may come later than those who look for it", async () => {
    const at = place();
    const bus = localBus({ path: at.path, clock: systemClock(), prng: seededPrng(1) });
    at.buses.push(bus);
    const table = bus.table("t");
    expect(await rejection(bus.request("s", bytes(""), 50))).toBeInstanceOf(BusUnavailable);
    at.begin();
    await (await table).put("k", "1");
    expect(bus.connected()).toBe(true);
  });

  test("may go while a table is opened, which is then opened at the next", async () => {
    const at = place();
    const short = Bun.listen({
      unix: at.path,
      socket: {
        data: (socket, piece) => {
          welcomeOnce(socket);
          if (piece.includes("t-table")) socket.terminate();
        },
      },
    });
    const bus = await at.join();
    const table = bus.table("t-table");
    await until(() => !bus.connected());
    short.stop(true);
    at.begin();
    await (await table).put("k", "1");
  });

  test("that answers nothing is taken to be away within two seconds", async () => {
    const at = place();
    const hung = Bun.listen({ unix: at.path, socket: { data: (socket) => void welcomeOnce(socket) } });
    const clock = new VirtualClock();
    const bus = localBus({ path: at.path, clock, prng: seededPrng(1) });
    at.buses.push(bus);
    await until(() => bus.connected());
    const beganMs = clock.elapsed();
    while (bus.connected()) clock.advance(10);
    const noticedMs = clock.elapsed() - beganMs;
    expect(noticedMs).toBe(limits.localPingMs * (limits.localPingsMax + 1));
    expect(noticedMs).toBeLessThanOrEqual(2_000);
    hung.stop(true);
  });
});

/** Says that it is a hub, and then nothing more. */
function welcomeOnce(socket: { data: unknown; write(bytes: Uint8Array): number }): void {
  if (socket.data) return;
  socket.data = true;
  socket.write(encodeFrame("welcome", { text: "hung" }));
}

describe("a member that goes", () => {
  test("is asked no more, its requests under way fail, and its rows stay", async () => {
    const at = place();
    at.begin();
    const [asker, server] = [await at.join(), await at.join()];
    server.serve("s", () => new Promise(() => {}));
    await (await server.table("t")).put("k", "1");
    await at.settle();
    const asked = rejection(asker.request("s", bytes(""), 60_000));
    await at.settle();
    await server.close();
    const why = await asked;
    expect(why).toBeInstanceOf(BusUnavailable);
    expect(why).not.toBeInstanceOf(NobodyServes);
    await until(() => at.hub?.members === 1);
    expect(await rejection(asker.request("s", bytes(""), 60_000))).toBeInstanceOf(NobodyServes);
    const rows = watched(await asker.table("t"));
    await until(() => rows.synced === 1);
    expect([...rows.rows]).toEqual([["k", "1"]]);
  });

  test("is known to be gone by whoever waits to be alone", async () => {
    const at = place();
    const hub = at.begin();
    await hub.alone(60_000);
    const bus = await at.join();
    let alone = false;
    const waits = hub.alone(60_000).then(() => {
      alone = true;
    });
    await at.settle();
    expect(alone).toBe(false);
    await bus.close();
    await waits;
  });
});

/** A connection that says what it likes. */
async function stranger(path: string) {
  const heard: string[] = [];
  const bodies: number[] = [];
  const reader = new FrameReader();
  const state = { ended: false };
  const socket = await Bun.connect({
    unix: path,
    socket: {
      data: (_, piece) => {
        for (const { kind, body } of reader.read(piece)) {
          heard.push(kind);
          bodies.push(body.length);
        }
      },
      close: () => {
        state.ended = true;
      },
    },
  });
  return { heard, bodies, state, say: (frame: Uint8Array) => socket.write(frame), socket };
}

describe("strangers", () => {
  const hello = encodeFrame("hello", { text: greeting });

  test("the socket is where only its user can come", () => {
    expect(statSync(place().folder).mode & 0o777).toBe(0o700);
  });

  test("who says what is no frame, or not what a worker says, is cut off, and nobody else is", async () => {
    const at = place();
    at.begin();
    const bus = await at.join();
    const sayings: Uint8Array[][] = [
      [Buffer.from("GET / HTTP/1.1\r\n\r\n")],
      [Buffer.from([255, 255, 255, 255])],
      [encodeFrame("hello", { text: "another build" })],
      [encodeFrame("publish", { text: "v" })],
      [hello, encodeFrame("publish", { text: "v evil" })],
      [hello, encodeFrame("subscribe", { text: "a.>" })],
      [hello, encodeFrame("row", { text: "k" })],
    ];
    for (const saying of sayings) {
      const { say, state } = await stranger(at.path);
      for (const frame of saying) say(frame);
      await until(() => state.ended);
    }
    await until(() => at.hub?.members === 1);
    await bus.flush();
  });

  test("one that does not read is cut off when too much waits for it, the others are served", async () => {
    const at = place();
    const own = at.begin().connect();
    const bus = await at.join();
    let got = 0;
    bus.subscribe("v", () => got++);
    const slow = await stranger(at.path);
    slow.say(hello);
    slow.say(encodeFrame("subscribe", { text: "v" }));
    await until(() => slow.heard.includes("welcome"));
    await at.settle();
    slow.socket.pause();
    const payload = new Uint8Array(1024 * 1024);
    const most = limits.localWaitingBytesMax / payload.length + 8;
    let sent = 0;
    while (sent < most) {
      own.publish("v", payload);
      sent++;
      await until(() => got === sent);
    }
    expect(at.log.lines).toEqual([`warn a worker was cut off {"why":"it does not read"}`]);
    await until(() => at.hub?.members === 1);
    slow.socket.terminate();
  });
});

test("answers that nobody reads are refused before they push out what all get", async () => {
  const at = place();
  const own = at.begin().connect();
  let served = 0;
  own.serve("page", () => {
    served++;
    return new Uint8Array(1024 * 1024);
  });
  const slow = await stranger(at.path);
  slow.say(encodeFrame("hello", { text: greeting }));
  slow.say(encodeFrame("subscribe", { text: "v" }));
  await until(() => slow.heard.includes("welcome"));
  slow.socket.pause();
  const count = 24;
  for (let id = 1; id <= count; id++) slow.say(encodeFrame("ask", { id, more: 60_000, text: "page" }));
  await until(() => served === count);
  const bus = await at.join();
  await bus.flush();
  own.publish("v", new Uint8Array(1024 * 1024));
  expect(at.hub?.members).toBe(2);
  slow.socket.resume();
  // In whichever order: what is published does not wait for answers.
  await until(() => slow.heard.filter((kind) => kind === "answer").length === count);
  await until(() => slow.heard.includes("message"));
  const long = slow.bodies.filter((length) => length === 1024 * 1024).length;
  // The message, and so many answers.
  expect(long).toBeGreaterThan(4);
  expect(long).toBeLessThan(count);
  expect(at.log.lines).toEqual([]);
});

test("a table that is larger than what may wait is shown whole", async () => {
  const at = place();
  const own = at.begin().connect();
  const table = await own.table("t");
  const value = "x".repeat(64 * 1024);
  const count = (2 * limits.localWaitingBytesMax) / value.length;
  for (let i = 0; i < count; i++) await table.put(`k${i}`, value);
  const bus = await at.join();
  const rows = watched(await bus.table("t"));
  await until(() => rows.synced === 1);
  expect(rows.rows.size).toBe(count);
  expect(at.log.lines).toEqual([]);
});

test("what is sent while the hub reads nothing is refused once too much waits", async () => {
  const at = place();
  const deaf = Bun.listen({
    unix: at.path,
    socket: {
      data: (socket) => {
        welcomeOnce(socket);
        socket.pause();
      },
    },
  });
  const bus = await at.join();
  const payload = new Uint8Array(1024 * 1024);
  let taken = 0;
  while (bus.publish("v", payload)) taken++;
  expect(taken).toBeGreaterThanOrEqual(limits.localWaitingBytesMax / payload.length - 1);
  expect(taken).toBeLessThanOrEqual(limits.localWaitingBytesMax / payload.length + 4);
  expect(bus.refused).toBe(1);
  expect(bus.publish("v", new Uint8Array(limits.localFrameBytesMax))).toBe(false);
  deaf.stop(true);
});

/**
 * The middle of the bus between processes of one machine: the process with the ledger holds it, the others
 * come to it over a Unix domain socket (local.ts).
 *
 * Inside it is the memory bus of that process: each of the others is one more member, which does what its
 * frames say. So there is one meaning of subjects, queue groups, tables and leases, and what this process
 * itself publishes and asks takes no detour. A message for many is put into one frame that all get. One that
 * does not read is cut off when too much waits for it, and finds its way back; one that says what is no frame
 * of ours is cut off too. The socket is in a folder that only the user of this program may enter. Held by
 * local.test.ts.
 */
import { rmSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { secret } from "../base/prng.ts";
import type { Bus } from "./bus.ts";
import { Frames, Session } from "./local-session.ts";
import { type MemoryHub, memoryHub } from "./memory.ts";
import type { PipeSocket } from "./pipe.ts";

export interface LocalHubOptions {
  /** Where the socket is to be: at most 100 bytes, in a folder of mode 0700. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Bun's socket, as far as it is used here. */
interface Socket extends PipeSocket {
  data: Session;
}

export class LocalHub {
  readonly #options: LocalHubOptions;
  readonly #hub: MemoryHub;
  /** Names this life of the hub: its rows are those of this life only. */
  readonly #life = secret(12);
  readonly #sessions = new Set<Session>();
  readonly #frames = new Frames();
  #alone: (() => void)[] = [];
  #listener: { stop(closeActive?: boolean): void } | undefined;

  constructor(options: LocalHubOptions) {
    this.#options = options;
    this.#hub = memoryHub(options);
  }

  /** A member in this process. */
  connect(): Bus {
    return this.#hub.connect();
  }

  /** Processes connected now. */
  get members(): number {
    return this.#sessions.size;
  }

  /** Lets other processes in. What stands at the path is taken away: it is a dead one's. */
  listen(): void {
    const { path, log } = this.#options;
    rmSync(path, { force: true });
    const open = (socket: Socket): void => {
      const session = new Session(socket, this.#hub.connect(), this.#life, this.#frames, (why) => {
        log.warn("a worker was cut off", { why });
      });
      socket.data = session;
      this.#sessions.add(session);
    };
    this.#listener = Bun.listen<Session>({
      unix: path,
      socket: {
        open: (socket) => open(socket as unknown as Socket),
        data: (socket, bytes) => void socket.data.pipe.arrived(bytes),
        drain: (socket) => socket.data.drained(),
        close: (socket) => this.#left(socket.data),
        error: (socket) => socket.data.pipe.end(),
      },
    });
  }

  /** Resolves when no other process is connected, or after `withinMs`. */
  async alone(withinMs: number): Promise<void> {
    if (this.#sessions.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const late = this.#options.clock.after(withinMs, resolve);
    this.#alone.push(resolve);
    await promise;
    late.cancel();
  }

  /** Lets nobody in any more and ends what is open. Members of this process are closed by their owners. */
  close(): void {
    this.#listener?.stop(true);
    for (const session of this.#sessions) session.pipe.end();
    rmSync(this.#options.path, { force: true });
  }

  #left(session: Session): void {
    if (!this.#sessions.delete(session)) return;
    session.close();
    if (this.#sessions.size > 0) return;
    for (const resolve of this.#alone.splice(0)) resolve();
  }
}

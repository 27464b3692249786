/**
 * How a run talks to the processes it starts: one JSON object a line, each order answered by a line with
 * its number.
 *
 * Not here: what the orders are (each helper says its own).
 */
import type { Subprocess } from "bun";
import { bunPath } from "./place.ts";

/** A helper process, as the run that started it sees it. `Order` goes in, `Answer` comes out. */
export class Helper<Order, Answer> {
  readonly #process: Subprocess<"pipe", "pipe", "inherit">;
  /** By number of the order: who waits for its answer. */
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #asked = 0;
  #ended = false;

  /** Starts `file` of this folder. */
  constructor(file: string, ...args: string[]) {
    this.#process = Bun.spawn({
      cmd: [bunPath, "--no-orphans", `${import.meta.dir}/${file}`, ...args],
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    void eachLine(this.#process.stdout, (line) => {
      const { number, answer } = JSON.parse(line) as { number: number; answer: Answer };
      this.#waiting.get(number)?.(answer);
      this.#waiting.delete(number);
    });
    void this.#process.exited.then((code) => {
      if (this.#ended) return;
      throw new Error(`${file} ended by itself with ${code}`);
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Gives an order; resolves with its answer. */
  ask(order: Order): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.set(++this.#asked, resolve);
    this.#process.stdin.write(`${JSON.stringify({ number: this.#asked, order })}\n`);
    this.#process.stdin.flush();
    return promise;
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }
}

/** In a helper: answers every order that comes in, until the input ends. */
export async function serveOrders<Order, Answer>(
  obey: (order: Order) => Answer | Promise<Answer>,
): Promise<void> {
  await eachLine(Bun.stdin.stream(), async (line) => {
    const { number, order } = JSON.parse(line) as { number: number; order: Order };
    const answer = await obey(order);
    process.stdout.write(`${JSON.stringify({ number, answer })}\n`);
  });
  process.exit(0);
}

async function eachLine(stream: ReadableStream<Uint8Array>, line: (text: string) => unknown): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    rest += decoder.decode(bytes, { stream: true });
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      line(rest.slice(0, end));
      rest = rest.slice(end + 1);
    }
  }
}

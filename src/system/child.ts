/** What tests need of every process that they start: that it does not outlive them, and its lines. */

/** Before a command: the kernel ends the process when the tests are killed themselves. */
export const dieWithUs: readonly string[] = Bun.which("setpriv") ? ["setpriv", "--pdeathsig", "KILL"] : [];

/** The lines of `stream` as they are complete; what stands behind the last line break is left out. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

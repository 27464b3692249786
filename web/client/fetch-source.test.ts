/** An EventSource by fetch: events wherever the network cuts, ids that stay, and one error at the end. */
import { expect, test } from "bun:test";
import { fetchSource } from "./fetch-source.ts";

const text =
  'retry: 9\nevent: hello\ndata: {"a":1}\n\nevent: comment\ndata: "é: x"\nid: b-1\n\nevent: likes\ndata: 2\n\n';

function answering(pieces: readonly Uint8Array[], status = 200) {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  return async () => new Response(body, { status });
}

async function heard(get: Parameters<typeof fetchSource>[1]) {
  const events: string[] = [];
  const source = fetchSource("http://x", get);
  for (const name of ["hello", "comment", "likes"]) {
    source.addEventListener(name, ({ data, lastEventId }) => events.push(`${name} ${data} ${lastEventId}`));
  }
  await new Promise<void>((resolve) => {
    source.onerror = () => resolve();
  });
  return { events, readyState: source.readyState };
}

const wanted = ['hello {"a":1} ', 'comment "é: x" b-1', "likes 2 b-1"];

test("hears every event, wherever the bytes are cut", async () => {
  const bytes = new TextEncoder().encode(text);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const { events } = await heard(answering([bytes.slice(0, cut), bytes.slice(cut)]));
    expect(events).toEqual(wanted);
  }
});

test("a stream that ends may be opened again; a refusal, or nobody there, is another thing", async () => {
  expect((await heard(answering([]))).readyState).toBe(0);
  expect((await heard(answering([], 401))).readyState).toBe(2);
  expect((await heard(() => Promise.reject(new Error("gone")))).events).toEqual([]);
});

test("says nothing more once it is closed", async () => {
  const closed = Promise.withResolvers<void>();
  const source = fetchSource("http://x", async (_, { signal }) => {
    signal?.addEventListener("abort", () => closed.resolve());
    return new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) }));
  });
  source.onerror = () => closed.reject(new Error("told after it was closed"));
  source.close();
  await closed.promise;
  await new Promise((resolve) => setImmediate(resolve));
  expect(source.readyState).toBe(2);
});

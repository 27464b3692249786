/**
 * HEAD: the head of what GET would be answered, its length included, as proxies and health checks expect it.
 *
 * Hono answers HEAD by GET's handler and drops the body, and with it what its length was.
 */

/** `response`, as it is for any other method; for HEAD without its body, whose length it then says. */
export function headed(request: Request, response: Response): Response | Promise<Response> {
  return request.method === "HEAD" && response.body !== null ? withLength(response) : response;
}

async function withLength(response: Response): Promise<Response> {
  const headers = new Headers(response.headers);
  const { byteLength } = await response.arrayBuffer();
  headers.set("content-length", String(byteLength));
  return new Response(null, { status: response.status, headers });
}

/**
 * The answer to HEAD, where no length is known: of a stream, and of what would have to be made first. With a
 * body that nobody reads, as the server says of none that its length is 0.
 */
export async function endless(answer: Response | Promise<Response>): Promise<Response> {
  const response = await answer;
  if (response.status !== 200 || response.headers.has("content-length")) return response;
  const body = new ReadableStream({ pull: (controller) => controller.close() }, { highWaterMark: 0 });
  return new Response(body, response);
}

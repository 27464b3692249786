/**
 * What a page may read in its viewer's token: when it ends, and whose line it is. Nothing is proven here.
 *
 * Tabs of one origin share a line only as one viewer: what a moderator's token lets through is not for the
 * guest in the next tab. A viewer's tokens differ by their times, so a line is named by who may watch what.
 * Held by whose.test.ts and client.test.ts.
 */

/** The claims of a JWT; of anything else none. */
export function claimsOf(token: string | undefined): Readonly<Record<string, unknown>> {
  try {
    // Where there is no second part, this throws too.
    const part = token?.split(".")[1] as string;
    return JSON.parse(atob(part.replace(/-/g, "+").replace(/_/g, "/"))) ?? {};
  } catch {
    return {};
  }
}

/** A name for whoever `token` speaks for: the same for all of one viewer's tokens; "" for nobody. */
export function whoseLine(token: string | undefined): string {
  const { sub, can, videos } = claimsOf(token);
  return token ? JSON.stringify([sub, can, videos]) : "";
}

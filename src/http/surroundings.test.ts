/** Where the peer is in what a server hands to Hono. */
import { expect, test } from "bun:test";
import { peerIn, type Surroundings } from "./surroundings.ts";

const request = new Request("http://test/");
const peer = { requestIP: () => ({ address: "192.0.2.1" }) };

class BunServer {
  readonly #address = "192.0.2.1";
  requestIP() {
    return { address: this.#address };
  }
}

test.each([
  ["our own listener", { peer }],
  ["Bun's server", new BunServer()],
  ["@hono/node-server", { incoming: { socket: { remoteAddress: "192.0.2.1" } } }],
])("%s tells it", (_, surroundings) => {
  expect(peerIn(surroundings)?.requestIP(request)?.address).toBe("192.0.2.1");
});

test.each([
  ["nothing", undefined],
  ["an empty object", {}],
  ["a socket that has ended", { incoming: { socket: { remoteAddress: undefined } } }],
  ["another platform's", { ASSETS: {}, incoming: 5 } as unknown as Surroundings],
])("%s tells none", (_, surroundings) => {
  expect(peerIn(surroundings)).toBeUndefined();
});

/** The bus over real nats-servers passes the suite of every bus. */
import { afterAll, beforeAll } from "bun:test";
import { type NatsServer, startNats } from "../system/nats.ts";
import { describeBus } from "./contract.ts";
import type { NatsBus } from "./nats.ts";
import { connectBus, until } from "./nats-kit.ts";

let server: NatsServer;
beforeAll(async () => {
  server = await startNats();
});
afterAll(() => server.close());

let networks = 0;
describeBus("NATS bus", async () => {
  const prefix = `t${networks++}`;
  const buses: NatsBus[] = [];
  return {
    leaseMs: 1_200,
    async connect() {
      const bus = await connectBus(server.url, { prefix });
      buses.push(bus);
      return bus;
    },
    async settle() {
      for (let i = 0; i < 2; i++) for (const bus of buses) if (bus.connected()) await bus.flush();
    },
    pass: (ms) => Bun.sleep(ms),
    until,
    async close() {
      for (const bus of buses) await bus.close();
    },
  };
});

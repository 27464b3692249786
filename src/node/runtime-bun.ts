/**
 * Bun as the runtime of a node: SQLite for its ledger, Bun's own sink for its streams, files for its media.
 */
import { localBus } from "../bus/local.ts";
import { LocalHub } from "../bus/local-hub.ts";
import { DirectConnection } from "../fanout/direct.ts";
import { mediaFolder } from "../http/media.ts";
import { openSqliteLedger } from "../ledger/sqlite.ts";
import type { Runtime } from "./runtime.ts";

export const bun: Runtime = {
  name: `bun ${Bun.version}`,
  connection: DirectConnection,
  openLedger: openSqliteLedger,
  sockets: { bus: localBus, hub: (options) => new LocalHub(options) },
  media: mediaFolder,
};

/**
 * Bun as the runtime of a node: SQLite for its ledger, Bun's own sink for its streams, files for its media.
 */
import { DirectConnection } from "../fanout/direct.ts";
import { mediaFolder } from "../http/media.ts";
import { openSqliteLedger } from "../ledger/sqlite.ts";
import type { Runtime } from "./runtime.ts";

export const bun: Runtime = {
  name: `bun ${Bun.version}`,
  connection: DirectConnection,
  openLedger: openSqliteLedger,
  media: mediaFolder,
};

/** Deletions of a ledger that has none: of tests. */
import type { Deletions } from "./deletions.ts";
import { LedgerUnavailable } from "./ledger.ts";

/** Of a ledger that deletes nothing. */
export const noDeletions: Deletions = {
  delete: refuse,
  sweep: refuse,
  scan: refuse,
  rename: refuse,
  tasks: async () => new Map(),
  setTask: refuse,
};

async function refuse(): Promise<never> {
  throw new LedgerUnavailable("this log deletes nothing");
}

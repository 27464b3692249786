/** A prepared statement of a SQLite ledger, as much of it as the ledger uses. */
export type Value = string | number | null | Uint8Array;

/** What the ledger uses of a prepared statement. */
export interface Query<Row, Params extends Value[]> {
  run(...params: Params): unknown;
  get(...params: Params): Row | null;
  all(...params: Params): Row[];
  iterate(...params: Params): Iterable<Row>;
  finalize(): void;
}

export type Prepare = <Row, Params extends Value[]>(text: string) => Query<Row, Params>;

/**
 * A wall clock of its own for a program under test, set while it runs, by libfaketime; elapsed time is left
 * as it is. Only programs that ask the C library can be fooled: our executable does, nats-server does not.
 */
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const machine = { x64: "x86_64", arm64: "aarch64" }[process.arch as string] ?? process.arch;
const folders = [`/usr/lib/${machine}-linux-gnu`, "/usr/lib64", "/usr/lib", "/usr/local/lib"];

/** The library, wherever the system keeps it; undefined: it is not installed (`libfaketime` in Debian). */
export const faketime: string | undefined = folders
  .map((folder) => join(folder, "faketime/libfaketime.so.1"))
  .find((file) => existsSync(file));

export class Wall {
  /** For the program's environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly #folder = mkdtempSync(join(tmpdir(), "ovation-wall-"));
  readonly #file = join(this.#folder, "offset");

  /** As everybody else's, until it is set. */
  constructor() {
    if (faketime === undefined) throw new Error("libfaketime is not installed");
    this.set(0);
    this.env = {
      LD_PRELOAD: faketime,
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      FAKETIME_NO_CACHE: "1",
      FAKETIME_TIMESTAMP_FILE: this.#file,
    };
  }

  /** Sets it so many seconds ahead of the real one; behind it where negative. At once. */
  set(seconds: number): void {
    const next = `${this.#file}.next`;
    writeFileSync(next, `${seconds < 0 ? "-" : "+"}${Math.abs(seconds)}\n`);
    renameSync(next, this.#file);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

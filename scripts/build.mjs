/**
 * Builds dist/ovation: one executable with the web pages inside, for this system; and what embed.mjs builds.
 */
import { mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { commit, compile, version } from "./compile.mjs";
import { buildEmbed } from "./embed.mjs";
import { fail, note, root, setUp } from "./setup.mjs";

const executable = join(root, "dist/ovation");

/** Builds; the old executable is replaced in one step, so that one that is running is not disturbed. */
export function build() {
  const fresh = `${executable}.${process.pid}`;
  mkdirSync(join(root, "dist"), { recursive: true });
  if (!compile(fresh)) {
    rmSync(fresh, { force: true });
    fail("could not build dist/ovation");
  }
  renameSync(fresh, executable);
  const megabytes = (statSync(executable).size / 1_000_000).toFixed(1);
  note(`built dist/ovation ${version()} (${commit()}), ${megabytes} MB`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  setUp();
  build();
  buildEmbed({ whole: true });
}

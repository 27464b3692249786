/**
 * All tests, with everything they need: packages, web pages, the built executable, and the two programs that
 * tests of the whole system run for real (nats-server, Chromium), installed by apt where there is one.
 * Arguments go to `bun test`: `npm test -- src/core`. The last line is the count.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { build } from "./build.mjs";
import { fail, note, runBun, runToEnd, setUp } from "./setup.mjs";

const programs = ["nats-server", "chromium"];
const testTimeoutMs = 30_000;
const tailCharsMax = 4_096;

// Debian puts servers where the PATH of an ordinary user does not look.
const path = [process.env.PATH, "/usr/local/sbin", "/usr/sbin"].join(delimiter);
const env = { ...process.env, PATH: path, ...(process.stderr.isTTY ? { FORCE_COLOR: "1" } : {}) };

setUp();
installPrograms();
build();

let tail = "";
const onError = (chunk) => {
  process.stderr.write(chunk);
  tail = (tail + chunk).slice(-tailCharsMax);
};
const flags = ["test", `--timeout=${testTimeoutMs}`, ...process.argv.slice(2)];
const status = await runBun(flags, { env, onError });
process.stdout.write(closingLine(tail));
process.exit(status);

/** The count in the words of other test runners, read from the summary that `bun test` just printed. */
function closingLine(output) {
  const ansi = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");
  const summary = /^ *(\d+) pass\n((?: *\d+ [^\n]+\n)*)Ran \d+ tests? across/m.exec(output.replace(ansi, ""));
  if (summary === null) return "no count: bun test ended without a summary\n";
  const failed = /^ *(\d+) fail$/m.exec(summary[2])?.[1] ?? "0";
  return `${summary[1]} passed, ${failed} failed\n`;
}

function installPrograms() {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return;
  const by = `the tests need ${missing.join(" and ")}`;
  if (!isInstalled("apt-get")) fail(`${by}: install them, there is no apt-get here to do it`);
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && !isInstalled("sudo")) fail(`${by}: as root, apt-get install ${missing.join(" ")}`);

  note(`${by}: installing by apt-get`);
  const sudo = isRoot ? ["env"] : ["sudo", "-n", "env"];
  const apt = (...args) =>
    runToEnd(sudo[0], [...sudo.slice(1), "DEBIAN_FRONTEND=noninteractive", "apt-get", ...args]);
  apt("update", "-qq");
  apt("install", "-y", "-qq", "--no-install-recommends", ...missing);
  const still = missing.filter((program) => !isInstalled(program));
  if (still.length > 0) fail(`could not install: as root, apt-get install ${still.join(" ")}`);
}

function isInstalled(program) {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

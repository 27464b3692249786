/**
 * The two programs that tests of the whole system run for real, nats-server and Chromium: installed by apt
 * where there is one.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fail, note, runToEnd } from "./setup.mjs";

const programs = ["nats-server", "chromium"];
const path = process.env.PATH ?? "";

installPrograms();

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

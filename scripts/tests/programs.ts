/**
 * What tests of whole programs run for real, nats-server and Chromium, and the library that sets a clock for
 * them: installed by apt where there is one.
 */
import { faketime } from "../../src/system/faketime.ts";

interface Need {
  /** Debian's name of it. */
  readonly name: string;
  readonly isThere: () => boolean;
  /** Whether the tests can do without: they say so then. */
  readonly isOptional: boolean;
}

const needs: readonly Need[] = [
  { name: "nats-server", isThere: () => Bun.which("nats-server") !== null, isOptional: false },
  { name: "chromium", isThere: () => Bun.which("chromium") !== null, isOptional: false },
  // Not looked for again after it was installed: the tests look by themselves.
  { name: "libfaketime", isThere: () => faketime !== undefined, isOptional: true },
];

/** Installs what is missing, and says so; whether all is there that tests cannot do without. */
export function installPrograms(say: (line: string) => void): boolean {
  const missing = needs.filter(({ isThere }) => !isThere());
  if (missing.length === 0) return true;
  const names = missing.map(({ name }) => name).join(", ");
  const isRoot = process.getuid?.() === 0;
  if (Bun.which("apt-get") === null || !(isRoot || Bun.which("sudo"))) {
    say(`the tests need ${names}: as root, where there is apt-get: apt-get install ${names}`);
  } else {
    say(`the tests need ${names}: installing by apt-get`);
    const as = isRoot ? ["env"] : ["sudo", "-n", "env"];
    const apt = (...args: string[]) =>
      Bun.spawnSync([...as, "DEBIAN_FRONTEND=noninteractive", "apt-get", ...args], {
        stdio: ["ignore", 2, 2],
      });
    apt("update", "-qq");
    apt("install", "-y", "-qq", "--no-install-recommends", ...missing.map(({ name }) => name));
  }
  const still = missing.filter(({ isThere, isOptional }) => !isOptional && !isThere());
  for (const { name } of still) say(`there is no ${name}`);
  return still.length === 0;
}

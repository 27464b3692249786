/**
 * `npm run release`: dist/release, what a release of this commit is. An executable for each system, by the
 * one Bun that is pinned, which fetches the runtimes of other systems; SHA256SUMS; a list of what is inside
 * (CycloneDX) and its licences. The executable of this system is then started in an empty folder and asked by
 * its own `conform`, and built a second time: it must be the same, byte for byte.
 *
 * `npm run release -- linux-x64` makes some. A system whose runtime cannot be had is named, and fails it.
 */
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { commit, compile, version } from "./compile.mjs";
import { inside, licences, sbom } from "./release-inside.mjs";
import { fail, note, root, setUp } from "./setup.mjs";

const folder = join(root, "dist/release");
const systems = [
  ...["linux-x64", "linux-x64-musl", "linux-arm64", "linux-arm64-musl"],
  ...["darwin-x64", "darwin-arm64", "windows-x64"],
];
/** What is asked of the executable from its empty folder: all that needs no beat. */
const asked = "--only=call,like,total,comment,resume,poll,ops,stream-4,stream-5,stream-6,stream-8,form";

function sha256(file) {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

function nameOf(system) {
  return `ovation-${version()}-${system}${system.startsWith("windows") ? ".exe" : ""}`;
}

/** Builds for `system` to `file`; the name that a build is given stands in it, so that is always the same. */
function make(system, file) {
  const own = join(folder, "making", system.startsWith("windows") ? "ovation.exe" : "ovation");
  mkdirSync(join(folder, "making"), { recursive: true });
  const done = compile(own, `bun-${system}`);
  if (done) renameSync(own, file);
  rmSync(join(folder, "making"), { recursive: true, force: true });
  return done;
}

/** Whether this machine can run what is built for `system`. */
function runsHere(system) {
  const libc = process.report?.getReport().header.glibcVersionRuntime ? "" : "-musl";
  return system === `${process.platform}-${process.arch}${process.platform === "linux" ? libc : ""}`;
}

/** Starts `file` in an empty folder with an empty environment, has it tried, and ends it. */
async function exercise(file) {
  const empty = mkdtempSync(join(tmpdir(), "ovation-release-"));
  const flags = ["--port=0", "--host=127.0.0.1", "--data=data", "--log-format=json", "--drain=0ms"];
  const child = spawn(file, flags, { cwd: empty, env: {}, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.on("close", resolve));
  try {
    for await (const line of createInterface(child.stdout)) {
      const { event, url } = JSON.parse(line);
      if (event !== "listening") continue;
      const said = execFileSync(file, ["conform", `--url=${url}`, asked], { cwd: empty, env: {} }).toString();
      note(`started in an empty folder: ${said.trim().split("\n").at(-1)}`);
      child.kill("SIGTERM");
    }
    const code = await ended;
    if (code !== 0) throw new Error(`it ended with exit code ${code}`);
  } finally {
    child.kill("SIGKILL");
    rmSync(empty, { recursive: true, force: true });
  }
}

async function tryOut(system) {
  const file = join(folder, nameOf(system));
  await exercise(file).catch((error) => fail(`${nameOf(system)} does not work: ${error.message}`));
  const second = join(folder, "second");
  make(system, second);
  const same = sha256(second) === sha256(file);
  rmSync(second);
  if (!same) fail(`a second build for ${system} is another one`);
  note(`a second build for ${system} is the same, byte for byte`);
}

setUp();
const words = process.argv.slice(2);
const unknown = words.filter((word) => !systems.includes(word));
if (unknown.length > 0) fail(`${unknown.join(", ")}: there is ${systems.join(", ")}`);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const wanted = words.length > 0 ? words : systems;
const missing = wanted.filter((system) => !make(system, join(folder, nameOf(system))));
const made = wanted.filter((system) => !missing.includes(system));
const packages = inside(folder);
writeFileSync(join(folder, "sbom.cdx.json"), sbom(packages, version()));
writeFileSync(join(folder, "LICENCES.txt"), licences(packages));
const files = [...made.map(nameOf), "sbom.cdx.json", "LICENCES.txt"];
writeFileSync(
  join(folder, "SHA256SUMS"),
  files.map((name) => `${sha256(join(folder, name))}  ${name}\n`).join(""),
);
for (const system of made.filter(runsHere)) await tryOut(system);
for (const name of [...files, "SHA256SUMS"]) {
  note(`${String(statSync(join(folder, name)).size).padStart(12)}  ${name}`);
}
if (missing.length > 0) fail(`no runtime to be had for ${missing.join(", ")}`);
note(`dist/release holds ${version()} (${commit()})`);

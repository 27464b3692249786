/**
 * What is inside an executable: the packages that its bundle and its pages are made of, by the bundler's own
 * account, and the runtime; as a CycloneDX list, and as the text of their licences. Used by release.mjs.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { linked, runtimeLicences } from "./release-runtime.mjs";
import { bun, fail, root, runToEnd } from "./setup.mjs";

/** The program, and the pages that web.ts puts into it. */
const entries = [
  "src/program/main.ts",
  "web/page/page.ts",
  "web/admin/admin.ts",
  "web/client/stage/parts.ts",
];
const bunLicence = "https://github.com/oven-sh/bun/blob/bun-v{version}/LICENSE.md";

/** Packages by name, with what their own package.json says. `folder`: for the bundler to write to. */
export function inside(folder) {
  const report = join(folder, "meta.json");
  const made = join(folder, "bundles");
  const flags = ["--target=bun", `--metafile=${report}`, `--outdir=${made}`];
  if (runToEnd(bun, ["build", ...flags, ...entries]) !== 0) fail("could not find out what is inside");
  const { inputs } = JSON.parse(readFileSync(report, "utf8"));
  for (const path of [report, made]) rmSync(path, { recursive: true, force: true });
  const names = new Set();
  for (const path of Object.keys(inputs)) {
    const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
    if (name) names.add(name);
  }
  return [...names].sort().map(about);
}

function about(name) {
  const folder = join(root, "node_modules", name);
  const { version, license, homepage } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(join(folder, file), "utf8") : undefined;
  return { name, version, license: license ?? "unknown", homepage, text, sha512: sha512Of(name) };
}

/** The hash of the tarball, as bun.lock has it. */
function sha512Of(name) {
  const line = readFileSync(join(root, "bun.lock"), "utf8")
    .split("\n")
    .find((each) => each.startsWith(`    "${name}": [`));
  const [, hash] = /"sha512-([^"]+)"\]/.exec(line ?? "") ?? [];
  return hash && Buffer.from(hash, "base64").toString("hex");
}

function bunVersion() {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devDependencies.bun;
}

/** The list, as CycloneDX 1.6: without a time or a number of its own, so that a commit has one. */
export function sbom(packages, version) {
  const own = `pkg:npm/ovation@${version}`;
  const components = packages.map(({ name, version, license, homepage, sha512 }) => {
    const [scope, rest] = name.startsWith("@") ? name.split("/") : [undefined, name];
    const purl = `pkg:npm/${scope ? `${encodeURIComponent(scope)}/` : ""}${rest}@${version}`;
    return {
      ...{ type: "library", "bom-ref": purl, ...(scope && { group: scope }), name: rest, version, purl },
      ...{
        scope: "required",
        licenses: [/^[\w.+-]+$/.test(license) ? { license: { id: license } } : { expression: license }],
      },
      ...(sha512 && { hashes: [{ alg: "SHA-512", content: sha512 }] }),
      ...(homepage && { externalReferences: [{ type: "website", url: homepage }] }),
    };
  });
  const bun = bunVersion();
  const runtime = {
    ...{
      type: "platform",
      "bom-ref": `pkg:npm/bun@${bun}`,
      name: "bun",
      version: bun,
      purl: `pkg:npm/bun@${bun}`,
    },
    ...{ scope: "required", licenses: [{ license: { id: "MIT" } }] },
    externalReferences: [{ type: "license", url: bunLicence.replace("{version}", bun) }],
    components: linked.map(({ name, license, from }) => ({
      ...{ type: "library", name, licenses: [{ expression: license }] },
      externalReferences: [{ type: "website", url: from }],
    })),
  };
  const all = [runtime, ...components];
  const document = {
    ...{ bomFormat: "CycloneDX", specVersion: "1.6", version: 1 },
    metadata: {
      component: {
        ...{ type: "application", "bom-ref": own, name: "ovation", version, purl: own },
        licenses: [{ license: { id: "Apache-2.0" } }],
      },
    },
    components: all,
    dependencies: [{ ref: own, dependsOn: all.map((each) => each["bom-ref"]) }],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** Every licence, one after the other. */
export function licences(packages) {
  const bun = bunVersion();
  const rule = "=".repeat(79);
  const part = (title, text) => `${rule}\n${title}\n${rule}\n\n${text.trim()}\n`;
  const where = bunLicence.replace("{version}", bun);
  const own = part("Ovation: Apache-2.0", readFileSync(join(root, "LICENSE"), "utf8"));
  const runtime = part(`Bun ${bun}, the runtime, and what it links`, runtimeLicences(bun, where));
  const others = packages.map(({ name, version, license, text }) =>
    part(`${name} ${version}: ${license}`, text ?? "Its package holds no text of it."),
  );
  return ["Ovation, and what its executables hold.\n", own, runtime, ...others].join("\n");
}

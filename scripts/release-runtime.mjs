/**
 * What Bun, the runtime inside each executable, is made of, and under which licences: as its own LICENSE.md
 * lists it (github.com/oven-sh/bun), in SPDX's names, and SQLite, which that leaves out, being in the public
 * domain. Used by release-inside.mjs.
 *
 * The npm packages of Bun hold no licence texts. Those that the names here stand for are SPDX's, from the
 * npm package that is pinned below, fetched when a release is made; who holds the copyright of a part stands
 * where the part comes from.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const spdxPackage = "spdx-license-list@6.12.0";
const github = "https://github.com/";

/** Name, licences, and where it comes from. */
export const linked = [
  ["JavaScriptCore and WebKit", "LGPL-2.0-or-later", `${github}oven-sh/WebKit`],
  ["boringssl", "Apache-2.0 AND OpenSSL AND ISC", "https://boringssl.googlesource.com/boringssl/"],
  ["brotli", "MIT", `${github}google/brotli`],
  ["c-ares", "MIT", `${github}c-ares/c-ares`],
  ["highway", "Apache-2.0", `${github}google/highway`],
  ["libarchive", "BSD-2-Clause", `${github}libarchive/libarchive/blob/master/COPYING`],
  ["libbase64", "BSD-2-Clause", `${github}aklomp/base64`],
  ["libdeflate", "MIT", `${github}ebiggers/libdeflate`],
  ["libicu", "Unicode-3.0 AND ICU", `${github}unicode-org/icu/blob/main/icu4c/LICENSE`],
  ["libjpeg-turbo", "BSD-3-Clause AND IJG AND Zlib", `${github}libjpeg-turbo/libjpeg-turbo`],
  ["libspng", "BSD-2-Clause", `${github}randy408/libspng`],
  ["libuv (on Windows)", "MIT", `${github}libuv/libuv`],
  ["libwebp", "BSD-3-Clause", `${github}webmproject/libwebp`],
  ["LLVM libc++abi, one function", "Apache-2.0 WITH LLVM-exception", `${github}llvm/llvm-project`],
  ["lol-html", "BSD-3-Clause", `${github}cloudflare/lol-html`],
  ["ls-hpack", "MIT", `${github}litespeedtech/ls-hpack`],
  ["ls-qpack", "MIT", `${github}litespeedtech/ls-qpack`],
  ["lsquic", "MIT AND BSD-3-Clause", `${github}litespeedtech/lsquic`],
  ["mimalloc", "MIT", `${github}microsoft/mimalloc`],
  ["picohttpparser", "MIT", `${github}h2o/picohttpparser`],
  ["polyfills of Node's modules, acorn among them", "MIT", "https://www.npmjs.com/"],
  ["simdutf", "Apache-2.0", `${github}simdutf/simdutf`],
  ["SQLite", "blessing", "https://sqlite.org/copyright.html"],
  ["TigerBeetle, parts", "Apache-2.0", `${github}tigerbeetle/tigerbeetle`],
  ["tinycc", "LGPL-2.1-only", `${github}tinycc/tinycc`],
  ["uSockets and uWebSockets", "Apache-2.0", `${github}uNetworking/uSockets`],
  ["uucode", "MIT", `${github}jacobsandlund/uucode`],
  ["zlib-ng", "Zlib", `${github}zlib-ng/zlib-ng`],
  ["zstd", "BSD-3-Clause", `${github}facebook/zstd`],
].map(([name, license, from]) => ({ name, license, from }));

/** What the LGPL asks to be told to whoever has an executable: how it is made with another JavaScriptCore. */
const relinking = `JavaScriptCore and tinycc are linked into Bun under the LGPL. Whoever wants an executable
with another version of them builds Bun with it, as "JavaScriptCore" of Bun's LICENSE.md says, puts the
outcome in place of node_modules/bun/bin/bun.exe in the source of Ovation, and runs scripts/build.mjs there.
Nothing of Ovation that this takes is kept back.`;

/** The names of the licences in an expression. */
const namesIn = (expression) => expression.replace(" WITH LLVM-exception", "").split(" AND ");

/** The part of LICENCES.txt about the runtime; `where`: Bun's own LICENSE.md. Throws without npm. */
export function runtimeLicences(bun, where) {
  const rows = linked.map(({ name, license, from }) => `${name}: ${license}\n    ${from}`);
  const names = [...new Set(["MIT", ...linked.flatMap(({ license }) => namesIn(license))])].sort();
  const texts = textsOf(names).map(({ name, text }) => `---- ${name}\n\n${text.trim()}`);
  return [
    `Bun ${bun} is under the MIT licence (${where}) and holds:`,
    rows.join("\n"),
    relinking,
    ...texts,
  ].join("\n\n");
}

function textsOf(names) {
  const folder = mkdtempSync(join(tmpdir(), "ovation-licences-"));
  try {
    const at = { cwd: folder, stdio: ["ignore", "pipe", "inherit"] };
    const packed = execFileSync("npm", ["pack", "--silent", spdxPackage], at).toString().trim();
    execFileSync("tar", ["-xzf", packed], at);
    return names.map((name) => {
      const file = join(folder, "package/licenses", `${name}.json`);
      return { name, text: JSON.parse(readFileSync(file, "utf8")).licenseText };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

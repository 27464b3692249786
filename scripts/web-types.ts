/**
 * `/ovation.d.ts`: the types of `/ovation.js` in one file, as the compiler says them, for editors and for
 * programs that import the module from a server.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
/** What a page can import, or meets in what it imports, in the order in which it is best read. */
const files = { client: /./, types: /./, send: /class Refusal/ };

/** The text of the file. */
export function clientTypes(): string {
  const folder = mkdtempSync(join(tmpdir(), "ovation-types-"));
  try {
    const flags = [
      "--declaration",
      "--emitDeclarationOnly",
      "--strict",
      "--skipLibCheck",
      "--target",
      "esnext",
    ];
    const modules = ["--module", "preserve", "--moduleResolution", "bundler", "--allowImportingTsExtensions"];
    const tsc = [join(root, "node_modules/typescript/bin/tsc"), "--ignoreConfig", "--types", "bun-types"];
    const source = join(root, "web/client/client.ts");
    const command = [process.execPath, ...tsc, ...flags, ...modules, "--outDir", folder, source];
    const { exitCode, stdout } = Bun.spawnSync(command, { cwd: root });
    if (exitCode !== 0) throw new Error(`no types of the client: ${stdout}`);
    const parts = Object.entries(files).map(([name, wanted]) =>
      declarationsIn(readFileSync(join(folder, `${name}.d.ts`), "utf8"), wanted),
    );
    return `/** The types of /ovation.js. */\n${parts.join("")}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What stands at the start of a line is the file's own: a comment, if there is one, and a declaration. */
const declaration = /(^\/\*\*((?!\*\/)[\s\S])*\*\/\n)?^export [\s\S]*?\n(?=export |\/\*\*|$(?![\s\S]))/gm;

/** A file's own declarations that are `wanted`: what it imports from the others stands beside them here. */
function declarationsIn(text: string, wanted: RegExp): string {
  const own = text
    .replace(/^import [\s\S]*?;\n/gm, "")
    .replace(/^export (type )?(\*|\{[^}]*\}) from .*\n/gm, "");
  return [...own.matchAll(declaration)]
    .map(([part]) => part)
    .filter((part) => wanted.test(part))
    .join("");
}

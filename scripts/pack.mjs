/**
 * `npm run pack:all`: the tarballs of both packages in dist/packages, as a registry would hold them.
 * `ovation` is this repository's own; `ovation-client`, which needs nothing, is put together here. Fails when
 * the client outgrows its bound. system/package.test.ts installs and uses them.
 *
 * `--to=FOLDER` puts them there, from what is built and set up.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { version } from "./compile.mjs";
import { buildEmbed, declareTypes } from "./embed.mjs";
import { bun, fail, note, root, runToEnd, setUp } from "./setup.mjs";

const to = process.argv.find((word) => word.startsWith("--to="))?.slice("--to=".length);
const packages = to ?? join(root, "dist/packages");
const client = join(packages, "ovation-client");
/** Of the client alone, without the few lines of a framework's binding. */
const clientGzipBytesMax = 6 * 1024;
/** What stands beside the client, each by itself. */
const parts = ["players", "replay", "react", "vue", "svelte"];
/** What a binding imports. */
const bindings = { react: ">=18", vue: ">=3.3" };

const about = `# ovation-client

Likes and comments of a live audience, from an Ovation server: exact totals, every comment once and in
order, through lost connections. No dependencies.

\`\`\`js
import { watch } from "ovation-client";

const live = watch("final", {
  url: "https://ovation.example",
  likes: ({ totals }) => console.log(totals),
  comment: ({ user, text }) => console.log(user, text),
});
await live.like("heart");
\`\`\`

\`useReactions(video, { url })\` of \`ovation-client/react\` and \`ovation-client/vue\`, and the store
\`reactions(video, { url })\` of \`ovation-client/svelte\`, hold \`totals\`, \`viewers\`, \`comments\`
and \`state\`, beside \`like\`, \`setLike\` and \`comment\`.
`;

function exportOf(name) {
  return { types: `./types/${name}.d.ts`, default: `./${name}.js` };
}

function manifest() {
  const optional = Object.keys(bindings).map((name) => [name, { optional: true }]);
  return {
    name: "ovation-client",
    version: version(),
    description: "Likes and comments of a live audience, in the browser, Node and Bun",
    license: "Apache-2.0",
    type: "module",
    sideEffects: false,
    // For what does not read `exports`: Parcel unless told to, compilers by `moduleResolution: node10`.
    ...{ main: "./npm-alone.js", module: "./npm.js", types: "./types/npm.d.ts" },
    typesVersions: { "*": Object.fromEntries(parts.map((name) => [name, [`./types/${name}.d.ts`]])) },
    exports: {
      ".": {
        ...{ types: "./types/npm.d.ts", node: "./npm-alone.js", bun: "./npm-alone.js" },
        default: "./npm.js",
      },
      ...Object.fromEntries(parts.map((name) => [`./${name}`, exportOf(name)])),
      "./package.json": "./package.json",
    },
    engines: { node: ">=20" },
    peerDependencies: bindings,
    peerDependenciesMeta: Object.fromEntries(optional),
  };
}

/** Writes the folder of `ovation-client`. */
function buildClient() {
  rmSync(client, { recursive: true, force: true });
  mkdirSync(client, { recursive: true });
  const modules = ["npm", "npm-alone", ...parts];
  // The last two are no doors of the package: the client fetches them when they are needed.
  const bundle = ["scripts/pack-client.ts", client, ...modules, "polling", "locks", "dates"];
  if (runToEnd(bun, bundle) !== 0) fail("could not build ovation-client");
  declareTypes(
    modules.map((name) => `web/client/${name}.ts`),
    { to: client, from: join(root, "web/client") },
  );
  writeFileSync(join(client, "package.json"), `${JSON.stringify(manifest(), undefined, 2)}\n`);
  writeFileSync(join(client, "README.md"), about);
  copyFileSync(join(root, "LICENSE"), join(client, "LICENSE"));
}

/** By npm, or where there is only Bun by Bun, which takes the same files. */
function pack(folder) {
  const hasNpm = spawnSync("npm", ["--version"], { stdio: "ignore" }).status === 0;
  const [command, ...words] = hasNpm
    ? ["npm", "pack", "--pack-destination", packages, "--silent"]
    : [bun, "pm", "pack", "--destination", packages, "--quiet"];
  const { status } = spawnSync(command, [...words, "--ignore-scripts"], {
    cwd: folder,
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) fail(`could not pack ${folder}`);
}

if (to === undefined) {
  setUp();
  buildEmbed({ whole: true });
}
buildClient();
const bytes = gzipSync(readFileSync(join(client, "npm.js")), { level: 9 }).length;
note(`ovation-client: ${bytes} bytes gzipped`);
if (bytes > clientGzipBytesMax) fail(`ovation-client is beyond its bound of ${clientGzipBytesMax} bytes`);
for (const folder of [root, client]) pack(folder);

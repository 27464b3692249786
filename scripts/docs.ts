/**
 * What of docs/ is made from the source: docs/source.md from the head comments of files, in the order of
 * road.ts, and from their tables the settings of docs/settings.md, the calls and events of docs/http.md, the
 * metrics of docs/operate.md and the options of the package. `npm run docs` writes all; docs.test.ts and
 * src/tidy.test.ts compare it with what is there.
 */
import { dirname, join } from "node:path";
import { settingsSection } from "../src/settings/config.ts";
import { callsSection, eventsSection } from "./docs-http.ts";
import { metricsSection } from "./docs-metrics.ts";
import { optionsFile } from "./docs-options.ts";
import { road, type Section } from "./road.ts";

const root = dirname(import.meta.dir);

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Lists that stand beside the road, by folder: only names and first sentences. */
const beside: readonly { readonly title: string; readonly about: string; readonly at: RegExp }[] = [
  {
    title: "In the browser",
    about: "The client, its element, and the pages of the executable. Their tests stand beside them.",
    at: /^web\//,
  },
  {
    title: "Commands of this folder",
    about: "What `npm run NAME` runs.",
    at: /^scripts\/[^/]+$/,
  },
];

/** The first sentence of a file's head comment, without its full stop; empty when there is none. */
export function firstSentence(text: string): string {
  if (!text.startsWith("/**")) return "";
  const [paragraph = ""] = text.slice(3, text.indexOf("*/")).split(/\n \*[ \t]*\n/);
  const line = paragraph.replace(/\s*\n \* ?/g, " ").trim();
  return line.replace(/\.\s+(?=[A-Z`"(]).*$/s, "").replace(/\.$/, "");
}

const unlisted =
  /(\.test\.ts|\.d\.ts)$|\/(system|dist|snippets)\/|\/(fake-[a-z-]+|fakes|[a-z-]+-kit)\.ts$|^src\/[^/]+$/;

/** Whether a file belongs into docs/source.md: not a test, and no stand-in that only tests use. */
export function isListed(path: string): boolean {
  return !unlisted.test(path);
}

/**
 * docs/source.md. Throws when road.ts names a file that is not there or names one twice, or when no section
 * takes a file's folder: whoever adds a folder says where it is read.
 */
export function sourcePage(files: readonly SourceFile[]): string {
  const listed = files.filter(({ path }) => isListed(path));
  const onRoad = new Map(
    listed.filter(({ path }) => path.startsWith("src/")).map((file) => [file.path, file]),
  );
  const placed = placeOnRoad(onRoad);
  const sections = road.map((section) => sectionOf(section, placed.get(section) ?? []));
  const others = beside.map(({ title, about, at }) =>
    sectionOf(
      { title, about },
      listed.filter(({ path }) => at.test(path)),
    ),
  );
  return `${opening}\n${sections.join("\n")}\n${closing}\n\n${others.join("\n")}`;
}

const opening = `# The source, in reading order

\`\`\`sh
ovation --data=:memory: --log-level=warn &
\`\`\`

\`\`\`sh
video=http://127.0.0.1:8080/v1/videos/final
curl -sN --max-time 3 $video/events > seen.txt &
until grep -q snapshot seen.txt; do sleep 0.1; done
curl -s $video/likes -H 'content-type: application/json' -d '{"kind":"heart"}'
until grep -q 'event: likes' seen.txt; do sleep 0.1; done
curl -s http://127.0.0.1:8080/metrics | grep -o 'hop_seconds_sum.*'
\`\`\`

\`\`\`text
{}hop_seconds_sum{hop="durable"} …
hop_seconds_sum{hop="ticked"} …
hop_seconds_sum{hop="received"} …
hop_seconds_sum{hop="written"} …
\`\`\`

Those are the stops of a like, with its age in seconds at each: in the log, on its tick, at the node that
holds viewers, written to one. This is its way through the source, file by file, and then what stands beside
it, made from the head comments of the files by \`npm run docs\`; a test says when it is stale.
\`npm test -- src/core\` runs the tests of one folder.
`;

const closing = `Two rules keep the road walkable, and \`src/tidy.test.ts\` holds them: a file imports its own
folder or a lower rank (\`base\`, then \`core\`, then \`bus\` and \`ledger\`, and so on: the test lists
them), and each dependency has one door.`;

/** Which files each section holds, in order. */
function placeOnRoad(files: ReadonlyMap<string, SourceFile>): ReadonlyMap<Section, readonly SourceFile[]> {
  const left = new Map(files);
  const placed = new Map<Section, SourceFile[]>();
  for (const section of road) {
    const first = section.first.map((name) => {
      const path = `src/${name}.ts`;
      const file = left.get(path);
      if (!file) throw new Error(`scripts/road.ts leads to ${path}, which is not there or was passed before`);
      left.delete(path);
      return file;
    });
    placed.set(section, first);
  }
  for (const file of [...left.values()].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const folder = file.path.split("/")[1] ?? "";
    const section = road.find(({ rest }) => rest.includes(folder));
    if (!section) throw new Error(`no section of scripts/road.ts takes the folder of ${file.path}`);
    placed.get(section)?.push(file);
  }
  return placed;
}

function sectionOf({ title, about }: Pick<Section, "title" | "about">, files: readonly SourceFile[]): string {
  const rows = files.map(
    ({ path, text }) => `| \`${path}\` | ${firstSentence(text).replaceAll("|", "\\|")} |`,
  );
  return [`## ${title}`, "", about, "", "| file | what it is |", "|---|---|", ...rows, ""].join("\n");
}

/** Every file that may be listed, sorted by path. */
export async function sourceFiles(): Promise<SourceFile[]> {
  const globs = ["src/**/*.ts", "web/**/*.ts", "scripts/*.{ts,mjs}"].map((glob) => new Bun.Glob(glob));
  const paths = globs.flatMap((glob) => [...glob.scanSync({ cwd: root })]).filter(isListed);
  return Promise.all(
    paths.sort().map(async (path) => ({ path, text: await Bun.file(join(root, path)).text() })),
  );
}

/** Rewrites what stands between `<!-- NAME -->` and `<!-- /NAME -->` of a page. */
export function replaceSection(page: string, name: string, text: string): string {
  const section = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*(<!-- /${name} -->)`);
  if (!section.test(page)) throw new Error(`there is no <!-- ${name} --> … <!-- /${name} -->`);
  return page.replace(section, (_, open, close) => `${open}\n${text}\n\n${close}`);
}

/** Sections that are made: the page, the name between its comments, and the text. */
export const made: readonly { readonly page: string; readonly name: string; readonly text: () => string }[] =
  [
    { page: "docs/settings.md", name: "settings", text: settingsSection },
    { page: "docs/http.md", name: "calls", text: callsSection },
    { page: "docs/http.md", name: "events", text: eventsSection },
    { page: "docs/operate.md", name: "metrics", text: metricsSection },
  ];

/** Where the options of the package stand, which are made too. */
export const optionsAt = "src/package/options.ts";

if (import.meta.main) {
  for (const { page, name, text } of made) {
    const file = join(root, page);
    await Bun.write(file, replaceSection(await Bun.file(file).text(), name, text()));
  }
  await Bun.write(join(root, optionsAt), optionsFile());
  await Bun.write(join(root, "docs/source.md"), sourcePage(await sourceFiles()));
}

/**
 * The pages of docs/ for the executable: as HTML under /docs, and in short for `ovation help TOPIC`.
 *
 * What is rendered is this repository's own text, at build time, with raw HTML off; nothing is parsed while
 * the server runs. Links to other pages lead to them; links into the repository become the path they name.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dir, "../docs");

export interface DocPage {
  readonly name: string;
  readonly title: string;
  /** The whole page. */
  readonly html: string;
  /** What `ovation help NAME` prints, without how to go on. */
  readonly short: string;
}

/** Every page there is, by name. */
export function docPages(): DocPage[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".md"))
    .map((file) => file.slice(0, -".md".length))
    .sort()
    .map((name) => {
      const text = readFileSync(join(folder, `${name}.md`), "utf8");
      return { name, title: titleOf(text), html: htmlOf(text), short: shortOf(text) };
    });
}

/** The list of pages, at /docs: README's own. */
export function docIndex(): string {
  const readme = readFileSync(join(folder, "../README.md"), "utf8");
  const table = /\n## Read on\n\n([\s\S]*?)\n\n## /.exec(readme)?.[1];
  if (table === undefined) throw new Error("README.md has no table to read on by");
  return htmlOf(`# Documents\n\n${table}\n`);
}

function titleOf(text: string): string {
  return /^# (.*)$/m.exec(text)?.[1] ?? "";
}

function htmlOf(text: string): string {
  const own = text
    .replace(/<!-- \/?[a-z]+ -->\n/g, "")
    .replace(/\[([^\]]+)\]\((?!https?:)([^)]*)\)/g, (_, words: string, target: string) =>
      linkTo(words, target),
    );
  const html = Bun.markdown.html(own, { headings: { ids: true }, noHtmlBlocks: true, noHtmlSpans: true });
  return withContents(withoutEmptyHeads(html));
}

/** A head that says nothing is none, to whoever hears a table read. */
function withoutEmptyHeads(html: string): string {
  return html
    .replace(/<th[^>]*><\/th>/g, "<td></td>")
    .replace(/<thead>\s*<tr>(?:\s*<td><\/td>)+\s*<\/tr>\s*<\/thead>/g, "");
}

/** Sections from which on a page begins with a list of them. */
const sectionsMin = 4;

function withContents(html: string): string {
  const sections = [...html.matchAll(/<h2 id="([^"]+)">(.*?)<\/h2>/g)];
  if (sections.length < sectionsMin) return html;
  const links = sections.map(([, id, words]) => `<a href="#${id}">${words}</a>`).join("\n");
  return html.replace("</h1>", () => `</h1>\n<nav aria-label="On this page">\n${links}\n</nav>`);
}

function linkTo(words: string, target: string): string {
  const page = /^(?:docs\/)?([a-z-]+)\.md(#.*)?$/.exec(target);
  if (page) {
    return `[${words.replace(/^([a-z-]+)\.md$/, "$1")}](/docs/${page[1]}${page[2] ?? ""})`;
  }
  if (target.startsWith("#")) return `[${words}](${target})`;
  const path = target.replace(/^(\.\.\/)+/, "").replace(/#.*/, "");
  const plain = words.replaceAll("`", "").replace(/\/$/, "");
  return plain === path ? `\`${path}\`` : `${words} (\`${path}\`)`;
}

/** Columns of `ovation help`, as its flags have them. */
const helpColumns = 80;

/** A page up to its first section, without its tables. */
function shortOf(text: string): string {
  const end = text.indexOf("\n## ");
  const parts = (end < 0 ? text : text.slice(0, end)).split(/(^```[\s\S]*?^```$)/m);
  return parts
    .map((part) => (part.startsWith("```") ? indented(part) : plainOf(part)))
    .join("")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

/** What is typed, and behind a bar what is printed. */
function indented(block: string): string {
  const margin = block.startsWith("```text") ? "    | " : "    ";
  return block
    .split("\n")
    .slice(1, -1)
    .map((line) => `${margin}${line}`.trimEnd())
    .join("\n");
}

function plainOf(text: string): string {
  return text
    .replace(/^\|.*\n?/gm, "")
    .replace(/<!-- .* -->\n/g, "")
    .replace(/^# /m, "")
    .replace(/\[([^\]]+)\]\([^)]*\)/g, "$1")
    .replace(/\*\*/g, "")
    .replaceAll("`", "")
    .replace(/[^\n]+(\n(?!- )[^\n]+)*/g, wrapped);
}

/** A paragraph, or an item of a list, in lines of a terminal. */
function wrapped(paragraph: string): string {
  const margin = paragraph.startsWith("- ") ? "  " : "";
  const lines: string[] = [];
  for (const word of paragraph.split(/\s+/)) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + word.length < helpColumns)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(lines.length === 0 ? word : `${margin}${word}`);
  }
  return lines.join("\n");
}

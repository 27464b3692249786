/** What `ovation conform` tells: a line for each sentence, a sum, and the same as JUnit for machines. */
import type { UnixMs } from "../base/clock.ts";
import type { Outcome } from "./conform.ts";

const marks = { holds: "ok  ", broken: "FAIL", untried: "-   " } as const;

/** One line, and the reason below it. */
export function lineOf({ name, says, outcome, why }: Outcome): string {
  const line = `${marks[outcome]} ${name.padEnd(10)} ${says}\n`;
  return why === "" ? line : `${line}${" ".repeat(16)}${why}\n`;
}

/** `74 hold, 1 does not, 9 were not tried` */
export function sumOf(outcomes: readonly Outcome[]): string {
  const count = (wanted: Outcome["outcome"]) => outcomes.filter(({ outcome }) => outcome === wanted).length;
  return `${count("holds")} hold, ${count("broken")} do not, ${count("untried")} were not tried\n`;
}

/**
 * The report as JUnit's XML, each sentence a test case, begun at `at`: with all that the strictest of its
 * schemas, Ant's, asks for.
 */
export function junitOf(url: string, outcomes: readonly Outcome[], at: UnixMs): string {
  const cases = outcomes.map(({ name, says, outcome, why, ms }) => {
    const about = `classname="${name.replace(/-\d+$/, "")}" name="${escaped(`${name} ${says}`)}"`;
    const inside = {
      holds: "",
      broken: `<failure type="broken" message="${escaped(why)}"/>`,
      untried: `<skipped message="${escaped(why)}"/>`,
    }[outcome];
    return `  <testcase ${about} time="${ms / 1000}">${inside}</testcase>\n`;
  });
  const failures = outcomes.filter(({ outcome }) => outcome === "broken").length;
  const skipped = outcomes.filter(({ outcome }) => outcome === "untried").length;
  const counts = `tests="${outcomes.length}" failures="${failures}" errors="0" skipped="${skipped}"`;
  const seconds = outcomes.reduce((sum, { ms }) => sum + ms, 0) / 1000;
  const when = `timestamp="${new Date(at).toISOString().slice(0, 19)}" time="${seconds}"`;
  const suite = `name="ovation conform ${escaped(url)}" hostname="${escaped(new URL(url).hostname)}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuite ${suite} ${counts} ${when}>
  <properties/>
${cases.join("")}  <system-out/>
  <system-err/>
</testsuite>
`;
}

/** Text for an attribute; what XML 1.0 cannot hold becomes a question mark. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "?")
    .replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);
}

/**
 * What stands in deploy/ knows this program: metrics by their names, settings by their variables. Whether the
 * files are good ones is for the tools that read them (npm run deploy:check).
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createMetrics } from "../src/base/metrics.ts";
import { parseSettings } from "../src/settings/config.ts";

const deploy = join(import.meta.dir, "../deploy");
const textOf = (file: string): string => readFileSync(join(deploy, file), "utf8");

test.each(["prometheus/rules.yml", "prometheus/rules-test.yml", "grafana/ovation.json"])(
  "%s uses no metric that /metrics has not",
  async (file) => {
    const known = new Set<string>();
    const text = await createMetrics().registry.metrics();
    for (const [, name = "", type] of text.matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
      known.add(name);
      if (type === "histogram") for (const end of ["bucket", "sum", "count"]) known.add(`${name}_${end}`);
    }
    const used = new Set(textOf(file).match(/\b(ovation|process)_\w+/g));
    expect(used.size).toBeGreaterThan(5);
    expect([...used].filter((name) => !known.has(name))).toEqual([]);
  },
);

test.each([
  "compose/compose.yaml",
  "helm/ovation/templates/_helpers.tpl",
  "helm/ovation/values.yaml",
  "helm/ovation/ci/secrets-values.yaml",
])("%s sets no variable that is no setting", (file) => {
  const names = new Set(textOf(file).match(/\bOVATION_[A-Z_]+(?=: |,)/g));
  expect(names.size).toBeGreaterThan(0);
  const env = Object.fromEntries([...names].map((name) => [name, "no such value"]));
  const parsed = parseSettings([], env, () => "");
  const mistakes = "mistakes" in parsed ? parsed.mistakes : [];
  expect(mistakes.filter((mistake) => mistake.includes("unknown"))).toEqual([]);
});

test("each alert says where the documents say more, and is played", () => {
  const rules = textOf("prometheus/rules.yml");
  const alerts = [...rules.matchAll(/alert: (\w+)/g)].map(([, name = ""]) => name);
  const runbooks = [...rules.matchAll(/runbook: (\S+)#(\S+)/g)];
  expect([runbooks.length, alerts.length]).toEqual([alerts.length, 11]);
  for (const [, file = "", anchor = ""] of runbooks) {
    const headings = readFileSync(join(deploy, "..", file), "utf8").match(/^#+ .*$/gm) ?? [];
    const anchors = headings.map((line) =>
      line
        .replace(/^#+ /, "")
        .toLowerCase()
        .replace(/[^\w -]/g, ""),
    );
    expect(anchors.map((words) => words.replaceAll(" ", "-"))).toContain(anchor);
  }
  const played = textOf("prometheus/rules-test.yml");
  for (const name of alerts) expect(played).toContain(`alertname: ${name}\n`);
});

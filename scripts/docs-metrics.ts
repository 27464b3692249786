/** The table of docs/operate.md: every metric of a node, out of the registry that `/metrics` is made of. */
import { createMetrics } from "../src/base/metrics.ts";

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** Every metric there is, in the order of `/metrics`. */
export function allMetrics(): Metric[] {
  const { registry } = createMetrics();
  return registry.getMetricsAsArray().map((metric) => {
    const { name, help, labelNames } = metric as unknown as Metric & { labelNames?: string[] };
    return { name, help, labels: labelNames ?? [] };
  });
}

export function metricsSection(): string {
  const rows = allMetrics().map(({ name, help, labels }) => {
    return `| \`${name}\` | ${labels.map((label) => `\`${label}\``).join(", ")} | ${help} |`;
  });
  return ["| metric | labels | what it is |", "|---|---|---|", ...rows].join("\n");
}

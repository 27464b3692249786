/** The page's section on other servers before the same audience. */
import { Figures, of, type Section, table } from "./page-kit.ts";

export const peers: Section = {
  run: "peers",
  title: "Beside other servers",
  about:
    "The same audience and publisher before each, ten messages a second to everybody. Comments of " +
    "Ovation's, since likes would be merged; their age counts from acceptance, that of a peer's message " +
    "from before it is posted. What was lost is a share of what every hundredth viewer should have got.",
  tell(line) {
    const figures = line.figures as Told;
    const rows = Object.entries(figures.peers ?? {}).map(([name, one]) => new Figures({ name, ...one }));
    const missing = Object.entries(figures.missing ?? {}).map(
      ([name, why]) => `${name} was not measured: ${why}.`,
    );
    const columns = table(rows, [
      [`${figures.viewers} viewers`, (row) => row.text("name")],
      ["µs of server per frame", of("usPerFrame")],
      ["B per viewer", of("bytesPerViewer")],
      ["p50 ms", of("p50Ms")],
      ["p99 ms", of("p99Ms")],
      ["lost", of("lostShare")],
      ["cut off", of("cutOff")],
      ["at its limit", (row) => row.text("limitedBy")],
    ]);
    return { text: [columns, ...missing].join("\n\n"), aims: [], charts: {} };
  },
};

interface Told {
  readonly viewers?: number;
  readonly peers?: Readonly<Record<string, object>>;
  readonly missing?: Readonly<Record<string, string>>;
}

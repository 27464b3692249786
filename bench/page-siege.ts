/** The page's section on what a few cheap requests can do, before and after. */
import { Figures, grouped, type Section, table } from "./page-kit.ts";

export const siegeAll: Section = {
  run: "siege-all",
  command: "npm run bench:siege -- --all",
  title: "What a few cheap requests can do",
  about:
    "One caller within what it is allowed, at the executable of 8c5741b and at that of the commit below, " +
    "in one run: p99 and worst of a bystander, who likes fifty times a second from elsewhere, beside its " +
    "p99 in the three quiet seconds before; the server's memory before and at its highest; and what the " +
    "caller was answered. All share two cores: `starved` is the share of the time in which the server was " +
    "ready to run and had none, which is no fault of its own.",
  tell(line) {
    const figures = new Figures(line.figures);
    const attacks = (line.figures as { attacks?: Record<string, object> }).attacks ?? {};
    const rows = Object.entries(attacks).flatMap(([name, sides]) =>
      (["before", "after"] as const).map(
        (when) => new Figures({ name, when, ...(sides as Record<string, object>)[when] }),
      ),
    );
    const ms = (row: Figures, name: string): string => grouped(row.number(name));
    const [quiet, besieged] = ["quietP99Ms", "p99Ms"].map((name) =>
      figures.number("attacks", "old places", "after", name),
    ) as [number, number];
    return {
      text: table(rows, [
        ["attack", (row) => row.text("name")],
        ["", (row) => row.text("when")],
        ["quiet p99 ms", (row) => ms(row, "quietP99Ms")],
        ["p99 ms", (row) => ms(row, "p99Ms")],
        ["worst ms", (row) => ms(row, "maxMs")],
        ["likes lost", (row) => ms(row, "lost")],
        ["server, cores", (row) => ms(row, "cores")],
        ["starved", (row) => ms(row, "starved")],
        ["memory, MB", (row) => `${ms(row, "memoryMB")} → ${ms(row, "peakMB")}`],
        ["answered", (row) => answersOf(row)],
        ["then a like of a new video", (row) => row.text("newVideo")],
      ]),
      aims: [
        {
          aim: "p99 beside 100 streams a second from old places: at most twice that in quiet",
          measured: `${grouped(quiet)} and ${grouped(besieged)} ms`,
          met: besieged <= 2 * quiet,
        },
      ],
      charts: {},
    };
  },
};

function answersOf(row: Figures): string {
  return row
    .entries("answers")
    .map(([what, times]) => `${grouped(times)} × ${what}`)
    .join(", ");
}

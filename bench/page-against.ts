/** The page's section on the working tree against another revision. */
import { type Figures, grouped, Figures as Read, type Section, table } from "./page-kit.ts";

/** What is wanted of the ratios, now to before. */
const aims: readonly (readonly [duel: string, figure: string, most: number, words: string])[] = [
  ["mixed-20", "likesP99Ms", 1 / 6, "likes' p99 beside 20 comments/s"],
  ["mixed-20", "commentsP99Ms", 1.6, "comments' p99 at 20 comments/s"],
  ["mixed-0", "likesP99Ms", 1.05, "likes' p99 without comments"],
  ["memory", "idleBytes", 0.7, "memory of an idle viewer"],
  ["memory", "tickingBytes", 0.7, "memory of a viewer while ticking"],
];

export const against: Section = {
  run: "against",
  title: "Against an earlier revision",
  about:
    "Both built on this machine and measured in turn, pair by pair; medians of the pairs' ratios, now to " +
    "before. Beside *apart* neighbours took more than a tenth of the machine; where all pairs were so, the " +
    "figures are theirs.",
  tell(line) {
    const figures = new Read(line.figures);
    const duels = Object.keys((line.figures as { duels?: object }).duels ?? {});
    const rows: Figures[] = duels.flatMap((duel) => {
      const one = figures.at("duels", duel);
      const names = Object.keys((line.figures as Told).duels[duel]?.ratio ?? {});
      return names.map(
        (name) =>
          new Read({
            duel: `${duel}: ${name}`,
            before: one.number("before", name),
            now: one.number("now", name),
            ratio: one.number("ratio", name),
            pairs: one.number("pairs"),
            apart: one.list("apart").length,
            full: one.text("limitedBy"),
          }),
      );
    });
    const told = aims.filter(
      ([duel, figure]) => !Number.isNaN(figures.number("duels", duel, "ratio", figure)),
    );
    return {
      text: table(rows, [
        ["", (row) => row.text("duel")],
        [figures.text("against"), (row) => row.number("before")],
        ["now", (row) => row.number("now")],
        ["ratio", (row) => row.number("ratio")],
        ["pairs", (row) => row.number("pairs")],
        ["apart", (row) => row.number("apart")],
        ["at its limit", (row) => row.text("full")],
      ]),
      aims: told.map(([duel, figure, most, words]) => {
        const ratio = figures.number("duels", duel, "ratio", figure);
        const aim = `${words}: at most ×${grouped(most)} of ${figures.text("against")}`;
        return { aim, measured: `×${grouped(ratio)}`, met: ratio <= most };
      }),
      charts: {},
    };
  },
};

interface Told {
  readonly duels: Readonly<Record<string, { readonly ratio?: object } | undefined>>;
}

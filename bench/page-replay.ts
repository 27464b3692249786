/** The page's section on a recording in a browser: what its viewer waits for, and what the page holds. */
import { Figures, grouped, of, type Section, table } from "./page-kit.ts";

export const replay: Section = {
  run: "replay",
  title: "A recording with its audience",
  about:
    "In a Chromium: from the call of `replay` to the first of it on the page, and from a seek to what was " +
    "there, 40 seeks a round all over the match. Of the first the answers are a server's in shape and size " +
    "and come from a stand-in; the second is in a node on the same two cores, just started on its folder. " +
    "Heap and work are of the page's thread while it plays, beside an empty page.",
  tell(line) {
    const figures = new Figures(line.figures);
    const cases = figures.list("cases");
    const worst = (name: string) => Math.max(...cases.map((one) => one.number(name)));
    const [start, seek] = [worst("startWorstMs"), worst("seekWorstMs")];
    return {
      text: table(cases, [
        ["match", (one) => one.text("name")],
        ["likes", of("likes")],
        ["comments", of("comments")],
        ["start, ms", of("startMs")],
        ["seek p50, ms", of("seekP50Ms")],
        ["seek p99, ms", of("seekP99Ms")],
        ["heap, MB", of("heapMB")],
        ["of an empty page", () => figures.number("emptyHeapMB")],
        ["work, ms a second", of("taskMsPerS")],
        ["of an empty page", () => figures.number("emptyTaskMsPerS")],
        ["minutes in memory", of("minutesKept")],
      ]),
      aims: [
        {
          aim: "a recording starts within 1 s, worst round",
          measured: `${grouped(start)} ms`,
          met: start < 1000,
        },
        {
          aim: "a seek takes less than 200 ms, worst of all",
          measured: `${grouped(seek)} ms`,
          met: seek < 200,
        },
      ],
      charts: {},
    };
  },
};

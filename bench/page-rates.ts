/** The page's sections on rates: frames out, likes in, and both at once. */
import { barChart, short } from "./chart.ts";
import { at, type Column, Figures, grouped, of, type Section, table } from "./page-kit.ts";

export const fanout: Section = {
  run: "fanout",
  title: "Fan-out, beside bare writers",
  about:
    "Frames a second to 10,000 viewers. The bare writers put the same bytes to the same audience and do " +
    "nothing else: `raw` over sockets of Bun.listen, `streams` through ReadableStreams of Bun.serve. " +
    "All in a network of their own, on which viewers answer as if they were on other machines.",
  tell(line) {
    const figures = new Figures(line.figures);
    const shapes = [1, 1_000].filter(
      (videos) => !Number.isNaN(figures.number(`videos${videos}`, "ratioToRaw")),
    );
    const rows = shapes.map((videos) => figures.at(`videos${videos}`));
    const sides = ["ovation", "bareRaw", "bareStream"];
    const name = (index: number): string => `${shapes[index]} video${shapes[index] === 1 ? "" : "s"}`;
    return {
      text: table(rows, [
        ["audience", (row) => name(rows.indexOf(row))],
        ["Ovation, frames/s", at("ovation", "framesPerS")],
        ["raw writer", at("bareRaw", "framesPerS")],
        ["bare streams", at("bareStream", "framesPerS")],
        ["ratio to raw", of("ratioToRaw")],
        ["to streams", of("ratioToStream")],
        ["µs of server per frame", at("ovation", "serverUsPerFrame")],
        ["of raw writer", at("bareRaw", "serverUsPerFrame")],
        ["at its limit", (row) => row.text("limitedBy")],
      ]),
      aims: rows.map((row, index) => {
        const wanted = shapes[index] === 1 ? 0.9 : 0.75;
        const ratio = row.number("ratioToRaw");
        return {
          aim: `fan-out of ${name(index)}: at least ${wanted} of the raw writer`,
          measured: grouped(ratio),
          met: ratio >= wanted,
        };
      }),
      charts: {
        fanout: barChart({
          title: "Frames a second to 10,000 viewers",
          y: { label: "frames/s" },
          bars: ["Ovation", "raw writer", "bare streams"],
          groups: rows.map((row, index) => ({
            name: name(index),
            values: sides.map((side) => row.number(side, "framesPerS")),
          })),
        }),
      },
    };
  },
};

export const million: Section = {
  run: "million",
  title: "A million likes a second, delivered and accepted",
  about:
    "Delivered: 100 likes a second, each shown to 10,000 viewers. Accepted: taps merged to 50 a like, " +
    "every like with its key, one like a request (`single`) or 200 (`batch`), with 10,000 viewers " +
    "watching; totals and the last frame of every viewer are then compared with what was accepted, to the " +
    "like.",
  tell(line) {
    const figures = new Figures(line.figures);
    const floods = ["single", "batch"];
    const columns: Column[] = [
      ["flood", (row) => floods[rows.indexOf(row)] ?? ""],
      ["taps/s accepted", of("tapsPerS")],
      ["requests/s", of("requestsPerS")],
      ["refused", of("refused")],
      ["p50 ms", of("p50Ms")],
      ["p99 ms", of("p99Ms")],
      ["accepted within, p99 ms", of("acceptP99Ms")],
      ["at its limit", (row) => row.text("limitedBy")],
    ];
    const rows = floods.map((flood) => figures.at(flood));
    const [taps, p99] = [figures.number("single", "tapsPerS"), figures.number("single", "p99Ms")];
    const talk = figures.at("talk");
    const delivered = talk.number("likesDeliveredPerS");
    return {
      text:
        `Delivered: ${short(delivered)} likes/s in ${short(talk.number("framesPerS"))} frames/s, ` +
        `p50 ${talk.number("p50Ms")} ms, p99 ${talk.number("p99Ms")} ms, every one exact.\n\n` +
        table(rows, columns),
      aims: [
        { aim: "1,000,000 likes/s delivered, exact", measured: short(delivered), met: delivered >= 990_000 },
        { aim: "1,000,000 taps/s accepted, exact", measured: short(taps), met: taps >= 1_000_000 },
        { aim: "… while likes reach viewers within 600 ms (p99)", measured: `${p99} ms`, met: p99 <= 600 },
      ],
      charts: {},
    };
  },
};

export const ingest: Section = {
  run: "ingest",
  title: "Taking likes, beside a bare handler",
  about:
    "Single likes with keys over 128 keep-alive connections, each answered when durable. The bare handler " +
    "parses the same JSON and stores nothing. JetStream is one nats-server on the same machine.",
  tell(line) {
    const figures = new Figures(line.figures);
    const names = ["bare", "sqlite", "jetstream"].filter(
      (name) => !Number.isNaN(figures.number(name, "requestsPerS")),
    );
    const rows = names.map((name) => figures.at(name));
    const name = (row: Figures): string => names[rows.indexOf(row)] ?? "";
    return {
      text: table(rows, [
        ["", name],
        ["requests/s", of("requestsPerS")],
        ["ratio", (row) => figures.number("ratioToBare", name(row))],
        ["p50 ms", of("p50Ms")],
        ["p99 ms", of("p99Ms")],
        ["µs of server per request", of("serverUsPerRequest")],
        ["machine busy", of("machineBusy")],
      ]),
      aims: (
        [
          ["sqlite", 0.6],
          ["jetstream", 0.4],
        ] as const
      ).map(([side, wanted]) => {
        const ratio = figures.number("ratioToBare", side);
        const aim = `durable likes through ${side}: at least ${wanted} of the bare handler`;
        return { aim, measured: grouped(ratio), met: ratio >= wanted };
      }),
      charts: {
        ingest: barChart({
          title: "Like requests a second",
          y: { label: "requests/s" },
          bars: ["requests/s"],
          groups: rows.map((row) => ({ name: name(row), values: [row.number("requestsPerS")] })),
        }),
      },
    };
  },
};

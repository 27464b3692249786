/**
 * The page's sections on what an audience waits for and what it costs: latency, ticks, memory, size, storms.
 */
import { barChart, lineChart, short } from "./chart.ts";
import { Figures, grouped, of, type Section, table } from "./page-kit.ts";

const percentiles = [
  ["p50", "p50Ms"],
  ["p90", "p90Ms"],
  ["p99", "p99Ms"],
  ["p99.9", "p999Ms"],
] as const;

export const latency: Section = {
  run: "latency",
  title: "From acceptance to the viewer",
  about:
    "From the moment the oldest like of a tick was accepted (`at`) to its arrival, 100 likes a second, " +
    "every viewer counted, from 5,000 on every hundredth. The hops are the server's: mean time since " +
    "acceptance when a like was durable, ticked, received by the frontend and written; pauses are those of " +
    "its garbage collector. " +
    "`tick0` is --tick=0ms, `quiet` two likes a second. In a network of its own, on which viewers answer " +
    "as if they were on other machines.",
  tell(line) {
    const rows = new Figures(line.figures).list("cases");
    const named = (name: string): Figures => rows.find((row) => row.text("name") === name) ?? new Figures({});
    const plain = rows.filter((row) => /^\d+$/.test(row.text("name")));
    const aim = (name: string, words: string, figure: "p90Ms" | "p50Ms", wanted: number) => {
      const measured = named(name).number(figure);
      return {
        aim: `${words}: at most ${wanted} ms`,
        measured: `${grouped(measured)} ms`,
        met: measured <= wanted,
      };
    };
    return {
      text: table(rows, [
        ["viewers", (row) => row.text("name").replace("-", ", ")],
        ...percentiles.map(([head, name]) => [`${head} ms`, of(name)] as const),
        ["durable", of("durableMs")],
        ["ticked", of("tickedMs")],
        ["received", of("receivedMs")],
        ["written", of("writtenMs")],
        ["a pass", of("passMs")],
        ["longest GC pause", of("pauseMaxMs")],
        ["in GC pauses, %", (row) => 100 * row.number("pausedShare")],
        ["server, cores", of("serverCores")],
        ["at its limit", (row) => row.text("limitedBy")],
      ]),
      aims: [
        aim("2000", "p90 at 2,000 viewers", "p90Ms", 75),
        aim("10000", "p90 at 10,000 viewers", "p90Ms", 200),
        aim("10000-tick0", "p90 at 10,000 viewers, --tick=0ms", "p90Ms", 130),
        aim("100-quiet", "p90 of a like after quiet, 100 viewers", "p90Ms", 5),
      ],
      charts: {
        latency: lineChart({
          title: "From acceptance to the viewer, 100 likes/s",
          x: { label: "viewers", log: true },
          y: { label: "ms" },
          lines: percentiles.map(([name, figure]) => ({
            name,
            points: plain.map((row) => [row.number("viewers"), row.number(figure)] as const),
          })),
        }),
      },
    };
  },
};

export const likesCost: Section = {
  run: "likes-cost",
  title: "What a tick costs",
  about:
    "Processor time of the server per tick, five ticks a second; what taking the likes costs is measured " +
    "apart and taken off. It follows the viewers and not the likes.",
  tell(line) {
    const figures = new Figures(line.figures);
    const [byTaps, byViewers] = [figures.list("byTaps"), figures.list("byViewers")];
    const costs = byTaps.map((row) => row.number("cpuMsPerTick"));
    const spread = Math.max(...costs) / Math.min(...costs);
    const columns = [
      ["viewers", of("viewers")],
      ["taps/s", of("tapsPerS")],
      ["CPU ms per tick", of("cpuMsPerTick")],
      ["taking the likes, cores", of("ingestCores")],
      ["server, cores", of("serverCores")],
    ] as const;
    return {
      text: table([...byViewers.slice(0, -1), ...byTaps], columns),
      aims: [
        {
          aim: "CPU per tick from 10 to 100,000 taps/s: within a quarter",
          measured: `×${spread.toFixed(2)} between least and most`,
          met: spread <= 1.25,
        },
      ],
      charts: {
        "tick-by-likes": lineChart({
          title: "CPU per tick by likes, 10,000 viewers",
          x: { label: "taps/s", log: true },
          y: { label: "ms of CPU per tick" },
          lines: [
            {
              name: "CPU per tick",
              points: byTaps.map((row) => [row.number("tapsPerS"), row.number("cpuMsPerTick")] as const),
            },
          ],
        }),
        "tick-by-viewers": lineChart({
          title: "CPU per tick by viewers, 100 likes/s",
          x: { label: "viewers" },
          y: { label: "ms of CPU per tick" },
          lines: [
            {
              name: "CPU per tick",
              points: byViewers.map((row) => [row.number("viewers"), row.number("cpuMsPerTick")] as const),
            },
          ],
        }),
      },
    };
  },
};

export const memory: Section = {
  run: "memory",
  title: "Memory of a viewer",
  about:
    "User memory: growth of the server's proportional set size over that of a warm server without " +
    "viewers. Kernel: what socket buffers hold, both ends, apart from the sockets themselves. `back` is " +
    "the memory after all have left, as a share of that before they came.",
  tell(line) {
    const figures = new Figures(line.figures);
    const rows = figures.list("viewers");
    const lagging = figures.at("lagging");
    const large = rows.filter((row) => row.number("viewers") >= 10_000);
    const worst = (name: string): number => Math.max(...large.map((row) => row.number(name)));
    const bytes = (name: string) => ({ measured: `${grouped(worst(name))} B`, value: worst(name) });
    const [idle, ticking, back] = [bytes("idleBytes"), bytes("tickingBytes"), worst("back")];
    return {
      text: [
        table(rows, [
          ["viewers", of("viewers")],
          ["idle, B", of("idleBytes")],
          ["ticking, B", of("tickingBytes")],
          ["ticking, peak, B", of("tickingPeakBytes")],
          ["kernel, idle, B", of("kernelIdleBytes")],
          ["back", of("back")],
          ["server without viewers, MB", of("startMB")],
        ]),
        `A reader that has stopped costs ${grouped(lagging.number("bytes"))} B of user memory and ` +
          `${grouped(lagging.number("kernelBytes"))} B of kernel memory (both ends; the ` +
          `sysctls in deploy/ bound it), ` +
          `and ${grouped(lagging.number("growthWhileBehindBytes"))} B more when likes went on ` +
          "all the same (a few megabytes of the server's heap are ±20,000 B here).",
      ].join("\n\n"),
      aims: [
        {
          aim: "at most 6,000 B per idle viewer, 10,000 and more",
          measured: idle.measured,
          met: idle.value <= 6_000,
        },
        { aim: "at most 10,000 B while ticking", measured: ticking.measured, met: ticking.value <= 10_000 },
        {
          aim: "memory back within 15 % after all have left",
          measured: `×${grouped(back)}`,
          met: back <= 1.15,
        },
      ],
      charts: {
        memory: barChart({
          title: "User memory per viewer",
          y: { label: "bytes" },
          bars: ["idle", "while ticking"],
          groups: rows.map((row) => ({
            name: `${short(row.number("viewers"))} viewers`,
            values: [row.number("idleBytes"), row.number("tickingBytes")],
          })),
        }),
      },
    };
  },
};

export const workers: Section = {
  run: "workers",
  title: "Two processes in place of one",
  about:
    "One process and --workers=2 without NATS in turn, pair by pair, 10,000 viewers and 100 likes a " +
    "second. The audience has the same cores: the second process is not to gain anything here, and must " +
    "cost nothing.",
  tell(line) {
    const figures = new Figures(line.figures);
    const ratio = (name: string): number => figures.number("ratios", name);
    const aim = (words: string, name: string, wanted: number, atLeast = false) => ({
      aim: `two processes in place of one: ${words} ${grouped(wanted)} ×`,
      measured: `${grouped(ratio(name))} ×`,
      met: atLeast ? ratio(name) >= wanted : ratio(name) <= wanted,
    });
    const names = new Map([
      [figures.at("one"), "1"],
      [figures.at("many"), figures.text("workers")],
      [figures.at("ratios"), "ratio"],
    ]);
    return {
      text: table(
        [...names.keys()],
        [
          ["processes", (row) => names.get(row) ?? ""],
          ["frames/s", of("framesPerS")],
          ["p50 ms", of("p50Ms")],
          ["p99 ms", of("p99Ms")],
          ["server CPU µs per frame", of("cpuUsPerFrame")],
          ["server, cores", of("serverCores")],
          ["audience, cores", of("audienceCores")],
          ["user memory, MB", of("userMB")],
        ],
      ),
      aims: [
        aim("frames/s at least", "framesPerS", 1, true),
        aim("p99 at most", "p99Ms", 1.3),
        aim("server CPU per frame at most", "cpuUsPerFrame", 1.1),
      ],
      charts: {},
    };
  },
};

export const scale: Section = {
  run: "scale",
  title: "One machine, as many viewers as it holds",
  about:
    "Workers on one port, one process for at most 16,500 viewers and, without NATS, one more with the " +
    "ledger; the audience checks every total. Ticks come once a second, beyond 100,000 viewers every " +
    "five seconds.",
  tell(line) {
    const figures = new Figures(line.figures);
    const rows = figures.list("cases");
    const most = Math.max(0, ...rows.map((row) => row.number("viewers")));
    const refused = Object.entries((line.figures as { refused?: Record<string, string> }).refused ?? {});
    return {
      text: [
        table(rows, [
          ["viewers", of("viewers")],
          ["workers", of("workers")],
          ["tick, ms", of("tickMs")],
          ["user memory, B per viewer", of("userBytesPerViewer")],
          ["CPU µs per viewer and tick", of("cpuUsPerViewerTick")],
          ["server, cores", of("serverCores")],
          ["audience, cores", of("audienceCores")],
          ["p50 ms", of("p50Ms")],
          ["p99 ms", of("p99Ms")],
        ]),
        ...refused.map(([viewers, why]) => `${grouped(Number(viewers))} viewers did not work: ${why}.`),
      ].join("\n\n"),
      aims: [
        {
          aim: "100,000 viewers, every total exact, nobody cut off",
          measured: `${grouped(most)} viewers`,
          met: most >= 100_000,
        },
      ],
      charts: {
        scale: lineChart({
          title: "Processor time of the servers per viewer and tick",
          x: { label: "viewers", log: true },
          y: { label: "µs" },
          lines: [
            {
              name: "CPU",
              points: rows.map((row) => [row.number("viewers"), row.number("cpuUsPerViewerTick")] as const),
            },
          ],
        }),
      },
    };
  },
};

export const storm: Section = {
  run: "storm",
  title: "Ten thousand viewers come back at once",
  about:
    "All streams are cut in the same moment and dialled again at once, without the delay that browsers " +
    "are told.",
  tell(line) {
    const figures = new Figures(line.figures);
    const overflows = figures.number("listenOverflowsWorst");
    return {
      text: table(
        [figures],
        [
          ["viewers", of("viewers")],
          ["all back after, ms", of("allBackMs")],
          ["worst round, ms", of("allBackWorstMs")],
          ["listen overflows, worst round", of("listenOverflowsWorst")],
          ["µs of server per viewer", of("serverUsPerViewer")],
          ["likes meanwhile, p99 ms", of("likeP99Ms")],
        ],
      ),
      aims: [
        { aim: "a storm without a listen overflow", measured: grouped(overflows), met: overflows === 0 },
      ],
      charts: {},
    };
  },
};

export const siege: Section = {
  run: "siege",
  title: "Others who behave badly",
  about:
    "What 500 healthy viewers notice of 2,000 sockets that never finish what they began to ask, and of one " +
    "viewer who sends a thousand likes a second against an allowance of twenty.",
  tell(line) {
    const figures = new Figures(line.figures);
    const [slow, flood] = [figures.number("p99Ratio", "slow"), figures.number("p99Ratio", "flood")];
    const row = (name: string) => new Figures({ name, ...(line.figures as Record<string, object>)[name] });
    return {
      text: table(
        [row("peace"), row("slow"), row("flood")],
        [
          ["beside", (each) => each.text("name")],
          ["p50 ms", of("p50Ms")],
          ["p99 ms", of("p99Ms")],
          ["accepting, p99 ms", of("acceptP99Ms")],
          ["sockets cut", of("cut")],
          ["likes sent by the flood", of("floodSent")],
          ["counted of them, a second", of("floodCountedPerS")],
        ],
      ),
      aims: [
        { aim: "p99 beside slow sockets: at most ×1.2", measured: `×${grouped(slow)}`, met: slow <= 1.2 },
        { aim: "p99 beside a flood: at most ×1.2", measured: `×${grouped(flood)}`, met: flood <= 1.2 },
      ],
      charts: {},
    };
  },
};

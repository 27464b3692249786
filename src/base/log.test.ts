import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createLog, type LogFields, type LogOptions, wantsColours } from "./log.ts";

function logTo(lines: string[], options: Partial<LogOptions> = {}) {
  const write = (line: string) => void lines.push(line);
  return createLog({ level: "debug", format: "json", write, now: () => 1_700_000_000_123, ...options });
}

describe("log", () => {
  test("a JSON line holds time, level, event and fields", () => {
    const lines: string[] = [];
    logTo(lines).info("listening", { port: 8080, host: "::" });
    expect(lines).toEqual([
      '{"time":"2023-11-14T22:13:20.123Z","level":"info","event":"listening","port":8080,"host":"::"}\n',
    ]);
  });

  test("lines under the level are not written", () => {
    const lines: string[] = [];
    const log = logTo(lines, { level: "warn" });
    log.debug("a");
    log.info("b");
    log.warn("c");
    log.error("d");
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(["c", "d"]);
  });

  test("a child adds its fields, nearer ones win, and the parent keeps its own", () => {
    const lines: string[] = [];
    const log = logTo(lines);
    log.child({ node: "a", part: "bus" }).child({ part: "nats" }).info("up", { servers: 3 });
    log.info("up");
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ node: "a", part: "nats", servers: 3 });
    expect(JSON.parse(lines[1] ?? "")).not.toHaveProperty("node");
  });

  test("fields cannot pass themselves off as level or event", () => {
    const lines: string[] = [];
    logTo(lines).info("real", { level: "error", event: "forged", time: 0 });
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "info", event: "real" });
    expect(lines[0]).toStartWith('{"time":"2023');
  });

  test("an error is its message and the top of its stack", () => {
    const lines: string[] = [];
    logTo(lines).error("failed", { error: new TypeError("no such video") });
    expect(JSON.parse(lines[0] ?? "").error).toContain("TypeError: no such video");
  });

  test("pretty without colours, where nobody wants them", () => {
    const lines: string[] = [];
    logTo(lines, { format: "pretty", colours: false }).warn("slow", { user: "ada" });
    expect(lines).toEqual([expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3} warn {2}slow user=ada\n$/)]);
    const terminal = { isTTY: true };
    expect(wantsColours(terminal, { NO_COLOR: "", TERM: "xterm" })).toBe(true);
    for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) expect(wantsColours(terminal, env)).toBe(false);
    expect(wantsColours({}, {})).toBe(false);
  });

  test("pretty: one line for people, escape codes of a field made visible", () => {
    const lines: string[] = [];
    logTo(lines, { format: "pretty" }).warn("slow", { user: "\u001b[31mred\r\n\u009b2J\u2028", n: 2 });
    expect(Bun.stripANSI(lines[0] ?? "")).toBe(
      "22:13:20.123 warn  slow user=\\u001b[31mred\\u000d\\u000a\\u009b2J\\u2028 n=2\n",
    );
  });

  test("what cannot be logged does not throw", () => {
    const lines: string[] = [];
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const hostile = {
      get trap() {
        throw new Error("getter");
      },
    };
    const log = logTo(lines);
    log.info("a", {
      cycle,
      big: 10n,
      fn: () => 1,
      symbol: Symbol("s"),
      nan: Number.NaN,
      date: new Date(Number.NaN),
    });
    log.info("b", hostile);
    logTo(lines, { now: () => Number.NaN }).info("c");
    const broken = () => {
      throw new Error("EPIPE");
    };
    logTo(lines, { write: broken }).info("d");
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(["a", "b"]);
    expect(JSON.parse(lines[1] ?? "").unreadable).toBe(true);
  });

  test("any event and fields make exactly one bounded line", () => {
    const anything = fc.dictionary(fc.string(), fc.anything({ withBigInt: true, withDate: true }));
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        anything,
        fc.constantFrom("json", "pretty"),
        (event, fields, format) => {
          const lines: string[] = [];
          logTo(lines, { format }).info(event, fields as LogFields);
          expect(lines.length).toBe(1);
          expect(lines[0]?.indexOf("\n")).toBe((lines[0]?.length ?? 0) - 1);
          expect(lines[0]).not.toContain("\r");
          expect(lines[0]?.length).toBeLessThan(17_000);
          if (format === "json") expect(() => JSON.parse(lines[0] ?? "")).not.toThrow();
        },
      ),
    );
  });

  test("huge fields lose the fields, not the event", () => {
    const lines: string[] = [];
    const fields = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, "x".repeat(5_000)]));
    logTo(lines).info("big", fields);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ event: "big", cut: true });
  });
});

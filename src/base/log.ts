/**
 * The log: one line per event, JSON for machines and a short form for people.
 *
 * A line is a level, a time, an event name that never varies ("listening"), and fields that do. Logging must
 * not be able to hurt the program: it never throws, no value can break out of its line, and every line is
 * bounded.
 *
 * Not here: where lines go and what time it is (both passed in), and metrics (metrics.ts), which count what
 * is too frequent to log.
 */

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A log that adds these fields to every line. */
  child(fields: LogFields): Log;
}

export type LogOptions = {
  readonly level: LogLevel;
  readonly format: "json" | "pretty";
  /** Whether pretty lines are in a terminal's colours (see `wantsColours`); they are unless told. */
  readonly colours?: boolean;
  /** Takes one whole line with its newline. What it throws is swallowed. */
  readonly write: (line: string) => void;
  /** Unix milliseconds. */
  readonly now: () => number;
};

const valueCharsMax = 1_000;
const fieldsMax = 32;
const itemsMax = 20;
const depthMax = 3;
const stackLinesMax = 8;
/** Longer lines lose their fields and keep their event: 16 KB is what common collectors take as one line. */
const lineCharsMax = 16_000;

export function createLog(options: LogOptions): Log {
  return logWith(options, {});
}

function logWith(options: LogOptions, bound: LogFields): Log {
  const at = (level: LogLevel) => (event: string, fields?: LogFields) => {
    if (logLevels.indexOf(level) >= logLevels.indexOf(options.level))
      writeLine(options, level, event, bound, fields);
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => logWith(options, plainFields(bound, fields)),
  };
}

function writeLine(
  options: LogOptions,
  level: LogLevel,
  event: string,
  bound: LogFields,
  fields?: LogFields,
): void {
  try {
    const time = new Date(options.now()).toISOString();
    const head = { time, level, event: boundedText(event) };
    const all = plainFields(bound, fields);
    const paint = options.colours === false ? plainly : colour;
    options.write(options.format === "json" ? jsonLine(head, all) : prettyLine(head, all, paint));
  } catch {
    // A full disk or a closed pipe under the log is no reason to stop serving, and there is nowhere to say
    // it.
  }
}

type Head = { readonly time: string; readonly level: LogLevel; readonly event: string };

function jsonLine(head: Head, fields: LogFields): string {
  // The head is laid over the fields, so that no field can pass itself off as the event.
  const line = JSON.stringify(Object.assign({ ...head }, fields, head));
  return line.length <= lineCharsMax
    ? `${line}
`
    : `${JSON.stringify({ ...head, cut: true })}
`;
}

const colours: Readonly<Record<LogLevel, number>> = { debug: 90, info: 36, warn: 33, error: 31 };

const grey = 90;

function prettyLine({ time, level, event }: Head, fields: LogFields, paint: typeof colour): string {
  const when = paint(grey, time.slice(11, 23));
  const start = `${when} ${paint(colours[level], level.padEnd(5))} ${printable(event)}`;
  const shown = Object.entries(fields).map(([key, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return ` ${paint(grey, `${printable(key)}=`)}${printable(text)}`;
  });
  const line = start + shown.join("");
  return line.length <= lineCharsMax ? `${line}\n` : `${start} cut=true\n`;
}

/** Text in one of a terminal's colours (ECMA-48 "select graphic rendition"). */
function colour(code: number, text: string): string {
  return `\u001b[${code}m${text}\u001b[0m`;
}

function plainly(_code: number, text: string): string {
  return text;
}

/** Whether who reads `stream` wants colours: a terminal that has them, and no NO_COLOR (no-color.org). */
export function wantsColours(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
}

/** Control characters made visible, escape codes included: a user's name must not paint the terminal. */
function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function plainFields(bound: LogFields, fields: LogFields = {}): LogFields {
  try {
    const entries = Object.entries({ ...bound, ...fields }).filter(([, value]) => value !== undefined);
    const kept = entries
      .slice(0, fieldsMax)
      .map(([key, value]) => [boundedText(key), plain(value, depthMax)]);
    return Object.fromEntries(kept);
  } catch {
    return { ...bound, unreadable: true }; // a getter or a toString that throws
  }
}

/**
 * The value as plain JSON, whatever it was: bounded in length, breadth and depth, and free of cycles by
 * depth.
 */
function plain(value: unknown, depthLeft: number): unknown {
  switch (typeof value) {
    case "string":
      return boundedText(value);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
      return value;
    case "object":
      return value === null ? null : plainObject(value, depthLeft);
    default:
      return boundedText(String(value));
  }
}

function plainObject(value: object, depthLeft: number): unknown {
  if (value instanceof Error) {
    const stack = value.stack?.split("\n").slice(0, stackLinesMax).join("\n");
    return boundedText(
      stack?.includes(value.message) ? stack : `${value.name}: ${value.message}\n${stack ?? ""}`,
    );
  }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`;
  if (depthLeft === 0) return Array.isArray(value) ? "[…]" : "{…}";
  if (Array.isArray(value)) return value.slice(0, itemsMax).map((item) => plain(item, depthLeft - 1));
  const kept = Object.entries(value).slice(0, itemsMax);
  return Object.fromEntries(kept.map(([key, item]) => [boundedText(key), plain(item, depthLeft - 1)]));
}

function boundedText(text: string): string {
  return text.length > valueCharsMax ? `${text.slice(0, valueCharsMax)}…` : text;
}

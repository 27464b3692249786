/** How the control room writes numbers: short, in base units, the same everywhere. */
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const short = (value: number): string => compact.format(value);
export const exact = (value: number): string => whole.format(value);
/** `1 node`, `2 nodes`. */
export const counted = (value: number, one: string, write = exact): string =>
  `${write(value)} ${value === 1 ? one : `${one}s`}`;
export const milliseconds = (value: number): string =>
  value >= 1000
    ? `${(value / 1000).toFixed(1)} s`
    : `${value > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
export const bytesPerSecond = (value: number): string => `${compact.format(value)}B/s`;

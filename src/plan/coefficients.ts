/**
 * What one viewer, one write and one like cost: the numbers that a plan is worked out from.
 *
 * `shipped` are those of bench/RESULTS.md, on the machine named there; `ovation calibrate` measures those of
 * this machine (calibrate.ts) and prints them in the same shape. Held by model.test.ts.
 */
import { z } from "zod";

const positive = z.number().finite().positive();

/** The shape of a file of coefficients; other members are refused, as a typing mistake would plan wrongly. */
const schema = z.strictObject({
  /** Where they were measured, in words. */
  of: z.string().max(200),
  /** Bytes of user memory of a process without viewers. */
  processBytes: positive,
  /** Bytes of user memory that a viewer adds. */
  viewerBytes: positive,
  /** Microseconds of one core for writing a viewer a frame: totals, or what came with them. */
  writeUs: positive,
  /** … for writing a comment to a viewer. */
  commentUs: positive,
  /** … for taking one request with a like, until it is in the log. */
  likeUs: positive,
  /** … for carrying one message of the bus in or out of a node. */
  busUs: positive,
  /** Bytes of a frame of totals, and of one comment's, as a viewer reads them. */
  frameBytes: positive,
  commentBytes: positive,
});

export type Coefficients = Readonly<z.infer<typeof schema>>;

/** Bytes around each write: Ethernet, IP, TCP with time stamps, and the chunk's own length and ends. */
export const packetBytes = 14 + 20 + 32 + 6;

/** Likes a second that a NATS server passes on, one core of it (design, section 7: in and out together). */
export const busMessagesPerS = 800_000;

export const shipped: Coefficients = {
  of: "AMD EPYC, 2 cores, bun 1.4.5 (bench/RESULTS.md)",
  processBytes: 75e6,
  viewerBytes: 4_057,
  writeUs: 11,
  commentUs: 11,
  likeUs: 43.8,
  busUs: 1_000_000 / busMessagesPerS,
  frameBytes: 150,
  commentBytes: 220,
};

/** Coefficients out of a file's text, or what is wrong with it in one line. */
export function readCoefficients(text: string): Coefficients | { readonly mistake: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { mistake: "not JSON" };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { mistake: "not an object of coefficients, as `ovation calibrate` prints it" };
  }
  const strange = Object.keys(value).filter((name) => !Object.hasOwn(schema.shape, name));
  if (strange.length > 0) return { mistake: `${strange.join(", ")}: unknown` };
  const missing = Object.keys(schema.shape).filter((name) => !Object.hasOwn(value, name));
  if (missing.length > 0) return { mistake: `${missing.join(", ")}: missing` };
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const name = String(read.error.issues[0]?.path[0]);
  return { mistake: `${name}: must be ${name === "of" ? "at most 200 characters" : "a number above 0"}` };
}

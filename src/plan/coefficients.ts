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
  /** Bytes resident (RSS) of a process that has served, without viewers; that a viewer adds, and a video. */
  processBytes: positive,
  viewerBytes: positive,
  videoBytes: positive,
  /** … that a like's key adds for as long as it is remembered. */
  keyBytes: positive,
  /** … that the collector leaves free where many videos change, half of it from 300 of them on. */
  spareBytes: positive,
  /** Microseconds of one core in each second of a process that has nothing to do. */
  idleUs: positive,
  /** … for one write to one viewer: totals, comments, or both together. */
  writeUs: positive,
  /** … the same to a viewer who had heard nothing for 200 ms. */
  slowWriteUs: positive,
  /** … for the new totals of one video, before they are written to anybody. */
  tickUs: positive,
  /** … for taking one request with a like or a comment, and for putting those of 10 ms into the log. */
  likeUs: positive,
  batchUs: positive,
  /** … for carrying one message of the bus in or out of a node. */
  busUs: positive,
  /** Bytes of a frame of totals of five kinds without names, of each name in it, and of a comment's frame. */
  frameBytes: positive,
  nameBytes: positive,
  commentBytes: positive,
});

export type Coefficients = Readonly<z.infer<typeof schema>>;

/** Bytes around each write: Ethernet, IP, TCP with time stamps, and the chunk's own length and ends. */
export const packetBytes = 14 + 20 + 32 + 7;

/** Bytes of a beat's frame. */
export const beatBytes = 41;

/** A node's --comment-tick as shipped, in ms. */
export const commentTickMs = 20;

/** Likes a second that a NATS server passes on, one core of it (design, section 7: in and out together). */
export const busMessagesPerS = 800_000;

export const shipped: Coefficients = {
  of: "AMD EPYC, 2 cores, bun 1.4.5 (bench/RESULTS.md)",
  processBytes: 84e6,
  viewerBytes: 4_050,
  videoBytes: 6_200,
  keyBytes: 290,
  spareBytes: 22e6,
  idleUs: 15_000,
  writeUs: 6.5,
  slowWriteUs: 9.3,
  tickUs: 110,
  likeUs: 35,
  batchUs: 750,
  busUs: 1_000_000 / busMessagesPerS,
  frameBytes: 148,
  nameBytes: 45,
  commentBytes: 190,
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

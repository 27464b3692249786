/** A call that the door has let in: what it found out of it, so that no route asks twice. See enter.ts. */
import { assert } from "../base/assert.ts";
import type { VideoId } from "../core/interaction.ts";
import type { Identity } from "../trust/identity.ts";
import type { Payer } from "../trust/payer.ts";
import type { Call } from "./call.ts";

export interface Entry extends Call {
  readonly who: Identity;
  /** The address it counts for; undefined when it is not known, or nothing depends on it. */
  readonly address: string | undefined;
  /** Who pays for it; undefined: nobody has to. */
  readonly payer: Payer | undefined;
  /** Those that its path or its query names, each once. */
  readonly videos: readonly VideoId[];
  /** Its values are untrusted, its names are those of the row. */
  readonly query: URLSearchParams;
  /** Whether it asks for what is held for review, and may. */
  readonly held: boolean;
  /** A stream's place among those of its viewer; given back when the call ends, unless it was kept. */
  readonly place?: Place;
}

export interface Place {
  /** Set by whoever calls `leave` later. */
  kept: boolean;
  /** Gives the place back; once. */
  readonly leave: () => void;
}

/** The video that the path of `entry` names. */
export function videoOf({ videos }: Entry): VideoId {
  const [video] = videos;
  assert(video !== undefined, "the path of this row names a video");
  return video;
}

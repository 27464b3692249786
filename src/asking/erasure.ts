/** Asks whichever dispatcher answers to delete a video, or to erase a person from all of them. */
import {
  decodeErasureReply,
  type Erasing,
  type ErasureReply,
  type ErasureRequest,
  encodeErasureRequest,
  erasureSubject,
} from "../core/erasure.ts";
import { isRejection, type Rejection, type VideoId } from "../core/interaction.ts";
import { askFor, type Requester } from "./asker.ts";

export class Eraser {
  readonly #bus: Requester;

  constructor(bus: Requester) {
    this.#bus = bus;
  }

  /** Deletes `video`; whether there was anything. A rejection when no dispatcher answers: ask again. */
  async delete(video: VideoId): Promise<boolean | Rejection> {
    const reply = await this.#ask({ want: "delete", video });
    return isRejection(reply) ? reply : reply.found;
  }

  /** Begins to erase `user`, if that is not under way. */
  async erase(user: string): Promise<Erasing | Rejection> {
    const reply = await this.#ask({ want: "erase", user });
    return isRejection(reply) ? reply : reply.erasing;
  }

  /** How far the erasure of `user` has come. */
  async progress(user: string): Promise<Erasing | Rejection> {
    const reply = await this.#ask({ want: "progress", user });
    return isRejection(reply) ? reply : reply.erasing;
  }

  #ask(request: ErasureRequest): Promise<ErasureReply | Rejection> {
    return askFor(this.#bus, erasureSubject, encodeErasureRequest(request), decodeErasureReply);
  }
}

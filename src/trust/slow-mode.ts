/** Slow mode: the least time between two comments of one viewer on one video. Held by moderation.test.ts. */
import type { Clock, Elapsed } from "../base/clock.ts";
import { type CommentDraft, type Rejection, reject } from "../core/interaction.ts";
import { Generations } from "./generations.ts";
import type { Identity } from "./identity.ts";
import { slowModeMsMax, type VideoRules } from "./rules.ts";

/** Viewers whose last comment is remembered, in each of two generations. */
const slowMax = 50_000;

export class SlowMode {
  readonly #clock: Clock;
  /** When a viewer's last comment on a video was taken. */
  readonly #last = new Generations<Elapsed>(slowMax, slowModeMsMax);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why `draft` of `who` has to wait, or undefined; then it has used its turn. */
  take(
    rules: VideoRules,
    draft: CommentDraft,
    who: Identity,
    address: string | undefined,
  ): Rejection | undefined {
    if (rules.slowModeMs === 0) return undefined;
    const key = keyOf(draft, who, address);
    const now = this.#clock.elapsed();
    const lastAt = this.#last.get(key, now);
    const waitMs = lastAt === undefined ? 0 : lastAt + rules.slowModeMs - now;
    if (waitMs > 0) {
      const message = `slow mode: one comment per ${rules.slowModeMs / 1000} s`;
      return reject("slow-mode", message, Math.ceil(waitMs / 1000));
    }
    this.#last.set(key, now, now);
    return undefined;
  }

  /** `draft` was not taken after all: its turn is unused. */
  giveBack(draft: CommentDraft, who: Identity, address: string | undefined): void {
    this.#last.delete(keyOf(draft, who, address));
  }
}

/** Whose turn it is. */
function keyOf({ video, user }: CommentDraft, { sub }: Identity, address: string | undefined): string {
  return `${video} ${sub ?? address ?? user ?? ""}`;
}

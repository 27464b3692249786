/**
 * The hearts and the comments alone, for pages that have the rest: `/ovation-parts.js`.
 *
 *     <ovation-hearts video="final"></ovation-hearts>
 *     <ovation-comments video="final"></ovation-comments>
 *
 * `<ovation-hearts>` lies over whatever it is put on, lets every tap through, and has `like(kind, count)` for
 * the page's own buttons; `<ovation-comments>` is the list and the form. Attributes `video`, `server`,
 * `lang`, `theme`, `user`, `alone` and properties `token`, `playhead` and `recording` are those of the stage.
 * Held by src/system/page-parts.test.ts.
 */
import { createHearts, type Hearts } from "../hearts.ts";
import type { Watch } from "../types.ts";
import cardCss from "./card.css" with { type: "text" };
import { make } from "./dom.ts";
import { type Config, define, lineOf, OvationElement } from "./element.ts";
import stageCss from "./stage.css" with { type: "text" };
import talkCss from "./talk.css" with { type: "text" };
import { createTalk } from "./talk.ts";
import { createTrouble } from "./trouble.ts";
import type { Words } from "./words.ts";

export class OvationHearts extends OvationElement {
  #watch: Watch | undefined;
  #hearts: Hearts | undefined;

  protected readonly css =
    ":host{position:absolute;inset:0;pointer-events:none}canvas{inline-size:100%;block-size:100%}";

  protected build(base: string): () => void {
    const canvas = make("canvas", { "aria-hidden": "true" });
    this.shadowRoot?.replaceChildren(canvas);
    const hearts = createHearts(canvas);
    const source = this.follow(base, { likes: ({ totals, quiet }) => hearts.totals(totals, quiet) });
    this.#watch = source.watch;
    this.#hearts = hearts;
    return () => {
      this.#watch = this.#hearts = undefined;
      source.close();
      hearts.stop();
    };
  }

  /** Taps: they float at once, and go to the server. Resolves once durable; rejects with a `Refusal`. */
  async like(kind = "heart", count = 1): Promise<void> {
    this.#hearts?.own(kind, count);
    await this.#watch?.like(kind, count);
  }
}

export class OvationComments extends OvationElement {
  protected readonly css = `${stageCss}${talkCss}${cardCss}:host{min-block-size:260px}.talk{block-size:100%}`;

  protected build(base: string, _config: Config, words: Words): () => void {
    const said = make("div", { class: "unseen", role: "status" });
    const talk = createTalk({
      words,
      user: this.getAttribute("user") ?? "",
      recorded: !!this.recording,
      say(text) {
        said.textContent = text;
      },
      send(text) {
        if (!watch) return Promise.reject(new Error(words.offline));
        watch.user = talk.user() || undefined;
        return watch.comment(text);
      },
    });
    const trouble = createTrouble({ base, video: this.video, words, token: () => this.token?.(false) });
    const parts = [talk.element, trouble.element, said];
    const card = make("div", { class: "card frame", dir: words.dir, lang: words.lang }, ...parts);
    const { watch, close } = this.follow(
      base,
      {
        ...talk.listeners,
        likes: talk.known,
        state: trouble.show,
        closed: ({ closed }) => card.classList.toggle("over", closed),
      },
      (state) => {
        talk.seen(state);
        trouble.show(lineOf(state));
      },
    );
    this.shadowRoot?.replaceChildren(card);
    return () => {
      close();
      talk.stop();
    };
  }
}

define("ovation-hearts", OvationHearts);
define("ovation-comments", OvationComments);

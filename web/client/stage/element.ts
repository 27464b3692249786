/**
 * What every element of Ovation has in common: which video of which server, in which language, for whom, and
 * whether it follows the live video or a recording of it.
 *
 * An element is built when it is connected and built anew when something it stands on changes; one that has
 * gone from the page leaves nothing behind (src/system/page-parts.test.ts).
 */
import { type Client, createClient } from "../client.ts";
import { type ReplayListeners, type ReplayOptions, type ReplayState, replay } from "../replay.ts";
import type { ConnectOptions, Listeners, State, ViewerOptions, Watch } from "../types.ts";
import { type Words, wordsFor } from "./words.ts";

const KINDS = ["heart", "clap", "laugh", "wow", "fire"];
const CONFIG_MS = 3000;

const clients = new Map<string, Client>();

/** One client per server and page: elements beside each other share its connection. */
function clientOf(url: string, token: ConnectOptions["token"], share: boolean): Client {
  const name = `${share} ${url}`;
  const client = clients.get(name) ?? createClient({ url, share, ...(token && { token }) });
  clients.set(name, client);
  return client;
}

/** What an element must know of its server. */
export interface Config {
  readonly kinds: readonly string[];
  /** Each viewer likes once, and can take it back. */
  readonly once: boolean;
}

/** What this server says of itself; the usual if it does not within `CONFIG_MS`. */
async function configOf(base: string): Promise<Config> {
  try {
    const answer = await fetch(new URL("v1/config", base), { signal: AbortSignal.timeout(CONFIG_MS) });
    const { kinds, likeMode } = (await answer.json()) as { kinds?: string[]; likeMode?: string };
    return { kinds: kinds?.length ? kinds : KINDS, once: likeMode === "once" };
  } catch {
    return { kinds: KINDS, once: false };
  }
}

/** What a recording is followed by; see replay.ts. */
export type Recording = Pick<ReplayOptions, "media" | "startsAt" | "playhead">;

/** Where an element's events come from. */
export interface Source {
  /** Takes likes and comments; a recording takes none. */
  readonly watch?: Watch;
  close(): void;
}

export abstract class OvationElement extends HTMLElement {
  static readonly observedAttributes: readonly string[] = ["video", "src", "server", "lang"];
  // Declared only: a page may have set them before it knew this element.
  /** Gives the viewer's token; set before the element is connected. */
  declare token: ConnectOptions["token"];
  /** Which picture this viewer sees: then what others did waits for it. See players.ts. */
  declare playhead: ViewerOptions["playhead"];
  #recording: Recording | undefined;
  #stop: (() => void) | undefined;
  #turn = 0;

  /** The style sheet of the shadow root. */
  protected abstract readonly css: string;
  /** Puts everything together in the shadow root; the answer takes it apart. */
  protected abstract build(base: string, config: Config, words: Words): () => void;

  /** With a recording, it shows what was done then instead of what is done now, and takes nothing. */
  get recording(): Recording | undefined {
    return this.#recording;
  }
  set recording(recording: Recording | undefined) {
    this.#recording = recording;
    this.restart();
  }

  get video(): string {
    return this.getAttribute("video") ?? "demo";
  }

  connectedCallback(): void {
    const own = Object.getOwnPropertyDescriptor(this, "recording");
    if (own) {
      Reflect.deleteProperty(this, "recording");
      this.#recording = own.value;
    }
    if (!this.shadowRoot) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(this.css);
      this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
    }
    void this.#start();
  }

  disconnectedCallback(): void {
    this.#turn++;
    this.#stop?.();
    this.#stop = undefined;
  }

  attributeChangedCallback(_name: string, before: string | null, after: string | null): void {
    if (before !== after) this.restart();
  }

  protected restart(): void {
    if (!this.isConnected || !this.shadowRoot) return;
    this.disconnectedCallback();
    void this.#start();
  }

  async #start(): Promise<void> {
    const turn = ++this.#turn;
    const base = new URL(".", new URL(this.getAttribute("server") ?? import.meta.url, location.href)).href;
    const config = await configOf(base);
    if (turn !== this.#turn) return;
    const words = wordsFor(this.lang, document.documentElement.lang, navigator.language);
    this.#stop = this.build(base, config, words);
  }

  /** Follows the live video, or the recording if there is one, of which `seen` is told how that goes. */
  protected follow(base: string, listeners: Listeners, seen?: ReplayListeners["state"]): Source {
    const { token } = this;
    if (this.#recording) {
      // A line to the server is not what a recording has.
      const { state: _, ...heard } = listeners;
      const told = { ...this.#recording, ...heard, ...(seen && { state: seen }) };
      return replay(this.video, { ...told, url: base, ...(token && { token }) });
    }
    const watch = clientOf(base, token, !this.hasAttribute("alone")).watch(this.video, {
      ...listeners,
      playhead: () => this.playhead?.(),
    });
    return { watch, close: watch.close };
  }
}

/** How a recording goes, as what a line to the server would be told as. */
export function lineOf({ phase }: ReplayState): State {
  const as = { loading: "connecting", following: "live", empty: "live", failed: "reconnecting" } as const;
  return { phase: as[phase], via: "stream" };
}

/** Makes `<name>` known, once. */
export function define(name: string, element: CustomElementConstructor): void {
  if (!customElements.get(name)) customElements.define(name, element);
}

/**
 * The control room: what this server and its cluster are doing, second by second, on the same kind of
 * stream that viewers have. It asks for the admin key once and keeps it for the tab; a server without one
 * lets it in. A key that may only moderate gets the desk (desk.ts) alone.
 */
import uplotCss from "uplot/dist/uPlot.min.css" with { type: "text" };
import { make } from "../client/stage/dom.ts";
import { createCall } from "./calls.ts";
import { type Chart, createChart } from "./charts.ts";
import { createDesk, type Desk } from "./desk.ts";
import { type Percentiles, readAdmin, type Sample } from "./feed.ts";
import { addRow, createColumns, createVideoHistories, rowOf } from "./history.ts";
import { bytesPerSecond, exact, milliseconds, short } from "./numbers.ts";
import { createPicture } from "./picture.ts";
import { createTable } from "./table.ts";
import { createTimeline } from "./timeline.ts";

const KEY = "ovation admin key";
const HOPS = ["durable", "ticked", "received", "written"] as const;

const sheet = new CSSStyleSheet();
sheet.replaceSync(uplotCss);
document.adoptedStyleSheets = [sheet];
const main = document.querySelector("#main") as HTMLElement;

function figures(): { element: HTMLElement; show(sample: Sample): void } {
  const shown: [string, HTMLElement, (sample: Sample) => string][] = [
    ["watching", make("b"), ({ viewers }) => exact(viewers)],
    ["videos", make("b"), ({ videos }) => exact(videos)],
    ["likes/s in", make("b"), ({ likesIn }) => short(likesIn)],
    ["likes/s delivered", make("b"), ({ likesDelivered }) => short(likesDelivered)],
    ["frames/s", make("b"), ({ frames }) => short(frames)],
    ["sent", make("b"), ({ bytes }) => bytesPerSecond(bytes)],
    ["lagging", make("b"), ({ lagging }) => exact(lagging)],
    ["loop lag", make("b"), ({ lagMs }) => milliseconds(lagMs)],
  ];
  const element = make(
    "div",
    { class: "figures" },
    ...shown.map(([name, value]) => make("div", { class: "figure" }, value, make("span", {}, name))),
  );
  return {
    element,
    show(sample) {
      for (const [, value, text] of shown) value.textContent = text(sample);
    },
  };
}

/** How long a like has taken at each stop of its road: median as a bar, 99th percentile as a mark. */
function road(): { element: HTMLElement; show(sample: Sample): void } {
  const rows = HOPS.map((hop) => {
    const bar = make("i", { class: "bar" });
    const mark = make("i", { class: "mark" });
    const text = make("span", { class: "number" });
    return {
      hop,
      bar,
      mark,
      text,
      element: make(
        "li",
        {},
        make("span", { class: "hop" }, hop),
        make("span", { class: "track" }, bar, mark),
        text,
      ),
    };
  });
  const element = make(
    "section",
    { class: "card road" },
    make("h2", {}, "The road of a like, from accepted to …"),
    make("ol", {}, ...rows.map((row) => row.element)),
  );
  return {
    element,
    show({ hops }) {
      const most = Math.max(1, ...HOPS.map((hop) => hops[hop]?.p99 ?? 0));
      for (const { hop, bar, mark, text } of rows) {
        const { p50, p99 } = hops[hop] ?? ({ p50: 0, p99: 0 } as Percentiles);
        bar.style.inlineSize = `${(p50 / most) * 100}%`;
        mark.style.insetInlineStart = `${Math.min(99, (p99 / most) * 100)}%`;
        text.textContent = `${milliseconds(p50)} · p99 ${milliseconds(p99)}`;
      }
    },
  };
}

function charts(): Chart[] {
  return [
    createChart({
      title: "Viewers",
      format: short,
      lines: [
        { name: "viewers", label: "viewers", colour: "--c1", fill: true },
        { name: "lagging", label: "lagging", colour: "--c2", right: true },
      ],
    }),
    createChart({
      title: "Likes per second",
      format: short,
      log: true,
      lines: [
        { name: "likesIn", label: "in", colour: "--c2" },
        { name: "likesDelivered", label: "delivered", colour: "--c1", fill: true },
      ],
    }),
    createChart({
      title: "Latency, accepted to written",
      format: milliseconds,
      lines: [
        { name: "p50", label: "p50", colour: "--c3", fill: true },
        { name: "p90", label: "p90", colour: "--c4" },
        { name: "p99", label: "p99", colour: "--c2" },
      ],
    }),
    createChart({
      title: "Frames and bytes per second",
      format: short,
      formatRight: bytesPerSecond,
      lines: [
        { name: "frames", label: "frames", colour: "--c1", fill: true },
        { name: "bytes", label: "bytes", colour: "--c4", right: true },
      ],
    }),
    createChart({
      title: "Event-loop lag",
      format: milliseconds,
      lines: [{ name: "lagMs", label: "lag", colour: "--c5", fill: true }],
    }),
  ];
}

/** With a way out for whoever came in by a key. */
function headOf(key: string, ...more: HTMLElement[]): HTMLElement {
  const brand = make("a", { href: "/" }, "Ovation");
  const leave = make("button", { type: "button", hidden: !key, title: "Forget the key" }, "Leave");
  leave.addEventListener("click", () => {
    sessionStorage.removeItem(KEY);
    location.reload();
  });
  return make("header", {}, make("h1", {}, brand, make("span", {}, "Control room")), ...more, leave);
}

const pairOf = (...cards: HTMLElement[]) => make("div", { class: "pair" }, ...cards);

async function open(key: string): Promise<void> {
  const config = await fetch("/v1/config")
    .then((answer) => answer.json() as Promise<{ version?: string }>)
    .catch(() => ({}) as { version?: string });
  const state = make("span", { class: "state", role: "status" }, "connecting");
  const node = make("span", { class: "node-name" });
  const numbers = figures();
  const hops = road();
  const drawn = charts();
  const columns = createColumns();
  const histories = createVideoHistories();
  const picture = createPicture();
  const timeline = createTimeline();
  let current = "";
  const choose = (video: string) => {
    current = video;
    table.choose(video);
    desk.choose(video);
    timeline.show(video, histories.kinds(video));
  };
  const table = createTable(choose);
  const closed = make("p", { class: "closed" });
  const cards = make("div", { class: "grid" }, ...drawn.map(({ element }) => element), hops.element);
  let desk: Desk;

  function enter(): void {
    desk = createDesk(key, choose);
    main.replaceChildren(
      ...[headOf(key, node, state), numbers.element, cards, pairOf(table.element, picture.element)],
      ...[pairOf(desk.find, desk.moderation), pairOf(timeline.element, desk.people), closed],
    );
  }

  main.replaceChildren(headOf(key, state));
  let entered = false;
  readAdmin(key, {
    admin(sample) {
      const timeS = sample.now / 1000;
      addRow(columns, timeS, rowOf(sample));
      histories.add(timeS, sample.top);
      node.textContent = `${sample.node}${config.version ? ` · ${config.version}` : ""}`;
      numbers.show(sample);
      hops.show(sample);
      for (const chart of drawn) chart.draw(columns);
      table.show(sample.top, histories.rates);
      picture.rates(new Map(sample.top.map(({ video, likesPerS }) => [video, likesPerS])));
      const [busiest] = [...sample.top].sort((a, b) => b.likesPerS - a.likesPerS);
      if (!current && busiest) choose(busiest.video);
      timeline.show(current, histories.kinds(current));
      const reasons = Object.entries(sample.closed).filter(([, count]) => count > 0);
      closed.textContent = reasons.length
        ? `Streams closed: ${reasons.map(([reason, count]) => `${reason} ${exact(count)}`).join(", ")}`
        : "";
    },
    cluster: picture.cluster,
    state(next, why = "", status = 0) {
      state.textContent = next;
      state.dataset.state = next;
      if (next === "refused") void refused(key, why, status);
      // What asks of the server by itself begins once the key is known to be good.
      else if (next === "live" && !entered) enter();
      entered ||= next === "live";
    },
  });
}

/** The key opens nothing here, or less: who may moderate gets that part. */
async function refused(key: string, why: string, status: number): Promise<void> {
  const moderates = key && status === 403 && (await createCall(key)("GET", "/v1/admin/moderation")).ok;
  // Whoever has typed nothing yet has made no mistake.
  const problem = key ? `This key was refused: ${why}.` : status === 401 ? "" : `${why}.`;
  if (!moderates) return askKey(problem);
  const desk = createDesk(key, (video) => desk.choose(video));
  const can = make("span", { class: "node-name" }, "moderation only, as this key allows");
  main.replaceChildren(headOf(key, can), pairOf(desk.find, desk.moderation), pairOf(desk.people));
}

function askKey(problem: string): void {
  sessionStorage.removeItem(KEY);
  const input = make("input", {
    type: "password",
    name: "key",
    autocomplete: "current-password",
    required: true,
    "aria-label": "Admin key",
  });
  const form = make(
    "form",
    { class: "card ask" },
    make("h1", {}, "Control room"),
    make("p", {}, "The admin key of this server:"),
    input,
    make("button", {}, "Open"),
    make("p", { class: "status", role: "alert" }, problem),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEY, input.value);
    void open(input.value);
  });
  main.replaceChildren(form);
  input.focus();
}

void open(sessionStorage.getItem(KEY) ?? "");

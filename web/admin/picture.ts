/**
 * The cluster as a picture that moves: dispatchers above, videos between, frontends below.
 *
 * A line from a dispatcher to a video: it owns its ticks. A line from a video to a frontend: a row of the
 * (video, node) table, someone there watches. Dashes run along a line as fast as its video is liked. The ring
 * of a node is its lease, running out between renewals. Positions are decided by `placesOf`, which is pure.
 */
import { hueOf } from "../client/icons.ts";
import { make } from "../client/stage/dom.ts";
import type { Cluster, ClusterNode } from "./feed.ts";
import { counted, exact, short } from "./numbers.ts";

const WIDTH = 900;
const HEIGHT = 400;
const ROWS = { dispatcher: 58, video: 200, frontend: 336 } as const;
/** Videos drawn; the table holds the rest. */
const VIDEOS_MAX = 12;
/** Videos whose pictures' age is told. */
const AGES_MAX = 3;
const RING_R = 27;
const LEASE_MS = 10_000;

export interface Place {
  readonly x: number;
  readonly y: number;
}

function spread(names: readonly string[], y: number): [string, Place][] {
  return names.map((name, index) => [name, { x: (WIDTH * (index + 0.5)) / names.length, y }]);
}

/** The videos with most routes, by name among equals, so that nothing jumps about. */
export function videosOf(cluster: Cluster): string[] {
  const counts = new Map<string, number>();
  for (const { video } of cluster.routes) counts.set(video, (counts.get(video) ?? 0) + 1);
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || a.localeCompare(b))
    .slice(0, VIDEOS_MAX)
    .map(([video]) => video)
    .sort();
}

/** How old the pictures of the first videos are, where that is known. */
function agesOf({ skews = {} }: Cluster): string {
  const ages = Object.entries(skews).map(([video, ms]) => `${video} ${(ms / 1000).toFixed(1)} s`);
  return ages.length === 0 ? "" : `; pictures are old by: ${ages.slice(0, AGES_MAX).join(", ")}`;
}

/** Where every node and video stands. */
export function placesOf(cluster: Cluster): { nodes: Map<string, Place>; videos: Map<string, Place> } {
  const names = (isAbove: boolean) =>
    cluster.nodes
      .filter(({ role }) => (role === "dispatcher") === isAbove)
      .map(({ node }) => node)
      .sort();
  return {
    nodes: new Map([...spread(names(true), ROWS.dispatcher), ...spread(names(false), ROWS.frontend)]),
    videos: new Map(spread(videosOf(cluster), ROWS.video)),
  };
}

const SVG = "http://www.w3.org/2000/svg";

function shape<T extends keyof SVGElementTagNameMap>(
  tag: T,
  attributes: Readonly<Record<string, string | number>>,
  ...children: (Node | string)[]
): SVGElementTagNameMap[T] {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

function nodeShape(node: ClusterNode): { group: SVGGElement; ring: SVGCircleElement; text: SVGTextElement } {
  const around = 2 * Math.PI * RING_R;
  const ring = shape("circle", {
    class: "lease",
    r: RING_R,
    "stroke-dasharray": around,
    transform: "rotate(-90)",
  });
  const text = shape("text", { class: "small", y: 58 });
  const group = shape(
    "g",
    { class: `node ${node.role}${node.self ? " self" : ""}` },
    shape("circle", { class: "body", r: RING_R - 5 }),
    ring,
    shape("text", { class: "role", y: 5 }, { dispatcher: "D", frontend: "F", both: "D F" }[node.role] ?? "?"),
    shape("text", { class: "name", y: 43 }, node.node),
    text,
  );
  return { group, ring, text };
}

function videoShape(video: string): SVGGElement {
  const group = shape(
    "g",
    { class: "video" },
    shape("circle", { r: 9, fill: `hsl(${hueOf(video)} 70% 58%)` }),
    shape("text", { class: "name", y: 28 }, video),
  );
  return group;
}

/** A gentle curve from one place to another. */
function curve(from: Place, to: Place): string {
  const middle = (from.y + to.y) / 2;
  return `M${from.x} ${from.y}C${from.x} ${middle} ${to.x} ${middle} ${to.x} ${to.y}`;
}

export interface Picture {
  readonly element: HTMLElement;
  cluster(cluster: Cluster): void;
  rates(likesPerS: ReadonlyMap<string, number>): void;
}

export function createPicture(): Picture {
  const lines = shape("g", { class: "lines" });
  const dots = shape("g", {});
  const svg = shape(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Nodes and videos" },
    lines,
    dots,
  );
  const note = make("p", { class: "empty" });
  const view = { class: "wide", tabindex: 0, role: "group", "aria-label": "Nodes and videos" };
  const frame = make("div", view, svg);
  const element = make("section", { class: "card picture" }, make("h2", {}, "Nodes and videos"), frame, note);
  const nodes = new Map<string, ReturnType<typeof nodeShape>>();
  const videos = new Map<string, SVGGElement>();
  const paths = new Map<string, SVGPathElement>();
  let rates: ReadonlyMap<string, number> = new Map();
  let leases = new Map<string, { ms: number; at: number }>();

  function put(element: SVGElement, place: Place): void {
    element.style.transform = `translate(${place.x}px, ${place.y}px)`;
  }

  /** Keeps `known` to the names of `wanted`, making and removing what is needed. */
  function keep<T>(
    known: Map<string, T>,
    wanted: ReadonlySet<string>,
    make: (name: string) => T,
    drop: (one: T) => void,
  ): void {
    for (const [name, one] of known) {
      if (wanted.has(name)) continue;
      drop(one);
      known.delete(name);
    }
    for (const name of wanted) if (!known.has(name)) known.set(name, make(name));
  }

  function drawLines(cluster: Cluster, places: ReturnType<typeof placesOf>): void {
    const wanted = new Map<string, { from: Place; to: Place; video: string; kind: string }>();
    for (const [video, place] of places.videos) {
      const owner = places.nodes.get(cluster.owners[video] ?? "");
      if (owner) wanted.set(`owner ${video}`, { from: owner, to: place, video, kind: "owner" });
    }
    for (const { video, node } of cluster.routes) {
      const from = places.videos.get(video);
      const to = places.nodes.get(node);
      if (from && to) wanted.set(`route ${video} ${node}`, { from, to, video, kind: "route" });
    }
    keep(
      paths,
      new Set(wanted.keys()),
      () => {
        const path = shape("path", {});
        lines.append(path);
        return path;
      },
      (path) => path.remove(),
    );
    for (const [name, line] of wanted) {
      const path = paths.get(name) as SVGPathElement;
      path.setAttribute("class", line.kind);
      path.setAttribute("d", curve(line.from, line.to));
      path.style.stroke = `hsl(${hueOf(line.video)} 70% 58%)`;
      path.dataset.video = line.video;
    }
    run();
  }

  /** Dashes run faster the more a video is liked; at rest they stand still. */
  function run(): void {
    for (const path of paths.values()) {
      const rate = rates.get(path.dataset.video ?? "") ?? 0;
      path.style.animationDuration = rate > 0 ? `${Math.max(0.35, 3 / Math.log10(rate + 2))}s` : "0s";
    }
  }

  setInterval(() => {
    const around = 2 * Math.PI * RING_R;
    for (const [name, { ms, at }] of leases) {
      const left = Math.max(0, Math.min(1, (ms - (performance.now() - at)) / LEASE_MS));
      const ring = nodes.get(name)?.ring;
      ring?.setAttribute("stroke-dashoffset", String(around * (1 - left)));
      ring?.classList.toggle("short", left < 0.3);
    }
  }, 250);

  return {
    element,
    cluster(cluster) {
      const places = placesOf(cluster);
      const byName = new Map(cluster.nodes.map((node) => [node.node, node]));
      const enter = <T extends SVGGElement>(group: T): T => {
        dots.append(group);
        return group;
      };
      keep(
        nodes,
        new Set(places.nodes.keys()),
        (name) => {
          const made = nodeShape(byName.get(name) as ClusterNode);
          enter(made.group);
          return made;
        },
        ({ group }) => group.remove(),
      );
      keep(
        videos,
        new Set(places.videos.keys()),
        (name) => enter(videoShape(name)),
        (group) => group.remove(),
      );
      for (const [name, place] of places.nodes) {
        const drawn = nodes.get(name) as ReturnType<typeof nodeShape>;
        const node = byName.get(name) as ClusterNode;
        put(drawn.group, place);
        const region = node.region ? ` · ${node.region}` : "";
        drawn.text.textContent =
          node.role === "dispatcher" ? region.slice(3) : `${counted(node.viewers, "viewer", short)}${region}`;
      }
      for (const [name, place] of places.videos) put(videos.get(name) as SVGGElement, place);
      leases = new Map(
        cluster.nodes.map(({ node, leaseMs }) => [node, { ms: leaseMs, at: performance.now() }]),
      );
      // Where no dispatcher stands by itself, its row is not there.
      const top = cluster.nodes.some(({ role }) => role === "dispatcher") ? 0 : ROWS.video - 40;
      svg.setAttribute("viewBox", `0 ${top} ${WIDTH} ${HEIGHT - top}`);
      // A phone shows a part of it: the middle, where a node that is alone stands.
      if (!note.textContent) frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2;
      drawLines(cluster, places);
      const all = new Set(cluster.routes.map(({ video }) => video)).size;
      const drawn = all > places.videos.size ? `; ${places.videos.size} of ${exact(all)} videos drawn` : "";
      const rows = counted(cluster.routes.length, "row");
      const many = counted(cluster.nodes.length, "node");
      note.textContent = `${many}, ${rows} in the (video, node) table${drawn}${agesOf(cluster)}`;
    },
    rates(likesPerS) {
      rates = likesPerS;
      run();
    },
  };
}

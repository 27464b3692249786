/**
 * The demo page: one `<ovation-stage>` in a frame of its own (brand, menu, crowd slider).
 *
 * `?video=` chooses the video, `?src=` a real video file and `?startsAt=` the date of its first picture,
 * `?replay` shows again what was done so far, `?lang=` and `?theme=` override what the browser says, `?alone`
 * is for a second viewer in the same browser, who is to count as one. Everything about the stream itself is
 * the element's; what is here is what a visitor of the binary's own page needs beside it.
 */
import { make } from "../client/stage/dom.ts";
import type { OvationStage } from "../client/stage/stage.ts";
import "../client/stage/stage.ts";
import { createCrowd } from "./crowd.ts";
import { labelsFor } from "./labels.ts";
import { createMenu } from "./menu.ts";
import { addTimeline } from "./timeline.ts";

const query = new URLSearchParams(location.search);
const labels = labelsFor(query.get("lang"), navigator.language);
document.documentElement.lang = labels.lang;
document.documentElement.dir = labels.dir;

const asked = query.get("video") ?? "";
const video = /^[A-Za-z0-9_-]{1,64}$/.test(asked) ? asked : "demo";
document.title = `${video} · Ovation`;

const theme = query.get("theme");
if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;

const stage = make("ovation-stage" as "div", {
  video,
  lang: labels.lang,
  hotkeys: true,
  alone: query.has("alone"),
  src: query.get("src") ?? undefined,
  theme: document.documentElement.dataset.theme,
}) as HTMLElement as OvationStage;
stage.append(
  make("h1", { slot: "brand", class: "brand" }, make("i", { class: "mark" }), make("span", {}, "Ovation")),
  createMenu(labels, query, (chosen) => {
    document.documentElement.dataset.theme = chosen;
    stage.setAttribute("theme", chosen);
  }),
);
document.querySelector("#main")?.replaceChildren(stage);

void createCrowd(labels).then((crowd) => {
  if (crowd) stage.append(crowd);
});

void addTimeline(stage, labels, query.has("replay"));

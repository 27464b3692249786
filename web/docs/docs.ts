/**
 * The pages of docs/ as the executable serves them. What is done here makes their blocks ready to use: this
 * server's own address in place of the example's, and a button that copies.
 */
import { make } from "../client/stage/dom.ts";

const EXAMPLE = "https://ovation.example";

for (const block of document.querySelectorAll("pre code")) {
  block.textContent = (block.textContent ?? "").replaceAll(EXAMPLE, location.origin);
}
for (const table of document.querySelectorAll("table")) {
  const frame = make("div", { class: "wide" });
  table.replaceWith(frame);
  frame.append(table);
  if (frame.scrollWidth > frame.clientWidth) frame.tabIndex = 0;
}
for (const pre of document.querySelectorAll("pre")) {
  // A block wider than the page scrolls: by keyboard too.
  pre.tabIndex = 0;
  // What a command prints is nothing to copy.
  if (pre.querySelector(".language-text")) continue;
  const copy = make("button", { type: "button", class: "copy" }, "Copy");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(pre.textContent ?? "").then(
      () => {
        copy.textContent = "Copied";
      },
      () => getSelection()?.selectAllChildren(pre),
    );
    setTimeout(() => {
      copy.textContent = "Copy";
    }, 1500);
  });
  const frame = make("div", { class: "code" });
  pre.replaceWith(frame);
  frame.append(pre, copy);
}

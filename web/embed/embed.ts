/**
 * The embedding guide: docs/embed.md as a page. What is done here makes its snippets ready to use: this
 * server's own address in place of the example's, and a button that copies.
 */
import { make } from "../client/stage/dom.ts";

const EXAMPLE = "https://ovation.example";

for (const block of document.querySelectorAll("pre code")) {
  block.textContent = (block.textContent ?? "").replaceAll(EXAMPLE, location.origin);
}
for (const pre of document.querySelectorAll("pre")) {
  // A block wider than the page scrolls: by keyboard too.
  pre.tabIndex = 0;
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

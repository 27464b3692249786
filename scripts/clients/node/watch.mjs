/** Follows a video: node watch.mjs http://127.0.0.1:8080/v1/videos/final/events */
import { createEventSource } from "eventsource-client";

const comments = new Map();
createEventSource({
  url: process.argv[2],
  // The callback, not `for await`: the iterator keeps everything that was not read yet, without bound.
  onMessage({ event, data }) {
    const said = JSON.parse(data);
    // Absolute: the newest is the truth.
    if (event === "snapshot" || event === "likes") console.log("total", said.totals.heart ?? 0);
    const list = event === "snapshot" ? said.comments : event === "comment" ? [said] : [];
    for (const { id, text } of list) {
      if (comments.has(id)) continue; // each once, also after a resumption
      comments.set(id, text);
      console.log("comment", text);
    }
    if (event === "retract") comments.delete(said.id);
    if (event === "reset") console.log("missed some"); // a snapshot follows
  },
});

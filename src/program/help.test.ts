import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { topics } from "../../web/dist/topics.ts";
import { type Command, commands } from "../settings/config.ts";
import { helpAbout } from "./help.ts";

test("a command's flags, a topic in short, or the nearest one", () => {
  expect(helpAbout({ command: "help", of: "load" })).toContain("--viewers");
  expect(helpAbout({ command: "help", of: "help" })).toContain("Topics, as in");
  const about = helpAbout({ command: "help", topic: "auth" });
  expect(about).toStartWith("Who may do what\n\n    export SECRET=");
  expect(about).toEndWith("All of it: docs/auth.md, or /docs/auth of a running server.\n");
  expect(helpAbout({ command: "help", topic: "authh" })).toMatchObject({
    mistakes: ['no help about "authh"; did you mean auth?', expect.stringContaining("webhooks")],
  });
  expect(helpAbout({ command: "help", topic: "__proto__" })).toHaveProperty("mistakes");
});

test("each command has a help of its own, and check says what --host is", () => {
  for (const name of Object.keys(commands) as Command[]) {
    const help = String(helpAbout({ command: "help", of: name }));
    const usage = name === "help" ? "serve" : name;
    expect(help.split("\n")[0]).toMatch(new RegExp(`^Usage: .*\\bovation ${usage}\\b`));
  }
  const check = helpAbout({ command: "help", of: "check" });
  expect(check).toContain("--host looks over this machine");
  expect(check).toContain("ovation --help lists them");
});

test("each page of docs/ is a topic", () => {
  const pages = readdirSync(join(import.meta.dir, "../../docs")).filter((name) => name.endsWith(".md"));
  expect(Object.keys(topics)).toEqual(pages.map((name) => name.slice(0, -".md".length)).sort());
});

test("each topic is short, and says something", () => {
  for (const [name, text] of Object.entries(topics)) {
    const lines = text.split("\n");
    expect(`${name}: ${lines.length <= 40}`).toBe(`${name}: true`);
    expect(`${name}: ${lines.length >= 5}`).toBe(`${name}: true`);
    // What is typed stands as it is; a terminal's columns are for what is read.
    expect(lines.filter((line) => !line.startsWith("    ") && line.length > 80)).toEqual([]);
    expect(text).not.toMatch(/\]\(|<!--|^\|/m);
  }
});

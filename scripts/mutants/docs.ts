/** Faults for what makes the documents and tells them: scripts/docs*.ts and src/program/help.ts. */
import { type Mutant, plant } from "./plant.ts";

export const docs: readonly Mutant[] = [
  ...plant(
    "src/program/help.ts",
    ["src/program/help.test.ts"],
    [
      [
        "a topic may be any name of an object",
        "Object.hasOwn(topics, topic) ? topics[topic]",
        "topic in topics ? topics[topic]",
      ],
      ["a mistyped topic is not told which was meant", "`; did you mean ${near}?`", '""'],
    ],
  ),
  ...plant(
    "scripts/docs.ts",
    ["src/tidy.test.ts"],
    [
      [
        "a file that no section takes is left out",
        "if (!section) throw new Error",
        "if (section === null) throw new Error",
      ],
      ["a row is more than its file's first sentence", '.replace(/\\.\\s+(?=[A-Z`"(]).*$/s, "")', ""],
    ],
  ),
  ...plant(
    "scripts/docs-http.ts",
    ["scripts/docs.test.ts"],
    [
      ["a call does not say who may make it", "`- for ${rights[right]}", "`- ${rights[right]}"],
      ["a field that may be missing is told as always there", 'required.includes(field) ? "" : "?"', '""'],
    ],
  ),
  ...plant(
    "src/program/words.ts",
    ["src/program/completion.test.ts"],
    [
      [
        "no shell knows which flags take a file",
        'isFile: placeholder === "path" || key === "data"',
        "isFile: false",
      ],
      [
        "a shell knows no file of a backup",
        "takesFile: tables[name as Command] === keepTable",
        "takesFile: false",
      ],
      ["a shell offers no values", 'placeholder.includes("|") ? placeholder.split("|") : []', "[]"],
    ],
  ),
  ...plant(
    "src/program/manual.ts",
    ["src/program/completion.test.ts"],
    [["a dash in the manual is a hyphen", '    .replaceAll("-", "\\\\-")\n', ""]],
  ),
];

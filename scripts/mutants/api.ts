/** Faults in what is said about the API, in the check of any server against it, and in the packages. */
import { type Mutant, plant } from "./plant.ts";

export const api: readonly Mutant[] = [
  ...plant(
    "src/http/schema.ts",
    ["src/http/schema.test.ts"],
    [
      ["a member that must be there may be missing", "!Object.hasOwn(value, name)", "false"],
      ["more members than are known pass", "schema.properties && options.strict", "false"],
      ["text is counted in halves", "0 : [...value].length", "0 : value.length"],
    ],
  ),
  ...plant(
    "src/http/openapi.ts",
    ["src/http/openapi.test.ts"],
    [
      [
        "an operation is called by what the minifier leaves",
        "operationId: row.id",
        "operationId: row.handle.name",
      ],
      ["open calls ask for a proof", "? ways : [...ways, {}]", "? ways : ways"],
      ["the document says it stands at the root", 'url: at === "" ? "/" : at', 'url: "/"'],
    ],
  ),
  ...plant(
    "src/http/call.ts",
    ["src/http/server.test.ts", "src/system/http.test.ts"],
    [["the first of two numbers is meant", "query.getAll(name).length > 1", "false"]],
  ),
  ...plant(
    "src/http/read.ts",
    ["src/http/pages.test.ts"],
    [["a page is told a hash that is not the client's", "update(asset.body)", "update(asset.path)"]],
  ),
  ...plant(
    "src/core/interaction.ts",
    ["src/core/interaction.test.ts"],
    [
      [
        "a bad key in the body passes beside a good one",
        '"object" ? named : (header',
        '"x" ? named : (header',
      ],
    ],
  ),
  ...plant(
    "src/http/listen.ts",
    ["src/http/listen.test.ts"],
    [["a stream with a short beat is idle to the runtime", "Math.max(idleSMin, ", "Math.max(0, "]],
  ),
  ...plant(
    "src/conform/stream.ts",
    ["src/system/conform.test.ts"],
    [["a CR is passed over", 'if (text.includes("\\r")) this.hasReturns', "if (false) this.hasReturns"]],
  ),
  ...plant(
    "src/conform/seen.ts",
    ["src/system/conform.test.ts"],
    [
      ["an id before the snapshot passes", "id !== undefined && waits.size > 0", "false"],
      [
        "any status of a known code passes",
        "statuses[code] === reply.status",
        "statuses[code] !== undefined",
      ],
    ],
  ),
  ...plant(
    "web/client/fetch-source.ts",
    ["web/client/fetch-source.test.ts"],
    [
      ["half a block is told", "rest = blocks.pop() as string", 'rest = ""'],
      ["an id is forgotten with the next event", "fields.id ?? lastEventId", 'fields.id ?? ""'],
      ["what comes after it was closed is told", "if (abort.signal.aborted) return;", ""],
    ],
  ),
  ...plant(
    "web/client/follow.ts",
    ["web/client/follow.test.ts"],
    [
      ["who leaves first closes for all", "if (looking.size) return;", ""],
      ["a comment told twice is there twice", "({ id }) => id !== comment.id", "() => true"],
      ["a watch that was opened for one act stays", "own?.close();", ""],
    ],
  ),
];

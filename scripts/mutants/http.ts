/** Faults for src/http: what the door lets in, charges and tells; and for what shares a line in a page. */
import { type Mutant, plant } from "./plant.ts";

export const http: readonly Mutant[] = [
  ...plant(
    "src/http/enter.ts",
    ["src/http/door.test.ts", "src/http/ops.test.ts", "src/trust/account.test.ts"],
    [
      [
        "whoever sits at this machine asks for a key of metrics",
        'if (row.orThisMachine === "always" && isThisMachine(call)) return ownEntry(call, named);',
        "",
      ],
      [
        "strangers sit at this machine",
        'row.orThisMachine === "always" && isThisMachine(call)',
        'row.orThisMachine === "always"',
      ],
      [
        "a video that nobody watches costs what any does",
        "(frontend?.watched(video) ? 0 : prices.watch)",
        "(frontend?.watched(video) ? 0 : 0)",
      ],
      [
        "a failed proof costs nothing",
        "const over = doors.allowance?.work(payerAt(address), prices.failedProof, doors.clock.elapsed());",
        "const over = undefined;",
      ],
      ["the banned are let in", "if (banned) return refusal(doors, row, banned, call);", ""],
    ],
  ),
  ...plant(
    "src/http/bodies.ts",
    ["src/http/bodies.test.ts"],
    [
      ["a body that was late is used when it comes after all", "if (!body.end) return;", ""],
      [
        "who has one body less on its way has none",
        "if (left > 0) this.#each.set(name, left);",
        "if (false);",
      ],
      ["who began after one that came is forgotten", "if (after) after.before = before;", "if (false);"],
    ],
  ),
  ...plant(
    "src/http/server.ts",
    ["src/http/server.test.ts"],
    [["every like is for the video of the last", "if (url === liked.url) return", "if (liked.url) return"]],
  ),
  ...plant(
    "src/http/server.ts",
    ["src/http/ops.test.ts"],
    [
      [
        "on a port of its own everything is for everybody",
        'row.right === "metrics" ? { ...row, right: "anybody" } : row',
        '{ ...row, right: "anybody" }',
      ],
    ],
  ),
  ...plant(
    "src/http/media.ts",
    ["src/http/media.test.ts"],
    [
      ["a playlist is cached", 'growing.test(path) ? "no-cache"', 'growing.test("") ? "no-cache"'],
      [
        "a file outside the folder is sent",
        "return path.startsWith(root + sep) ? path : undefined;",
        "return path;",
      ],
    ],
  ),
  ...plant(
    "web/client/whose.ts",
    ["web/client/whose.test.ts", "web/client/client.test.ts"],
    [
      [
        "a guest's tab hears what a moderator's does",
        "JSON.stringify([sub, can, videos])",
        "String(typeof sub)",
      ],
    ],
  ),
  ...plant(
    "src/ledger/ledger.ts",
    ["src/dispatcher/ingest.test.ts"],
    [
      [
        "a key that was used in another name is a repeat",
        "(first.text !== draft.text || (first.user ?? undefined) !== draft.user)",
        "first.text !== draft.text",
      ],
    ],
  ),
  ...plant(
    "src/http/enter.ts",
    ["src/http/live.test.ts"],
    [
      [
        "an address that nobody signed is let in",
        "if (video === undefined || !polling.signatures?.holds(video, until, sig, clock.date())) {",
        "if (video === undefined) {",
      ],
      ["everybody gets a stream, whatever the share", "if (!isDrawn) return polls(ask);", ""],
    ],
  ),
  ...plant(
    "src/http/live.ts",
    ["src/http/live.test.ts"],
    [
      [
        "what a token is told is everybody's",
        '"cache-control": isOwn ? "private, max-age=1" : cache,',
        '"cache-control": cache,',
      ],
      ["a second is told before it is over", "if (doors.clock.date() < overMs) return notYet();", ""],
      [
        "a second is made up of longer steps",
        "if (finest && fromMs >= finest.fromMs) return true;",
        "return true;",
      ],
    ],
  ),
  ...plant(
    "src/http/cors.ts",
    ["src/http/live.test.ts"],
    [
      [
        "each origin has an answer of its own",
        'if (headers.has("access-control-allow-origin")) return response;',
        "",
      ],
    ],
  ),
  ...plant(
    "src/http/share.ts",
    ["src/http/share.test.ts"],
    [
      [
        "those who ask again are drawn for again",
        "if (!polls) return this.#prng.next() < this.#share;",
        "return this.#prng.next() < this.#share;",
      ],
    ],
  ),
];

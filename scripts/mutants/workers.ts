/** Faults for several processes of one machine: their bus, and how viewers are spread over them. */
import { type Mutant, plant } from "./plant.ts";

const bus = ["src/bus/local.test.ts"];

export const workers: readonly Mutant[] = [
  ...plant(
    "src/bus/frames.ts",
    ["src/bus/frames.test.ts"],
    [
      [
        "a frame may be of any length",
        'if (length > limits.localFrameBytesMax) throw new FrameRefused("too long a frame");\n',
        "",
      ],
      [
        "a frame may be shorter than its head",
        "if (length < lengthBytes + headBytes)",
        "if (length < lengthBytes)",
      ],
      ["a piece that ends in a length is lost", "this.#wanted = wantedBytes(whole);", "this.#wanted = 16;"],
      ["a text may reach beyond its frame", " || bodyAt > bytes.length)", ")"],
    ],
  ),
  ...plant("src/bus/pipe.ts", bus, [
    [
      "what waits has no bound",
      "this.#waiting + frame.length > limits.localWaitingBytesMax",
      "this.#waiting < 0",
    ],
    ["what a socket did not take is lost", "this.#queue.unshift(next.subarray(taken));", ""],
  ]),
  ...plant("src/bus/local-session.ts", bus, [
    ["anybody is listened to", 'if (kind !== "hello" || text !== greeting)', 'if (kind === "welcome")'],
    ["a table is shown however much waits", "if (!this.#pipe.roomy) return;", ""],
    [
      "who asked a worker that died waits on",
      'call.reject(new BusUnavailable("the server is gone"))',
      "this.#calls.delete(0)",
    ],
  ]),
  ...plant("src/bus/local.ts", bus, [
    [
      "a hub that hangs is never noticed",
      "this.#pings++ >= limits.localPingsMax",
      "this.#pings++ >= limits.localPingsMax * 1000",
    ],
    [
      "what was served is forgotten with the hub",
      'this.#send("serve", { id, text: subject });\n    this.#tables.reopen()',
      "id.toFixed();\n    this.#tables.reopen()",
    ],
    ["tables are forgotten with the hub", "    this.#tables.reopen();\n", ""],
  ]),
  ...plant("src/bus/local-tables.ts", bus, [
    ["rows that went with the hub are believed in", "      watch.rows.look();\n      this", "      this"],
  ]),
  ...plant(
    "src/program/spread.ts",
    ["src/program/spread.test.ts"],
    [
      ["all are steered for ever", "(isDone || now >= steered.until)", "isDone"],
      ["viewers are sent away while some come back", " || this.#still < looksMin", ""],
      ["all are steered to one that cannot keep up", "waiting > waitingMax", "waiting < 0"],
      ["one that kept up again is left alone", "waiting < waitingFew", "waiting < 0"],
      ["they are sent away without end", " || member.tries >= triesMax)", ")"],
    ],
  ),
  ...plant(
    "src/trust/journal.ts",
    ["src/trust/journal.test.ts"],
    [["what a worker decides is written nowhere", "      await journal.append(decision);\n", ""]],
  ),
];

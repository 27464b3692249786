import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { choice, duration, listOf, matching, oneLine, onOff, wholeNumber } from "./kinds.ts";
import { defineSettings, flagOf, type Given, group, parseTable } from "./table.ts";
import { effectiveText, helpText, settingsMarkdown } from "./text.ts";

const table = defineSettings({
  command: "choir",
  about: "Sings.",
  prefix: "CHOIR_",
  foreignPrefixes: ["CHOIR_LOAD_"],
  rows: {
    ...group("Voice", {
      voices: { kind: wholeNumber(1, 9), fallback: "4", help: "how many sing" },
      restMs: { kind: duration(0, 5_000), fallback: "50ms", help: "silence between songs" },
      songs: { kind: listOf(matching(/^[a-z]+$/, "letters"), 0, 3), fallback: "", help: "what to sing" },
      loud: { kind: onOff(), fallback: "false", help: "sings loudly" },
    }),
    ...group("Door", {
      pass: { kind: oneLine(8, "secret"), fallback: "", help: "key of the door", secret: true },
      hall: {
        kind: choice("big", "small"),
        fallback: () => "big",
        fallbackShown: "what fits",
        help: "where",
      },
    }),
  },
  rules: [
    {
      uses: ["voices", "hall"],
      mistake: ({ voices, hall }) =>
        voices > 5 && hall === "small" ? "--voices over 5 need --hall=big" : undefined,
    },
  ],
});

function parse(argv: string[], env: Given["env"] = {}, file: unknown = {}) {
  const text = typeof file === "string" ? file : JSON.stringify(file);
  const readFile = (path: string) => {
    if (path === "missing.json") throw new Error("ENOENT\nno such file");
    return text;
  };
  return parseTable(table, { argv, env, readFile, machine: { suffix: "0000" } });
}

function settingsOf(parsed: ReturnType<typeof parse>) {
  if ("mistakes" in parsed) throw new Error(parsed.mistakes.join("\n"));
  return parsed;
}

function mistakesOf(parsed: ReturnType<typeof parse>): readonly string[] {
  return "mistakes" in parsed ? parsed.mistakes : [];
}

describe("a table of settings", () => {
  test("defaults hold when nothing is given", () => {
    const { settings, sources, warnings } = settingsOf(parse([]));
    expect(settings).toEqual({ voices: 4, restMs: 50, songs: [], loud: false, pass: "", hall: "big" });
    expect(sources.restMs).toEqual({ from: "default", name: "default", text: "50ms" });
    expect(warnings).toEqual([]);
  });

  test("flag beats variable beats file beats default", () => {
    const env = { CHOIR_VOICES: "2", CHOIR_REST: "2s" };
    const file = { voices: 3, rest: "3s", hall: "small", loud: true, songs: ["a", "b"] };
    const { settings, sources } = settingsOf(parse(["--voices=1", "--config=choir.json"], env, file));
    expect(settings).toEqual({
      voices: 1,
      restMs: 2_000,
      songs: ["a", "b"],
      loud: true,
      pass: "",
      hall: "small",
    });
    expect(
      ["voices", "restMs", "hall", "loud", "songs", "pass"].map((key) => sources[key as "hall"].from),
    ).toEqual(["flag", "variable", "file", "file", "file", "default"]);
    expect(sources.voices.name).toBe("--voices");
    expect(sources.restMs.name).toBe("CHOIR_REST");
    expect(sources.hall.name).toBe('"hall" in choir.json');
  });

  test("the file may be named by a variable, and the flag for it wins", () => {
    expect(settingsOf(parse([], { CHOIR_CONFIG: "c.json" }, { voices: 3 })).settings.voices).toBe(3);
    expect(mistakesOf(parse(["--config=missing.json"], { CHOIR_CONFIG: "c.json" }))).toEqual([
      "--config=missing.json cannot be read: ENOENT no such file",
    ]);
  });

  test("values after a space, a switch alone, and the last of two flags", () => {
    const { settings } = settingsOf(parse(["--voices", "2", "--rest", "1s", "--loud", "--voices=3"]));
    expect(settings).toMatchObject({ voices: 3, restMs: 1_000, loud: true });
    expect(settingsOf(parse(["--loud=false"])).settings.loud).toBe(false);
  });

  test("every mistake is told at once, each in one line that names the nearest known name", () => {
    const env = { CHOIR_VOICE: "1", CHOIR_REST: "9s", OTHER: "x", CHOIR_LOAD_VIEWERS: "5" };
    const file = { hal: "big", rest: {}, loud: 7 };
    expect(mistakesOf(parse(["--voics=3", "--voices=zero", "sing", "--config=c.json"], env, file))).toEqual([
      "unknown flag --voics; did you mean --voices?",
      'unexpected word "sing"',
      "unknown variable CHOIR_VOICE; did you mean CHOIR_VOICES?",
      'unknown key "hal" in c.json; did you mean "hall"?',
      '"rest" in c.json must be a duration from 0ms to 5s, like 50ms, 5s or 2m',
      "--voices=zero must be a whole number from 1 to 9",
      "CHOIR_REST=9s must be a duration from 0ms to 5s, like 50ms, 5s or 2m",
      '"loud" in c.json is "7", must be true or false',
    ]);
  });

  test("a value that a better place overrides is checked all the same", () => {
    expect(mistakesOf(parse(["--voices=3"], { CHOIR_VOICES: "many" }))).toEqual([
      "CHOIR_VOICES=many must be a whole number from 1 to 9",
    ]);
  });

  test("a flag without its value does not swallow the next flag", () => {
    expect(mistakesOf(parse(["--voices", "--hall=small"]))).toEqual([
      "--voices needs a value: a whole number from 1 to 9",
    ]);
    expect(mistakesOf(parse(["--hall=small", "--config"]))).toEqual([
      "--config needs a value: the path of a JSON file",
    ]);
    expect(mistakesOf(parse(["--nope", "5", "-x"]))).toEqual(["unknown flag --nope", "unknown flag -x"]);
    expect(mistakesOf(parse(["--", "--voices=2"]))).toEqual(['unexpected word "--voices=2"']);
  });

  test("an empty variable is one that is not set", () => {
    expect(settingsOf(parse([], { CHOIR_VOICES: "", CHOIR_CONFIG: "" })).settings.voices).toBe(4);
  });

  test("a rule runs once every row it uses is good, and speaks with the other mistakes", () => {
    expect(mistakesOf(parse(["--voices=6", "--hall=small", "--rest=no"]))).toEqual([
      "--rest=no must be a duration from 0ms to 5s, like 50ms, 5s or 2m",
      "--voices over 5 need --hall=big",
    ]);
    expect(mistakesOf(parse(["--voices=6", "--hall=tiny"]))).toEqual([
      "--hall=tiny must be one of big, small",
    ]);
  });

  test("a file that is not one JSON object is a mistake", () => {
    expect(mistakesOf(parse(["--config=c.json"], {}, "{"))[0]).toStartWith("--config=c.json is not JSON: ");
    for (const content of ["[]", "null", "3"]) {
      expect(mistakesOf(parse(["--config=c.json"], {}, content))).toEqual([
        "--config=c.json must hold one JSON object",
      ]);
    }
    expect(mistakesOf(parse(["--config=c.json"], {}, '{"__proto__":{"voices":1}}'))).toEqual([
      'unknown key "__proto__" in c.json',
    ]);
  });

  test("people write --no-NAME, and files that begin with a byte order mark", () => {
    expect(mistakesOf(parse(["--no-loud"]))).toEqual(["unknown flag --no-loud; did you mean --loud=false?"]);
    expect(mistakesOf(parse(["--no-voices"]))).toEqual(["unknown flag --no-voices; did you mean --voices?"]);
    expect(settingsOf(parse(["--config=c.json"], {}, '\uFEFF{"voices":7}')).settings.voices).toBe(7);
  });

  test("variables that Kubernetes makes for a service are passed over with a warning", () => {
    const env = {
      CHOIR_HALL: "tcp://10.0.0.7:80",
      CHOIR_SERVICE_HOST: "10.0.0.7",
      CHOIR_PORT_80_TCP_ADDR: "10.0.0.7",
    };
    const { settings, warnings } = settingsOf(parse([], env));
    expect(settings.hall).toBe("big");
    expect(warnings.length).toBe(3);
    expect(warnings[0]).toStartWith("CHOIR_HALL is a Kubernetes service link");
  });

  test("a secret is never printed, and warned of on a command line", () => {
    expect(mistakesOf(parse(["--pass=much-too-long"], { CHOIR_PASS: "also-too-long" }))).toEqual([
      "--pass must be one line of at most 8 characters",
      "CHOIR_PASS must be one line of at most 8 characters",
    ]);
    const open = settingsOf(parse(["--pass=sesame"]));
    expect(open.warnings).toEqual([expect.stringContaining("prefer CHOIR_PASS or a --config file")]);
    expect(effectiveText(table, open.sources)).toContain("pass    (hidden)  --pass\n");
    expect(settingsOf(parse([], { CHOIR_PASS: "sesame" })).warnings).toEqual([]);
  });

  test("any words at all are settings or mistakes of one bounded line", () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom("--voices", "--rest=", "--loud", "--", "-", "--pass", "9"),
    );
    fc.assert(
      fc.property(
        fc.array(word),
        fc.dictionary(
          fc.string().map((name) => `CHOIR_${name}`),
          fc.string(),
        ),
        (argv, env) => {
          for (const mistake of mistakesOf(parse(argv, env))) {
            expect(mistake).not.toMatch(/\p{Cc}/u);
            expect(mistake.length).toBeLessThan(300);
          }
        },
      ),
    );
  });
});

describe("a table of settings as text", () => {
  test("a flag follows from its key", () => {
    expect(["port", "natsPrefix", "tickMs", "commentTickMs"].map(flagOf)).toEqual([
      "port",
      "nats-prefix",
      "tick",
      "comment-tick",
    ]);
  });

  test("help and docs/settings.md hold every row, with its default, and no computed one", () => {
    const help = helpText(table);
    expect(help).toMatch(/--rest <duration> +silence between songs \(default: 50ms\)/);
    expect(help).toMatch(/--loud +sings loudly \(default: false\)/);
    expect(help).toContain("--some-flag is CHOIR_SOME_FLAG");
    const markdown = settingsMarkdown(table);
    expect(markdown).toContain(
      "| `--rest` | `50ms` | a duration from 0ms to 5s, like 50ms, 5s or 2m | silence between songs |",
    );
    expect(markdown).toContain("### ");
    expect(markdown).toContain("| `--hall` | `what fits` | one of big, small | where |");
    for (const key of Object.keys(table.rows)) {
      expect(help).toContain(`--${flagOf(key)}`);
      expect(markdown).toContain(`\`--${flagOf(key)}\``);
    }
  });

  test("what is in effect is one line per setting, with its origin", () => {
    const { sources } = settingsOf(parse(["--voices=2"], { CHOIR_REST: "1s" }));
    const lines = effectiveText(table, sources).split("\n");
    expect(lines[0]).toBe("voices  2      --voices");
    expect(lines[1]).toBe("rest    1s     CHOIR_REST");
    expect(lines.length).toBe(Object.keys(table.rows).length + 1);
  });
});

/** Faults for src/trust: addresses, rates, tokens, keys, moderation and its rules. */
import { type Mutant, plant } from "./plant.ts";

export const trust: readonly Mutant[] = [
  ...plant(
    "src/trust/address.ts",
    ["src/trust/address.test.ts"],
    [
      ["anybody writes his own address", "entries.at(-hops)", "entries.at(0)"],
      [
        "a household has as many addresses as it likes",
        "    .slice(0, 4)\n    .map((word)",
        "    .slice(0, 8)\n    .map((word)",
      ],
      ["an IPv4 address in IPv6 is another one", "words[5] === 0xffff", "words[5] === 0xfffe"],
    ],
  ),
  ...plant(
    "src/trust/tokens.ts",
    ["src/trust/tokens.test.ts"],
    [
      ["a token may bring its own key", '["jwk", "jku", "x5u", "x5c", "crit"].some', '["crit"].some'],
      ["anybody issues tokens", '        ...(issuer !== "" && { issuer }),\n', ""],
      ["a token for others is for us", '        ...(audience !== "" && { audience }),\n', ""],
      ["a token may be of any length", "if (token.length > tokenCharsMax) {", "if (token.length < 0) {"],
    ],
  ),
  ...plant(
    "src/trust/token-keys.ts",
    ["src/trust/tokens.test.ts"],
    [
      ["a private key lies about", 'if (block.includes("PRIVATE"))', 'if (block === "PRIVATE")'],
      ["a short RSA key is good enough", "const rsaBitsMin = 2048;", "const rsaBitsMin = 512;"],
    ],
  ),
  ...plant(
    "src/trust/identity.ts",
    ["src/trust/identity.test.ts", "src/trust/tokens.test.ts"],
    [
      [
        "a token administrates",
        "can.filter(isRight).filter((right) => !isOperators(right))",
        "can.filter(isRight)",
      ],
      ["a token for match-* is for m", "video.startsWith(start)", "start.startsWith(video)"],
      [
        "a token that ends never does",
        'if (typeof exp !== "number" || !Number.isFinite(exp)) return "the token has no exp";',
        'if (typeof exp !== "number") return "the token has no exp";',
      ],
    ],
  ),
  ...plant(
    "src/trust/moderation.ts",
    ["src/trust/moderation.test.ts"],
    [
      [
        "moderators are held to the rules they set",
        '    if (who.rights.has("moderate")) return undefined;\n',
        "",
      ],
      ["a turn in slow mode is used for nothing", "this.#slow.giveBack(draft, who, address);", ""],
      ["one list of words is the list", "this.#words.has(text) || ", ""],
    ],
  ),
  ...plant(
    "src/core/erasure.ts",
    ["src/trust/moderation.test.ts"],
    [["capitals make another user", ".trim().toLowerCase()", ".trim()"]],
  ),
  ...plant(
    "src/trust/words.ts",
    ["src/trust/words.test.ts"],
    [
      ["digits hide a word", ".replace(/[013457@$]/g, (char) => digits[char] ?? char)\n", "\n"],
      ["a letter drawn out hides a word", 'text.replace(/(\\p{L})\\1+/gu, "$1")', "text"],
    ],
  ),
  ...plant(
    "src/trust/allowance.ts",
    ["src/trust/rate.test.ts"],
    [["a node holds a stream too many", "if (open >= nodeStreams)", "if (open > nodeStreams)"]],
  ),
  ...plant(
    "src/trust/keys.ts",
    ["src/trust/keys.test.ts"],
    [
      ["two keys have one name", "if (names.has(name)) return `the name ${name} is taken`;\n", "\n"],
      ["a key is as short as one wants", "const keyCharsMin = 16;", "const keyCharsMin = 1;"],
      ["the admin key is a common word", 'toLowerCase().replace(triedFirst, "")', "toLowerCase()"],
      ["the admin key is one word again and again", "left.slice(0, repeated)", "left"],
    ],
  ),
  ...plant(
    "src/trust/rate.ts",
    ["src/trust/rate.test.ts"],
    [
      [
        "what is refused is charged all the same",
        "if (waitMs === 0) this.#wholeAt.set(key, after, now);",
        "this.#wholeAt.set(key, after, now);",
      ],
      ["a burst is twice what it may be", "- now - this.#burstMs -", "- now - 2 * this.#burstMs -"],
    ],
  ),
  ...plant(
    "src/trust/generations.ts",
    ["src/trust/rate.test.ts", "src/trust/tokens.test.ts", "src/trust/moderation.test.ts"],
    [
      ["what is used is forgotten", "this.set(key, old, now);", ""],
      ["what is old is remembered for ever", "if (now - this.#bornAt >= this.#keepMs) this.#turn(now);", ""],
      [
        "a memory has no bound",
        "this.#young.size > 0 && this.#youngWeight + weight > this.#max",
        "this.#youngWeight + weight < 0",
      ],
      ["what is forgotten weighs on", "this.#youngWeight = 0;\n    this.#bornAt", "this.#bornAt"],
    ],
  ),
  ...plant(
    "src/trust/tokens.ts",
    ["src/trust/tokens.test.ts"],
    [
      [
        "a token that was seen never ends",
        "return ended(known.who, this.#clock.date()) ? expired() : known.who;",
        "return known.who;",
      ],
      [
        "tokens of keys that were taken away go on",
        'if (!known || !this.stands(known.who.proof ?? "")) return undefined;',
        "if (!known) return undefined;",
      ],
    ],
  ),
  ...plant(
    "src/trust/token-keys.ts",
    ["src/trust/tokens.test.ts"],
    [
      [
        "every unknown token is a look at the URL",
        '!this.#fetching && this.#looks.take("", 1, askedAt) === 0',
        "!this.#fetching",
      ],
      [
        "keys are never looked up again",
        "const isOld = askedAt - this.#fetchedAt >= freshMs;",
        "const isOld = false;",
      ],
      ["keys that changed are not told of", "if (!isSame) this.#changed();", ""],
    ],
  ),
  ...plant(
    "src/trust/moderation.ts",
    ["src/trust/moderation.test.ts"],
    [
      ["who is muted takes another name", "(sub !== undefined && holds({ ...on, user: sub })) ||", ""],
      [
        "a restriction holds for ever",
        "return found && found.untilMs > now ? found : undefined;",
        "return found;",
      ],
      [
        "a server that speaks for many is banned by its address",
        "const from = speaksForMany(who) ? undefined : address;",
        "const from = address;",
      ],
      [
        "a shorter hold lets comments overtake",
        "Math.max(this.rules(video).holdMs, leftMs, 0)",
        "Math.max(this.rules(video).holdMs, 0)",
      ],
    ],
  ),
  ...plant(
    "src/trust/rules.ts",
    ["src/trust/moderation.test.ts"],
    [["a mute of one video is one of all", '`${type} ${about}\\n${video ?? ""}`', "`${type} ${about}`"]],
  ),
  ...plant(
    "src/trust/allowance.ts",
    ["src/trust/rate.test.ts"],
    [
      [
        "a stream that ended counts",
        "const left = (this.#streams.get(viewer) ?? 1) - 1;",
        "const left = this.#streams.get(viewer) ?? 1;",
      ],
    ],
  ),
  ...plant(
    "src/trust/signatures.ts",
    ["src/trust/signatures.test.ts"],
    [
      ["a signed address never ends", " && 1000 * Number(until) > nowMs", ""],
      [
        "an address is good for every video",
        'createHmac("sha256", key).update(`${video}\\n${until}`)',
        'createHmac("sha256", key).update(`${video.length}\\n${until}`)',
      ],
    ],
  ),
];

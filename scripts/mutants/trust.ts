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
        'can.filter((right) => right !== "admin").filter(isRight)',
        "can.filter(isRight)",
      ],
      ["a token for match-* is for m", "video.startsWith(prefix)", "prefix.startsWith(video)"],
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
      [
        "a turn in slow mode is used for nothing",
        "this.#slow.delete(slowKey(draft, who, address));",
        "slowKey(draft, who, address);",
      ],
      ["one list of words is the list", "this.#words.has(text) || ", ""],
    ],
  ),
  ...plant(
    "src/trust/rules.ts",
    ["src/trust/moderation.test.ts"],
    [["capitals make another user", ".trim().toLowerCase()", ".trim()"]],
  ),
  ...plant(
    "src/trust/words.ts",
    ["src/trust/moderation.test.ts"],
    [
      ["digits hide a word", ".replace(/[013457@$]/g, (char) => lookAlikes[char] ?? char)\n", "\n"],
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
    ],
  ),
];

/** The door: every refusal by name, and nothing that gets through it unsound. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type CommentDraft,
  isKind,
  isRejection,
  isVideoId,
  kindSet,
  type Like,
  parseComment,
  parseLike,
  parseLikeItem,
  parseVideoId,
  parseViewer,
  type Rejection,
  reject,
  rejectionOf,
  type VideoId,
} from "./interaction.ts";
import { limits } from "./limits.ts";

const kinds = kindSet(["heart", "clap", "constructor"]);
const v = "v" as VideoId;
const like = (body: unknown, key: string | null = null) => parseLike(v, body, key, kinds);
const comment = (body: unknown, key: string | null = null) => parseComment(v, body, key, 7.5);
const code = (parsed: Like | CommentDraft | VideoId | Rejection): string =>
  typeof parsed === "object" && isRejection(parsed) ? parsed.rejected : "taken";

/** Unicode as it comes: any code unit, lone surrogates and controls among them. */
const anyText = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 700 }),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }).map((u) => String.fromCharCode(...u)),
);
const anyField = fc.oneof(anyText, fc.jsonValue(), fc.constantFrom("heart", "clap", 1, 50, 51, "k-1"));
const anyBody = fc.oneof(
  fc.jsonValue(),
  fc.dictionary(
    fc.constantFrom("kind", "count", "user", "key", "text", "video", "more", "__proto__", "toString"),
    anyField,
  ),
);

describe("a video id", () => {
  test.each(["a", "A-z_0", "x".repeat(64), "constructor", "-", "__proto__"])("may be %p", (text) => {
    expect(parseVideoId(text)).toBe(text as VideoId);
    expect(isVideoId(text)).toBe(true);
  });

  test.each(["", "x".repeat(65), "a b", "a.b", "a\n", "\na", "é", "a/b", "*", ">", null, 5, {}, [["a"]]])(
    "may not be %p",
    (text) => {
      expect(code(parseVideoId(text))).toBe("bad-video");
      expect(isVideoId(text)).toBe(false);
    },
  );
});

describe("a kind", () => {
  test.each(["heart", "a", "x-1_2", "constructor"])("may be %p", (text) => expect(isKind(text)).toBe(true));
  test.each(["", "Heart", "1a", "__proto__", "a\n", "x".repeat(17), 1, null])("may not be %p", (text) =>
    expect(isKind(text)).toBe(false),
  );
});

describe("a like", () => {
  test("is one heart when nothing more is said", () => {
    expect(like({ kind: "heart" })).toEqual({
      video: v,
      kind: "heart",
      count: 1,
      user: undefined,
      key: undefined,
    } as Like);
    expect(like({ kind: "heart", count: null, user: null, key: null })).toEqual(like({ kind: "heart" }));
  });

  test("takes its key from the header first", () => {
    expect(like({ kind: "heart", key: "body" }, "header")).toMatchObject({ key: "header" });
    expect(like({ kind: "heart", key: "bad key" }, "header")).toMatchObject({ rejected: "bad-key" });
    expect(like({ kind: "heart", key: "body" }, "bad key")).toMatchObject({ rejected: "bad-key" });
    expect(like({ kind: "heart", key: "body" })).toMatchObject({ key: "body" });
    expect(code(like({ kind: "heart", key: "body" }, "two words"))).toBe("bad-key");
  });

  test.each([
    ["bad-body", null],
    ["bad-body", []],
    ["bad-body", "heart"],
    ["bad-body", 5],
    ["bad-field", { kind: "heart", extra: {} }],
    ["bad-field", { kind: "heart", extra: [1] }],
    ["bad-field", { kind: "heart", extra: null }],
    ["bad-field", { kind: "heart", cuont: 3 }],
    ["bad-field", { kind: "heart", rejected: "busy", message: "no" }],
    ["bad-user", { kind: "heart", user: "\u3164" }],
    ["bad-field", { kind: "heart", text: ["of a comment"] }],
    ["unknown-kind", {}],
    ["unknown-kind", { kind: "Heart" }],
    ["unknown-kind", { kind: "toString" }],
    ["unknown-kind", { kind: ["heart"] }],
    ["bad-count", { kind: "heart", count: 0 }],
    ["bad-count", { kind: "heart", count: limits.likeCountMax + 1 }],
    ["bad-count", { kind: "heart", count: 1.5 }],
    ["bad-count", { kind: "heart", count: "3" }],
    ["bad-count", { kind: "heart", count: -1 }],
    ["bad-count", { kind: "heart", count: [3] }],
    ["bad-user", { kind: "heart", user: 5 }],
    ["bad-user", { kind: "heart", user: "" }],
    ["bad-user", { kind: "heart", user: " \u3000" }],
    ["bad-user", { kind: "heart", user: "a\tb" }],
    ["bad-user", { kind: "heart", user: "\ud83d" }],
    ["bad-user", { kind: "heart", user: "x".repeat(limits.userCharsMax + 1) }],
    ["bad-key", { kind: "heart", key: "" }],
    ["bad-key", { kind: "heart", key: "a b" }],
    ["bad-key", { kind: "heart", key: "é" }],
    ["bad-key", { kind: "heart", key: "k\n" }],
    ["bad-key", { kind: "heart", key: 5 }],
    ["bad-key", { kind: "heart", key: "x".repeat(limits.keyBytesMax + 1) }],
    ["taken", { kind: "constructor" }],
    ["taken", { kind: "heart", count: limits.likeCountMax, key: "x".repeat(limits.keyBytesMax) }],
    ["taken", { kind: "heart", user: "\u{1f600}".repeat(limits.userCharsMax) }],
  ])("%s: %j", (expected, body) => expect(code(like(body))).toBe(expected));

  test("of a batch names its video", () => {
    expect(parseLikeItem({ video: "w", kind: "clap", count: 2, key: "k" }, kinds)).toEqual({
      video: "w",
      kind: "clap",
      count: 2,
      user: undefined,
      key: "k",
    } as Like);
    expect(code(parseLikeItem({ kind: "clap" }, kinds))).toBe("bad-video");
    expect(code(parseLikeItem("w", kinds))).toBe("bad-body");
    expect(code(parseLikeItem({ video: "w", kind: "clap", by: {} }, kinds))).toBe("bad-field");
    expect(code(parseLikeItem({ video: "w", kind: "no" }, kinds))).toBe("unknown-kind");
  });

  test("whatever the body, is sound or refused with a reason", () => {
    fc.assert(
      fc.property(anyBody, fc.option(anyText), (body, key) => {
        for (const parsed of [like(body, key), parseLikeItem(body, kinds)]) {
          if (isRejection(parsed)) {
            expect(rejectionOf(parsed)).toEqual(parsed);
            continue;
          }
          expect(kinds.has(parsed.kind) && isVideoId(parsed.video)).toBe(true);
          expect(parsed.count >= 1 && parsed.count <= limits.likeCountMax).toBe(true);
          expect(parsed.key === undefined || /^[!-~]{1,128}$/.test(parsed.key)).toBe(true);
          if (parsed.user !== undefined) sound(parsed.user, limits.userCharsMax);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a like where each viewer has one", () => {
  test("whatever the body, is one viewer's, or refused with a reason", () => {
    fc.assert(
      fc.property(anyBody, fc.option(anyText), fc.option(anyText), (body, viewer, key) => {
        const named = viewer === null || typeof body !== "object" ? body : { ...body, viewer, count: 1 };
        for (const parsed of [parseLike(v, named, key, kinds, true), parseLikeItem(named, kinds, true)]) {
          if (isRejection(parsed)) {
            expect(rejectionOf(parsed)).toEqual(parsed);
            continue;
          }
          expect(parsed.count).toBe(1);
          expect(typeof parsed.unlike).toBe("boolean");
          if (viewer !== null && typeof body === "object") expect(parsed.viewer).toBe(viewer);
          else expect(parsed.viewer).toBe(parsed.user as string);
          if (parsed.viewer !== undefined) sound(parsed.viewer, limits.viewerCharsMax);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

/** Text that may be shown to others. */
function sound(text: string, charsMax: number): void {
  expect([...text].length).toBeLessThanOrEqual(charsMax);
  expect(text.isWellFormed()).toBe(true);
  expect([...text].every((c) => c >= " " && !(c >= "\u007f" && c <= "\u009f"))).toBe(true);
  expect(text.replace(/[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{M}]/gu, "")).not.toBe("");
}

describe("a comment", () => {
  test("keeps its text as it came", () => {
    const text = "  e\u0301 👩‍👩‍👧 \u2028 שלום \ufeff ";
    expect(comment({ text, user: "Zoë" }, "k")).toEqual({ video: v, text, user: "Zoë", key: "k", atMs: 7.5 });
  });

  test.each([
    ["bad-body", []],
    ["bad-field", { text: 5 }],
    ["bad-field", {}],
    ["bad-field", { text: "a", extra: {} }],
    ["text-empty", { text: "" }],
    ["text-empty", { text: " \n\t\u3000\ufeff" }],
    ["text-too-long", { text: "x".repeat(limits.commentCharsMax + 1) }],
    ["text-too-long", { text: "\u{1f600}".repeat(limits.commentCharsMax + 1) }],
    ["text-too-long", { text: "x".repeat(100_000) }],
    ["text-control", { text: "a\u0000" }],
    ["text-control", { text: "a\nb" }],
    ["text-control", { text: "a\u007f" }],
    ["text-control", { text: "a\u0085b" }],
    ["text-malformed", { text: "a\ud800b" }],
    ["text-malformed", { text: "\udc00\ud800" }],
    ["bad-user", { text: "a", user: "\u0007" }],
    ["bad-key", { text: "a", key: " " }],
    ["taken", { text: "\u{1f600}".repeat(limits.commentCharsMax) }],
    ["taken", { text: "x".repeat(limits.commentCharsMax) }],
    ["bad-field", { text: "a", extra: true }],
    ["bad-field", { text: "a", usre: "Ann" }],
  ])("%s: %j", (expected, body) => expect(code(comment(body))).toBe(expected));

  test("whatever the body, is sound and unchanged, or refused with a reason", () => {
    fc.assert(
      fc.property(fc.oneof(anyBody, fc.record({ text: anyText })), fc.option(anyText), (body, key) => {
        const parsed = comment(body, key);
        if (isRejection(parsed)) {
          expect(rejectionOf(parsed)).toEqual(parsed);
          return;
        }
        expect(parsed.text).toBe((body as { text: string }).text);
        sound(parsed.text, limits.commentCharsMax);
        if (parsed.user !== undefined) sound(parsed.user, limits.userCharsMax);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a field that is not known", () => {
  const says = (body: object) => (like(body) as Rejection).message;
  test("is named, with the nearest that is", () => {
    expect(says({ kind: "heart", cuont: 3 })).toBe('there is no field "cuont" here: did you mean "count"?');
    expect(says({ kind: "heart", zzzzzz: 3 })).toBe('there is no field "zzzzzz" here');
    expect((parseLikeItem({ vidoe: "v", kind: "heart" }, kinds) as Rejection).message).toContain('"video"');
    expect((comment({ txt: "hi" }) as Rejection).message).toContain('did you mean "text"?');
  });

  test("is not repeated when it is odd or long", () => {
    for (const name of ["<b>", "a\nb", "x".repeat(65), "kind "]) {
      expect(says({ kind: "heart", [name]: 1 })).toBe("there is no field of that name here");
    }
  });
});

describe("text of which nobody sees anything", () => {
  const unseen = [
    ["nothing", ""],
    ["a space", " "],
    ["a no-break space", "\u00a0"],
    ["a Hangul filler", "\u3164"],
    ["a half-width filler", "\uffa0"],
    ["a zero-width space", "\u200b"],
    ["a joiner", "\u200d"],
    ["a word joiner", "\u2060"],
    ["Braille without dots", "\u2800"],
    ["a soft hyphen", "\u00ad"],
    ["a variation selector", "\ufe0f"],
    ["tags", "\u{e0041}\u{e007f}"],
    ["marks with nothing under them", "\u0301\u0489"],
    ["directions", "\u202e\u2066\u200f"],
    ["all of them", " \u3164\u200b\u2800\ufe0f\u0301"],
  ] as const;
  test.each(unseen)("%s is no text, no name and no viewer", (_, text) => {
    expect(code(comment({ text }))).toBe("text-empty");
    expect(code(comment({ text: "hi", user: text }))).toBe("bad-user");
    expect(code(like({ kind: "heart", user: text }))).toBe("bad-user");
    expect(parseViewer(text)).toMatchObject({ rejected: "bad-viewer" });
    expect(code(comment({ text: `${text}a` }))).toBe("taken");
  });

  test.each(["👍", "ا", "漢", "ก", "é", "e\u0301", "!", "٣", "👩‍👩‍👧", "\u{10ffff}", "©"])(
    "%s is",
    (text) => {
      expect(code(comment({ text, user: text }))).toBe("taken");
    },
  );
});

describe("a rejection", () => {
  test("says after how long to repeat only when that is known", () => {
    expect(reject("busy", "m", 5)).toEqual({ rejected: "busy", message: "m", retryAfterS: 5 });
    expect(Object.keys(reject("busy", "m"))).toEqual(["rejected", "message"]);
  });

  test.each([null, 5, "busy", {}, { rejected: "nonsense", message: "m" }, { rejected: "busy", message: 5 }])(
    "of another node is not %j",
    (value) => expect(rejectionOf(value)).toBeUndefined(),
  );

  test("of another node loses what is not ours", () => {
    const value = { rejected: "busy", message: "m", retryAfterS: "soon", extra: 1 };
    expect(rejectionOf(value)).toEqual({ rejected: "busy", message: "m" });
  });
});

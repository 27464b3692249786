import { describe, expect, test } from "bun:test";
import { type LoadOptions, parseLoadOptions, processesOf, videosOf } from "./options.ts";
import { balance, expected } from "./settle.ts";
import { isLoopback, readTarget, sourceAddress } from "./target.ts";

function parse(...argv: string[]): LoadOptions | readonly string[] {
  const parsed = parseLoadOptions(argv, {}, () => "{}");
  return "settings" in parsed ? parsed.settings : parsed.mistakes;
}

describe("options", () => {
  test("the command line of docs/measured.md", () => {
    const options = parse(
      "--url=http://127.0.0.1:8080",
      "--viewers=10000",
      "--likes=100",
      "--comments=5",
      "--json",
    );
    expect(options).toMatchObject({
      viewers: 10_000,
      likes: 100,
      comments: 5,
      duration: 10,
      json: true,
      processes: "auto",
    });
  });

  test("the nodes alone, without a flag's name", () => {
    const one = parse("http://127.0.0.1:9000", "--viewers=10");
    expect(one).toMatchObject({ url: ["http://127.0.0.1:9000"], viewers: 10 });
    expect(parse("http://127.0.0.1:1,http://127.0.0.1:2")).toMatchObject({
      url: ["http://127.0.0.1:1", "http://127.0.0.1:2"],
    });
    expect(parse("http:")).toBeArray();
    expect(parse("--viewers=10", "http://127.0.0.1:9000")).toMatchObject({ url: ["http://127.0.0.1:9000"] });
    for (const short of ["localhost:9000", "127.0.0.1:9000", "[::1]:9000"]) {
      expect(parse(short)).toMatchObject({ url: [`http://${short}`] });
    }
    expect(parse("http://127.0.0.1:1", "http://127.0.0.1:2")).toEqual([
      'unexpected word "http://127.0.0.1:2"',
    ]);
    expect(parse("--key", "http://127.0.0.1:1")).toMatchObject({ key: "http://127.0.0.1:1" });
  });

  test("one line for each mistake", () => {
    const mistakes = parse(
      "--viewers=-1",
      "--likes-batch=51",
      "--url=ftp://x",
      "--veiwers=3",
      "--duration=soon",
    );
    expect(mistakes).toHaveLength(5);
    expect((mistakes as string[]).join("\n")).toContain("did you mean --viewers?");
  });

  test("seconds, with a unit as everywhere else or without", () => {
    for (const text of ["12", "12s", "12000ms", "0.2m"]) {
      expect(parse(`--duration=${text}`)).toMatchObject({ duration: 12 });
    }
    expect(parse("--settle=1m")).toMatchObject({ settle: 60 });
    for (const text of ["1500ms", "0s", "0.5", "25h", "s"]) {
      expect(parse(`--duration=${text}`)).toEqual([
        `--duration=${text} must be whole seconds from 1 to 86400, like 12, 12s or 2m`,
      ]);
    }
  });

  test("other machines only when allowed", () => {
    expect(parse("--url=http://10.0.0.7:8080,http://127.0.0.1:8080")).toEqual([
      "--url=http://10.0.0.7:8080 is another machine: add --allow-remote",
    ]);
    expect(parse("--url=http://10.0.0.7:8080", "--allow-remote")).toMatchObject({ allowRemote: true });
    expect(parse("--url=http://127.evil.example:80")).toHaveLength(1);
  });

  test("flags that contradict each other", () => {
    expect(parse("--viewers=10", "--stall=11")).toEqual(["--stall: more than --viewers"]);
    expect(parse("--viewers=20000", "--processes=1")).toHaveLength(1);
    expect(parse("--comments=1000", "--duration=2000")).toHaveLength(1);
  });

  test("more processes when one could not hold the viewers", () => {
    expect(processesOf({ viewers: 0, processes: "auto" })).toBe(0);
    expect(processesOf({ viewers: 15_000, processes: "auto" })).toBe(1);
    expect(processesOf({ viewers: 15_001, processes: "auto" })).toBe(2);
    expect(processesOf({ viewers: 100_000, processes: "auto" })).toBe(7);
    expect(processesOf({ viewers: 3, processes: 8 })).toBe(3);
  });

  test("names of videos", () => {
    expect(videosOf({ videos: 1, videoPrefix: "final" })).toEqual(["final"]);
    expect(videosOf({ videos: 3, videoPrefix: "v" })).toEqual(["v-1", "v-2", "v-3"]);
  });
});

describe("target", () => {
  test("a node, or what is wrong with it", () => {
    expect(readTarget("http://localhost:81")).toEqual({
      host: "127.0.0.1",
      port: 81,
      authority: "localhost:81",
    });
    expect(readTarget("http://[::1]:81/")).toEqual({ host: "::1", port: 81, authority: "[::1]:81" });
    expect(readTarget("http://example.com")).toMatchObject({ port: 80 });
    for (const url of ["example.com", "https://x", "http://x/y", "http://a:b@x", "ws://x"]) {
      expect(typeof readTarget(url)).toBe("string");
    }
    expect(isLoopback({ host: "127.3.2.1", port: 1, authority: "" })).toBe(true);
    expect(isLoopback({ host: "128.0.0.1", port: 1, authority: "" })).toBe(false);
  });

  test("a source of its own for each of four million viewers", () => {
    const many = [...Array(200_000).keys(), 4_000_000, 4_001_023].map(sourceAddress);
    expect(new Set(many).size).toBe(many.length);
    expect(many.every((address) => isLoopback({ host: address, port: 1, authority: "" }))).toBe(true);
    expect(many[0]).toBe("127.1.0.1");
  });
});

describe("balance", () => {
  test("what was accepted must be there once, what is unknown may be", () => {
    const account = { accepted: { heart: 10 }, unknown: { heart: 2, clap: 1 }, comments: [] };
    const compare = (told: Record<string, number>): object => balance({ heart: 5 }, account, told);
    expect(compare({ heart: 15 })).toEqual({ lost: 0, doubled: 0 });
    expect(compare({ heart: 17, clap: 1 })).toEqual({ lost: 0, doubled: 0 });
    expect(compare({ heart: 14 })).toEqual({ lost: 1, doubled: 0 });
    expect(compare({ heart: 18, clap: 2 })).toEqual({ lost: 0, doubled: 2 });
    expect(compare({ heart: 15, wow: 4 })).toEqual({ lost: 0, doubled: 4 });
    expect(compare({})).toEqual({ lost: 15, doubled: 0 });
    expect(expected({ heart: 5 }, account)).toEqual({ heart: 15 });
  });
});

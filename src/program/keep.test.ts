/** What backup, restore and verify say of what they are pointed at by mistake. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../base/clock.ts";
import { type KeepCommand, runKeep } from "./keep.ts";
import { parseKeep, rateOf } from "./keep-options.ts";

async function said(command: KeepCommand, ...argv: string[]): Promise<[number, string]> {
  let text = "";
  const take = (more: string): void => {
    text += more;
  };
  const io = { env: {}, clock: new VirtualClock(), suffix: "x", print: take, complain: take };
  const code = await runKeep(command, argv, { ...io, readFile: () => "" });
  return [code, text];
}

test("a node that goes away in the middle of a backup is said to have, and nothing is kept", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ovation-keep-"));
  // Says that much follows, and then is not there any more.
  const node = Bun.listen({
    ...{ hostname: "127.0.0.1", port: 0 },
    socket: {
      data(socket) {
        socket.end("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nsome");
      },
    },
  });
  try {
    const url = `http://127.0.0.1:${node.port}`;
    const wrong = `ovation: ${url} went away before all of it was here: nothing is kept, ask again\n`;
    expect(await said("backup", join(folder, "copy"), `--url=${url}`)).toEqual([1, wrong]);
    rmdirSync(folder);
  } finally {
    node.stop(true);
  }
});

test("a rate is megabytes a second, written in any of the usual ways", () => {
  const rate = (text: string): number | readonly string[] => {
    const parsed = parseKeep(["copy", `--rate=${text}`], {}, () => "", { suffix: "x" });
    return "settings" in parsed ? rateOf(parsed.settings) : parsed.mistakes;
  };
  for (const text of ["50", "50M", "50MB", "50MB/s"]) expect(rate(text)).toBe(50);
  expect(rate("2GB")).toBe(2_000);
  for (const text of ["0", "-1", "1.5MB", "10kB", "MB", "50/s"]) {
    expect(rate(text)).toEqual([`--rate=${text} must be whole megabytes a second, like 50MB, or 1GB`]);
  }
});

test("the file is the word that is no flag's value, wherever it stands", async () => {
  const parsed = (...argv: string[]) => {
    const { file, settings, mistakes } = {
      mistakes: [],
      ...parseKeep(argv, {}, () => "", { suffix: "x" }),
    } as {
      file?: string;
      settings?: { data: string };
      mistakes: readonly string[];
    };
    return [file, settings?.data, ...mistakes];
  };
  for (const argv of [
    ["--data", "likes", "copy"],
    ["copy", "--data", "likes"],
    ["--data=likes", "copy", "--rate", "1GB"],
  ]) {
    expect(parsed(...argv)).toEqual(["copy", "likes"]);
  }
  expect(parsed("copy", "another")).toEqual([undefined, undefined, 'unexpected word "another"']);
  expect(await said("backup", "-")).toEqual([2, expect.stringContaining("is a file, not -")]);
});

test.each(["verify", "restore"] as const)(
  "%s names a folder in place of a backup, and no file",
  async (command) => {
    const folder = mkdtempSync(join(tmpdir(), "ovation-keep-"));
    try {
      const hint = `what is in it: ovation verify --data=${folder}`;
      const wrong = `ovation: ${folder} is a folder and no backup; ${hint}\n`;
      expect(await said(command, folder)).toEqual([1, wrong]);
      const away = join(folder, "away");
      expect(await said(command, away)).toEqual([1, `ovation: ${away} is not there\n`]);
    } finally {
      rmdirSync(folder);
    }
  },
);

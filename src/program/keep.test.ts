/** What backup, restore and verify say of what they are pointed at by mistake. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../base/clock.ts";
import { type KeepCommand, runKeep } from "./keep.ts";

async function said(command: KeepCommand, ...argv: string[]): Promise<[number, string]> {
  let text = "";
  const take = (more: string): void => {
    text += more;
  };
  const io = { env: {}, clock: new VirtualClock(), suffix: "x", print: take, complain: take };
  const code = await runKeep(command, argv, { ...io, readFile: () => "" });
  return [code, text];
}

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

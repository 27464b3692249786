/** What `ovation token` answers, and with which exit code. */
import { expect, test } from "bun:test";
import { runToken } from "./mint.ts";

async function token(...flags: string[]) {
  const [said, complained]: [string[], string[]] = [[], []];
  const code = await runToken(flags, {
    ...{ env: {}, clock: { date: () => 1_700_000_000_000 as never }, readFile: () => "" },
    ...{ print: (text) => said.push(text), complain: (text) => complained.push(text) },
  });
  return { code, said: said.join(""), complained: complained.join("") };
}

test("a token is explained, and what is none is a mistake", async () => {
  const made = await token(`--secret=${"s".repeat(32)}`, "--sub=ada", "--ttl=1d");
  expect(made).toMatchObject({ code: 0, complained: "" });
  const explained = await token(`--explain=${made.said.trim()}`);
  expect(explained.said).toContain("exp           2023-11-15T22:13:20.000Z (in 86400 s)");
  expect(await token("--explain=abc")).toEqual({
    code: 2,
    said: "",
    complained: "ovation: --explain is no JWT\n",
  });
});

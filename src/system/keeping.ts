/** What tests of backups share: the commands, a publisher who counts what was accepted, and what is there. */
import { expect } from "bun:test";
import { systemClock } from "../base/clock.ts";
import { type KeepCommand, runKeep } from "../program/keep.ts";
import type { Running } from "./server.ts";

export const key = "only-for-these-tests";

/** What a command says and answers. */
export async function keep(command: KeepCommand, ...argv: string[]): Promise<{ code: number; said: string }> {
  let said = "";
  const say = (text: string): void => {
    said += text;
  };
  const io = { env: {}, clock: systemClock(), suffix: "x", print: say, complain: say, readFile: String };
  const code = await runKeep(command, argv, io);
  return { code, said };
}

export const post = (url: string, path: string, body: object): Promise<Response> =>
  fetch(`${url}/v1/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });

/** Likes and comments until stopped; each is counted when it is answered. */
export class Publisher {
  likes = 0;
  comments = 0;
  #going = true;
  readonly #done: Promise<void>;

  constructor({ url }: Pick<Running, "url">) {
    this.#done = this.#go(url);
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#done;
  }

  async #go(url: string): Promise<void> {
    while (this.#going) {
      const answers = await Promise.all([
        post(url, "videos/v/likes", { kind: "heart", count: 3 }),
        post(url, "videos/v/comments", { text: `${this.comments + 1}` }),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([202, 201]);
      this.likes += 3;
      this.comments++;
    }
  }

  async until(comments: number): Promise<void> {
    while (this.comments < comments) await Bun.sleep(5);
  }
}

/** Comments of a video, oldest first. */
export const textsOf = async ({ url }: Pick<Running, "url">): Promise<string[]> => {
  const answer = await fetch(`${url}/v1/videos/v/comments?limit=100`);
  return ((await answer.json()) as { comments: { text: string }[] }).comments.map(({ text }) => text);
};

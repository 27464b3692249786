/**
 * `npm run generated`: clients that other people's generators make of the executable's openapi.json. Each
 * must compile, and like a video that then has the like.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { say } from "../trial.ts";
import { folder, npm, pip, run, withExecutable } from "./kit.ts";

const typescript = `import createClient from "openapi-fetch";
import type { paths, operations } from "./generated/api.d.ts";

type Comments = operations["listComments"]["responses"][200]["content"]["application/json"];
const client = createClient<paths>({ baseUrl: process.argv[2] ?? "" });
const params = { path: { video: "typescript" } };
const liked = await client.POST("/v1/videos/{video}/likes", { params, body: { kind: "heart", count: 3 } });
if (liked.error) throw new Error(liked.error.error.code);
const said = await client.POST("/v1/videos/{video}/comments", { params, body: { text: "hello" } });
const listed = await client.GET("/v1/videos/{video}/comments", { params });
const comments: Comments["comments"] = listed.data?.comments ?? [];
if (comments[0]?.id !== said.data?.id) throw new Error("the comment is not there");
const seen = await client.GET("/v1/videos/{video}", { params });
console.log(seen.data?.totals["heart"]);
`;

const python = `import sys
from generated.client import Client
from generated.api.likes import like_video
from generated.api.videos import get_video
from generated.models import Error, Like

client = Client(base_url=sys.argv[1])
like_video.sync(client=client, video="python", body=Like(kind="heart", count=3))
refused = like_video.sync(client=client, video="python", body=Like(kind="no-such-kind"))
assert isinstance(refused, Error) and refused.error.code == "unknown-kind", refused
print(get_video.sync(client=client, video="python").totals["heart"])
`;

async function byTypescript(url: string): Promise<string> {
  await npm({ "openapi-typescript": "7.13.0", "openapi-fetch": "0.17.0", typescript: "5.9.3" });
  const programs = join(folder, "node_modules/.bin");
  await run([join(programs, "openapi-typescript"), "openapi.json", "-o", "generated/api.d.ts"]);
  writeFileSync(join(folder, "like.mts"), typescript);
  const flags = ["--strict", "--module", "nodenext", "--target", "es2022", "--skipLibCheck"];
  const types = ["--types", "bun-types", "--typeRoots", join(folder, "../../node_modules")];
  await run([join(programs, "tsc"), ...flags, ...types, "like.mts"]);
  return run([Bun.which("node") ?? process.execPath, "like.mjs", url]);
}

async function byPython(url: string): Promise<string> {
  const programs = await pip("openapi-python-client==0.29.1");
  rmSync(join(folder, "py"), { recursive: true, force: true });
  const made = ["--path", "openapi.json", "--output-path", "py/generated", "--meta", "none", "--overwrite"];
  await run(["mkdir", "py"]);
  await run([join(programs, "openapi-python-client"), "generate", ...made]);
  await run([join(programs, "python"), "-m", "compileall", "-q", "py"]);
  writeFileSync(join(folder, "py/like.py"), python);
  return run([join(programs, "python"), "like.py", url], join(folder, "py"));
}

try {
  await withExecutable([], async ({ url }) => {
    for (const [name, like] of [
      ["openapi-typescript", byTypescript],
      ["openapi-python-client", byPython],
    ] as const) {
      const printed = (await like(url)).trim();
      if (printed !== "3") throw new Error(`${name}: 3 likes were ${printed}`);
      say(`${name}: its client compiles, and its like is counted`);
    }
  });
} catch (error) {
  say(String(error));
  process.exit(1);
}

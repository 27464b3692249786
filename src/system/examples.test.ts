/**
 * The examples in the documentation of the package's functions, as an editor shows them, run as they stand:
 * under Node and under Bun, from what the package leads to. That of `watch` is run by snippets.test.ts.
 */
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dieWithUs } from "./child.ts";
import { getJson, until } from "./cluster.ts";
import { post } from "./events.ts";
import { exampleOf } from "./examples.ts";
import { freePorts } from "./ports.ts";
import { bundle } from "./server.ts";

const root = join(import.meta.dir, "../..");
// Inside the package, which then is what its own name leads to.
const folder = join(root, `dist/examples-${process.pid}`);
mkdirSync(folder, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

for (const [file, runtime, script] of [
  ["src/package/ovation.ts", "node", "example.mjs"],
  ["src/package/ovation-bun.ts", process.execPath, "example.ts"],
] as const) {
  if (!Bun.which(runtime)) continue;
  test(`createOvation of ${file}`, async () => {
    bundle();
    const [port] = await freePorts(1);
    writeFileSync(join(folder, script), exampleOf(file, "createOvation").replace("8080", `${port}`));
    const child = Bun.spawn([...dieWithUs, runtime, script], {
      cwd: folder,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const url = `http://127.0.0.1:${port}/v1/videos/final`;
    await until("the example to listen", async () => (await getJson(url)) !== undefined);
    expect((await post(`${url}/likes`, { kind: "heart", count: 2 })).status).toBe(202);
    expect(await getJson(url)).toMatchObject({ totals: { heart: 2 } });
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });
}

test("a function without an example is told", () => {
  expect(() => exampleOf("src/package/embed.ts", "embed")).toThrow("shows no example of embed");
});

/**
 * The components of the embedding guide as a bundler makes a page of each: JSX, Vue and Svelte compiled by
 * their own compilers, packages resolved, `ovation/client` this repository's.
 */
import { join } from "node:path";
import { compile } from "svelte/compiler";
import { compileScript, parse } from "vue/compiler-sfc";

const folder = join(import.meta.dir, "../../web/snippets");

/** What a page must do to show each component for the video that bears the framework's name. */
const entries: Readonly<Record<string, string>> = {
  "react.jsx": `import { createRoot } from "react-dom/client";
    import { Reactions } from "./react.jsx";
    createRoot(document.querySelector("#root")).render(<Reactions video="react" />);`,
  "component.vue": `import { createApp } from "vue";
    import Reactions from "./component.vue";
    createApp(Reactions, { video: "vue" }).mount("#root");`,
  "component.svelte": `import { mount } from "svelte";
    import Reactions from "./component.svelte";
    mount(Reactions, { target: document.querySelector("#root"), props: { video: "svelte" } });`,
};

/** `text` of the file `name`, compiled as far as Bun's bundler cannot. */
function compiled(name: string, text: string): string {
  if (name.endsWith(".vue")) {
    const { descriptor, errors } = parse(text, { filename: name });
    if (errors[0]) throw errors[0];
    return compileScript(descriptor, { id: "component", inlineTemplate: true }).content;
  }
  return name.endsWith(".svelte") ? compile(text, { filename: name, generate: "client" }).js.code : text;
}

/** The script of a page with the component `name`, its text changed by `here`. */
export async function bundleComponent(name: string, here: (text: string) => string): Promise<string> {
  const path = join(folder, name);
  const entry = join(folder, "page.tsx");
  const built = await Bun.build({
    entrypoints: [entry],
    target: "browser",
    conditions: ["browser"],
    define: {
      "process.env.NODE_ENV": '"production"',
      __VUE_OPTIONS_API__: "false",
      __VUE_PROD_DEVTOOLS__: "false",
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
    },
    files: { [entry]: entries[name] ?? "" },
    plugins: [
      {
        name: "components, and the package's own client",
        setup(build) {
          const client = join(import.meta.dir, "../../web/client/client.ts");
          build.onResolve({ filter: /^ovation\/client$/ }, () => ({ path: client }));
          build.onLoad({ filter: /snippets.(react\.jsx|component\.(vue|svelte))$/ }, async () => ({
            contents: compiled(name, here(await Bun.file(path).text())),
            loader: name.endsWith(".jsx") ? "jsx" : "js",
          }));
        },
      },
    ],
  });
  return (await built.outputs[0]?.text()) ?? "";
}

/** Rewrites README's settings section from the table in src/settings/config.ts. */
import { readmeSettings } from "../src/settings/config.ts";

const readme = new URL("../README.md", import.meta.url);
const section = /(<!-- settings -->\n)[\s\S]*(<!-- \/settings -->)/;
const text = await Bun.file(readme).text();
if (!section.test(text)) throw new Error("README.md has no <!-- settings --> … <!-- /settings -->");
await Bun.write(
  readme,
  text.replace(section, (_, open, close) => `${open}\n${readmeSettings()}\n\n${close}`),
);

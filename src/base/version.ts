/**
 * What this program calls itself. `npm run build` puts the version and the commit in; from source the commit
 * is not known.
 */
import { version } from "../../package.json";

declare const OVATION_BUILD: { readonly version: string; readonly commit: string } | undefined;

export const build: { readonly version: string; readonly commit: string } =
  typeof OVATION_BUILD === "undefined" ? { version, commit: "source" } : OVATION_BUILD;

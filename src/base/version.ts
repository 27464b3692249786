/**
 * What this program calls itself. `npm run build` puts the version, the commit and its day in; from source
 * the last two are not known.
 */
import { version } from "../../package.json";

export interface Build {
  readonly version: string;
  readonly commit: string;
  /** The day of the commit, as 2026-11-28; empty where it is not known. */
  readonly date: string;
}

declare const OVATION_BUILD: Build | undefined;

export const build: Build =
  typeof OVATION_BUILD === "undefined" ? { version, commit: "source", date: "" } : OVATION_BUILD;

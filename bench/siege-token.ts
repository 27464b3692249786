/** Tokens for runs whose server asks for some. */
import { executable } from "./ovation.ts";

/** A viewer's token for `video`, signed with `secret`. */
export function mint(video: string, secret: string): string {
  const made = Bun.spawnSync([executable(), "token", `--video=${video}`, `--secret=${secret}`]);
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  return made.stdout.toString().trim();
}

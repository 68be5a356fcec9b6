import "../support/libraries.ts";

export { inDirectory } from "../support/fs.ts";
import type { Owner } from "../../lib/transfer/files/writing/target.ts";

/** Who receives in the tests, unless it matters. */
export const OWNER: Owner = { key: new Uint8Array(32).fill(1) };

/** The names in a directory, in order; of a staging directory without what is made up. */
export function namesIn(directory: string): string[] {
  return [...Deno.readDirSync(directory)]
    .map(({ name }) => name.replace(/\.[0-9a-f]{8}\.ferry-part$/, ".*"))
    .sort();
}

/** The one staging directory in a directory. */
export function stagingIn(directory: string): string {
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name)
    .filter((name) => name.endsWith(".ferry-part"));
  if (names.length !== 1) throw new Error(`staging: ${names.join()}`);
  return `${directory}/${names[0]}`;
}

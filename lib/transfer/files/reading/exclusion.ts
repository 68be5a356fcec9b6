import type { Ignore } from "npm:ignore@7.0.16";

/** What a tree is sent without. */
export interface Exclusion {
  /**
   * Whether an entry is left out, and all that is in it.
   *
   * @param path from the directory that is sent, without a slash at its beginning
   */
  excludes(path: string, isDirectory: boolean): boolean;
}

/** Paths after which the matcher is made anew: it remembers each that it is asked for. */
const MAX_REMEMBERED = 1 << 12;

/**
 * Prepares patterns as they are in a `.gitignore` at the top of each directory
 * that is sent (gitignore(5)): the last one that matches decides.
 *
 * @returns undefined without patterns
 */
export async function exclusionOf(
  patterns: readonly string[],
): Promise<Exclusion | undefined> {
  if (patterns.length === 0) return undefined;
  // Few transfers need it
  const { default: ignore } = await import("npm:ignore@7.0.16");
  const make = (): Ignore =>
    ignore({ ignorecase: false, allowRelativePaths: true }).add(patterns);
  let matcher = make();
  let asked = 0;
  return {
    excludes(path, isDirectory) {
      if (++asked % MAX_REMEMBERED === 0) matcher = make();
      return matcher.ignores(isDirectory ? `${path}/` : path);
    },
  };
}

/** Files and directories of version control systems: those of GNU tar's `--exclude-vcs`. */
export const VCS_PATTERNS: readonly string[] = [
  "CVS",
  ".cvsignore",
  "RCS",
  "SCCS",
  ".git",
  ".gitignore",
  ".gitattributes",
  ".gitmodules",
  ".svn",
  ".arch-ids",
  "{arch}",
  "=RELEASE-ID",
  "=meta-update",
  "=update",
  ".bzr",
  ".bzrignore",
  ".bzrtags",
  ".hg",
  ".hgignore",
  ".hgtags",
  "_darcs",
];

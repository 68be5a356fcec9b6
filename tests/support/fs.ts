/** Runs `body` in a directory of its own, in `dir` or where such are made. */
export async function inDirectory(
  body: (path: string) => Promise<void> | void,
  dir?: string,
): Promise<void> {
  const prefix = "ferry-test-";
  const path = await Deno.makeTempDir({ prefix, ...dir && { dir } });
  try {
    await body(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

/** Registers a test that runs in a directory of its own. */
export function test(
  name: string,
  fn: (cwd: string) => Promise<void> | void,
): void {
  Deno.test(name, () => inDirectory(fn));
}

/** Makes files below a directory, and the directories they are in; a path that ends in a slash is a directory. */
export function makeFiles(
  root: string,
  files: Record<string, string | Uint8Array>,
): void {
  for (const [name, content] of Object.entries(files)) {
    const path = `${root}/${name}`;
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    if (name.endsWith("/")) continue;
    if (typeof content === "string") Deno.writeTextFileSync(path, content);
    else Deno.writeFileSync(path, content);
  }
}

/** What names of staging directories differ by. */
const STAGING_ID = /\.[0-9a-f]{8}(?=\.ferry-part$)/;

/** The names in a directory, in order; those of staging directories without their random part. */
export function namesIn(directory: string): string[] {
  return [...Deno.readDirSync(directory)]
    .map(({ name }) => name.replace(STAGING_ID, "")).sort();
}

/**
 * The path of a file in the staging directory for `title`, whether or not it is
 * there; of the one staging directory there is.
 */
export function staged(
  directory: string,
  title: string,
  path = `${title}.ferry-part`,
): string {
  const name = [...Deno.readDirSync(directory)].map(({ name }) => name)
    .find((name) => name.replace(STAGING_ID, "") === `${title}.ferry-part`);
  return `${directory}/${name}/content/${path}`;
}

/**
 * What is at a path and below it, a line for each: kinds, paths, modes, times to
 * the nanosecond and where links lead.
 */
export function listing(path: string): Promise<string[]> {
  return find(path, "%y %P %m %T@ %l");
}

/** As {@linkcode listing}, with the owner and the size of each as well. */
export function inventory(path: string): Promise<string[]> {
  return find(path, "%y %P %m %U %s %T@ %l");
}

async function find(path: string, format: string): Promise<string[]> {
  const args = [path, "-printf", `${format}\\0`];
  const { stdout } = await new Deno.Command("find", { args }).output();
  return new TextDecoder().decode(stdout).split("\0").filter(Boolean).sort();
}

/** All regular files below a path whose content has this text in it. */
export async function filesWith(path: string, text: string): Promise<string[]> {
  const args = ["-rlaF", "--", text, path];
  const { stdout } = await new Deno.Command("grep", { args }).output();
  return new TextDecoder().decode(stdout).split("\n").filter(Boolean).sort();
}

/** Says that what is at these paths, links themselves among them, was last changed then, as `touch` has it. */
export async function touch(time: string, ...paths: string[]): Promise<void> {
  const args = ["--no-dereference", "--date", time, "--", ...paths];
  const { success } = await new Deno.Command("touch", { args }).output();
  if (!success) throw new Error(`Cannot set the time of ${paths}`);
}

/** Whether two files hold the same. */
export async function sameFiles(one: string, other: string): Promise<boolean> {
  const compare = new Deno.Command("cmp", { args: ["-s", one, other] });
  return (await compare.output()).success;
}

/** Writes `size` random bytes to a file. */
export async function writeRandomFile(
  path: string,
  size: number,
): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  const chunk = new Uint8Array(65_536);
  for (let written = 0; written < size; written += chunk.length) {
    const part = chunk.subarray(0, Math.min(chunk.length, size - written));
    crypto.getRandomValues(part);
    for (let at = 0; at < part.length;) {
      at += await file.write(part.subarray(at));
    }
  }
}

/** Mounts an empty file system, which is in memory. @returns whether that is allowed */
export async function mount(path: string, options: string): Promise<boolean> {
  const args = ["-t", "tmpfs", "-o", options, "tmpfs", path];
  const command = new Deno.Command("mount", { args, stderr: "null" });
  return (await command.output()).success;
}

export async function unmount(path: string): Promise<void> {
  await new Deno.Command("umount", { args: [path] }).output();
}

/**
 * Run as a program, it becomes the user `uid` and exchanges pairs of names in a
 * directory, each in one step and as often as it can, until it is killed or a
 * minute is over: `flip.ts UID DIRECTORY NAME OTHER [NAME OTHER...]`.
 */
if (import.meta.main) {
  const [uid, directory, ...names] = Deno.args;
  const AT_FDCWD = -100;
  const RENAME_EXCHANGE = 2;
  const library = [
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib/aarch64-linux-gnu/libc.so.6",
    "/lib64/libc.so.6",
    "/usr/lib/libc.so.6",
  ].find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
  const { symbols: { setgid, setuid, renameat2 } } = Deno.dlopen(library!, {
    setgid: { parameters: ["u32"], result: "i32" },
    setuid: { parameters: ["u32"], result: "i32" },
    renameat2: {
      parameters: ["i32", "buffer", "i32", "buffer", "u32"],
      result: "i32",
    },
  });
  const paths = names.map((name) =>
    new TextEncoder().encode(`${directory}/${name}\0`)
  );
  if (setgid(Number(uid)) !== 0 || setuid(Number(uid)) !== 0) Deno.exit(1);
  console.log("ready");
  const end = Date.now() + 60_000;
  for (let turn = 0; Date.now() < end; turn++) {
    for (let i = 0; i < paths.length; i += 2) {
      const [one, other] = [paths[i], paths[i + 1]];
      const result = renameat2(
        AT_FDCWD,
        one!,
        AT_FDCWD,
        other!,
        RENAME_EXCHANGE,
      );
      if (result !== 0) Deno.exit(2);
    }
    // Now and then what is there stays for longer than a look takes
    const pause = turn % 64;
    for (let i = 0; i < pause * 200; i++) Math.sqrt(i);
  }
}

/** Runs `body` while another user exchanges these pairs of names in `directory`. */
export async function whileFlipping(
  directory: string,
  names: string[],
  body: () => Promise<void>,
): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ..."run -A --quiet --no-check --no-lock --no-config".split(" "),
      new URL(import.meta.url).pathname,
      "65534",
      directory,
      ...names,
    ],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  try {
    const { done } = await reader.read();
    if (done) throw new Error("Nothing is exchanged");
    await body();
  } finally {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended
    }
    const { signal } = await child.status;
    await reader.cancel();
    if (signal !== "SIGKILL") {
      // deno-lint-ignore no-unsafe-finally -- then nothing was tested
      throw new Error("The exchange ended before its time");
    }
  }
}

/** The secret that is only root's, and that no send may bring. */
export const SECRET = "only root may read this";

/**
 * Makes `tree` in `directory`, of another user, with names that are exchanged
 * with links: to a file, and to a directory, that only root may read.
 *
 * @returns the pairs of names
 */
export function makeTrap(directory: string): string[] {
  Deno.chmodSync(directory, 0o755);
  const vault = `${directory}/vault`;
  Deno.mkdirSync(vault, { mode: 0o700 });
  Deno.mkdirSync(`${vault}/inner`);
  const tree = `${directory}/tree`;
  Deno.mkdirSync(tree);
  const text = (path: string, words: string, mode: number) => {
    Deno.writeTextFileSync(path, words);
    Deno.chmodSync(path, mode);
  };
  const names: string[] = [];
  for (let i = 0; i < 20; i++) {
    const digits = `${i}`.padStart(2, "0");
    text(`${vault}/f${digits}`, SECRET, 0o600);
    text(`${vault}/inner/f${digits}`, SECRET, 0o600);
    // Large ones are opened otherwise than small ones
    text(`${vault}/g${digits}`, SECRET + "x".repeat(70_000), 0o600);
  }
  for (let i = 0; i < 6; i++) {
    const harmless = i % 2 === 0 ? "harmless" : "harmless".repeat(10_000);
    text(`${tree}/a${i}`, harmless, 0o644);
    Deno.symlinkSync(`../vault/${i % 2 ? "g" : "f"}00`, `${tree}/a${i}.other`);
    const inside = `${tree}/d${i}`;
    Deno.mkdirSync(`${inside}/inner`, { recursive: true });
    for (let j = 0; j < 20; j++) {
      const digits = `${j}`.padStart(2, "0");
      text(`${inside}/f${digits}`, "harmless", 0o644);
      text(`${inside}/g${digits}`, "harmless".repeat(10_000), 0o644);
      text(`${inside}/inner/f${digits}`, "harmless", 0o644);
    }
    Deno.symlinkSync("../vault", `${tree}/d${i}.other`);
    names.push(`a${i}`, `a${i}.other`, `d${i}`, `d${i}.other`);
  }
  // Links themselves, and not what they lead to
  const args = ["--recursive", "--no-dereference", "65534:65534", tree];
  const { success } = new Deno.Command("chown", { args }).outputSync();
  if (!success) throw new Error(`Cannot give ${tree} to another user`);
  return names;
}

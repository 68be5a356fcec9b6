import { inDirectory, mount, unmount } from "./fs.ts";
import { canMakeNamespaces } from "./machines/namespaces.ts";
import { installed } from "./process.ts";

/** Something that a test needs and not every machine, or every run, has. */
export interface Need {
  /** As in "needs root". */
  readonly what: string;
  readonly met: boolean;
}

const uid = Deno.uid();
const ffi = await Deno.permissions.query({ name: "ffi" });

/** Another user can be played, and files of others be made. */
export const ROOT: Need = { what: "root", met: uid === 0 };
/** Permissions count. */
export const NO_ROOT: Need = { what: "a user other than root", met: uid !== 0 };
export const LINUX: Need = {
  what: "Linux",
  met: Deno.build.os === "linux",
};
/** There is a terminal to play a person at. */
export const TMUX = await program("tmux");
/** A file system can be mounted. */
export const MOUNT: Need = {
  what: "root that may mount",
  met: ROOT.met && await canMount(),
};
/** Machines and networks between them can be played. */
export const NAMESPACES: Need = {
  what: "root that may make network namespaces",
  met: ROOT.met && await canMakeNamespaces(),
};
/** The C library can be called. */
export const FFI: Need = {
  what: "Linux and FFI",
  met: LINUX.met && ffi.state === "granted",
};
/** There is memory that is named like files below /dev, and ferry opens it by FFI. */
export const SHARED_MEMORY: Need = {
  what: "/dev/shm and FFI",
  met: FFI.met && await isWritable("/dev/shm"),
};
/** A file can be made a disk. */
export const LOOP_DEVICES: Need = {
  what: "root that may set up loop devices",
  met: ROOT.met && FFI.met && await canLoop(),
};
/** It takes long. */
export const FULL_RUN: Need = {
  what: "FERRY_FULL=1",
  met: Deno.env.has("FERRY_FULL"),
};
/** The compiled executable is tested. */
export const EXECUTABLE: Need = {
  what: "FERRY=the executable",
  met: Deno.env.has("FERRY"),
};
/** The source is tested. */
export const SOURCE: Need = {
  what: "no FERRY, but the source",
  met: !EXECUTABLE.met,
};

async function isWritable(directory: string): Promise<boolean> {
  try {
    await Deno.remove(await Deno.makeTempDir({ dir: directory }));
    return true;
  } catch {
    return false;
  }
}

async function canLoop(): Promise<boolean> {
  if (!await installed("losetup")) return false;
  const path = await Deno.makeTempFile({ prefix: "ferry-test-" });
  await Deno.truncate(path, 4096);
  const losetup = (...args: string[]) =>
    new Deno.Command("losetup", { args }).output();
  const { success, stdout } = await losetup("--find", "--show", path);
  if (success) {
    await losetup("--detach", new TextDecoder().decode(stdout).trim());
  }
  await Deno.remove(path);
  return success;
}

async function canMount(): Promise<boolean> {
  const path = await Deno.makeTempDir({ prefix: "ferry-test-" });
  const mounted = await mount(path, "size=64k");
  if (mounted) await unmount(path);
  await Deno.remove(path);
  return mounted;
}

/** This program is there. */
export async function program(name: string): Promise<Need> {
  return { what: `the program ${name}`, met: await installed(name) };
}

/**
 * Registers a test that runs in a directory of its own. It is ignored where one of
 * its needs is not met, and then
 * says so in its name; `.ci/gate` counts them.
 */
export function testWith(
  needs: Need | readonly Need[],
  name: string,
  fn: (cwd: string) => void | Promise<void>,
): void {
  const missing = [needs].flat().filter(({ met }) => !met);
  const reason = missing.map(({ what }) => what).join(" and ");
  Deno.test({
    name: missing.length > 0 ? `${name} [needs ${reason}]` : name,
    ignore: missing.length > 0,
    fn: () => inDirectory(fn),
  });
}

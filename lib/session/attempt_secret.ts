/**
 * The secret from which a sender's attempt keys are derived. It stays on the
 * sender's machine, so that nobody else can go on with what was begun from it.
 */
import { dirname } from "node:path";

/** Why there is no secret. */
export type NoSecret =
  /** The environment names no directory for it, or may not be read. */
  | "no-directory"
  /** The runtime lacks the permission to read or write there. */
  | "no-permission"
  /** Something there is a link or no regular file, belongs to another user, or is open to others. */
  | "unsafe"
  /** It is not 32 bytes long. */
  | "malformed"
  /** It cannot be made or read. */
  | "unusable";

/** The secret; or why there is none, and the path that is to blame. */
export type AttemptSecret =
  | { readonly secret: Uint8Array<ArrayBuffer> }
  | { readonly missing: NoSecret; readonly path?: string };

/** In bytes. */
const SIZE = 32;
const WINDOWS = Deno.build.os === "windows";

/** Something prevents the use of a secret. */
class UnusableSecret extends Error {
  readonly missing: NoSecret;
  readonly path: string;

  constructor(missing: NoSecret, path: string) {
    super(missing);
    this.missing = missing;
    this.path = path;
  }
}

/**
 * Reads the 32 bytes of `ferry/attempt-key` below `$XDG_STATE_HOME`, else
 * `$HOME/.local/state` (XDG Base Directory Specification 0.8; on Windows
 * `%LOCALAPPDATA%`), and makes them if they are not there. It never throws, and
 * never has the runtime ask for a permission.
 *
 * @param variable what the environment has under a name
 */
export function attemptSecret(
  variable: (name: string) => string | undefined = environmentVariable,
): AttemptSecret {
  const home = stateHome(variable);
  if (home === undefined) return { missing: "no-directory" };
  const path = `${home.state}/ferry/attempt-key`;
  try {
    if (!mayUse(home.state)) throw new UnusableSecret("no-permission", path);
    return { secret: read(path) ?? make(path, home.owned) };
  } catch (error) {
    return error instanceof UnusableSecret
      ? { missing: error.missing, path: error.path }
      : { missing: "unusable", path };
  }
}

/** A variable of the environment; undefined where it may not be read. */
function environmentVariable(name: string): string | undefined {
  const permission = { name: "env", variable: name } as const;
  if (Deno.permissions.querySync(permission).state !== "granted") return;
  return Deno.env.get(name);
}

/**
 * Where programs keep their state, and the directory that must be this user's
 * before anything is made below it: what root made in another user's home, that
 * user could not read.
 */
function stateHome(
  variable: (name: string) => string | undefined,
): { readonly state: string; readonly owned: string } | undefined {
  const absolute = (name: string) => {
    const path = variable(name);
    return path?.startsWith("/") ? path : undefined;
  };
  if (WINDOWS) {
    const state = variable("LOCALAPPDATA") || undefined;
    return state === undefined ? undefined : { state, owned: state };
  }
  const home = absolute("HOME");
  // The specification ignores relative paths
  const state = absolute("XDG_STATE_HOME") ?? (home && `${home}/.local/state`);
  return state === undefined ? undefined : { state, owned: home ?? state };
}

function mayUse(path: string): boolean {
  const wanted: Deno.PermissionDescriptor[] = [
    { name: "read", path },
    { name: "write", path },
  ];
  if (!WINDOWS) wanted.push({ name: "sys", kind: "uid" });
  return wanted.every((one) =>
    Deno.permissions.querySync(one).state === "granted"
  );
}

/** @returns undefined if it is not there */
function read(path: string): Uint8Array<ArrayBuffer> | undefined {
  let seen: Deno.FileInfo;
  try {
    seen = Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  // A user who may change the directory may put another file there
  checkSafe(dirname(path), "isDirectory");
  // No link, so none is followed; nor a named pipe, which would keep it waiting
  checkSafe(path, "isFile", seen);
  using file = Deno.openSync(path);
  const info = file.statSync();
  if (info.ino !== seen.ino || info.dev !== seen.dev) {
    throw new UnusableSecret("unsafe", path);
  }
  checkSafe(path, "isFile", info);
  const secret = new Uint8Array(SIZE);
  if (info.size !== SIZE || file.readSync(secret) !== SIZE) {
    throw new UnusableSecret("malformed", path);
  }
  return secret;
}

/**
 * Makes the secret. If another sender does so at the same time, the first one to
 * link it under its name has made it for both.
 */
function make(path: string, owned: string): Uint8Array<ArrayBuffer> {
  const home = Deno.statSync(owned);
  if (!isOurs(home)) throw new UnusableSecret("unsafe", owned);
  Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  checkSafe(dirname(path), "isDirectory");
  const temporary = `${path}.${crypto.randomUUID()}`;
  const secret = crypto.getRandomValues(new Uint8Array(SIZE));
  const options = { write: true, createNew: true, mode: 0o600 };
  const file = Deno.openSync(temporary, options);
  try {
    {
      using _ = file;
      for (let at = 0; at < SIZE;) at += file.writeSync(secret.subarray(at));
      // Or a crash could leave an empty file
      file.syncSync();
    }
    // Unlike a rename, it replaces nothing
    Deno.linkSync(temporary, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  } finally {
    Deno.removeSync(temporary);
  }
  const made = read(path);
  if (made === undefined) throw new UnusableSecret("unusable", path);
  return made;
}

/** @throws {UnusableSecret} unless it is of this kind, this user's, and closed to others */
function checkSafe(
  path: string,
  kind: "isFile" | "isDirectory",
  info = Deno.lstatSync(path),
): void {
  const closed = kind === "isFile" ? 0o077 : 0o022;
  if (
    !info[kind] || !isOurs(info) || ((info.mode ?? 0) & closed) !== 0
  ) throw new UnusableSecret("unsafe", path);
}

/** Whether it belongs to the user of this process. On Windows the directory is closed to others by itself. */
function isOurs({ uid }: Deno.FileInfo): boolean {
  return WINDOWS || uid === Deno.uid();
}

/**
 * The secret from which a sender's attempt keys are derived. It stays on the
 * sender's machine, so that nobody else can go on with what was begun from it.
 */
import { dirname } from "node:path";

/** The secret, if there is one that can be used. */
export interface AttemptSecret {
  readonly secret?: Uint8Array<ArrayBuffer>;
  /** What may be others': a file of another form, link, owner or mode, or its directory. */
  readonly unsafe?: string;
}

/** In bytes. */
const SIZE = 32;
const WINDOWS = Deno.build.os === "windows";

/** Something there may be others'. */
class Unsafe extends Error {
  readonly path: string;

  constructor(path: string) {
    super(path);
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
  if (home === undefined) return {};
  const path = `${home.state}/ferry/attempt-key`;
  try {
    if (!mayUse(home.state)) return {};
    const secret = read(path) ?? make(path, home.owned);
    return secret ? { secret } : {};
  } catch (error) {
    return error instanceof Unsafe ? { unsafe: error.path } : {};
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
    throw new Unsafe(path);
  }
  checkSafe(path, "isFile", info);
  const secret = new Uint8Array(SIZE);
  if (info.size !== SIZE || file.readSync(secret) !== SIZE) {
    throw new Unsafe(path);
  }
  return secret;
}

/**
 * Makes the secret. If another sender does so at the same time, the first one to
 * link it under its name has made it for both.
 */
function make(path: string, owned: string) {
  const home = Deno.statSync(owned);
  if (!isOurs(home)) throw new Unsafe(owned);
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
  return read(path);
}

/** @throws {Unsafe} unless it is of this kind, this user's, and closed to others */
function checkSafe(
  path: string,
  kind: "isFile" | "isDirectory",
  info = Deno.lstatSync(path),
): void {
  const closed = kind === "isFile" ? 0o077 : 0o022;
  if (
    !info[kind] || !isOurs(info) || ((info.mode ?? 0) & closed) !== 0
  ) throw new Unsafe(path);
}

/** Whether it belongs to the user of this process. On Windows the directory is closed to others by itself. */
function isOurs({ uid }: Deno.FileInfo): boolean {
  return WINDOWS || uid === Deno.uid();
}

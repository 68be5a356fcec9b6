import { assert, assertEquals } from "@std/assert";
import {
  type AttemptSecret,
  attemptSecret,
} from "../../lib/session/attempt_secret.ts";
import { inDirectory } from "../support/fs.ts";
import { ROOT, testWith } from "../support/needs.ts";

/** A test in a directory of its own. */
function test(name: string, fn: Parameters<typeof inDirectory>[0]): void {
  const ignore = Deno.build.os === "windows";
  Deno.test({ name, ignore, fn: () => inDirectory(fn) });
}

/** Asserts that with this state nothing is used, because of what is at `path`. */
function assertUnsafe(state: string, path: string): void {
  assertEquals(secretIn({ XDG_STATE_HOME: state }), { unsafe: path });
}

function secretIn(variables: Record<string, string>): AttemptSecret {
  return attemptSecret((name) => variables[name]);
}

function bytesOf(found: AttemptSecret): Uint8Array {
  assert(found.secret, JSON.stringify(found));
  return found.secret;
}

function modeOf(path: string): number {
  return Deno.lstatSync(path).mode! & 0o777;
}

/** Calls `body` where `ferry/attempt-key` lies below the first path, the second. */
function withKey(body: (state: string, key: string) => Promise<void> | void) {
  return (state: string) => {
    bytesOf(secretIn({ XDG_STATE_HOME: state }));
    return body(state, `${state}/ferry/attempt-key`);
  };
}

test("the attempt secret is made once, for its user alone, and read from then on", (home) => {
  const first = bytesOf(secretIn({ HOME: home }));
  assertEquals(first.length, 32);
  assert(first.some((byte) => byte !== 0));
  assertEquals(bytesOf(secretIn({ HOME: home })), first);
  const directory = `${home}/.local/state/ferry`;
  assertEquals(modeOf(directory), 0o700);
  assertEquals(modeOf(`${directory}/attempt-key`), 0o600);
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name);
  assertEquals(names, ["attempt-key"]);
});

test("XDG_STATE_HOME goes before HOME, unless it is relative or empty", (directory) => {
  const variables = { HOME: `${directory}/h`, XDG_STATE_HOME: directory };
  Deno.mkdirSync(variables.HOME);
  const there = bytesOf(secretIn(variables));
  assertEquals(Deno.readFileSync(`${directory}/ferry/attempt-key`), there);
  for (const XDG_STATE_HOME of ["state", ""]) {
    const other = bytesOf(secretIn({ ...variables, XDG_STATE_HOME }));
    assertEquals(
      Deno.readFileSync(
        `${directory}/h/.local/state/ferry/attempt-key`,
      ),
      other,
    );
  }
});

test("without a home there is no attempt secret, and that is no failure", () => {
  for (const HOME of ["", "relative", "/nonexistent"]) {
    assertEquals(secretIn({ HOME }), {});
  }
  assertEquals(secretIn({}), {});
});

test(
  "an attempt secret that others may read, write or replace is not used",
  withKey((state, key) => {
    const used = () => "secret" in secretIn({ XDG_STATE_HOME: state });
    for (const mode of [0o640, 0o604, 0o620, 0o602, 0o644]) {
      Deno.chmodSync(key, mode);
      assertUnsafe(state, key);
    }
    Deno.chmodSync(key, 0o400);
    assert(used());
    for (const mode of [0o770, 0o702, 0o1777]) {
      Deno.chmodSync(`${state}/ferry`, mode);
      assertUnsafe(state, `${state}/ferry`);
    }
    Deno.chmodSync(`${state}/ferry`, 0o755);
    assert(used());
  }),
);

test(
  "an attempt secret that is a link, or behind one, is not followed",
  withKey((state, key) => {
    Deno.renameSync(key, `${state}/elsewhere`);
    for (const target of [`${state}/elsewhere`, `${state}/none`]) {
      Deno.symlinkSync(target, key);
      assertUnsafe(state, key);
      Deno.removeSync(key);
    }
    assertEquals([...Deno.readDirSync(`${state}/ferry`)], []);
    Deno.renameSync(`${state}/ferry`, `${state}/real`);
    Deno.symlinkSync(`${state}/real`, `${state}/ferry`);
    assertUnsafe(state, `${state}/ferry`);
    assertEquals([...Deno.readDirSync(`${state}/real`)], []);
  }),
);

test(
  "an attempt secret that is a named pipe or of another length is not used, and nothing waits for it",
  withKey(async (state, key) => {
    for (const size of [0, 31, 33]) {
      Deno.writeFileSync(key, new Uint8Array(size));
      assertUnsafe(state, key);
    }
    Deno.removeSync(key);
    await new Deno.Command("mkfifo", { args: ["-m", "600", key] }).output();
    assertUnsafe(state, key);
    Deno.removeSync(key);
    Deno.mkdirSync(key);
    assertUnsafe(state, key);
  }),
);

testWith(
  ROOT,
  "an attempt secret, a directory for it or a home of somebody else is not used",
  () =>
    inDirectory(withKey((state, key) => {
      Deno.chownSync(key, 65534, 65534);
      assertUnsafe(state, key);
      Deno.chownSync(key, 0, 0);
      Deno.chownSync(`${state}/ferry`, 65534, 65534);
      assertUnsafe(state, `${state}/ferry`);
      const home = `${state}/home`;
      Deno.mkdirSync(home);
      Deno.chownSync(home, 65534, 65534);
      assertEquals(secretIn({ HOME: home }), { unsafe: home });
      assertEquals([...Deno.readDirSync(home)], []);
    })),
);

const MODULE = new URL("../../lib/session/attempt_secret.ts", import.meta.url);

/** What `attemptSecret` finds in a process of its own, with these permissions. */
async function elsewhere(
  permissions: string[],
  env: Record<string, string>,
): Promise<string> {
  const code = `import { attemptSecret } from ${JSON.stringify(MODULE.href)};
    const found = attemptSecret();
    console.log([...found.secret ?? []].join());`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ..."run --quiet --no-check --no-lock --ext=ts".split(" "),
      ...permissions,
      `data:application/typescript,${encodeURIComponent(code)}`,
    ],
    env,
    stdin: "null",
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).trim();
}

const GRANTED = [
  "--allow-read",
  "--allow-write",
  "--allow-sys=uid",
  "--allow-env=HOME,XDG_STATE_HOME",
];

test("senders that start at once agree on one attempt secret", async (state) => {
  const env = { XDG_STATE_HOME: state };
  const found = await Promise.all(
    Array.from({ length: 6 }, () => elsewhere(GRANTED, env)),
  );
  const key = Deno.readFileSync(`${state}/ferry/attempt-key`);
  assertEquals(new Set(found), new Set([key.join()]));
  assertEquals([...Deno.readDirSync(`${state}/ferry`)].length, 1);
});

test("where a permission is missing, there is no attempt secret and nobody is asked", async (state) => {
  const env = { XDG_STATE_HOME: state };
  const without = (flag: string) =>
    elsewhere(GRANTED.filter((other) => !other.startsWith(flag)), env);
  assertEquals(
    await Promise.all(
      ["--allow-env", "--allow-write", "--allow-read", "--allow-sys"]
        .map(without),
    ),
    ["", "", "", ""],
  );
  assertEquals([...Deno.readDirSync(state)], []);
});

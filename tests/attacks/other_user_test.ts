import { assert, assertEquals } from "@std/assert";
import { bytesOf } from "./support/hostile_sender.ts";
import { asNobody, receiver, sender, transfer } from "./support/running.ts";
import { filesWith, inDirectory, inventory, namesIn } from "../support/fs.ts";
import { FULL, type Running } from "../support/ferry.ts";
import { pause, until } from "../support/wait.ts";
import { ROOT, testWith } from "../support/needs.ts";

const MARK = "TOP-SECRET-MARK";

/** A test that has somebody else on the same machine: only root can play both. */
function test(name: string, fn: (cwd: string) => Promise<void>): void {
  testWith(ROOT, name, () =>
    inDirectory(async (cwd) => {
      await Deno.chmod(cwd, 0o755);
      await fn(cwd);
    }));
}

/** A secret of so many bytes, 0600, and a directory in which others may look. */
async function secret(cwd: string, size: number, mode = 0o1777) {
  await Deno.mkdir(`${cwd}/safe`, { mode: 0o700 });
  const content = MARK.repeat(Math.ceil(size / MARK.length)).slice(0, size);
  await Deno.writeTextFile(`${cwd}/safe/secret`, content);
  await Deno.chmod(`${cwd}/safe/secret`, 0o600);
  await Deno.mkdir(`${cwd}/dir`);
  await Deno.chmod(`${cwd}/dir`, mode);
  await Deno.mkdir(`${cwd}/loot`);
  await Deno.chmod(`${cwd}/loot`, 0o777);
}

/** Ends an attack, by which nothing of the secret was had. */
async function assertNoLoot(cwd: string, attacker: Running): Promise<void> {
  await Deno.writeTextFile(`${cwd}/loot/stop`, "");
  await attacker.status;
  assertEquals(await filesWith(`${cwd}/loot`, MARK), []);
}

/** Reads whatever can be read below `dir`, again and again, until there is a file `loot/stop`. */
const READER = `
until [ -e loot/stop ]; do
  find dir -type f -readable -exec cat {} + >> loot/read 2> /dev/null
done`;

/** Opens whatever can be opened there, keeps it open, and reads all of it in the end. */
const HOLDER = `
shopt -s nullglob globstar dotglob
fd=10
until [ -e loot/stop ]; do
  for file in dir/** ; do
    [ -f "$file" ] && [ $fd -lt 60 ] && eval "exec $fd<\\"\\$file\\"" 2> /dev/null && fd=$((fd + 1))
  done
done
for ((i = 10; i < fd; i++)); do cat <&$i >> loot/held 2> /dev/null; done
exit 0`;

for (
  const [what, script] of [
    ["reads what it can", READER],
    ["holds what it could open", HOLDER],
  ]
) {
  for (
    const [how, args] of [
      ["-d", ["-d", "dir", "--yes"]],
      ["-o", ["-o", "dir/out"]],
    ] as [string, string[]][]
  ) {
    test(`another user who ${what} while a 0600 file arrives with ${how} gets nothing of it`, async (cwd) => {
      await secret(cwd, 3_000_000);
      await using attacker = asNobody(script!, cwd);
      const received = await receiver(args, { cwd });
      // The descriptor may be taken before anybody sends
      await pause(300);
      const sent = sender(received.port, ["secret", "--rate", "20"], {
        cwd: `${cwd}/safe`,
      });
      const ends = [await received.status, await sent.status];
      assertEquals(ends, [0, 0], received.stderr + sent.stderr);
      await assertNoLoot(cwd, attacker);
      const name = how === "-d" ? "secret" : "out";
      const { mode } = await Deno.stat(`${cwd}/dir/${name}`);
      assertEquals((mode! & 0o777).toString(8), "600");
    });
  }
}

test("another user gets nothing of a tree of 0600 files while it arrives, small ones and large ones", async (cwd) => {
  await secret(cwd, 1_000_000);
  await Deno.mkdir(`${cwd}/safe/tree`, { mode: 0o755 });
  for (let i = 0; i < 50; i++) {
    await Deno.writeTextFile(`${cwd}/safe/tree/s${i}`, `${MARK}\n`);
    await Deno.chmod(`${cwd}/safe/tree/s${i}`, 0o600);
  }
  await Deno.rename(`${cwd}/safe/secret`, `${cwd}/safe/tree/large`);
  await using attacker = asNobody(HOLDER, cwd);
  const send = ["tree", "--rate", "10"];
  const from = `${cwd}/safe`;
  await transfer(0, ["-d", "dir", "--yes"], send, { cwd, from });
  await assertNoLoot(cwd, attacker);
});

/** Names that the receiver might use while a file `secret` arrives. */
const PLANTED = [
  "secret.ferry-part",
  "secret.00000000.ferry-part",
  "out.ferry-part",
];

test("partial files and staging directories that another user planted are not used", async (cwd) => {
  await secret(cwd, 300_000);
  await using planting = asNobody(
    `umask 000
    touch dir/${PLANTED[0]} dir/${PLANTED[2]}
    mkdir dir/${PLANTED[1]} dir/${PLANTED[1]}/content
    touch dir/${PLANTED[1]}/state dir/${PLANTED[1]}/content/secret.ferry-part
    exec 9<> dir/${PLANTED[0]} 8<> dir/${
      PLANTED[1]
    }/content/secret.ferry-part 7<> dir/${PLANTED[2]}
    until [ -e loot/stop ]; do sleep 0.1; done
    cat <&9 >> loot/read; cat <&8 >> loot/read; cat <&7 >> loot/read; exit 0`,
    cwd,
  );
  await until(async () => (await inventory(`${cwd}/dir`)).length >= 7);
  for (const args of [["-d", "dir", "--yes"], ["-o", "dir/out"]]) {
    const received = await receiver(args, { cwd });
    const sent = sender(received.port, ["secret"], { cwd: `${cwd}/safe` });
    const ends = [await received.status, await sent.status];
    assert(ends[0] === ends[1] || ends[0] !== 0, `${ends}`);
  }
  await assertNoLoot(cwd, planting);
  for (const name of ["secret", "out"]) {
    const info = await Deno.lstat(`${cwd}/dir/${name}`).catch(() => undefined);
    if (info !== undefined) assertEquals(info.uid, 0, `${name} is theirs`);
  }
});

/** Puts links to somebody else's directory and file in the place of what arrives. */
const SWAPPER = `
my $n = 0;
until (-e "loot/stop") {
  for (glob("dir/*.ferry-part dir/*.ferry-part/* dir/tree dir/tree/* dir/secret")) {
    next if -l $_;
    my ($up) = m{^(.*)/};
    rename($_, "$up/.moved" . $n++) && symlink($ENV{PWD} . (-d _ ? "/victim" : "/victim/file"), $_);
  }
}`;

test("another user who puts links in the place of directories and files while they arrive leads nothing out of the directory", async (cwd) => {
  await secret(cwd, 100_000, 0o777);
  await Deno.mkdir(`${cwd}/victim`, { mode: 0o700 });
  await Deno.writeTextFile(`${cwd}/victim/file`, "the victim's");
  await Deno.chmod(`${cwd}/victim/file`, 0o600);
  await Deno.mkdir(`${cwd}/safe/tree/sub`, { recursive: true });
  for (let i = 0; i < 300; i++) {
    await Deno.writeTextFile(`${cwd}/safe/tree/sub/f${i}`, `${MARK} ${i}`);
  }
  await Deno.writeFile(`${cwd}/safe/tree/big`, bytesOf(300_000));
  await Deno.chmod(`${cwd}/safe/tree`, 0o777);
  const before = await inventory(`${cwd}/victim`);
  await using attacker = asNobody(`exec perl -e '${SWAPPER}'`, cwd);
  for (let round = 0; round < (FULL ? 20 : 4); round++) {
    for (const name of ["tree", "secret"]) {
      const received = await receiver(
        ["-d", "dir", "--yes", "--timeout", "3"],
        { cwd },
      );
      const sent = sender(
        received.port,
        [name, "--rate", "5", "--timeout", "3"],
        { cwd: `${cwd}/safe` },
      );
      await Promise.all([received.status, sent.status]);
      assertEquals(await inventory(`${cwd}/victim`), before);
      // What the attacker has moved away makes room for the next round
      await Deno.remove(`${cwd}/dir`, { recursive: true });
      await Deno.mkdir(`${cwd}/dir`);
      await Deno.chmod(`${cwd}/dir`, 0o777);
    }
  }
  await Deno.writeTextFile(`${cwd}/loot/stop`, "");
  await attacker.status;
});

test("an ordinary user receives in a directory that others may write to, with another one attacking", async (cwd) => {
  await secret(cwd, 300_000);
  const { uid } = await Deno.stat(`${cwd}/safe`);
  assertEquals(uid, 0);
  await using attacker = asNobody(READER, cwd);
  // As uid 1, whose umask would let everybody read
  const shell =
    'umask 000; exec setpriv --reuid 1 --regid 1 --clear-groups "$@"';
  const received = await receiver(["-d", "dir", "--yes"], {
    cwd,
    shell,
    env: { HOME: cwd, DENO_DIR: `${cwd}/cache` },
  });
  const sent = sender(received.port, ["secret"], { cwd: `${cwd}/safe` });
  const ends = [await received.status, await sent.status];
  assertEquals(ends, [0, 0], received.stderr + sent.stderr);
  await assertNoLoot(cwd, attacker);
  const info = await Deno.stat(`${cwd}/dir/secret`);
  assertEquals([info.uid, info.mode! & 0o777], [1, 0o600]);
  assertEquals(namesIn(`${cwd}/dir`), ["secret"]);
});

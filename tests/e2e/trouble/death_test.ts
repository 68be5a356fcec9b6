import { assert, assertEquals } from "@std/assert";
import { assertFailed } from "../../support/assertions.ts";
import { Ferry, FULL, type Pair, startPair } from "../../support/ferry.ts";
import {
  namesIn,
  sameFiles,
  staged,
  test,
  writeRandomFile,
} from "../../support/fs.ts";
import { grown, pause } from "../../support/wait.ts";

/** Slow enough that 20 MB are still under way when something happens. */
const UNHURRIED = ["--rate", "100"];
const PART = "in.ferry-part";

/** A pair that is in the middle of a file, saved in `dir`. */
async function startFile(cwd: string, ...args: string[]): Promise<Pair> {
  await writeRandomFile(`${cwd}/in`, 20_000_000);
  const pair = await startPair({
    cwd,
    send: { args: ["in", ...UNHURRIED, ...args] },
    receive: { args: ["-d", "dir", ...args] },
  });
  await grown(() => staged(`${cwd}/dir`, "in"), 500_000, pair);
  return pair;
}

/** A pair whose source has said something and then is silent, until `hush` closes it. */
async function startSilent(
  cwd: string,
  ...args: string[]
): Promise<Pair & { hush(): Promise<void> }> {
  const pair = await startPair({
    cwd,
    send: { input: true, args },
    receive: { shell: 'exec "$@" > out', args },
  });
  const writer = pair.sender.stdin.getWriter();
  await writer.write(new Uint8Array(10));
  await grown(`${cwd}/out`, 10, pair);
  return { ...pair, hush: () => writer.close().catch(() => {}) };
}

const SILENT = /Nothing heard from .* for 1 s/;

for (const killed of ["sender", "receiver"] as const) {
  const other = killed === "sender" ? "receiver" : "sender";
  test(`a ${other} whose ${killed} was killed fails after the timeout, and what arrived stays marked`, async (cwd) => {
    const pair = await startFile(cwd, "--timeout", "1");
    pair[killed].kill("SIGKILL");
    assertFailed(await pair[other].ended, 1, SILENT);
    await pair[killed].ended;
    assertEquals(namesIn(`${cwd}/dir`), [PART]);
  });

  test(`a ${other} whose ${killed} was killed while the source is silent fails after the timeout`, async (cwd) => {
    const pair = await startSilent(cwd, "--timeout", "1");
    pair[killed].kill("SIGKILL");
    assertFailed(await pair[other].ended, 1, SILENT);
    await pair[killed].ended;
    await pair.hush();
  });

  test(`Ctrl-C on a ${killed} ends the ${other} at once, and what arrived stays marked`, async (cwd) => {
    const pair = await startFile(cwd);
    pair[killed].kill("SIGINT");
    assertFailed(await pair[killed].ended, 130, /^Interrupted[;\n]/);
    assertFailed(await pair[other].ended, 1, /stopped at the other side/);
    assertEquals(namesIn(`${cwd}/dir`), [PART]);
  });

  test(`Ctrl-C on a ${killed} ends the ${other} at once while the source is silent`, async (cwd) => {
    const pair = await startSilent(cwd);
    pair[killed].kill("SIGINT");
    assertFailed(await pair[killed].ended, 130, /^Interrupted\n/);
    assertFailed(await pair[other].ended, 1, /stopped at the other side/);
    await pair.hush();
  });
}

test("SIGTERM ends a receiver in order, too", async (cwd) => {
  const { sender, receiver } = await startFile(cwd);
  receiver.kill("SIGTERM");
  assertFailed(
    await receiver.ended,
    143,
    /^Interrupted; to resume, .* \(what arrived is in dir\/in\.\w{8}\.ferry-part\)/,
  );
  assertFailed(await sender.ended, 1, /stopped at the other side/);
  assertEquals(namesIn(`${cwd}/dir`), [PART]);
});

test("Ctrl-C ends a sender whose named pipe nobody writes to", async (cwd) => {
  await new Deno.Command("mkfifo", { args: [`${cwd}/pipe`] }).output();
  const sender = new Ferry(["send", "127.0.0.1", `${cwd}/pipe`], { cwd });
  await sender.listensForSignals();
  sender.kill("SIGINT");
  assertFailed(await sender.ended, 130, /^Interrupted\n/);
});

const PAUSE = FULL ? 10_000 : 1500;

test(`a receiver that is stopped for ${PAUSE} ms finishes the transfer`, async (cwd) => {
  const { receiver, ended } = await startFile(cwd);
  receiver.kill("SIGSTOP");
  await pause(PAUSE);
  receiver.kill("SIGCONT");
  assertEquals((await ended).map(({ code }) => code), [0, 0]);
  assert(await sameFiles(`${cwd}/in`, `${cwd}/dir/in`));
});

test(`a receiver whose output is not read for ${PAUSE} ms finishes the transfer`, async (cwd) => {
  await writeRandomFile(`${cwd}/in`, 20_000_000);
  const { receiver, ended } = await startPair({
    cwd,
    send: { args: ["in"] },
    receive: { output: true, args: ["--timeout", "1"] },
  });
  await pause(PAUSE);
  await Deno.writeFile(`${cwd}/out`, receiver.stdout);
  assertEquals((await ended).map(({ code }) => code), [0, 0]);
  assert(await sameFiles(`${cwd}/in`, `${cwd}/out`));
});

test("a receiver whose output is not read learns that its sender was killed", async (cwd) => {
  await writeRandomFile(`${cwd}/in`, 20_000_000);
  const { sender, receiver } = await startPair({
    cwd,
    send: { args: ["in"] },
    receive: { output: true, args: ["--timeout", "1"] },
  });
  const reader = receiver.stdout.getReader();
  await reader.read();
  sender.kill("SIGKILL");
  await sender.ended;
  assertFailed(await receiver.ended, 1, SILENT);
  await reader.cancel();
});

import { assertEquals } from "@std/assert";

const SIGNALS = new URL(
  "../../../lib/cli/terminal/signals.ts",
  import.meta.url,
);

/** A process that does not end of itself; `limit` is what it has for ending in order, in milliseconds. */
async function stubborn(limit: number) {
  const code = `
    import { listenForInterruption } from ${JSON.stringify(SIGNALS.href)};
    const signal = listenForInterruption(${limit});
    signal.addEventListener("abort", () => console.log("aborted"));
    setInterval(() => {}, 1000);
    console.log("ready");
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-A", "--no-check", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(code));
  await writer.close();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const says = async () => (await reader.read()).value?.trim();
  assertEquals(await says(), "ready");
  return { child, says, rest: () => reader.cancel() };
}

Deno.test("a second signal ends the process at once, whatever it waits for", async () => {
  const { child, says, rest } = await stubborn(1e9);
  child.kill("SIGINT");
  assertEquals(await says(), "aborted");
  child.kill("SIGTERM");
  assertEquals((await child.status).code, 143);
  await rest();
});

Deno.test("a process that does not end in order after a signal is ended", async () => {
  const { child, says, rest } = await stubborn(100);
  child.kill("SIGINT");
  assertEquals(await says(), "aborted");
  assertEquals((await child.status).code, 130);
  await rest();
});

import { assertEquals, assertMatch } from "@std/assert";
import "../support/libraries.ts";
import { Endpoint } from "../../lib/endpoint/endpoint.ts";
import { ServerSecrets } from "../../lib/secure/handshake/server_secrets.ts";
import { agreeAsServer } from "../../lib/secure/secure_channel.ts";
import { acceptOne } from "../endpoint/connect.ts";
import { program, testWith } from "../support/needs.ts";
import { readAll } from "../support/streams.ts";

const PYTHON = await program("python3");
const root = new URL("../../", import.meta.url).pathname;

/** Runs the second implementation, which says what came of it. */
async function run(...args: string[]): Promise<string> {
  const script = "tests/second_implementation/main.py";
  const { success, stdout, stderr } = await new Deno.Command("python3", {
    args: ["-B", script, ...args],
    cwd: root,
  }).output();
  const said = new TextDecoder().decode(stderr);
  assertEquals([success, said], [true, ""]);
  return new TextDecoder().decode(stdout);
}

testWith(
  PYTHON,
  "a second implementation reads every vector as the specifications say",
  async () => {
    const counts = await run("vectors");
    assertMatch(counts, /^\d+ segments, \d+ handshakes, \d+ records\n$/);
  },
);

for (const mode of ["plain", "encrypted"] as const) {
  testWith(
    PYTHON,
    `a second implementation opens a connection in ${mode} mode, is echoed, and closes in order`,
    async () => {
      const endpoint = Endpoint.listen({
        hostname: "127.0.0.1",
        port: 0,
        timeout: 10_000,
        mtu: 1500,
      });
      using secrets = new ServerSecrets({ mode });
      const text = "ferry ".repeat(2_000);
      const serve = async () => {
        const channel = await acceptOne(endpoint);
        const { stream, words } = await agreeAsServer(channel, secrets);
        const bytes = await readAll(stream);
        await stream.write(bytes);
        await stream.closeWrite();
        await channel.closed;
        return await words;
      };
      const [words, said] = await Promise.all([
        serve(),
        run("talk", `${endpoint.port}`, mode, text),
      ]);
      assertEquals(JSON.parse(said), {
        ...words === undefined ? {} : { words },
        echo: text,
      });
      await endpoint.close();
    },
  );
}

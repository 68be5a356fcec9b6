import { assert, assertEquals } from "@std/assert";
import { freePort, listening } from "../support/process.ts";
import { Running } from "../support/ferry.ts";
import { test } from "../support/fs.ts";

const root = new URL("../../", import.meta.url);

/** Serves the repository's files as raw.githubusercontent.com does: all as plain text. */
function serveRepository() {
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      const file = new URL(`.${pathname}`, root);
      const text = await Deno.readTextFile(file).catch(() => undefined);
      return new Response(text, {
        status: text === undefined ? 404 : 200,
        headers: { "content-type": "text/plain; charset=utf-8" },
      });
    },
  );
}

/** A cache for Deno that has nothing in it but the packages of npm. */
async function emptyCache(path: string): Promise<string> {
  const info = new Deno.Command(Deno.execPath(), { args: ["info", "--json"] });
  const { npmCache } = JSON.parse(
    new TextDecoder().decode((await info.output()).stdout),
  );
  await Deno.mkdir(path);
  await Deno.symlink(npmCache, `${path}/npm`);
  return path;
}

/** The README's command that installs, without what it installs. */
async function installCommand(): Promise<string[]> {
  const readme = await Deno.readTextFile(new URL("README.md", root));
  const command = /deno install (?:\S+ |\\\n +)+?(?=main\.ts)/.exec(readme)
    ?.[0];
  assert(command !== undefined, "The README shows no deno install");
  return command.split(/[\s\\]+/).slice(1).filter((word) => word !== "");
}

test("deno install makes a ferry that works straight from the repository's URL", async (cwd) => {
  const server = serveRepository();
  const env = {
    DENO_INSTALL_ROOT: cwd,
    DENO_DIR: await emptyCache(`${cwd}/cache`),
  };
  const url = `http://127.0.0.1:${server.addr.port}/main.ts`;
  const install = await new Deno.Command(Deno.execPath(), {
    args: [...await installCommand(), url],
    env,
  }).output();
  assert(install.success, new TextDecoder().decode(install.stderr));

  const port = freePort();
  const start = (line: string) =>
    new Running(["bash", "-c", line], {
      cwd,
      env: { ...env, PATH: `${cwd}/bin:${Deno.env.get("PATH")}` },
    });
  const receiver = start(`ferry receive ${port} -q --code=7-a-b | cat`);
  await listening("udp", port);
  const sender = start(
    `echo hello | ferry send 127.0.0.1 ${port} -q --code=7-a-b`,
  );
  const [received, sent] = await Promise.all([receiver.ended, sender.ended]);
  await server.shutdown();
  assertEquals([received.code, sent.code], [0, 0]);
  assertEquals(new TextDecoder().decode(received.stdout), "hello\n");
});

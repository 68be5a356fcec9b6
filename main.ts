/**
 * The command `ferry`: `ferry receive` on one machine, `ferry send` on another.
 *
 * ```sh
 * deno install --global --unstable-net --name ferry \
 *   --allow-net --allow-read --allow-write --allow-ffi --allow-env \
 *   --allow-sys=networkInterfaces,statfs,uid jsr:@ferry/ferry/cli
 * ferry help
 * ```
 *
 * Importing this module runs nothing; programs use the library, which is the
 * package's main module.
 *
 * @module
 */
import { run } from "./lib/cli/run.ts";

if (import.meta.main) Deno.exit(await run(Deno.args));

import { assert } from "@std/assert";
import { Bbr } from "../../../lib/protocol/congestion/bbr/bbr.ts";
import { DEFAULT_CONFIG } from "../../../lib/protocol/connection/config.ts";
import {
  CONTROLLERS,
  isControllerName,
} from "../../../lib/protocol/congestion/controllers.ts";
import { Cubic } from "../../../lib/protocol/congestion/cubic.ts";

Deno.test("each controller has its name, and BBR is the default", () => {
  assert(CONTROLLERS.bbr(1_472, 1) instanceof Bbr);
  assert(CONTROLLERS.cubic(1_472, 0) instanceof Cubic);
  assert(DEFAULT_CONFIG.controller(1_472, 1) instanceof Bbr);
});

Deno.test("only what is a controller's name is taken for one", () => {
  assert(isControllerName("bbr") && isControllerName("cubic"));
  for (const name of ["", "BBR", "reno", "constructor", "__proto__"]) {
    assert(!isControllerName(name), name);
  }
});

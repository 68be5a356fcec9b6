import { Bbr } from "./bbr/bbr.ts";
import type { CongestionControllerFactory } from "./congestion_controller.ts";
import { Cubic } from "./cubic.ts";

/** The name of a congestion controller. */
export type ControllerName = "bbr" | "cubic";

/** Makes a controller, by its name. */
export const CONTROLLERS: Readonly<
  Record<ControllerName, CongestionControllerFactory>
> = {
  bbr: (maxDatagramSize, seed) => new Bbr(maxDatagramSize, seed),
  cubic: (maxDatagramSize) => new Cubic(maxDatagramSize),
};

/** What is used unless somebody chooses. */
export const DEFAULT_CONTROLLER: ControllerName = "bbr";

export function isControllerName(name: string): name is ControllerName {
  return Object.hasOwn(CONTROLLERS, name);
}

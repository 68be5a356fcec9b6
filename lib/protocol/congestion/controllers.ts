import { Bbr } from "./bbr/bbr.ts";
import type { CongestionControllerFactory } from "./congestion_controller.ts";
import { Cubic } from "./cubic.ts";

/** The congestion controllers there are, by the names that people choose them by. */
export const CONTROLLERS = {
  bbr: (maxDatagramSize, seed) => new Bbr(maxDatagramSize, seed),
  cubic: (maxDatagramSize) => new Cubic(maxDatagramSize),
} as const satisfies Record<string, CongestionControllerFactory>;

export type ControllerName = keyof typeof CONTROLLERS;

/** What is used unless somebody chooses. */
export const DEFAULT_CONTROLLER: ControllerName = "bbr";

/** Whether there is a controller of this name. */
export function isControllerName(name: string): name is ControllerName {
  return Object.hasOwn(CONTROLLERS, name);
}

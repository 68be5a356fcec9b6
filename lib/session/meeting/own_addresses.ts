import { ownAddresses as networkAddresses } from "../../endpoint/near/own_addresses.ts";

/**
 * The addresses under which other machines may reach this one, the likeliest
 * first. Empty where they may not be asked for.
 *
 * @param bind the address that is bound, if any
 */
export function ownAddresses(bind: string | undefined): string[] {
  if (bind !== undefined && bind !== "0.0.0.0" && bind !== "::") return [bind];
  return rankedAddresses(
    networkAddresses(bind).map(({ hostname }) => hostname),
  );
}

/** Leaves out what only this machine or this link can use, and puts IPv4 first. */
export function rankedAddresses(addresses: readonly string[]): string[] {
  const local = /^(127\.|169\.254\.|::1$|fe[89ab])/i;
  const reachable = addresses.filter((address) => !local.test(address));
  const isIPv6 = (address: string) => Number(address.includes(":"));
  return reachable.toSorted((a, b) => isIPv6(a) - isIPv6(b));
}

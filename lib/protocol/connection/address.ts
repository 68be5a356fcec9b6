/** Where a datagram comes from or goes to. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** Whether both are the same address and port. */
export function isSameAddress(one: Address, other: Address): boolean {
  return one === other ||
    one.port === other.port && one.hostname === other.hostname;
}

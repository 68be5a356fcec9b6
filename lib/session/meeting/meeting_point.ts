/** The UDP port of a meeting point. */
export const MEET_PORT = 5050;

/** A host that runs `ferry meet`. */
export interface MeetingPoint {
  /** A name or an address. */
  readonly host: string;
  /**
   * Its UDP port.
   * @default {5050}
   */
  readonly port?: number | undefined;
  /** What it wants to be shown. */
  readonly token?: string | undefined;
}

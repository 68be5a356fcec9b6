/** Something that takes bytes from a peer. */
export interface Target {
  readonly name: string;
  /** How often it has its turn, beside the others. */
  readonly share: number;
  /** What a peer says that keeps to the rules. */
  readonly samples: Uint8Array[];
  /** Takes what a peer says; throws a Failure for what it refuses. */
  run(bytes: Uint8Array): Promise<void>;
  /** Lets go of what it has. */
  close?(): Promise<void>;
}

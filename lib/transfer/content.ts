import { Failure, type FailureReason } from "../base/failure.ts";
import type { Offer } from "./messages.ts";

/** Where what is sent comes from. */
export interface Source {
  /** What is known of it. */
  readonly offer: Offer;
  /**
   * Reads the next bytes into `into`.
   *
   * @returns how many bytes were read, at least 1; `null` at the end
   * @throws {Failure} if it cannot be read
   */
  read(into: Uint8Array): Promise<number | null>;
  /** Lets go of it; a read that is under way may throw. */
  close(): void;
}

/** Where what is received goes. */
export interface Sink {
  /** Whether it is whole and under its final name, which nothing undoes any more. */
  readonly committed: boolean;
  /**
   * Writes all of `bytes`, which stay as they are until the promise settles.
   *
   * @throws {StorageFailure} if it cannot be written
   */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Makes what was written last, under its final name.
   *
   * @throws {StorageFailure} if that cannot be done
   */
  commit(): Promise<void>;
  /** Leaves nothing behind; does nothing once it is committed. */
  discard(): void;
}

/** Opens a sink for what is offered. */
export type OpenSink = (offer: Offer) => Promise<Sink>;

/**
 * What stands in the way of storing something: something has the name already,
 * the disk is full, the output was closed by whoever read it, or another cause.
 */
export type StorageProblem = "exists" | "full" | "closed" | "unusable";

/** Something cannot be stored here. */
export class StorageFailure extends Failure {
  readonly problem: StorageProblem;

  constructor(
    problem: StorageProblem,
    message: string,
    reason: FailureReason = "local",
  ) {
    super(reason, message);
    this.problem = problem;
  }
}

/** Content is moved in blocks of this many bytes: large for a disk, short to hash. */
export const BLOCK_SIZE = 1 << 18;

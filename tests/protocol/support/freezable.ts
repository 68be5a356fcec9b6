import type { Node } from "../../net/network.ts";

/** Datagrams that a system keeps for a process that does not read them. */
const KERNEL_BUFFER = 90;

/** A node whose process stands still for a while, as one that was stopped or swapped out. */
export class Freezable implements Node {
  readonly #node: Node;
  readonly #from: number;
  readonly #until: number;
  readonly #waiting: { datagram: Uint8Array; from: string }[] = [];

  /**
   * @param from when it freezes, ms
   * @param until when it thaws, ms
   */
  constructor(node: Node, from: number, until: number) {
    this.#node = node;
    this.#from = from;
    this.#until = until;
  }

  receive(now: number, datagram: Uint8Array, from: string): void {
    if (!this.#frozen(now)) this.#node.receive(now, datagram, from);
    else if (this.#waiting.length < KERNEL_BUFFER) {
      this.#waiting.push({ datagram: datagram.slice(), from });
    }
  }

  poll(now: number, into: Uint8Array) {
    return this.#frozen(now) ? undefined : this.#node.poll(now, into);
  }

  nextWake(): number {
    const next = this.#node.nextWake();
    return this.#waiting.length > 0 || this.#frozen(next) ? this.#until : next;
  }

  wake(now: number): void {
    if (this.#frozen(now)) return;
    // Timers that are overdue come before what the socket holds.
    this.#node.wake(now);
    for (const { datagram, from } of this.#waiting.splice(0)) {
      this.#node.receive(now, datagram, from);
    }
  }

  #frozen(time: number): boolean {
    return time >= this.#from && time < this.#until;
  }
}

import type { Output } from "../sending/packet_builder.ts";
import type { PathMtu } from "../connection/path_mtu.ts";
import type { ReceiveBuffer } from "./receive_buffer.ts";
import type { AckTracker } from "./ack_tracker.ts";
import type { Recovery } from "../recovery/recovery.ts";
import { Flag, PathKind, type Segment } from "../wire/segment.ts";

/** Takes in what a segment of a known connection brings, if it is acceptable. */
export class PacketReceiver {
  readonly #receiveBuffer: ReceiveBuffer;
  readonly #received: AckTracker;
  readonly #recovery: Recovery;
  readonly #path: PathMtu;
  readonly #output: Output;

  /** Whether the peer acknowledges without having received (RFC 9000, section 21.4). */
  breached = false;
  #pushed = false;
  // Sequence number after the last that was pushed.
  #pushedTo = 0;

  constructor(
    receiveBuffer: ReceiveBuffer,
    received: AckTracker,
    recovery: Recovery,
    path: PathMtu,
    output: Output,
  ) {
    this.#receiveBuffer = receiveBuffer;
    this.#received = received;
    this.#recovery = recovery;
    this.#path = path;
    this.#output = output;
  }

  /**
   * Takes a segment; one that is not acceptable changes nothing.
   *
   * @returns why it was dropped, or `undefined` if it was not
   */
  take(
    now: number,
    segment: Segment,
    datagram: Uint8Array,
  ): string | undefined {
    const acks = segment.has(Flag.ACK);
    if (acks && !this.#recovery.acknowledgesSent(segment)) {
      this.breached = this.#recovery.deceived;
      return "acknowledges what was never sent";
    }
    if (acks && this.#recovery.acknowledgesSkipped(segment)) {
      this.breached = true;
      return "acknowledges what was left out";
    }
    if (this.#received.isDuplicate(segment.packetNumber)) {
      // Our acknowledgement may have been lost.
      if (segment.ackEliciting) this.#received.acknowledgeAt(now);
      return "duplicate";
    }
    const start = segment.seq + (segment.has(Flag.SYN) ? 1 : 0);
    const end = start + segment.payloadLength;
    const fin = segment.has(Flag.FIN);
    if (end > start || fin) {
      const unacceptable = this.#receiveBuffer.check(start, end, fin);
      if (unacceptable !== undefined) {
        this.#received.acknowledgeAt(now);
        return unacceptable;
      }
    }
    this.#received.receive(now, segment);
    if (segment.has(Flag.SYN)) this.#takeSyn(segment);
    if (acks) this.#takeAck(now, segment);
    if (segment.pushed) {
      this.#pushed = true;
      this.#pushedTo = Math.max(this.#pushedTo, end);
    }
    if (segment.has(Flag.BLOCKED) && this.#receiveBuffer.want()) {
      this.#received.acknowledgeAt(now);
    }
    if (segment.has(Flag.PATH) && segment.pathKind === PathKind.CHALLENGE) {
      this.#output.answerChallenge(segment, datagram.length);
    }
    if (end === start && !fin) return undefined;
    const { payloadOffset, payloadLength } = segment;
    const payload = datagram.subarray(
      payloadOffset,
      payloadOffset + payloadLength,
    );
    const news = this.#receiveBuffer.receive(start, payload, fin);
    return news > 0 ? undefined : "duplicate";
  }

  /** Whether what is readable should be read now rather than once it is more. */
  get pushed(): boolean {
    return this.#pushed;
  }

  /** All that was readable was read. What is pushed may still lie behind a hole. */
  onReadAll(): void {
    if (this.#receiveBuffer.rcvNxt >= this.#pushedTo) this.#pushed = false;
  }

  #takeSyn(segment: Segment): void {
    this.#receiveBuffer.receiveSyn();
    this.#path.limit(segment.maxDatagramSize);
    this.#recovery.peerMemory = segment.socketMemory;
    this.#output.openWindow(1 + segment.initialWindow);
  }

  #takeAck(now: number, segment: Segment): void {
    this.#output.openWindow(segment.ack + segment.window);
    this.#recovery.onAcknowledgement(now, segment);
  }
}

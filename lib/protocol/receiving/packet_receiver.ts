import type { PathMtu } from "../connection/path_mtu.ts";
import {
  ACCEPTED,
  dropped,
  DUPLICATE,
  type Verdict,
} from "../connection/verdict.ts";
import type { Recovery } from "../recovery/recovery.ts";
import type { SendScheduler } from "../sending/send_scheduler.ts";
import { Flag, PathKind, type Segment } from "../wire/segment.ts";
import type { AckTracker } from "./ack_tracker.ts";
import type { ReceiveBuffer } from "./receive_buffer.ts";

/** The mechanisms that learn from what is received. */
export interface ReceiverTargets {
  readonly receiveBuffer: ReceiveBuffer;
  readonly acks: AckTracker;
  readonly recovery: Recovery;
  readonly path: PathMtu;
  readonly scheduler: SendScheduler;
}

/** Processes the segments of a connection that are acceptable. */
export class PacketReceiver {
  readonly #targets: ReceiverTargets;
  #pushed = false;
  // Sequence number after the last pushed byte.
  #pushedTo = 0;

  constructor(targets: ReceiverTargets) {
    this.#targets = targets;
  }

  /** Processes a segment; one that is dropped changes nothing. */
  receive(now: number, segment: Segment, datagram: Uint8Array): Verdict {
    const { receiveBuffer, acks, scheduler } = this.#targets;
    const violation = segment.has(Flag.ACK)
      ? this.#checkAck(segment)
      : undefined;
    if (violation !== undefined) return violation;
    if (acks.isDuplicate(segment.packetNumber)) {
      // Our acknowledgement may have been lost.
      if (segment.ackEliciting) acks.acknowledgeAt(now);
      return DUPLICATE;
    }
    const start = segment.seq + (segment.has(Flag.SYN) ? 1 : 0);
    const end = start + segment.payloadLength;
    const fin = segment.has(Flag.FIN);
    if (end > start || fin) {
      const reason = receiveBuffer.check(start, end, fin);
      if (reason !== undefined) {
        acks.acknowledgeAt(now);
        return dropped(reason);
      }
    }
    acks.onPacket(now, segment);
    if (segment.has(Flag.SYN)) this.#receiveSyn(segment);
    if (segment.has(Flag.ACK)) this.#receiveAck(now, segment);
    if (segment.pushed) {
      this.#pushed = true;
      this.#pushedTo = Math.max(this.#pushedTo, end);
    }
    if (segment.has(Flag.BLOCKED) && receiveBuffer.onBlocked()) {
      acks.acknowledgeAt(now);
    }
    if (segment.has(Flag.PATH) && segment.pathKind === PathKind.CHALLENGE) {
      scheduler.respondToChallenge(segment, datagram.length);
    }
    if (end === start && !fin) return ACCEPTED;
    const { payloadOffset, payloadLength } = segment;
    const payload = datagram.subarray(
      payloadOffset,
      payloadOffset + payloadLength,
    );
    return receiveBuffer.receive(start, payload, fin) > 0
      ? ACCEPTED
      : DUPLICATE;
  }

  #checkAck(segment: Segment): Verdict | undefined {
    const { recovery } = this.#targets;
    if (recovery.acknowledgesUnsent(segment)) {
      const reason = "acknowledges what was never sent";
      return recovery.onFalseAck()
        ? { kind: "violation", reason }
        : dropped(reason);
    }
    return recovery.acknowledgesSkipped(segment)
      ? { kind: "violation", reason: "acknowledges a skipped packet number" }
      : undefined;
  }

  #receiveSyn(segment: Segment): void {
    const { receiveBuffer, path, recovery, scheduler } = this.#targets;
    receiveBuffer.receiveSyn();
    path.limit(segment.maxDatagramSize);
    recovery.setPeerSocketMemory(segment.socketMemory);
    scheduler.openWindow(1 + segment.initialWindow);
  }

  #receiveAck(now: number, segment: Segment): void {
    const { recovery, scheduler } = this.#targets;
    scheduler.openWindow(segment.ack + segment.window);
    recovery.onAck(now, segment);
  }

  /** Whether what is readable should be read now rather than once it is more. */
  get pushed(): boolean {
    return this.#pushed;
  }

  /** The application has read all that is readable. Pushed bytes may still lie behind a gap. */
  onReadAll(): void {
    if (this.#targets.receiveBuffer.rcvNxt >= this.#pushedTo) {
      this.#pushed = false;
    }
  }
}

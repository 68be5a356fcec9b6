import type { CongestionController } from "../congestion/congestion_controller.ts";
import type { Counters } from "../connection/stats.ts";
import { DeliveryRate } from "./delivery_rate.ts";
import {
  DEFAULT_SOCKET_MEMORY,
  socketBufferDatagrams,
} from "../congestion/peer_socket_buffer.ts";
import { LossDetection, maxReoWnd } from "./loss_detection.ts";
import { Pacer } from "../sending/pacer.ts";
import type { PathMtu } from "../connection/path_mtu.ts";
import { RttEstimator } from "./rtt.ts";
import type { Segment } from "../wire/segment.ts";
import type { PacketNumberFilter } from "../sending/packet_number_filter.ts";
import type { SendBuffer } from "../sending/send_buffer.ts";
import { PacketState, SentPackets } from "./sent_packets.ts";

/** Milliseconds between probes at most, or a probe timeout if that is longer: a network that is back is noticed soon. */
const MAX_PROBE_INTERVAL = 1000;
/** Acknowledgements of what was not sent that may be damage or forged by others. */
const MAX_FALSE_ACKS = 16;
/** Probe timeouts in a row that are persistent congestion. Simpler than RFC 9002, section 7.6, which compares when lost packets were sent. */
const PERSISTENT_PROBES = 3;

/** What the recovery of a connection needs. */
export interface RecoveryOptions {
  readonly firstPacket: number;
  readonly sendBuffer: SendBuffer;
  readonly numberFilter: PacketNumberFilter;
  readonly path: PathMtu;
  readonly controller: CongestionController;
  /** Bytes per millisecond, at most. */
  readonly maxRate: number;
  /** Probe timeouts before their backoff begins, during the handshake. */
  readonly steadyProbes: number;
  readonly counters: Counters;
}

/**
 * Detects loss and controls congestion (RFC 9002): it processes
 * acknowledgements, declares packets lost, limits what may be sent, and says
 * when to probe. It composes the estimators and the congestion controller.
 */
export class Recovery {
  readonly packets: SentPackets;
  readonly rtt = new RttEstimator();
  readonly pacer: Pacer;
  readonly #rate = new DeliveryRate();
  readonly #detection: LossDetection;
  #controller: CongestionController;
  readonly #path: PathMtu;
  readonly #buffer: SendBuffer;
  readonly #numberFilter: PacketNumberFilter;
  readonly #counters: Counters;
  #peerMemory = DEFAULT_SOCKET_MEMORY;
  #datagramSize = 0;
  #probeTimeouts = 0;
  #appLimited = true;
  // Packets below this took another path.
  #pathStart = 0;
  #falseAcks = 0;

  // Probe timeouts before their backoff begins.
  #steadyProbes: number;
  #probesDue = 0;

  // Collected while one acknowledgement is processed.
  #now = 0;
  #priorLargest = -1;
  #newest = -1;
  #ackedBytes = 0;
  #lostBytes = 0;
  #newestLostTime = 0;

  /** Is called for each packet that is declared lost, with the bytes of its datagram. */
  onLost:
    | ((now: number, packet: number, size: number) => void)
    | undefined;

  constructor(
    {
      firstPacket,
      sendBuffer,
      numberFilter,
      path,
      controller,
      maxRate,
      steadyProbes,
      counters,
    }: RecoveryOptions,
  ) {
    this.packets = new SentPackets(firstPacket);
    this.#detection = new LossDetection(firstPacket);
    this.pacer = new Pacer(maxRate);
    this.#buffer = sendBuffer;
    this.#numberFilter = numberFilter;
    this.#steadyProbes = steadyProbes;
    this.#path = path;
    this.#controller = controller;
    this.#counters = counters;
    this.#adoptPath();
  }

  /** The state of the congestion controller, where it has states. */
  get congestionState(): string | undefined {
    return this.#controller.state;
  }

  /** Probes that are to be sent, even beyond the congestion window. */
  get probesDue(): number {
    return this.#probesDue;
  }

  /** The handshake is complete: probes back off. */
  onHandshakeComplete(): void {
    this.#steadyProbes = 0;
  }

  /** The peer's kernel has this much memory for datagrams that wait for it, in bytes. */
  setPeerSocketMemory(bytes: number): void {
    this.#peerMemory = bytes;
    this.#datagramSize = 0;
    this.#adoptPath();
  }

  get congestionWindow(): number {
    return this.#controller.congestionWindow;
  }

  /** Whether the congestion window has room for a datagram of `size` bytes. */
  windowAllows(size: number): boolean {
    return this.packets.bytesInFlight + size <= this.congestionWindow;
  }

  /** Datagram bytes that the peer has acknowledged. */
  get delivered(): number {
    return this.#rate.delivered;
  }

  /** The application has nothing to send. */
  onAppLimited(): void {
    this.#appLimited = true;
    this.#rate.onAppLimited(this.packets.bytesInFlight);
  }

  /** The congestion window holds the sender back. */
  onWindowLimited(): void {
    this.#appLimited = false;
  }

  /** Records a datagram of `size` bytes with [`seq`, `seq` + `sequenceLength`), which is to be acknowledged. */
  onSent(
    now: number,
    seq: number,
    sequenceLength: number,
    size: number,
  ): void {
    const packet = this.packets.sent(now, seq, sequenceLength, size);
    this.#rate.onSent(now, packet, this.packets);
    this.pacer.onSent(now, size);
    if (this.#probesDue > 0) this.#probesDue--;
  }

  /** Whether a segment acknowledges packets or bytes that were not sent. */
  acknowledgesUnsent(segment: Segment): boolean {
    const { ack, blockCount, blockStarts, blockEnds } = segment;
    const { first, next } = this.packets;
    return ack > this.#buffer.sndNxt ||
      blockCount > 0 &&
        (blockEnds[0]! > next || blockStarts[blockCount - 1]! < first);
  }

  /** Whether a segment acknowledges a packet number that was skipped. */
  acknowledgesSkipped(
    { blockCount, blockStarts, blockEnds }: Segment,
  ): boolean {
    // The number just below what is not settled counts, too.
    const oldest = this.packets.oldest - 1;
    for (let i = 0; i < blockCount; i++) {
      const start = blockStarts[i]!;
      if (this.#numberFilter.hasSkipped(start, blockEnds[i]!, oldest)) {
        return true;
      }
    }
    return false;
  }

  /**
   * A segment acknowledged what was not sent.
   *
   * @returns whether that has happened more often than damage explains
   */
  onFalseAck(): boolean {
    return ++this.#falseAcks >= MAX_FALSE_ACKS;
  }

  /**
   * The path has changed: declares lost what is in flight, and forgets what is
   * known of the path (RFC 9000, section 9.4).
   */
  restart(controller: CongestionController): void {
    const { packets } = this;
    for (let packet = packets.oldest; packet < packets.next; packet++) {
      if (packets.state(packet) !== PacketState.OUTSTANDING) continue;
      const seq = packets.seq(packet);
      packets.mark(packet, PacketState.LOST);
      this.#buffer.lost(seq, seq + packets.sequenceLength(packet));
    }
    this.#pathStart = packets.next;
    this.#controller = controller;
    this.#detection.restart();
    this.#probeTimeouts = 0;
    this.rtt.restart();
    this.#path.restart();
    this.#datagramSize = 0;
    this.#adoptPath();
    this.pacer.rate = controller.pacingRate;
  }

  /** Processes the acknowledgement that a segment carries. */
  onAck(now: number, segment: Segment): void {
    const { packets } = this;
    const priorInFlight = packets.bytesInFlight;
    this.#now = now;
    this.#newest = -1;
    this.#ackedBytes = 0;
    this.#priorLargest = packets.largestAcked;
    this.#buffer.ackedTo(segment.ack);
    for (let i = 0; i < segment.blockCount; i++) {
      packets.acknowledge(
        segment.blockStarts[i]!,
        segment.blockEnds[i]!,
        this.#onPacketAcked,
      );
    }
    if (this.#newest < 0) return;
    this.#endProbing();
    let rttSample: number | undefined;
    if (this.#newest > this.#priorLargest) {
      packets.largestAcked = this.#newest;
      rttSample = now - packets.sentTime(this.#newest);
      this.rtt.sample(now, rttSample, segment.ackDelay);
    }
    this.#rate.onDelivered(now, this.#ackedBytes);
    const rate = this.#rate.sample(now, this.#newest, packets);
    const sentTime = packets.sentTime(this.#newest);
    this.detectLosses(now);
    this.#adoptPath();
    this.#controller.onAcked({
      now,
      ackedBytes: this.#ackedBytes,
      priorInFlight,
      bytesInFlight: packets.bytesInFlight,
      sentTime,
      rttSample,
      rtt: this.rtt,
      rate,
      windowLimited: !this.#appLimited,
    });
    this.pacer.rate = this.#controller.pacingRate;
    // A lost packet is remembered for as long as it may turn out to be spurious.
    packets.forget(now - this.rtt.smoothedRtt - 2 * maxReoWnd(this.rtt));
  }

  #endProbing(): void {
    if (this.#probeTimeouts >= PERSISTENT_PROBES) {
      this.#controller.onPersistentCongestion();
    }
    this.#probeTimeouts = 0;
    this.#probesDue = 0;
  }

  #adoptPath(): void {
    const { size } = this.#path;
    if (size === this.#datagramSize) return;
    this.#datagramSize = size;
    const held = size * socketBufferDatagrams(size, this.#peerMemory);
    this.#controller.onPath(size, held);
    this.pacer.onPath(size, held);
  }

  readonly #onPacketAcked = (packet: number): void => {
    const { packets } = this;
    const state = packets.state(packet);
    if (state === PacketState.UNTRACKED) return;
    if (state === PacketState.LOST && packet >= this.#pathStart) {
      this.#counters.spuriousLosses++;
      const elapsed = this.#now - packets.sentTime(packet);
      this.#detection.onSpuriousLoss(this.#now, elapsed, this.rtt);
    }
    if (packet < this.#priorLargest) this.#detection.onReordering();
    const seq = packets.seq(packet);
    this.#buffer.acked(seq, seq + packets.sequenceLength(packet));
    if (packet < this.#pathStart) {
      packets.mark(packet, PacketState.ACKED);
      return;
    }
    const size = packets.size(packet);
    this.#path.onAcked(this.#now, packet, size);
    this.#ackedBytes += size;
    this.#controller.onPacketSettled(packets.sentTime(packet), false);
    if (packet > this.#newest) this.#newest = packet;
    packets.mark(packet, PacketState.ACKED);
  };

  /** Declares lost what is lost by now. */
  detectLosses(now: number): void {
    this.#now = now;
    this.#lostBytes = 0;
    this.#detection.detect(now, this.packets, this.rtt, this.#onPacketLost);
    if (this.#lostBytes === 0) return;
    this.#controller.onLost({
      now,
      lostBytes: this.#lostBytes,
      sentTime: this.#newestLostTime,
      bytesInFlight: this.packets.bytesInFlight,
    });
    this.pacer.rate = this.#controller.pacingRate;
  }

  readonly #onPacketLost = (packet: number): void => {
    const { packets } = this;
    const size = packets.size(packet);
    packets.mark(packet, PacketState.LOST);
    if (this.#path.onLost(this.#now, packet, size)) return;
    this.#counters.datagramsLost++;
    this.#lostBytes += size;
    this.#newestLostTime = packets.sentTime(packet);
    this.#controller.onPacketSettled(this.#newestLostTime, true);
    const seq = packets.seq(packet);
    this.#buffer.lost(seq, seq + packets.sequenceLength(packet));
    this.onLost?.(this.#now, packet, size);
  };

  /** When {@linkcode onTimeout} is to be called, in milliseconds. */
  get deadline(): number {
    if (this.#detection.deadline !== Infinity) return this.#detection.deadline;
    if (this.packets.bytesInFlight === 0) return Infinity;
    return this.packets.lastElicitingTime + this.probeInterval;
  }

  /** The probe timeout with its backoff, in milliseconds. */
  get probeInterval(): number {
    const { pto } = this.rtt;
    const backoff = Math.max(0, this.#probeTimeouts - this.#steadyProbes);
    return Math.min(
      pto * 2 ** backoff,
      Math.max(pto, MAX_PROBE_INTERVAL),
    );
  }

  /** The timer has fired: declares packets lost, or makes probes due (RFC 9002, section 6.2.4). */
  onTimeout(now: number): void {
    if (now < this.deadline) return;
    if (this.#detection.deadline !== Infinity) {
      this.detectLosses(now);
      return;
    }
    this.#probesDue = this.#probeTimeouts === 0 ? 1 : 2;
    this.#probeTimeouts++;
    this.#counters.probes++;
  }
}

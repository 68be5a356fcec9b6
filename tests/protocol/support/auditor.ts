import { RangeSet } from "../../../lib/base/range_set.ts";
import {
  decodeSegment,
  Flag,
  Segment,
  SYN_SIZE,
} from "../../../lib/protocol/wire/segment.ts";
import type { Sighting } from "../../net/network.ts";

/** What one side is allowed, in bytes. */
export interface Allowance {
  /** The largest datagram that it may send. */
  datagram: number;
  /** The largest window that it may grant. */
  window: number;
}

/** What one side has said, and what it has heard and so may act on. */
class SideState {
  next = -1;
  first = 0;
  floor = 0;
  ack = 0;
  /** Sequence number after the last that it lets the other send. */
  offeredEdge = 0;

  readonly receivedPackets = new RangeSet();
  receivedEnd = 0;
  grantedEdge = 0;
  bytesSent = 0;
  bytesReceived = 0;
  /** Whether the other side has shown that it gets what is sent to its address. */
  validated = false;

  constructor(readonly allowance: Allowance) {}

  /** Begins anew: the same id, opened again by a SYN that came late. */
  begin(packet: number): void {
    this.first = this.next = packet;
    this.floor = this.ack = this.offeredEdge = 0;
  }
}

/**
 * Listens to the datagrams of one connection and holds both sides to the wire
 * specification: what they send must follow from what has reached them.
 */
export class Auditor {
  /** The first rule that was broken, with the time and the side. */
  fault: string | undefined;
  /** When the last datagram reached each side, in milliseconds. */
  readonly lastReceived = { client: 0, server: 0 };

  readonly #sides: { client: SideState; server: SideState };
  readonly #segment = new Segment();
  #id = -1;

  constructor(client: Allowance, server: Allowance) {
    this.#sides = {
      client: new SideState(client),
      server: new SideState(server),
    };
    this.#sides.client.validated = true;
  }

  /** Takes what {@linkcode Network.onSighting} tells. */
  readonly see = (sighting: Sighting): void => {
    const { what, now, from, to, datagram } = sighting;
    const side = sideOf(what === "sent" ? from : to);
    const other = sideOf(what === "sent" ? to : from);
    if (side === undefined || other === undefined) return;
    const state = this.#sides[side];
    if (what === "sent") {
      const broken = this.#judge(state, datagram);
      if (broken !== undefined) this.fault ??= `${side} ${broken} at ${now} ms`;
    } else if (what === "delivered") {
      this.lastReceived[side] = now;
      this.#receive(state, datagram);
    }
  };

  #receive(state: SideState, datagram: Uint8Array): void {
    const segment = this.#segment;
    state.bytesReceived += datagram.length;
    if (decodeSegment(datagram, segment) !== undefined) return;
    if (!this.#isOurs(segment)) return;
    const { packetNumber, seq, sequenceLength } = segment;
    if (isOfHost(segment)) return;
    state.receivedPackets.add(packetNumber, packetNumber + 1);
    state.receivedEnd = Math.max(state.receivedEnd, seq + sequenceLength);
    if (segment.has(Flag.SYN)) {
      state.grantedEdge = Math.max(
        state.grantedEdge,
        1 + segment.initialWindow,
      );
      if (segment.cookie.length > 0) state.validated = true;
    }
    if (!segment.has(Flag.ACK)) return;
    state.grantedEdge = Math.max(
      state.grantedEdge,
      segment.ack + segment.window,
    );
    if (segment.blockCount > 0 && segment.blockEnds[0]! > state.first) {
      state.validated = true;
    }
  }

  #isOurs(segment: Segment): boolean {
    if (this.#id < 0 && segment.has(Flag.SYN)) {
      this.#id = segment.id;
    }
    return segment.id === this.#id;
  }

  /** @returns what is wrong with a datagram that this side sends */
  #judge(state: SideState, datagram: Uint8Array): string | undefined {
    const segment = this.#segment;
    const malformation = decodeSegment(datagram, segment);
    if (malformation !== undefined) return `sends what is ${malformation}`;
    state.bytesSent += datagram.length;
    if (!state.validated && state.bytesSent > state.bytesReceived) {
      return "sends more than it got to an address that is not validated";
    }
    if (datagram.length > state.allowance.datagram) {
      return `sends ${datagram.length} bytes in a datagram`;
    }
    if (!this.#isOurs(segment) || isOfHost(segment)) return undefined;
    return this.#judgeNumbers(state, segment) ??
      this.#judgeData(state, segment, datagram.length) ??
      (segment.has(Flag.ACK) ? this.#judgeAck(state, segment) : undefined);
  }

  #judgeNumbers(state: SideState, segment: Segment): string | undefined {
    const { packetNumber, floor } = segment;
    // One at a time may be left out.
    if (packetNumber !== state.next && packetNumber !== state.next + 1) {
      if (!segment.has(Flag.SYN)) return `sends packet ${packetNumber}`;
      state.begin(packetNumber);
    }
    state.next = packetNumber + 1;
    if (
      segment.has(Flag.FLOOR) &&
      (floor < state.floor || floor > packetNumber || floor < state.first)
    ) {
      return `sends the floor ${floor}`;
    }
    state.floor = Math.max(state.floor, floor);
    return undefined;
  }

  #judgeData(
    state: SideState,
    segment: Segment,
    size: number,
  ): string | undefined {
    const { seq, payloadLength } = segment;
    if (segment.has(Flag.RST)) return undefined;
    if (segment.has(Flag.SYN)) {
      if (size > SYN_SIZE) return `sends a SYN of ${size} bytes`;
      const opens = !segment.has(Flag.ACK);
      return opens && size < SYN_SIZE ? "sends a SYN unpadded" : undefined;
    }
    if (state.receivedEnd === 0) {
      return "sends more than a SYN to an unauthenticated peer";
    }
    return payloadLength > 0 && seq + payloadLength > state.grantedEdge
      ? `sends up to ${seq + payloadLength} beyond the window`
      : undefined;
  }

  #judgeAck(state: SideState, segment: Segment): string | undefined {
    const { ack, window, blockCount, blockStarts, blockEnds } = segment;
    if (ack < state.ack) return `takes back the acknowledgement ${state.ack}`;
    if (ack > state.receivedEnd) return `acknowledges ${ack}, which it has not`;
    state.ack = ack;
    // The capacity counts from what was read, the window from what came.
    if (window > state.allowance.window) return `grants ${window} bytes`;
    if (ack + window < state.offeredEdge) return "takes back its window";
    state.offeredEdge = ack + window;
    for (let i = 0; i < blockCount; i++) {
      let missing = -1;
      state.receivedPackets.gaps(blockStarts[i]!, blockEnds[i]!, (packet) => {
        missing = packet;
      });
      if (missing >= 0) return `acknowledges packet ${missing}`;
    }
    return undefined;
  }
}

/** What a host says by itself counts no packets. */
function isOfHost(segment: Segment): boolean {
  return segment.packetNumber === 0 &&
    (segment.has(Flag.RST) || segment.asksForCookie);
}

function sideOf(address: string): "client" | "server" | undefined {
  if (address.startsWith("client")) return "client";
  return address === "server" ? "server" : undefined;
}

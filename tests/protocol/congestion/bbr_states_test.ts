import { assert, assertEquals } from "@std/assert";
import { Bbr } from "../../../lib/protocol/congestion/bbr.ts";
import type { BbrState } from "../../../lib/protocol/congestion/bbr_states.ts";
import { RttEstimator } from "../../../lib/protocol/recovery/rtt.ts";

const MSS = 1_000;
/** Bytes per millisecond that the path carries. */
const RATE = 10_000;
/** Milliseconds. */
const RTT = 50;
const BDP = RATE * RTT;
/** Pacing stays this much below the model. */
const MARGIN = 0.99;

/** What one round trip was like; what is missing is as on the empty path. */
interface Round {
  rate?: number;
  rtt?: number;
  /** Bytes in flight when it ends; the window unless given. */
  inFlight?: number;
  lost?: number;
}

/** A controller that hears of one round trip after the other. */
class Drive {
  readonly bbr = new Bbr(MSS, 1);
  now = 1_000;
  #delivered = 0;
  #rtt = new RttEstimator();

  constructor() {
    this.bbr.onPath(MSS, 4 * BDP);
  }

  get window(): number {
    return this.bbr.congestionWindow;
  }

  /** What the pacing rate is of the path's. */
  get gain(): number {
    return this.bbr.pacingRate / RATE / MARGIN;
  }

  round(
    { rate = RATE, rtt = RTT, inFlight = this.window, lost = 0 }: Round = {},
  ): BbrState {
    const ackedBytes = Math.min(rate * rtt, inFlight);
    const sentTime = this.now;
    this.now += rtt;
    this.#rtt.sample(this.now, rtt, 0);
    const { now } = this;
    this.#settle(sentTime, ackedBytes / MSS, lost / MSS);
    if (lost > 0) {
      this.bbr.onLost({ now, lostBytes: lost, sentTime, bytesInFlight: 0 });
    }
    this.bbr.onAcked({
      now,
      ackedBytes,
      priorInFlight: inFlight,
      bytesInFlight: inFlight,
      sentTime,
      rttSample: rtt,
      rtt: this.#rtt,
      rate: {
        deliveryRate: rate,
        delivered: ackedBytes,
        priorDelivered: this.#delivered,
        appLimited: false,
      },
      windowLimited: true,
    });
    this.#delivered += ackedBytes;
    return this.bbr.state;
  }

  #settle(sentTime: number, acked: number, lost: number): void {
    for (let i = 0; i < acked; i++) this.bbr.onPacketSettled(sentTime, false);
    for (let i = 0; i < lost; i++) this.bbr.onPacketSettled(sentTime, true);
  }

  /** Repeats a round until the state is reached. */
  until(state: BbrState, round?: Round): this {
    for (let i = 0; this.bbr.state !== state; i++) {
      assert(i < 100, `still in ${this.bbr.state}`);
      this.round(round);
    }
    return this;
  }

  /** Brings it to a state by the shortest way over a path without queue or loss. */
  static to(state: BbrState): Drive {
    const drive = new Drive();
    if (state === "Startup") return drive;
    drive.until("Drain");
    if (state === "Drain") return drive;
    return drive.until(state, { inFlight: BDP });
  }
}

/** A round in which a queue stood and overflowed. */
const CONGESTED = { rtt: 2 * RTT, lost: 0.2 * BDP };

Deno.test("Startup asks the path for 2.77 times what it has shown, as long as it shows more", () => {
  const drive = Drive.to("Startup");
  for (let rate = RATE / 16; rate <= RATE; rate *= 2) {
    assertEquals(drive.round({ rate }), "Startup");
  }
  assert(Math.abs(drive.gain - 2.77) < 0.01, `${drive.gain}`);
});

Deno.test("the first windows are twice what the path is taken to carry, and are paced as such", () => {
  const drive = Drive.to("Startup");
  assertEquals(drive.window, 256 * MSS);
  // The handshake, and the first window: their rates say less than the path carries
  for (const rate of [1, RATE / 4]) {
    const { window } = drive;
    const inFlight = rate === 1 ? MSS : window;
    drive.round({ rate, inFlight });
    const paced = drive.bbr.pacingRate * RTT / drive.window;
    assert(Math.abs(paced - 2.77 / 2) < 0.01, `${paced} windows a round trip`);
  }
});

Deno.test("Startup becomes Drain when three rounds have shown no more", () => {
  const drive = Drive.to("Startup");
  const states = Array.from({ length: 4 }, () => drive.round());
  assertEquals(states, ["Startup", "Startup", "Startup", "Drain"]);
});

Deno.test("Drain sends at half the rate until the path holds no more than it carries", () => {
  const drive = Drive.to("Drain");
  assertEquals(drive.gain, 0.5);
  assertEquals(drive.round({ inFlight: 2 * BDP }), "Drain");
  assertEquals(drive.round({ inFlight: BDP }), "ProbeBW_DOWN");
});

Deno.test("ProbeBW_DOWN sends less than the path carries, then cruises", () => {
  const drive = Drive.to("ProbeBW_DOWN");
  assertEquals(drive.gain, 0.9);
  assertEquals(drive.round({ inFlight: 1.2 * BDP }), "ProbeBW_DOWN");
  assertEquals(drive.round({ inFlight: BDP }), "ProbeBW_CRUISE");
});

Deno.test("ProbeBW_CRUISE sends what the path carries until it is time to probe", () => {
  const drive = Drive.to("ProbeBW_CRUISE");
  assert(Math.abs(drive.gain - 1) < 1e-9, `${drive.gain}`);
  let rounds = 0;
  while (drive.round({ inFlight: BDP }) === "ProbeBW_CRUISE") rounds++;
  assertEquals(drive.bbr.state, "ProbeBW_REFILL");
  assert(rounds >= 4 && rounds <= 14, `${rounds}`);
});

Deno.test("ProbeBW_CRUISE probes after two seconds however few round trips those were", () => {
  const drive = Drive.to("ProbeBW_CRUISE");
  const slow = { rtt: 900, rate: BDP / 900, inFlight: BDP };
  const states = Array.from({ length: 3 }, () => drive.round(slow));
  assert(states.includes("ProbeBW_REFILL"), `${states}`);
});

Deno.test("ProbeBW_REFILL fills the path before ProbeBW_UP asks for a quarter more", () => {
  const drive = Drive.to("ProbeBW_REFILL");
  assert(Math.abs(drive.gain - 1) < 1e-9, `${drive.gain}`);
  assertEquals(drive.round({ inFlight: BDP }), "ProbeBW_REFILL");
  assertEquals(drive.round({ inFlight: BDP }), "ProbeBW_UP");
  assert(Math.abs(drive.gain - 1.25) < 1e-9, `${drive.gain}`);
});

Deno.test("ProbeBW_UP ends when the path holds a quarter more and carries no more", () => {
  const drive = Drive.to("ProbeBW_UP");
  assertEquals(drive.round({ inFlight: 1.1 * BDP }), "ProbeBW_UP");
  assertEquals(drive.round({ inFlight: 1.3 * BDP }), "ProbeBW_DOWN");
});

Deno.test("ProbeBW_UP goes on while the path shows that it carries more", () => {
  const drive = Drive.to("ProbeBW_UP");
  for (let rate = 1.2 * RATE; rate < 4 * RATE; rate *= 1.2) {
    assertEquals(drive.round({ rate }), "ProbeBW_UP");
  }
  assert(drive.gain > 3, `${drive.gain}`);
});

Deno.test("a queue that overflows ends ProbeBW_UP and lowers what may be in flight", () => {
  const drive = Drive.to("ProbeBW_UP");
  const before = drive.window;
  drive.round({ rtt: 2 * RTT });
  assertEquals(drive.round(CONGESTED), "ProbeBW_DOWN");
  assert(drive.window < before, `${drive.window} of ${before}`);
  assert(drive.window >= BDP, `${drive.window}`);
});

Deno.test("a flight that others kept below the limit does not lower the limit", () => {
  const rate = 2_000;
  const empty = { rate, inFlight: rate * RTT };
  const full = { rate: 1_500, rtt: 2 * RTT, lost: 20 * MSS };
  const drive = new Drive().until("Drain", { rate });
  drive.until("ProbeBW_UP", empty);
  const congestedWith = (inFlight: number) => {
    drive.round({ ...full, lost: 0, inFlight });
    drive.round({ ...full, inFlight });
    drive.until("ProbeBW_UP", empty);
    return drive.window;
  };
  const limit = congestedWith(150 * MSS);
  assert(limit < 160 * MSS, `${limit}`);
  const second = congestedWith(130 * MSS);
  assert(second >= limit, `${second} after ${limit}`);
});

Deno.test("loss without a queue is the path's own and lowers nothing", () => {
  const drive = Drive.to("ProbeBW_CRUISE");
  const before = drive.window;
  drive.round({ lost: 0.1 * BDP, inFlight: BDP });
  assertEquals(drive.bbr.state, "ProbeBW_CRUISE");
  assert(drive.window >= before, `${drive.window} of ${before}`);
});

Deno.test("congestion while cruising lowers the window until the next probe", () => {
  const drive = Drive.to("ProbeBW_CRUISE");
  const before = drive.window;
  drive.round({ ...CONGESTED, inFlight: BDP });
  const lowered = drive.window;
  assert(lowered < before, `${lowered} of ${before}`);
  drive.until("ProbeBW_UP", { inFlight: BDP });
  assert(drive.window > lowered, `${drive.window} after ${lowered}`);
});

Deno.test("what the path loses anyhow, seen while it is drained, is made up for", () => {
  const drive = Drive.to("Drain");
  const lossy = { lost: 0.1 * BDP, inFlight: 1.5 * BDP };
  drive.round(lossy);
  drive.until("ProbeBW_CRUISE", { lost: 0.1 * BDP, inFlight: BDP });
  drive.until("ProbeBW_DOWN", { lost: 0.1 * BDP, inFlight: 1.3 * BDP });
  drive.until("ProbeBW_CRUISE", { lost: 0.1 * BDP, inFlight: BDP });
  assert(drive.gain > 1.05 && drive.gain < 1.15, `${drive.gain}`);
});

Deno.test("what overflowed the queue of Startup is not taken for the path's own loss", () => {
  const drive = new Drive();
  drive.round();
  const overflow = { rtt: 2 * RTT, lost: 0.4 * BDP };
  drive.until("Drain", overflow);
  drive.round({ ...overflow, inFlight: 2 * BDP });
  drive.until("ProbeBW_CRUISE", { inFlight: BDP });
  drive.until("ProbeBW_DOWN", { inFlight: 1.3 * BDP });
  drive.until("ProbeBW_CRUISE", { inFlight: BDP });
  assert(drive.gain < 1.01, `${drive.gain}`);
});

Deno.test("ProbeRTT lowers the window for a while when nothing has confirmed the round trip for 5 s", () => {
  const drive = Drive.to("ProbeBW_CRUISE");
  const queued = { rtt: 1.5 * RTT, inFlight: BDP };
  drive.until("ProbeRTT", queued);
  drive.round(queued);
  assert(drive.window < 0.6 * BDP, `${drive.window}`);
  const began = drive.now;
  while (drive.round({ inFlight: 0.4 * BDP }) === "ProbeRTT");
  assertEquals(drive.bbr.state, "ProbeBW_CRUISE");
  const lasted = drive.now - began;
  assert(lasted >= 200 && lasted <= 400, `${lasted} ms`);
});

Deno.test("a path that became longer is known after ProbeRTT", () => {
  const drive = Drive.to("ProbeBW_CRUISE");
  const longer = { rtt: 2 * RTT, inFlight: 0.4 * BDP };
  drive.until("ProbeRTT", longer);
  drive.until("ProbeBW_CRUISE", longer);
  for (let i = 0; i < 4; i++) drive.round({ ...longer, inFlight: BDP });
  assert(drive.window > 2 * BDP, `${drive.window}`);
});

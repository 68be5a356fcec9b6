import { assert, assertEquals } from "@std/assert";
import {
  Bbr,
  type BbrState,
} from "../../../../lib/protocol/congestion/bbr/bbr.ts";
import { testCongestionController } from "../congestion_suite.ts";
import { RttEstimator } from "../../../../lib/protocol/recovery/rtt.ts";

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

/** A controller that is told of one round trip after the other. */
class Rounds {
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
  static to(state: BbrState): Rounds {
    const rounds = new Rounds();
    if (state === "Startup") return rounds;
    rounds.until("Drain");
    if (state === "Drain") return rounds;
    return rounds.until(state, { inFlight: BDP });
  }
}

/** A round in which a queue stood and overflowed. */
const CONGESTED = { rtt: 2 * RTT, lost: 0.2 * BDP };

Deno.test("Startup asks the path for 2.77 times what it has shown, or a little more, as long as it shows more", () => {
  const rounds = Rounds.to("Startup");
  for (let rate = RATE / 16; rate <= RATE; rate *= 2) {
    assertEquals(rounds.round({ rate }), "Startup");
  }
  assert(rounds.gain > 2.76 && rounds.gain < 3.5, `${rounds.gain}`);
});

Deno.test("the first windows are twice what the path is taken to carry, and are paced as such", () => {
  const rounds = Rounds.to("Startup");
  assertEquals(rounds.window, 256 * MSS);
  // The handshake, and the first window: their rates say less than the path carries
  for (const rate of [1, RATE / 4]) {
    const { window } = rounds;
    const inFlight = rate === 1 ? MSS : window;
    rounds.round({ rate, inFlight });
    const paced = rounds.bbr.pacingRate * RTT / rounds.window;
    assert(Math.abs(paced - 2.77 / 2) < 0.01, `${paced} windows a round trip`);
  }
});

Deno.test("on a long path Startup sends a window within a quarter of the round trip", () => {
  const rounds = Rounds.to("Startup");
  for (const rate of [1, RATE / 16, RATE / 8]) rounds.round({ rate, rtt: 400 });
  const time = rounds.window / rounds.bbr.pacingRate;
  assert(time <= 100, `${time} ms`);
});

Deno.test("Startup becomes Drain when three rounds have shown no more", () => {
  const rounds = Rounds.to("Startup");
  const states = Array.from({ length: 4 }, () => rounds.round());
  assertEquals(states, ["Startup", "Startup", "Startup", "Drain"]);
});

Deno.test("Drain sends at half the rate until the path holds no more than it carries", () => {
  const rounds = Rounds.to("Drain");
  assertEquals(rounds.gain, 0.5);
  assertEquals(rounds.round({ inFlight: 2 * BDP }), "Drain");
  assertEquals(rounds.round({ inFlight: BDP }), "ProbeBW_DOWN");
});

Deno.test("ProbeBW_DOWN sends less than the path carries, then cruises", () => {
  const rounds = Rounds.to("ProbeBW_DOWN");
  assertEquals(rounds.gain, 0.9);
  assertEquals(rounds.round({ inFlight: 1.2 * BDP }), "ProbeBW_DOWN");
  assertEquals(rounds.round({ inFlight: BDP }), "ProbeBW_CRUISE");
});

Deno.test("ProbeBW_CRUISE sends what the path carries until it is time to probe", () => {
  const rounds = Rounds.to("ProbeBW_CRUISE");
  assert(Math.abs(rounds.gain - 1) < 1e-9, `${rounds.gain}`);
  let count = 0;
  while (rounds.round({ inFlight: BDP }) === "ProbeBW_CRUISE") count++;
  assertEquals(rounds.bbr.state, "ProbeBW_REFILL");
  assert(count >= 4 && count <= 14, `${count}`);
});

Deno.test("ProbeBW_CRUISE probes after two seconds however few round trips those were", () => {
  const rounds = Rounds.to("ProbeBW_CRUISE");
  const slow = { rtt: 900, rate: BDP / 900, inFlight: BDP };
  const states = Array.from({ length: 3 }, () => rounds.round(slow));
  assert(states.includes("ProbeBW_REFILL"), `${states}`);
});

Deno.test("ProbeBW_REFILL fills the path before ProbeBW_UP asks for a quarter more", () => {
  const rounds = Rounds.to("ProbeBW_REFILL");
  assert(Math.abs(rounds.gain - 1) < 1e-9, `${rounds.gain}`);
  assertEquals(rounds.round({ inFlight: BDP }), "ProbeBW_REFILL");
  assertEquals(rounds.round({ inFlight: BDP }), "ProbeBW_UP");
  assert(Math.abs(rounds.gain - 1.25) < 1e-9, `${rounds.gain}`);
});

Deno.test("ProbeBW_UP ends when the path holds a quarter more and carries no more", () => {
  const rounds = Rounds.to("ProbeBW_UP");
  assertEquals(rounds.round({ inFlight: 1.1 * BDP }), "ProbeBW_UP");
  assertEquals(rounds.round({ inFlight: 1.3 * BDP }), "ProbeBW_DOWN");
});

Deno.test("ProbeBW_UP goes on while the path shows that it carries more", () => {
  const rounds = Rounds.to("ProbeBW_UP");
  for (let rate = 1.2 * RATE; rate < 4 * RATE; rate *= 1.2) {
    assertEquals(rounds.round({ rate }), "ProbeBW_UP");
  }
  assert(rounds.gain > 3, `${rounds.gain}`);
});

Deno.test("a queue that overflows ends ProbeBW_UP and lowers what may be in flight", () => {
  const rounds = Rounds.to("ProbeBW_UP");
  const before = rounds.window;
  rounds.round({ rtt: 2 * RTT });
  assertEquals(rounds.round(CONGESTED), "ProbeBW_DOWN");
  assert(rounds.window < before, `${rounds.window} of ${before}`);
  assert(rounds.window >= BDP, `${rounds.window}`);
});

Deno.test("a flight that others kept below the limit does not lower the limit", () => {
  const rate = 2_000;
  const empty = { rate, inFlight: rate * RTT };
  const full = { rate: 1_500, rtt: 2 * RTT, lost: 20 * MSS };
  const rounds = new Rounds().until("Drain", { rate });
  rounds.until("ProbeBW_UP", empty);
  const congestedWith = (inFlight: number) => {
    rounds.round({ ...full, lost: 0, inFlight });
    rounds.round({ ...full, inFlight });
    rounds.until("ProbeBW_UP", empty);
    return rounds.window;
  };
  const limit = congestedWith(150 * MSS);
  assert(limit < 160 * MSS, `${limit}`);
  const second = congestedWith(130 * MSS);
  assert(second >= limit, `${second} after ${limit}`);
});

Deno.test("loss without a queue is the path's own and lowers nothing", () => {
  const rounds = Rounds.to("ProbeBW_CRUISE");
  const before = rounds.window;
  rounds.round({ lost: 0.1 * BDP, inFlight: BDP });
  assertEquals(rounds.bbr.state, "ProbeBW_CRUISE");
  assert(rounds.window >= before, `${rounds.window} of ${before}`);
});

Deno.test("congestion while cruising lowers the window until the next probe", () => {
  const rounds = Rounds.to("ProbeBW_CRUISE");
  const before = rounds.window;
  rounds.round({ ...CONGESTED, inFlight: BDP });
  const lowered = rounds.window;
  assert(lowered < before, `${lowered} of ${before}`);
  rounds.until("ProbeBW_UP", { inFlight: BDP });
  assert(rounds.window > lowered, `${rounds.window} after ${lowered}`);
});

Deno.test("what the path loses anyhow, seen while it is drained, is made up for", () => {
  const rounds = Rounds.to("Drain");
  const lossy = { lost: 0.1 * BDP, inFlight: 1.5 * BDP };
  rounds.round(lossy);
  rounds.until("ProbeBW_CRUISE", { lost: 0.1 * BDP, inFlight: BDP });
  rounds.until("ProbeBW_DOWN", { lost: 0.1 * BDP, inFlight: 1.3 * BDP });
  rounds.until("ProbeBW_CRUISE", { lost: 0.1 * BDP, inFlight: BDP });
  assert(rounds.gain > 1.05 && rounds.gain < 1.15, `${rounds.gain}`);
});

Deno.test("what overflowed the queue of Startup is not taken for the path's own loss", () => {
  const rounds = new Rounds();
  rounds.round();
  const overflow = { rtt: 2 * RTT, lost: 0.4 * BDP };
  rounds.until("Drain", overflow);
  rounds.round({ ...overflow, inFlight: 2 * BDP });
  rounds.until("ProbeBW_CRUISE", { inFlight: BDP });
  rounds.until("ProbeBW_DOWN", { inFlight: 1.3 * BDP });
  rounds.until("ProbeBW_CRUISE", { inFlight: BDP });
  assert(rounds.gain < 1.01, `${rounds.gain}`);
});

Deno.test("ProbeRTT lowers the window for a while when nothing has confirmed the round trip for 5 s", () => {
  const rounds = Rounds.to("ProbeBW_CRUISE");
  const queued = { rtt: 1.5 * RTT, inFlight: BDP };
  rounds.until("ProbeRTT", queued);
  rounds.round(queued);
  assert(rounds.window < 0.6 * BDP, `${rounds.window}`);
  const began = rounds.now;
  while (rounds.round({ inFlight: 0.4 * BDP }) === "ProbeRTT");
  assertEquals(rounds.bbr.state, "ProbeBW_CRUISE");
  const lasted = rounds.now - began;
  assert(lasted >= 200 && lasted <= 400, `${lasted} ms`);
});

Deno.test("a path that became longer is known after ProbeRTT", () => {
  const rounds = Rounds.to("ProbeBW_CRUISE");
  const longer = { rtt: 2 * RTT, inFlight: 0.4 * BDP };
  rounds.until("ProbeRTT", longer);
  rounds.until("ProbeBW_CRUISE", longer);
  for (let i = 0; i < 4; i++) rounds.round({ ...longer, inFlight: BDP });
  assert(rounds.window > 2 * BDP, `${rounds.window}`);
});

testCongestionController("BBR", (size, seed) => new Bbr(size, seed), 256);
